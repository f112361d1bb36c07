"""Workers are killed, stopped, replaced, flooded and frozen under load."""

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import URL

from tests import databases
from tests.faults.conftest import Figure
from tests.faults.servers import said, until
from tests.load import PASSWORD, SAME_ORIGIN, Journal, kept, registered, under_load
from tests.server import Server, environment, local_port, serving

pytestmark = pytest.mark.slow

GENEROUS = 4
KILLS = int(os.environ.get("KILLS", "4"))
SLOW_HASH = "10"


# How an answer ends whose worker was killed: before it, in it, or by the kernel.
CUT = ("ServerDisconnectedError", "ClientPayloadError", "Reset")


@pytest.fixture
def database(worker_database: URL) -> Iterator[URL]:
    with databases.migrated(worker_database) as url:
        yield url


def at_once(journal: Journal, moments: list[float]) -> list[str]:
    """Return the failures that were not in flight at one of these moments."""
    return [
        str(answer)
        for answer in journal.failures()
        if not any(
            answer.sent_at - 0.1 <= moment <= answer.sent_at + answer.seconds + 0.1
            for moment in moments
        )
    ]


async def until_full(server: Server, number: int, without: set[int]) -> float:
    """Wait until so many workers run, none of them one of those; return for how long."""
    begun = time.monotonic()
    while True:
        living = {worker.pid for worker in server.children()} - without
        if len(living) == number and await answering(server) == number:
            return time.monotonic() - begun
        assert time.monotonic() - begun < 30, server.log
        await asyncio.sleep(0.05)


async def answering(server: Server) -> int:
    """Return how many workers say by the metrics that they work."""
    url = f"http://{server.environ['METRICS_BIND']}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        found = re.search(r"^vestibule_workers (\S+)$", await response.text(), re.MULTILINE)
    assert found
    return int(float(found[1]))


@contextlib.contextmanager
def measured(database: URL, **settings: str) -> Iterator[Server]:
    """Serve with metrics."""
    metrics = {"METRICS_BIND": local_port()}
    with serving(environment(database, **metrics, **settings)) as server:
        yield server


async def test_ft_03_killed_workers_are_replaced_under_load(database: URL, figure: Figure) -> None:
    kills: list[float] = []
    waits: list[float] = []
    with measured(database, WORKERS="3") as server:
        await until_full(server, 3, set())
        async with under_load(server.url, rate=20) as journal:
            for number in range(KILLS):
                workers = server.children()
                await registered(journal, len(journal.registered) + 2)
                victim = workers[number % 3]
                victim.kill()
                kills.append(time.monotonic())
                waits.append(await until_full(server, 3, {victim.pid}))
        said = server.log
    for failure in journal.failures():
        assert failure.status == 0, failure
        assert any(word in failure.error for word in CUT), failure
    assert at_once(journal, kills) == []
    assert len(journal.failures()) <= 2 * len(kills)
    await kept(database, journal)
    assert said.count("ended with status -9") == len(kills)
    assert max(waits) < 3 * GENEROUS
    figure(
        f"FT-03: {len(kills)} workers of 3 killed under {len(journal.answers)} requests: "
        f"{len(journal.failures())} of those in flight failed, none refused, "
        f"{len(journal.registered)} registrations acknowledged, 0 lost; 3 workers again after "
        f"{sorted(waits)[len(waits) // 2]:.2f} s (median), {max(waits):.2f} s (longest)"
    )


def head(path: str, length: int) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def test_ft_05_all_in_flight_is_answered_after_sigterm(database: URL, figure: Figure) -> None:
    """50 sign-ins wait for their hash; one body never ends, 100 connections are idle."""
    settings = {"BCRYPT_ROUNDS": SLOW_HASH, "PASSWORD_QUEUE": "100", "DRAIN_SECONDS": "2"}
    with measured(database, WORKERS="2", **settings) as server:
        idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(100)]
        _, slow = await asyncio.open_connection("127.0.0.1", server.port)
        slow.write(head("/login", 1000) + b"email_or_user=")
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(server.url, connector=connector) as session:

            async def sign_in(number: int) -> int:
                fields = {"email_or_user": f"nobody{number}", "password": PASSWORD}
                async with session.post("/login", data=fields, headers=SAME_ORIGIN) as answer:
                    return answer.status

            logins = [asyncio.create_task(sign_in(number)) for number in range(50)]
            await asyncio.sleep(0.5)
            begun = time.monotonic()
            waiting = sum(not login.done() for login in logins)
            server.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            async with session.get("/health/ready") as answer:
                ready, words = answer.status, await answer.text()
            assert (ready, words) == (503, "shutting down\n")
            statuses = await asyncio.gather(*logins)
        ended = [await asyncio.wait_for(reader.read(), 20) for reader, _ in idle]
        status = await asyncio.to_thread(server.process.wait, 40)
        seconds = time.monotonic() - begun
    assert waiting > 25
    assert statuses == [401] * 50
    assert ended == [b""] * 100
    assert status == 0
    assert seconds < 2 + 25 + 5
    assert "was killed" not in server.log
    for _, writer in [*idle, (None, slow)]:
        writer.close()
    figure(
        f"FT-05: SIGTERM with {waiting} sign-ins in flight, a body that never ends and 100 idle "
        f"connections: 50 of 50 answered, ready said 503 before, exit 0 after {seconds:.1f} s"
    )


async def test_requests_that_take_too_long_are_cut_off_at_the_end_of_the_grace(
    database: URL,
) -> None:
    """Also on Python 3.12 and later (L3)."""
    with serving(environment(database, WORKERS="2", GRACE_SECONDS="1")) as server:
        connections = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(4)]
        for _, writer in connections:
            writer.write(head("/login", 1000) + b"email_or_user=")
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        assert await asyncio.to_thread(server.stop) == 0
        seconds = time.monotonic() - begun
        for reader, writer in connections:
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
    assert 1 <= seconds < 8
    assert "t finish in time" in server.log
    assert "Traceback" not in server.log


async def test_sighup_replaces_the_workers_and_no_visitor_notices(
    database: URL, figure: Figure
) -> None:
    with measured(database, WORKERS="2") as server:
        await until_full(server, 2, set())
        await said(server, "SMTP_URL isn't set")  # the mailer is there
        old = {child.pid for child in server.children() + server.children("mailer")}
        assert len(old) == 3
        async with under_load(server.url, rate=20) as journal:
            server.process.send_signal(signal.SIGHUP)
            await said(server, "all workers replaced")
        new = {child.pid for child in server.children() + server.children("mailer")}
        assert await answering(server) == 2
        assert server.log.count("ended with") == 0
    assert len(new) == 3
    assert not new & old
    assert journal.failures() == []
    await kept(database, journal)
    figure(f"SIGHUP: 2 workers replaced under {len(journal.answers)} requests, 0 failed")


async def test_sighup_with_a_wrong_setting_keeps_the_old_workers(
    database: URL, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    environ = environment(database, WORKERS="2", SECRET_KEY_FILE=str(key))
    key.write_text(environ.pop("SECRET_KEY"))
    environ["METRICS_BIND"] = local_port()
    with serving(environ) as server:
        await until_full(server, 2, set())
        await said(server, "SMTP_URL isn't set")  # the mailer is there
        old = {child.pid for child in server.children()}
        key.write_text("too short")
        server.process.send_signal(signal.SIGHUP)
        await said(server, "the old one keeps running")
        async with under_load(server.url, rate=20, seconds=1) as journal:
            pass
        assert {child.pid for child in server.children()} == old
        assert "SECRET_KEY: must be at least" in server.log
    assert journal.failures() == []


async def test_a_worker_that_hangs_is_replaced(database: URL, figure: Figure) -> None:
    before = "from app.runtime import children; children.SILENCE_SECONDS = 3"
    metrics = {"METRICS_BIND": local_port()}
    with serving(environment(database, WORKERS="2", **metrics), before=before) as server:
        await until_full(server, 2, set())
        victim = server.children()[0]
        victim.suspend()
        begun = time.monotonic()
        await until(lambda: victim.pid not in {child.pid for child in server.children()}, server)
        seconds = time.monotonic() - begun
        assert "responded for" in server.log
        await until(lambda: len(server.children()) == 2, server)
    figure(f"A hanging worker, with a limit of 3 s: killed after {seconds:.1f} s")


async def test_a_mailer_that_cannot_start_does_not_stop_the_site(database: URL) -> None:
    before = (
        "from app.runtime import supervisor; supervisor.LONGEST_PAUSE_SECONDS = 0.1;"
        "supervisor.EARLY_DEATHS_AT_MOST = 2;"
        "keep = supervisor.Supervisor._keep;"
        "supervisor.Supervisor._keep = lambda self, name, command, *more:"
        " keep(self, name, ['no-such-command'] if 'mailer' in command else command, *more)"
    )
    with serving(environment(database, WORKERS="2"), before=before) as server:
        await until(
            lambda: server.log.count("ended with status 2 and will be restarted") >= 4, server
        )
        async with under_load(server.url, rate=20, seconds=1) as journal:
            pass
    assert journal.failures() == []
