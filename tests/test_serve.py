"""The server as a process: what stops its start, what it survives, how it ends."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.server import ROOT, Server, environment, local_port, refused_start, serving

pytestmark = pytest.mark.slow


def status_of(server: Server, path: str = "/health/live") -> int:
    try:
        with urllib.request.urlopen(server.url + path, timeout=5) as answer:  # noqa: S310
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for path in (tmp_path, *tmp_path.parents):  # root's stand-in has to pass
        if os.geteuid() == 0:
            path.chmod(path.stat().st_mode | stat.S_IXOTH)
    return tmp_path / "var"


@pytest.fixture
def server(worker_database: URL) -> Iterator[Server]:
    with serving(environment(worker_database, WORKERS="2")) as server:
        yield server


def test_a_taken_port_is_refused_with_a_sentence(worker_database: URL) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        said = refused_start(environment(worker_database, BIND=bind))
    assert f"{bind} is already in use" in said
    assert "BIND=" in said


def test_a_wrong_setting_is_refused_before_anything_listens() -> None:
    said = refused_start(environment(DATABASE_URL="postgresql://u@h/d", WORKERS="0"))
    assert "SECRET_KEY" in said
    assert "WORKERS" in said


def test_a_laptop_keeps_its_people_and_its_key(home: Path) -> None:
    environ = environment(DATA_DIR=str(home), BIND=local_port())
    with serving(environ) as server:
        assert "First administrator:" in server.log
        assert "emails appear here" in server.log
        said = refused_start(environ | {"BIND": local_port()})
        assert "is in use by another server" in said
        assert "DATA_DIR=" in said
        invite = [sys.executable, "-m", "app", "users", "create", "root@example.com", "--admin"]
        subprocess.run(invite, cwd=ROOT, env=environ, check=True, capture_output=True)
        key = (home / "secret_key").read_text()
        assert server.stop(signal.SIGINT) == 0
    assert not (home / "postgres" / "postmaster.pid").exists()
    with serving(environ) as server:
        assert "First administrator:" not in server.log
        assert status_of(server, "/health/ready") == 200
    assert (home / "secret_key").read_text() == key


def test_a_database_that_a_killed_server_left_is_taken_over(home: Path) -> None:
    environ = environment(DATA_DIR=str(home))
    with serving(environ) as server:
        workers = server.children()
        server.process.kill()
        server.process.wait()
        deadline = time.monotonic() + 10
        while any(worker.is_running() for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(worker.is_running() for worker in workers)
        assert (home / "postgres" / "postmaster.pid").exists()
    with serving(environ) as server:
        assert status_of(server, "/health/ready") == 200


def test_a_killed_worker_is_replaced_and_the_door_stays_open(server: Server) -> None:
    for victim in server.children():
        victim.kill()
        for _ in range(20):
            assert status_of(server) == 200
    deadline = time.monotonic() + 10
    while len(server.children()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(server.children()) == 2
    assert "ended with status -9" in server.log


def test_requests_in_flight_finish_before_the_end(server: Server) -> None:
    """Half of the body is sent before SIGTERM, half after it."""
    body = b"email_or_user=nobody%d&password=wrong"
    head = (
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
        % len(body % 0)
    )
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(6)]
    for number, connection in enumerate(connections):
        connection.sendall(head + (body % number)[:21])
    time.sleep(0.5)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    time.sleep(0.5)
    answers = []
    for connection in connections:
        connection.sendall((body % 0)[21:])
        answers.append(connection.recv(100))
        connection.close()
    stopping.join(35)
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 401"] * 6
    assert server.process.returncode == 0


def test_a_child_that_cannot_start_ends_the_server_with_a_last_word(worker_database: URL) -> None:
    environ = environment(worker_database)
    code = (
        "import sys; from app.__main__ import main; sys.executable = '/bin/false';"
        "sys.argv = ['app', 'serve']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=environ | {"BIND": local_port()},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert re.search(r"stops as soon as it starts", done.stderr)
