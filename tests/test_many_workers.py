"""What holds on every worker at once, what happens to who hangs up, and what the log never says."""

import csv
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import URL

from app.kit.passwords import hash_now
from tests import databases
from tests.server import ROOT, Server, environment, serving
from tests.visitors import FORM, PASSWORD, Visitor, execute

pytestmark = pytest.mark.slow


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


def test_no_registration_is_kept_without_its_email(server: Server, database: URL) -> None:
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


def test_32_guesses_at_once_of_a_code_over_all_workers_are_five(
    server: Server, database: URL, tmp_path: Path
) -> None:
    """MF-02: of one half-finished login, whichever worker hears them."""
    app = "otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    row = ["guessed", "guessed@example.com", hash_now(PASSWORD, rounds=4), "true", app]
    people = tmp_path / "people.csv"
    with people.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["username", "email", "password_hash", "confirmed", "otpauth"], row]
        )
    subprocess.run(
        [sys.executable, "-m", "app", "users", "import", str(people)],
        cwd=ROOT, env=server.environ, check=True, capture_output=True,
    )  # fmt: skip
    visitor = Visitor(server)
    visitor.ask("POST", "/login", email_or_user="guessed", password=PASSWORD)
    assert visitor.ask("GET", "/login/factor").status == 200
    with ThreadPoolExecutor(32) as threads:
        guesses = range(100_000, 100_032)
        answers = list(
            threads.map(
                lambda code: visitor.ask("POST", "/login/factor", code=str(code)).status, guesses
            )
        )
    assert not {status for status in answers if status >= 500 or status == 200}, answers
    failures = "SELECT factor_failures FROM users WHERE username = 'guessed'"
    assert execute(database, failures) == 5
    assert visitor.is_in() == {False}


@pytest.fixture(scope="module")
def database(worker_database: URL) -> Iterator[URL]:
    with databases.migrated(worker_database) as url:
        yield url


@pytest.fixture(scope="module")
def server(database: URL) -> Iterator[Server]:
    with serving(environment(database, WORKERS="3")) as server:
        yield server
