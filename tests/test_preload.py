"""The fork server: what it forks is like a program of its own, and nobody dies with it."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import URL

from app.runtime import preload
from tests.server import ROOT, Server, environment, serving
from tests.test_serve import status_of

pytestmark = pytest.mark.slow

TWO_CHILDREN = """
import asyncio, json, os, random, signal, sys, threading
from app.runtime import preload
from app.runtime.launcher import Launcher

def run(arguments):
    print(json.dumps({
        "arguments": arguments, "random": random.random(),
        "leads_session": os.getsid(0) == os.getpid(), "threads": threading.active_count(),
        "interrupts": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "terminates": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        "descriptors": [n for n in range(64) if os.path.exists(f"/proc/self/fd/{n}")],
        "given": os.read(9, 5).decode() if len(arguments) > 1 else "",
    }), flush=True)
    sys.stdin.read()
    os._exit(7)

async def ask():
    launcher = Launcher(server)
    reading, writing = os.pipe()
    os.dup2(reading, 9)
    os.write(writing, b"hello")
    for arguments, inherits in ((["one"], []), (["two", "9"], [9])):
        child = await launcher.launch(arguments, inherits)
        print((await child.stdout.readline()).decode().strip(), flush=True)
        os.close(child._stdin)
        child._stdin = os.dup(2)
        print(await child.wait(), flush=True)
    launcher.close()

server = preload.start(run)
asyncio.run(ask())
"""


@pytest.fixture
def server(worker_database: URL) -> Iterator[Server]:
    with serving(environment(worker_database, WORKERS="2")) as server:
        until(lambda: len(server.children()) == 2)
        yield server


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_forked_child_is_like_a_program_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWO_CHILDREN],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    one, status, two, again = [json.loads(line) for line in done.stdout.splitlines()]
    assert (status, again) == (7, 7)
    assert one["random"] != two["random"]
    assert (one["arguments"], two["arguments"]) == (["one"], ["two", "9"])
    assert two["given"] == "hello"
    assert one["descriptors"] == [0, 1, 2]
    assert two["descriptors"] == [0, 1, 2, 9]
    for child in (one, two):
        assert child["threads"] == 1
        assert child["leads_session"]
        assert child["interrupts"]
        assert child["terminates"]


def test_a_machine_without_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> int:
        raise BlockingIOError(errno.EAGAIN, "no room")

    monkeypatch.setattr(os, "fork", full)
    assert preload._fork_twice() == -errno.EAGAIN


def test_workers_share_what_was_imported(server: Server) -> None:
    for worker in server.children():
        assert worker.cmdline() == server.children("fork server")[0].cmdline()
        assert worker.ppid() == server.process.pid


@contextmanager
def without_fork_server(server: Server) -> Iterator[None]:
    """Expect that workers go on, and that a dead one is replaced all the same."""
    workers = {worker.pid for worker in server.children()}
    yield
    assert {worker.pid for worker in server.children()} == workers
    assert status_of(server) == 200
    server.children()[0].kill()
    until(lambda: "children start without it" in server.log)
    until(lambda: len({worker.pid for worker in server.children()} - workers) == 1)
    assert server.children("fork server") == []
    assert status_of(server) == 200
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_nobody_dies_with_the_fork_server(server: Server) -> None:
    with without_fork_server(server):
        server.children("fork server")[0].kill()


def test_a_fork_server_that_hangs_is_given_up(worker_database: URL) -> None:
    before = "from app.runtime import launcher; launcher.FORK_SECONDS = 1"
    with serving(environment(worker_database, WORKERS="2"), before=before) as server:
        until(lambda: len(server.children()) == 2)
        with without_fork_server(server):
            server.children("fork server")[0].suspend()


def test_where_nobody_can_be_adopted_workers_are_programs(worker_database: URL) -> None:
    before = "from app.runtime import launcher; launcher._adopts_orphans = lambda: False"
    with serving(environment(worker_database, WORKERS="2"), before=before) as server:
        until(lambda: len(server.children()) == 2)
        assert server.children("fork server") == []
        assert status_of(server) == 200
        assert server.stop() == 0


def test_the_fork_server_outlives_the_signals_of_a_terminal(server: Server) -> None:
    fork_server = server.children("fork server")[0]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        fork_server.send_signal(number)
    victim = server.children()[0]
    victim.kill()
    until(lambda: len(server.children()) == 2 and victim not in server.children())
    assert fork_server.is_running()
    assert server.stop() == 0
    assert not fork_server.is_running()
