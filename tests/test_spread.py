"""Connections are spread over the workers, none is refused or kept waiting for it."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest
from sqlalchemy import URL

from tests.server import Server, environment, serving

pytestmark = pytest.mark.slow

AT_ONCE = 16
ASK = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    with serving(environment(worker_database, WORKERS="2")) as server:
        yield server


def connections(process: psutil.Process, port: int) -> int:
    return sum(
        each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
        for each in process.net_connections()
    )


def test_connections_that_come_at_once_are_shared_out(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            visitor = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            visitor.settimeout(5)
            visitor.sendall(ASK)
        workers = server.children()
        shares = [connections(worker, server.port) for worker in workers]
        assert len(shares) == 2
        assert min(shares) >= AT_ONCE / 4, shares
