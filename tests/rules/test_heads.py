"""What the server refuses before the framework sees it, over real sockets (PX-03, PX-04, DO-06)."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests.server import Server, environment, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    with serving(environment(worker_database, WORKERS="1")) as server:
        yield server


H2C = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
)
PRIOR_KNOWLEDGE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
WEBSOCKET = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("request_", [H2C, PRIOR_KNOWLEDGE, WEBSOCKET])
def test_no_other_protocol_is_spoken(server: Server, request_: bytes) -> None:
    said = server.answer(request_)
    assert b"101" not in said.split(b"\r\n")[0]
    assert said == b"" or said.startswith(b"HTTP/1.1 ")
    assert not said.startswith(b"HTTP/1.1 5")


HOST = b"Host: localhost\r\n"
BAD = [
    b"GET http://[::1/login HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET login HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 1_000 + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: a=" + b"x" * 60_000 + b"\r\n\r\n",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"nonsense\r\n\r\n",
]
# What two programs may read in two ways (RFC 9112 2.2, 5.2, 6.1).
LOGIN = b"POST /login HTTP/1.1\r\n" + HOST
AMBIGUOUS = [
    LOGIN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    LOGIN + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    b"GET /login HTTP/1.1\nHost: localhost\n\n",
    b"GET /login HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    b"GET /login HTTP/1.1\r\n" + HOST + b"X: y\r\n z\r\n\r\n",
    b"GET /login HTTP/1.1\r\n" + HOST + b"X: y\r\n\tz\r\n\r\n",
]
NEXT = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("request_", BAD, ids=range(len(BAD)))
def test_a_bad_head_is_refused(server: Server, request_: bytes) -> None:
    status = server.answer(request_).split(b"\r\n")[0]
    assert status.startswith(b"HTTP/1.1 4"), status


ABSOLUTE = [
    (b"http://localhost/login", 200),
    (b"HTTP://LOCALHOST:80/login?next=/secret", 200),
    (b"https://127.0.0.1:8000/secret", 303),
    (b"http://[::1]:8000/login", 200),
    (b"http://localhost", 200),
    (b"http://localhost?a=//b", 200),
    (b"http://localhost/logi%6E", 200),
    (b"http://localhost/nothing", 404),
    (b"http://evil.example/login", 421),
    (b"http://localhost@evil.example/login", 421),
    (b"http://evil.example@localhost/login", 421),
    (b"http:///login", 400),
    (b"http://[::1/login", 421),
    (b"http:/localhost/login", 400),
    (b"ftp://localhost/login", 400),
    (b"localhost/login", 400),
]


@pytest.mark.parametrize(("target", "status"), ABSOLUTE, ids=str)
def test_an_absolute_target_is_answered_as_its_path(
    server: Server, target: bytes, status: int
) -> None:
    """RFC 9112 3.2.2: what the target says counts, whatever ``Host`` says."""
    head = b"GET " + target + b" HTTP/1.1\r\n"
    hosts = (b"localhost", b"evil.example") if status < 400 else (b"localhost",)
    for host in hosts:
        said = server.answer(head + b"Host: " + host + b"\r\nConnection: close\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 %d " % status), said[:100]


def test_the_way_back_from_an_absolute_target_is_its_path(server: Server) -> None:
    head = b"GET http://localhost/secret?ids[]=1 HTTP/1.1\r\n"
    said = server.answer(head + HOST + b"Connection: close\r\n\r\n")
    assert b"\r\nlocation: /login?next=/secret%3Fids%255B%255D%3D1\r\n" in said


@pytest.mark.parametrize("request_", AMBIGUOUS, ids=range(len(AMBIGUOUS)))
def test_an_ambiguous_head_is_refused_and_the_connection_closed(
    server: Server, request_: bytes
) -> None:
    said = server.answer(request_ + NEXT)
    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1 ") == 1, said


def test_an_ambiguous_head_after_a_good_one_is_refused_too(server: Server) -> None:
    said = server.answer(NEXT + AMBIGUOUS[2] + NEXT)
    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [b"200", b"400"]


def test_nothing_of_this_is_a_fault_of_ours(server: Server) -> None:
    live = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert server.answer(live).startswith(b"HTTP/1.1 200")
    assert "Traceback" not in server.log
