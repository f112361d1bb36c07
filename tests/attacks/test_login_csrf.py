"""Signing somebody in as another by a form of a foreign site, over real sockets (CS-02)."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from sqlalchemy import URL

from tests.server import Server, environment, serving
from tests.visitors import PASSWORD, Visitor

pytestmark = pytest.mark.slow

ROUNDS = 4  # both workers get some

FOREIGN = [
    "",
    "Referer: https://evil.example/\r\n",
    "Origin: null\r\n",
    "Origin: https://evil.example\r\n",
    "Sec-Fetch-Site: cross-site\r\n",
    "Sec-Fetch-Site: cross-site\r\nOrigin: null\r\n",
    "Cookie: vestibule-confirm-link=x\r\nOrigin: null\r\n",
]


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    with serving(
        environment(worker_database, WORKERS="2", PUBLIC_URL="http://localhost:8000")
    ) as server:
        yield server


@pytest.fixture(scope="module")
def mallory(server: Server) -> Server:
    """Let the intruder have an account of their own here, into which they want others to come."""
    Visitor(server).create_user("mallory")
    return server


def sign_in(server: Server, headers: str) -> bytes:
    """Send the login form as a victim's browser without cookies would; return the answer."""
    body = urlencode({"email_or_user": "mallory", "password": PASSWORD})
    return server.answer(
        f"POST /login HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode(),
        silence=5,
    )


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_foreign_form_signs_nobody_in(mallory: Server, headers: str) -> None:
    for _ in range(ROUNDS):
        said = sign_in(mallory, headers)
        assert said.startswith(b"HTTP/1.1 403 "), said[:200]
        assert b"set-cookie" not in said.lower()


def test_our_own_form_does(mallory: Server) -> None:
    said = sign_in(mallory, "Origin: http://localhost:8000\r\n")
    assert said.startswith(b"HTTP/1.1 303 ")
    assert b"vestibule-session=" in said
