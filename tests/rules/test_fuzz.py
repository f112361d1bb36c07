"""No input of any kind is answered by a 5xx (IN-01): generated requests, against a real server."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from tests.server import Server, environment, serving

PATHS = [
    "/",
    "/login",
    "/register",
    "/confirm",
    "/confirm/resend",
    "/invitation",
    "/logout",
    "/secret",
    "/health/live",
    "/health/ready",
    "/static/x",
    "/confirm/",
    "/invitation/",
]
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"]
FIELDS = [
    "email_or_user",
    "password",
    "remember_me",
    "next",
    "username",
    "email",
    "confirm",
    "ticket",
    "x",
]
HEADERS = [
    "Cookie",
    "Host",
    "Origin",
    "Sec-Fetch-Site",
    "Referer",
    "User-Agent",
    "X-Forwarded-For",
    "Content-Type",
    "Transfer-Encoding",
    "Content-Length",
    "Expect",
    "Upgrade",
    "Connection",
    "If-None-Match",
    "Range",
    "Accept",
    "Remote-Addr",
]
NASTY = [
    "\0",
    "\ud800",
    "%ff",
    "%00",
    "\xff",
    "\u202e",
    "\u200d",
    "😀",
    "e" + "\u0301" * 200,
    "'",
    '"',
    "<",
    "{{7*7}}",
    "%",
    "\r\n",
    "\\",
    "//",
    "\u2028",
    "\ufeff",
    "ﷺ",
    "=1+1",
    "null",
    "[]",
    "same-origin",
    "http://127.0.0.1",
    "websocket",
    "chunked",
    "gzip",
    "h2c",
]

nasty = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.lists(st.sampled_from(NASTY), max_size=6).map("".join),
)
raw = nasty.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=40)
value = raw.map(lambda data: b"".join(b"%%%02x" % byte for byte in data)) | raw
header = st.tuples(
    st.sampled_from(HEADERS), raw.map(lambda data: data.replace(b"\r", b"").replace(b"\n", b""))
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Return a request as bytes: sometimes sound but odd, sometimes broken."""
    method = draw(st.sampled_from(METHODS))
    path = draw(st.sampled_from(PATHS)).encode() + draw(st.just(b"") | value)
    query = draw(st.just(b"") | value.map(lambda text: b"?next=" + text))
    fields = draw(st.lists(st.tuples(st.sampled_from(FIELDS), value), max_size=6))
    body = b"&".join(name.encode() + b"=" + text for name, text in fields)
    body = draw(st.just(body) | raw | st.just(body * 50))
    headers = draw(st.lists(header, max_size=3))
    if draw(st.booleans()):
        headers = [
            ("Host", b"127.0.0.1"),
            ("Sec-Fetch-Site", b"same-origin"),
            ("Content-Type", b"application/x-www-form-urlencoded"),
            *headers,
        ]
    lines = [f"{method} ".encode() + path + query + b" HTTP/1.1"]
    lines += [name.encode() + b": " + text for name, text in headers]
    if draw(st.integers(0, 9)):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    with serving(environment(worker_database, ACCOUNT_FREE_FAILURES="50", WORKERS="2")) as server:
        yield server


@settings(
    max_examples=800,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(request=b"GET / HTTP/1.0\r\n\r\n")
@example(request=b"GET http://evil.example/ HTTP/1.1\r\nHost: [::1\r\n\r\n")
@example(
    request=b"GET /secret HTTP/1.1\r\nHost: localhost\r\nCookie: vestibule-session=\xff\r\n\r\n"
)
@example(request=b"GET /\xff%ff?\xff HTTP/1.1\r\nHost: localhost\r\n\r\n")
@given(request=requests())
@pytest.mark.slow
def test_no_input_is_answered_by_a_5xx(server: Server, request: bytes) -> None:
    said = server.answer(request)
    for line in said.split(b"\r\n"):
        # RFC 9112 6.1: 501 is the answer to a transfer coding that nobody knows.
        if line.startswith(b"HTTP/1.1 5"):
            assert line == b"HTTP/1.1 501 ", said[:500]
            assert b"Transfer-Encoding" in request
    assert b"Traceback" not in said


@pytest.mark.slow
def test_no_traceback_stands_in_the_log(server: Server) -> None:
    """Runs after the generated requests, on the same server."""
    assert b" 200 " in server.answer(b"GET /health/ready HTTP/1.0\r\n\r\n")
    assert "Traceback" not in server.log
    assert " error" not in server.log
    assert len(server.children()) == 2
