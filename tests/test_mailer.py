"""The mailer's rounds: when they wake, whom they wait for, how they stop."""

import asyncio
import signal
from asyncio import Event
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import trustme
from sqlalchemy import URL, text

from app.runtime import mailer
from app.services import Services
from tests.mailers import (
    LETTER,
    SENDER,
    outbox_rows,
    plain,
    post,
    process,
    said,
    settled,
    until,
    working,
)
from tests.mailserver import OK, MailServer, certificate, hang, mail_server
from tests.server import environment, free_port, local_port

SECRET = "canary-of-the-mail-server"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "app")
    monkeypatch.setattr(mailer, "LONGEST_PAUSE_SECONDS", 1)


async def test_without_a_mail_server_letters_are_written_to_the_log(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    await post(services)
    async with working(services, None):
        await settled(services)
    assert "SMTP_URL isn't set, so emails are written to this log" in caplog.messages
    assert "Email to alice@example.com: Hello\n\nThis is the text.\n" in caplog.messages


@pytest.mark.parametrize("pooled", [False, True])
async def test_letters_that_follow_each_other_share_a_connection(
    services: Services, server: MailServer, monkeypatch: pytest.MonkeyPatch, *, pooled: bool
) -> None:
    monkeypatch.setattr(mailer, "LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(mailer, "IDLE_SECONDS", 0.2)
    await post(services, *[LETTER] * 5)
    async with working(services, plain(server), database_pooled=pooled):
        await server.take(5)
        assert server.opened == 1
        await until(lambda: not server.connections)
        assert server.heard[-1] == "QUIT"
        await post(services)
        await server.take(6)
    assert server.opened == 2


async def test_a_connection_that_was_dropped_while_idle_is_opened_anew(
    services: Services, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    await post(services)
    async with working(services, plain(server)):
        await server.take()
        await settled(services)
        server.drop()
        await post(services)
        await server.take(2)
    assert "emails can't be sent" not in caplog.text


async def test_a_server_that_takes_few_letters_a_connection_gets_all(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_server(command_call_limit={"MAIL": 2, "*": 100}) as server:
        await post(services, *[LETTER] * 5)
        async with working(services, plain(server)):
            await server.take(5)
            assert {row["tries"] for row in await settled(services, 5)} == {1}
    assert server.opened == 3
    assert "emails can't be sent" not in caplog.text


async def test_two_mailers_send_each_email_once(services: Services, server: MailServer) -> None:
    await post(services, *[LETTER] * 30)
    async with working(services, plain(server)), working(services, plain(server)):
        await server.take(30)
        await settled(services, 30)
    assert len({message["Message-ID"] for message in server.seen}) == len(server.seen) == 30
    assert server.opened <= 2


async def listeners(services: Services, command: str = "pg_backend_pid() <> pid") -> int:
    """Do something to the connections that listen for emails, and return how many it hit."""
    async with services.engine.connect() as connection:
        found = await connection.scalars(
            text(
                f"SELECT {command} FROM pg_stat_activity WHERE datname = current_database() "  # noqa: S608
                "AND query LIKE 'LISTEN%'"
            )
        )
        return sum(found)


async def heard(services: Services) -> None:
    async with asyncio.timeout(10):
        while not await listeners(services):  # noqa: ASYNC110 - it is the database's to say
            await asyncio.sleep(0.01)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have mailers never look by themselves."""
    monkeypatch.setattr(mailer, "LOOK_ANYWAY_SECONDS", 1000)


@pytest.mark.usefixtures("deaf")
async def test_an_email_rings_the_bell(services: Services, server: MailServer) -> None:
    async with working(services, plain(server)):
        await heard(services)
        for number in range(1, 4):
            await post(services)
            await server.take(number)
            await settled(services, number)


@pytest.mark.usefixtures("deaf")
async def test_a_bell_that_is_lost_is_hung_up_again(services: Services, server: MailServer) -> None:
    async with working(services, plain(server)):
        await heard(services)
        assert await listeners(services, "pg_terminate_backend(pid)") == 1
        await post(services)
        await server.take(1)
        await heard(services)
        await settled(services)
        await post(services)
        await server.take(2)


async def test_behind_a_pool_the_mailer_looks_by_himself(
    services: Services, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "LOOK_EVERY_SECONDS", 0.05)
    async with working(services, plain(server), database_pooled=True):
        await post(services)
        await server.take(1)
        await settled(services)
        await post(services)
        await server.take(2)
        assert await listeners(services) == 0


async def test_a_database_that_is_away_is_waited_for(
    services: Services, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "DATABASE_RETRY_SECONDS", 0.1)
    lose = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with working(services, plain(server)):
        await heard(services)
        async with services.engine.connect() as connection:
            await connection.execute(lose)
        await services.engine.dispose()  # our own connections are lost too
        await post(services)
        await server.take(1)


async def test_a_mailer_who_is_told_to_stop_finishes_the_email_in_hand(
    services: Services, server: MailServer
) -> None:
    at_it, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_: str, __: int) -> str:
        at_it.set()
        await go_on.wait()
        return OK

    server.on_content = slowly
    await post(services, LETTER, LETTER)
    async with working(services, plain(server)):
        await at_it.wait()
        asyncio.get_running_loop().call_later(0.2, go_on.set)
    assert sum(row["sent_at"] is not None for row in await outbox_rows(services)) == 1
    assert len(server.messages) == 1


async def test_a_mailer_who_is_told_to_stop_does_not_wait_for_a_server_that_hangs(
    services: Services, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "FINISH_SECONDS", 0.2)
    at_it = asyncio.Event()

    async def stuck(about: str, number: int) -> str:
        at_it.set()
        return await hang(about, number)

    server.on_content = stuck
    await post(services)
    async with asyncio.timeout(10):
        async with working(services, plain(server)):
            await at_it.wait()
    (row,) = await outbox_rows(services)
    assert row["sent_at"] is None
    assert row["text"]


async def test_a_mailer_is_a_process(
    services: Services, tmp_path: Path, worker_database: URL
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with mail_server(tls_context=certificate(authority)) as server:
        server.password = SECRET
        environ = environment(
            worker_database,
            SMTP_URL=f"smtp://me@localhost:{server.port}",
            SMTP_PASSWORD=SECRET,
            MAIL_FROM=SENDER,
            SSL_CERT_FILE=str(tmp_path / "ca.pem"),
            METRICS_BIND=local_port(),
        )
        with process(environ) as (child, output):
            await until(lambda: f"emails go to localhost:{server.port} (STARTTLS)" in said(output))
            await post(services)
            await server.take()
            await settled(services)
            child.send_signal(signal.SIGHUP)  # it has nothing to replace
            url = f"http://{environ['METRICS_BIND']}/metrics"
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                counted = await response.text()
            assert 'vestibule_emails_total{outcome="sent"} 1.0' in counted
            assert "vestibule_emails_waiting 0.0" in counted
            assert "vestibule_workers" not in counted
            child.send_signal(signal.SIGTERM)
            await until(lambda: child.poll() is not None, seconds=5)
            words = said(output)
    assert child.returncode == 0
    assert "Traceback" not in words
    assert SECRET not in words


async def test_a_mailer_process_stops_while_the_server_is_away(
    services: Services, worker_database: URL
) -> None:
    environ = environment(
        worker_database, SMTP_URL=f"smtp://localhost:{free_port()}?tls=none", MAIL_FROM=SENDER
    )
    await post(services)
    with process(environ) as (child, output):
        await until(lambda: "emails can't be sent" in said(output))
        child.send_signal(signal.SIGTERM)
        await until(lambda: child.poll() is not None, seconds=5)
        assert "Traceback" not in said(output)
    assert child.returncode == 0


async def test_pauses_are_bounded_however_long_it_lasts(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "LONGEST_PAUSE_SECONDS", 20)
    rounds = mailer._Rounds(
        services.config, services.sessions, mailer._Bell(services.engine), Event()
    )
    pauses = []
    for troubles in (1, 2, 3, 6, 100_000):
        rounds._troubles = troubles
        pauses.append(rounds._pause(0))
    assert pauses == [1, 2, 4, 20, 20]
