"""Connections are spread over the workers, none is refused or kept waiting for it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import URL

from tests.server import START_SECONDS, Server, environment, serving

pytestmark = pytest.mark.slow

AT_ONCE = 16
ASK = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    with serving(environment(worker_database, WORKERS="2")) as server:
        yield server


def burst(server: Server) -> list[int]:
    """Connect many times at once; return how many each worker has."""
    with ExitStack() as stack:
        visitors = [stack.enter_context(socket.socket()) for _ in range(AT_ONCE)]
        for visitor in visitors:
            visitor.setblocking(False)  # noqa: FBT003 - the library's own
            visitor.connect_ex(("127.0.0.1", server.port))
        for visitor in visitors:
            visitor.settimeout(10)
            visitor.sendall(ASK)
            assert visitor.recv(100).startswith(b"HTTP/1.1 200")
        return server.visitors()


def test_connections_that_come_at_once_are_shared_out(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while 0 in burst(server):  # the second worker is still starting
        assert time.monotonic() < deadline
        time.sleep(0.1)
    shares = sorted(burst(server) for _ in range(3))[1]  # the middle one: the machine may be busy
    assert sum(shares) == AT_ONCE
    assert min(shares) >= AT_ONCE / 4, shares
