"""The mail server fails, or the postman dies: no letter is lost and nobody waits (FT-13, FT-14)."""

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
from app.services import House
from tests.mailserver import OK, MailServer, hang, mail_server
from tests.people import ALICE, Someone, events, move_time, register
from tests.postmen import (
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
from tests.server import environment

pytestmark = pytest.mark.slow

PEOPLE = 10
LETTERS = 90
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


async def register_many(house: House, name: str) -> list[float]:
    """Register people one after the other; return how long each had to wait, in seconds."""
    took = []
    for number in range(PEOPLE):
        began = time.perf_counter()
        await register(house, Someone(f"{name}{number}", f"{name}{number}@example.com", ALICE[2]))
        took.append(time.perf_counter() - began)
    return took


async def tries(house: House) -> int:
    return sum(row["tries"] for row in await outbox_rows(house))


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
    house: House,
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr(mailer, "LONGEST_PAUSE_SECONDS", 2)
    monkeypatch.setattr(smtp, "STEP_SECONDS", 1)
    usual = await register_many(house, "usual")
    async with working(house, plain(server)):
        await settled(house, PEOPLE)
        await fail(server, fault)
        took = await register_many(house, "late")
        async with asyncio.timeout(20):
            while await tries(house) < PEOPLE + 3:  # noqa: ASYNC110 - it is the database's to say
                await asyncio.sleep(0.05)
        await recover(server, fault)
        began = time.perf_counter()
        await server.take(2 * PEOPLE, seconds=LEAVE_WITHIN_SECONDS)
        left = time.perf_counter() - began
        await settled(house, 2 * PEOPLE)
    print(  # noqa: T201 - figures for who asks with -s
        f"\n{fault}: registrations usually {median(usual) * 1000:.0f} ms, "
        f"now {median(took) * 1000:.0f} ms, at most {max(took) * 1000:.0f} ms; "
        f"all letters had left {left:.1f} s after the return"
    )
    assert median(took) < smtp.STEP_SECONDS / 2
    assert left < 15
    assert {letter["To"] for letter in server.letters} == {
        f"{name}{number}@example.com" for name in ("usual", "late") for number in range(PEOPLE)
    }


async def test_letters_that_nobody_wants_are_given_up_and_in_the_book(
    house: House, server: MailServer
) -> None:
    server.on_recipient = refuse
    await register_many(house, "nobody")
    async with working(house, plain(server)):
        rows = await settled(house, PEOPLE)
    assert all(row["gave_up_at"] and not row["sent_at"] for row in rows)
    assert Counter(await events(house))["letter.refused"] == PEOPLE


@pytest.mark.parametrize("moment", ["before the answer", "after the answer"])
async def test_a_postman_who_is_killed_loses_no_letter(
    house: House, server: MailServer, worker_database: URL, moment: str
) -> None:
    children: list[subprocess.Popen[bytes]] = []
    fatal = {LETTERS * number // KILLS for number in range(1, KILLS + 1)}
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
    letters = [LETTER._replace(to=f"a{number}@example.com") for number in range(LETTERS)]
    await post(house, *letters)
    environ = environment(worker_database, SMTP_URL=plain(server), MAIL_FROM=SENDER)
    began = time.perf_counter()
    with process(environ) as (first, output):
        children.append(first)
        for _ in range(KILLS):
            await until(lambda: children[-1].poll() is not None, seconds=60)
            await move_time(house, "outbox", "due_at", f"{LEASE.total_seconds()} seconds")
            children.append(start(environ, output))
        await settled(house, LETTERS, seconds=60)
        children[-1].terminate()
        assert children[-1].wait(10) == 0
    copies = Counter(letter["To"] for letter in server.letters)
    ids = {(letter["To"], letter["Message-ID"]) for letter in server.letters}
    print(  # noqa: T201 - figures for who asks with -s
        f"\n{moment}: {len(kills)} kills, {len(server.letters) - LETTERS} letters twice, "
        f"{time.perf_counter() - began:.1f} s"
    )
    assert set(copies) == {letter.to for letter in letters}
    assert len(kills) == KILLS
    assert len(server.letters) - LETTERS <= KILLS
    assert len(ids) == LETTERS
