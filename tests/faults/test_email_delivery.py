"""The mail server fails, or the mailer dies: no email is lost and nobody waits (FT-13, FT-14)."""

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator
from statistics import median

import pytest
from sqlalchemy import URL

from app.mail import smtp
from app.models.outbox import LEASE
from app.runtime import mailer
from app.services import Services
from tests.mailers import (
    LETTER,
    SENDER,
    outbox_rows,
    plain,
    post,
    process,
    settled,
    start,
    until,
    working,
)
from tests.mailserver import OK, MailServer, hang, mail_server
from tests.server import environment
from tests.users import ALICE, Someone, events, move_time, register

pytestmark = pytest.mark.slow

USERS = 10
EMAILS = 90
KILLS = 3
LEAVE_WITHIN_SECONDS = 60


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


async def put_off(_: str, __: int) -> str:
    return "451 4.3.0 come again"


async def refuse(_: str, __: int) -> str:
    return "550 5.1.1 no such user"


async def take(_: str, __: int) -> str:
    return OK


async def register_many(services: Services, name: str) -> list[float]:
    """Register people one after the other; return how long each had to wait, in seconds."""
    took = []
    for number in range(USERS):
        began = time.perf_counter()
        await register(
            services, Someone(f"{name}{number}", f"{name}{number}@example.com", ALICE[2])
        )
        took.append(time.perf_counter() - began)
    return took


async def tries(services: Services) -> int:
    return sum(row["tries"] for row in await outbox_rows(services))


async def fail(server: MailServer, fault: str) -> None:
    if fault == "down":
        await server.stop()
    server.on_recipient = {"slow": hang, "refusing": put_off, "down": take}[fault]


async def recover(server: MailServer, fault: str) -> None:
    server.on_recipient = take
    if fault == "down":
        await server.start()


def test_the_limits_leave_time_for_letters_after_an_outage() -> None:
    longest = max(mailer.LONGEST_PAUSE_SECONDS, smtp.DELIVER_SECONDS + 1) + smtp.CONNECT_SECONDS
    assert longest < LEAVE_WITHIN_SECONDS
    assert LEASE.total_seconds() > smtp.DELIVER_SECONDS * 2
    assert mailer.LOOK_ANYWAY_SECONDS <= 15


@pytest.mark.parametrize("fault", ["down", "slow", "refusing"])
async def test_a_mail_server_in_trouble_delays_letters_but_nobody(
    services: Services,
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr(mailer, "LONGEST_PAUSE_SECONDS", 2)
    monkeypatch.setattr(smtp, "STEP_SECONDS", 1)
    usual = await register_many(services, "usual")
    async with working(services, plain(server)):
        await settled(services, USERS)
        await fail(server, fault)
        took = await register_many(services, "late")
        async with asyncio.timeout(20):
            while await tries(services) < USERS + 3:  # noqa: ASYNC110 - it is the database's to say
                await asyncio.sleep(0.05)
        await recover(server, fault)
        began = time.perf_counter()
        await server.take(2 * USERS, seconds=LEAVE_WITHIN_SECONDS)
        left = time.perf_counter() - began
        await settled(services, 2 * USERS)
    print(  # noqa: T201 - figures for who asks with -s
        f"\n{fault}: registrations usually {median(usual) * 1000:.0f} ms, "
        f"now {median(took) * 1000:.0f} ms, at most {max(took) * 1000:.0f} ms; "
        f"all emails had left {left:.1f} s after the return"
    )
    assert median(took) < smtp.STEP_SECONDS / 2
    assert left < 15
    assert {message["To"] for message in server.messages} == {
        f"{name}{number}@example.com" for name in ("usual", "late") for number in range(USERS)
    }


async def test_letters_that_nobody_wants_are_given_up_and_in_the_book(
    services: Services, server: MailServer
) -> None:
    server.on_recipient = refuse
    await register_many(services, "nobody")
    async with working(services, plain(server)):
        rows = await settled(services, USERS)
    assert all(row["gave_up_at"] and not row["sent_at"] for row in rows)
    assert Counter(await events(services))["email.refused"] == USERS


@pytest.mark.parametrize("moment", ["before the answer", "after the answer"])
async def test_a_mailer_who_is_killed_loses_no_email(
    services: Services, server: MailServer, worker_database: URL, moment: str
) -> None:
    children: list[subprocess.Popen[bytes]] = []
    fatal = {EMAILS * number // KILLS for number in range(1, KILLS + 1)}
    kills: list[str] = []

    async def take_and_kill(to: str, _: int) -> str:
        if len(server.seen) in fatal:
            kills.append(to)
            if moment == "before the answer":
                children[-1].kill()
                children[-1].wait()
            else:
                asyncio.get_running_loop().call_soon(children[-1].kill)
        return OK

    server.on_content = take_and_kill
    messages = [LETTER._replace(to=f"a{number}@example.com") for number in range(EMAILS)]
    await post(services, *messages)
    environ = environment(worker_database, SMTP_URL=plain(server), MAIL_FROM=SENDER)
    began = time.perf_counter()
    with process(environ) as (first, output):
        children.append(first)
        for _ in range(KILLS):
            await until(lambda: children[-1].poll() is not None, seconds=60)
            await move_time(services, "outbox", "due_at", f"{LEASE.total_seconds()} seconds")
            children.append(start(environ, output))
        await settled(services, EMAILS, seconds=60)
        children[-1].terminate()
        assert children[-1].wait(10) == 0
    copies = Counter(message["To"] for message in server.messages)
    ids = {(message["To"], message["Message-ID"]) for message in server.messages}
    print(  # noqa: T201 - figures for who asks with -s
        f"\n{moment}: {len(kills)} kills, {len(server.messages) - EMAILS} emails twice, "
        f"{time.perf_counter() - began:.1f} s"
    )
    assert set(copies) == {message.to for message in messages}
    assert len(kills) == KILLS
    assert len(server.messages) - EMAILS <= KILLS
    assert len(ids) == EMAILS
