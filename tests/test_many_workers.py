"""What holds on every worker at once, what happens to who hangs up, and what the log never says."""

import asyncio
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests import databases
from tests.server import ROOT, Server, environment, serving

pytestmark = pytest.mark.slow

PASSWORD = "canary walks in the evening"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


class Visitor:
    """A browser as small as can be. Each request is a connection, and so any worker's."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **fields: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = FORM | ({"Cookie": cookies} if cookies else {})
        connection.request(method, path, urlencode(fields), headers)
        answer = connection.getresponse()
        answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        connection.close()
        return answer

    def arrive(self, name: str, password: str = PASSWORD) -> str:
        """Register and confirm; return the address."""
        email = f"{name}@example.com"
        self.ask(
            "POST", "/register", username=name, email=email, password=password, confirm=password
        )
        self.ask("GET", urlsplit(self.server.link(email)).path)
        assert self.ask("POST", "/confirm").status == 303
        return email

    def create_user(self, name: str) -> "Visitor":
        """Register, confirm and sign in."""
        self.arrive(name)
        assert self.ask("POST", "/login", email_or_user=name, password=PASSWORD).status == 303
        return self

    def is_in(self) -> set[bool]:
        """Ask often enough to meet every worker; return all answers."""
        return {self.ask("GET", "/secret").status == 200 for _ in range(24)}


@pytest.fixture(scope="module")
def database(worker_database: URL) -> Iterator[URL]:
    with databases.migrated(worker_database) as url:
        yield url


@pytest.fixture(scope="module")
def server(database: URL) -> Iterator[Server]:
    with serving(environment(database, WORKERS="3")) as server:
        yield server


def execute(database: URL, statement: str) -> object:
    async def run() -> object:
        engine = create_async_engine(database, poolclass=NullPool)
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            found: object = result.scalar() if result.returns_rows else None
        await engine.dispose()
        return found

    return asyncio.run(run())


def test_a_cookie_replayed_after_logout_is_refused_by_every_worker(server: Server) -> None:
    visitor = Visitor(server).create_user("leaver")
    assert visitor.is_in() == {True}
    stolen = visitor.cookies.copy()
    assert visitor.ask("POST", "/logout").status == 303
    visitor.cookies = stolen
    assert visitor.is_in() == {False}


def test_a_cookie_replayed_after_a_block_is_refused_by_every_worker(server: Server) -> None:
    visitor = Visitor(server).create_user("rascal")
    assert visitor.is_in() == {True}
    for command, expected in (("block", {False}), ("unblock", {False})):
        subprocess.run(
            [sys.executable, "-m", "app", "users", command, "rascal"],
            cwd=ROOT, env=server.environ, check=True, capture_output=True,
        )  # fmt: skip
        assert visitor.is_in() == expected


def test_a_cookie_replayed_after_its_end_is_refused_by_every_worker(
    server: Server, database: URL
) -> None:
    visitor = Visitor(server).create_user("sleeper")
    assert visitor.is_in() == {True}
    execute(
        database,
        "UPDATE login_sessions SET expires_at = now() FROM users "
        "WHERE users.id = user_id AND username = 'sleeper'",
    )
    assert visitor.is_in() == {False}


def hang_up(server: Server, path: str, seconds: float, **fields: str) -> None:
    """Send a form and close the connection so many seconds later."""
    body = urlencode(fields)
    head = "".join(f"{name}: {value}\r\n" for name, value in FORM.items())
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall((head + body).encode())
        time.sleep(seconds)


def test_no_registration_is_kept_without_its_letter(server: Server, database: URL) -> None:
    """L18: who hangs up at any moment leaves all of it or nothing behind."""
    for number in range(60):
        name = f"hasty{number}"
        fields = {"username": name, "email": f"{name}@example.com"}
        hang_up(server, "/register", number / 2000, **fields, password=PASSWORD, confirm=PASSWORD)
    time.sleep(1)
    kept = execute(database, "SELECT count(*) FROM registrations WHERE username LIKE 'hasty%'")
    written = execute(database, "SELECT count(*) FROM outbox WHERE recipient LIKE 'hasty%'")
    assert kept == written
    open_transactions = execute(
        database,
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE state LIKE 'idle in %' AND datname = current_database()",
    )
    assert open_transactions == 0


def test_the_log_never_says_a_secret(server: Server) -> None:
    visitor = Visitor(server).create_user("careful")
    visitor.ask("POST", "/login", email_or_user="careful", password="canary-wrong-password")
    visitor.ask("POST", "/login", email_or_user="canary-typed-as-name", password="x")
    visitor.ask("GET", "/confirm/canary-token")
    visitor.ask(
        "POST", "/register", username="c", email="canary@", password="canary-3", confirm="d"
    )
    log = server.log
    kept = [value for value in visitor.cookies.values() if value]
    for secret in (PASSWORD, "canary", *kept):
        assert secret not in log.replace("canary@example.com", ""), secret
    assert "Traceback" not in log
