"""Connections: bounded, given up when idle, slow or greedy (DO-04, DO-05, L5, L9)."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from sqlalchemy import URL

from tests.server import Server, environment, serving

pytestmark = pytest.mark.slow

BOUND = 30
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
H2C = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings"
)
SLOW_BODY = (
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n"
    b"Expect: 100-continue\r\n\r\nemail_or_user="
)


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    settings = {"WORKERS": "1", "WORKER_CONNECTIONS": str(BOUND)}
    with serving(environment(worker_database, **settings)) as server:
        yield server


@pytest.fixture
async def connections(server: Server) -> AsyncIterator[list[Connection]]:
    """Yield a list of connections to be closed; leave the server as free as it was."""
    opened: list[Connection] = []
    yield opened
    for _, writer in opened:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    for _ in range(50):
        if not any(server.visitors()) and (await answer(server))[0] == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the server keeps the places of who is gone")


async def open_many(
    server: Server, connections: list[Connection], number: int, begin: bytes = b""
) -> list[Connection]:
    made = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(number)]
    connections += made
    for _, writer in made:
        writer.write(begin)
        await writer.drain()
    return made


async def open_busy(server: Server, connections: list[Connection], number: int) -> list[Connection]:
    """Open connections with a request in hand each: the server has said that it waits for more."""
    made = await open_many(server, connections, number, SLOW_BODY)
    for reader, _ in made:
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    return made


async def answer(server: Server, path: str = "/login") -> tuple[int, float]:
    """Ask as somebody new; return the status and for how long it took."""
    begun = time.monotonic()
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        aiohttp.ClientSession(server.url, connector=connector) as session,
        session.get(path) as response,
    ):
        await response.read()
        return response.status, time.monotonic() - begun


async def test_at_the_bound_the_one_idle_for_longest_gives_way(
    server: Server, connections: list[Connection]
) -> None:
    idle = await open_many(server, connections, BOUND)
    await asyncio.sleep(0.2)
    for _ in range(3):
        status, _seconds = await answer(server)
        assert status == 200
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(idle[0][0].read(), 2) == b""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(idle[-1][0].read(), 0.5)


async def test_a_head_that_is_not_finished_counts_as_idle(
    server: Server, connections: list[Connection]
) -> None:
    await open_many(server, connections, BOUND, b"GET / HTTP/1.1\r\nHost: loc")
    await asyncio.sleep(0.2)
    assert (await answer(server))[0] == 200


async def test_who_hangs_up_leaves_his_place_at_once(
    server: Server, connections: list[Connection]
) -> None:
    for begin in (b"", b"GET / HTTP/1.1\r\nHost: loc", SLOW_BODY):
        for _, writer in await open_many(server, connections, BOUND - 1, begin):
            writer.close()
        await asyncio.sleep(0.5)
        for _, writer in await open_busy(server, connections, BOUND):
            writer.close()
        await asyncio.sleep(0.5)


async def test_where_all_are_busy_a_new_one_hears_503(
    server: Server, connections: list[Connection]
) -> None:
    await open_busy(server, connections, BOUND)
    reader, _ = (await open_many(server, connections, 1))[0]
    said = await asyncio.wait_for(reader.read(), 5)
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1\r\n" in said


async def test_idle_connections_and_slow_heads_are_closed_in_ten_seconds(
    server: Server, connections: list[Connection]
) -> None:
    await open_many(server, connections, 5)
    await open_many(server, connections, 5, b"GET / HTTP/1.1\r\nX-Slow: ")
    begun = time.monotonic()
    for reader, _ in connections:
        assert await asyncio.wait_for(reader.read(), 20) == b""
    assert time.monotonic() - begun > 5


async def test_a_slow_body_is_answered_408_in_ten_seconds(
    server: Server, connections: list[Connection]
) -> None:
    ((reader, writer),) = await open_busy(server, connections, 1)
    said = b""
    for _ in range(40):
        with contextlib.suppress(TimeoutError):
            said += await asyncio.wait_for(reader.read(10_000), 0.5)
        if said:
            break
        writer.write(b"x")
    assert said.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443", b"405"),
        (b"CONNECT /login HTTP/1.1\r\nHost: localhost", b"405"),
        (H2C, b"200"),
        (b"PRI * HTTP/2.0\r\n\r\nSM", b"400"),
    ],
)
async def test_no_tunnel_and_no_http2_on_the_cleartext_port(
    server: Server, request_head: bytes, status: bytes
) -> None:
    said = await asyncio.to_thread(server.answer, request_head + b"\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 " + status + b" "), said[:200]
    assert b"101" not in said[:20]
    assert b"hypercorn" not in said


async def test_a_request_on_its_way_is_answered_while_the_server_stops(
    worker_database: URL,
) -> None:
    with serving(environment(worker_database, WORKERS="1")) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while not any(server.visitors()):  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.01)
        server.children()[0].send_signal(signal.SIGINT)
        await asyncio.sleep(0.1)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_five_thousand_connections_leave_room_for_somebody_new(worker_database: URL) -> None:
    """DO-05, with what this process itself may open."""
    with serving(environment(worker_database, WORKERS="2")) as server:
        connections: list[Connection] = []
        try:
            await open_many(server, connections, 2500, b"GET / HTTP/1.1\r\nX-Slow: ")
            await open_many(server, connections, 2500, SLOW_BODY)
            seconds = []
            for _ in range(20):
                status, taken = await answer(server)
                assert status == 200
                seconds.append(taken)
        finally:
            for _, writer in connections:
                writer.transport.abort()
        assert "Too many open files" not in server.log
        assert "Traceback" not in server.log
        assert max(seconds) < 10
