"""Visitors who break off, send what nobody reads, or read nothing: none keeps a place."""

import asyncio
import contextlib
import random
import re
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests.exported import until
from tests.server import Server, environment, local_port, serving

pytestmark = pytest.mark.slow

HOST = b"Host: localhost\r\nSec-Fetch-Site: same-origin\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200
PAGE = b"GET /login HTTP/1.1\r\n" + HOST + b"\r\n"
SOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
RUDE = {
    "pipelined pages": PAGE * 5,
    "chunks to no path": b"POST foo HTTP/1.1\r\n" + HOST + CHUNKS,
    "chunks to CONNECT": b"CONNECT /x HTTP/1.1\r\n" + HOST + CHUNKS,
    "chunks after a big head": b"POST /login HTTP/1.1\r\n" + HOST
    + b"".join(b"X-%d: y\r\n" % number for number in range(120)) + CHUNKS,
    "chunks to a foreign host": b"POST /login HTTP/1.1\r\nHost: evil\r\n" + CHUNKS,
    "chunks to a page": b"GET /login HTTP/1.1\r\n" + HOST + CHUNKS,
    "a body that is too large": b"POST /login HTTP/1.1\r\nContent-Length: 99999999\r\n" + HOST
    + b"\r\n" + b"x" * 60_000,
    "a websocket": b"GET /login HTTP/1.1\r\n" + HOST + SOCKET + b"\x81\x85abcdefghi" * 50,
    "a promise of a body": b"POST /login HTTP/1.1\r\nExpect: 100-continue\r\n"
    b"Content-Length: 10\r\n" + HOST + b"\r\n",
    "a bad chunk": b"POST /login HTTP/1.1\r\n" + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "garbage": b"\x00\x01\x02" * 100,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    settings = {"WORKERS": "1", "METRICS_BIND": local_port()}
    with serving(environment(worker_database, **settings)) as server:
        yield server


async def send(port: int, data: bytes, *, stay: float, how: str) -> None:
    """Send, stay a moment, and go: by closing, by resetting, or by saying the end first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError, TimeoutError):
        writer.write(data)
        if how == "end":
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 5)
        await asyncio.sleep(stay)
    if how == "reset":
        writer.transport.abort()
    writer.close()


@pytest.mark.parametrize("how", ["close", "reset", "end"])
@pytest.mark.parametrize("name", RUDE)
async def test_who_breaks_off_leaves_his_place(server: Server, name: str, how: str) -> None:
    for stay in (0, 0.001, 0.002, 0.005, 0.01, 0.05, 0.3):
        await asyncio.gather(*(send(server.port, RUDE[name], stay=stay, how=how) for _ in range(4)))
    await asyncio.to_thread(until, server, "vestibule_connections", 0)
    assert await asyncio.to_thread(fetch, f"{server.url}/login") == 200


async def test_a_style_sheet_asked_for_twice_and_left(server: Server) -> None:
    """The second request is read, and waits, when the answer to the first cannot be sent."""
    page = urllib.request.urlopen(f"{server.url}/login").read().decode()  # noqa: ASYNC210, S310
    found = re.search(r"/static/[^\"]*style.css", page)
    assert found
    data = b"GET " + found[0].encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    for _ in range(100):
        await send(server.port, data * 2, stay=0.002, how="close")
    await asyncio.to_thread(until, server, "vestibule_connections", 0)


async def test_a_crowd_of_all_kinds_leaves_all_places(server: Server) -> None:
    kinds = list(RUDE.values())

    async def visit() -> None:
        how = random.choice(["close", "reset", "end"])  # noqa: S311
        stay = random.choice([0, 0.001, 0.003, 0.01, 0.1])  # noqa: S311
        await send(server.port, random.choice(kinds), stay=stay, how=how)  # noqa: S311

    for _ in range(20):
        await asyncio.gather(*(visit() for _ in range(50)))
    await asyncio.to_thread(until, server, "vestibule_connections", 0, seconds=15)
    await asyncio.to_thread(until, server, "vestibule_passwords_waiting", 0)
    assert await asyncio.to_thread(fetch, f"{server.url}/login") == 200
    assert "Traceback" not in server.log


async def test_the_metrics_port_stands_them_too(server: Server) -> None:
    port = int(server.environ["METRICS_BIND"].rsplit(":", 1)[1])
    data = b"POST /metrics HTTP/1.1\r\n" + HOST + CHUNKS
    await asyncio.gather(*(send(port, data, stay=0.01, how="close") for _ in range(60)))
    for _ in range(50):
        with contextlib.suppress(urllib.error.HTTPError):  # 503 while they are on their way out
            assert await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}/metrics") == 200
            return
        await asyncio.sleep(0.1)
    pytest.fail("the metrics port does not recover")


def fetch(address: str) -> int:
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310
        return int(answer.status)
