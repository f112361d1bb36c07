"""Visitors hang up whenever they like."""

import asyncio
import random
from urllib.parse import urlencode

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests import databases
from tests.exported import until
from tests.faults.conftest import Figure
from tests.load import PASSWORD
from tests.server import Server, environment, local_port, serving

pytestmark = pytest.mark.slow

VISITORS = 1500
AT_ONCE = 50
STAYS_SECONDS = (0, 0.01, 0.05, 0.2, 1.5)


def request(number: int) -> bytes:
    """Return a registration, a sign-in or a page, in turn."""
    if number % 5 == 0:
        name = f"hasty{number}"
        fields = {"username": name, "email": f"{name}@example.com"}
        body, path = urlencode(fields | {"password": PASSWORD, "confirm": PASSWORD}), "/register"
    elif number % 5 == 1:
        body, path = urlencode({"email_or_user": f"hasty{number - 1}", "password": "x"}), "/login"
    else:
        return b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def hang_up(server: Server, number: int, seconds: float) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    said = request(number)
    writer.write(said[: random.randint(1, len(said))] if number % 7 == 0 else said)  # noqa: S311
    await asyncio.sleep(seconds)
    writer.transport.abort()


async def test_ft_15_who_hangs_up_leaves_all_or_nothing(
    worker_database: URL, figure: Figure
) -> None:
    metrics = {"METRICS_BIND": local_port()}
    with (
        databases.migrated(worker_database) as url,
        serving(environment(url, WORKERS="2", PASSWORD_QUEUE="100", **metrics)) as server,
    ):
        places = asyncio.Semaphore(AT_ONCE)

        async def visit(number: int) -> None:
            async with places:
                await hang_up(server, number, random.choice(STAYS_SECONDS))  # noqa: S311

        await asyncio.gather(*(visit(number) for number in range(VISITORS)))
        await asyncio.to_thread(until, server, "vestibule_database_pool_in_use", 0)
        await asyncio.to_thread(until, server, "vestibule_passwords_waiting", 0)
        await asyncio.to_thread(until, server, "vestibule_connections", 0, seconds=15)
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:

            async def ask(statement: str) -> int:
                return int(await connection.scalar(text(statement)))

            kept = await ask("SELECT count(*) FROM registrations")
            lettered = await ask(
                "SELECT count(*) FROM registrations JOIN outbox ON recipient = email "
                "JOIN one_time_tokens ON registration_id = registrations.id"
            )
            messages = await ask("SELECT count(*) FROM outbox")
            noted = await ask(
                "SELECT count(*) FROM audit_events WHERE event = 'account.registered'"
            )
            idle = await ask(
                "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in tr%'"
                " AND datname = current_database()"
            )
        await engine.dispose()
        log = server.log
    assert kept == lettered == messages == noted
    assert 0 < kept < VISITORS / 5
    assert idle == 0
    assert "Traceback" not in log
    assert "garbage collector" not in log
    figure(
        f"FT-15: {VISITORS} visitors hung up at random; {kept} of {VISITORS // 5} registrations "
        "whole with email, link and event, the others not at all; 0 connections held after"
    )
