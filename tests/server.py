"""A real server: ``python -m app serve`` with its workers, for tests that need one."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
from sqlalchemy import URL

ROOT = Path(__file__).parents[1]
START_SECONDS = 30
STOP_SECONDS = 35

_bound: list[socket.socket] = []


class Server:
    """A running server. ``log`` is all that it has said so far."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        url: str,
        output: IO[bytes],
        environ: dict[str, str],
    ) -> None:
        self.process = process
        self.environ = environ
        self.url = url
        self._output = Path(output.name)
        self._last_words = ""

    @property
    def log(self) -> str:
        if self._output.exists():
            self._last_words = self._output.read_text(errors="replace")
        return self._last_words

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def children(self, command: str = "worker") -> list[psutil.Process]:
        """Return the living child processes that run a command: programs, or forked and named."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if command in _names(child)]

    def visitors(self) -> list[int]:
        """Return how many visitors' connections each worker has."""
        return [
            sum(
                each.status == psutil.CONN_ESTABLISHED and each.laddr.port == self.port
                for each in worker.net_connections()
            )
            for worker in self.children()
        ]

    def link(
        self, to: str, kind: str = "confirm", *, other_than: str = "", seconds: float = 30
    ) -> str:
        """Return the newest one-time link to an address, from the log, as a user would."""
        message = rf"Email to {re.escape(to)}:(?:(?!Email to ).)*?"
        pattern = rf"{message}(http\S+/{kind}/\S+)"
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = re.findall(pattern, self.log, re.DOTALL)
            if found and found[-1] != other_than:
                return str(found[-1])
            time.sleep(0.05)
        raise AssertionError(f"no email to {to} in:\n{self.log}")

    def answer(self, request: bytes, *, silence: float = 0.5) -> bytes:
        """Return what is said to a request until the connection closes, or is silent so long."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.settimeout(silence)
            connection.sendall(request)
            said = b""
            try:
                while data := connection.recv(65536):
                    said += data
            except (TimeoutError, ConnectionResetError):
                pass
            return said

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop as an operator does; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def _names(process: psutil.Process) -> list[str]:
    try:
        return [process.name(), *process.cmdline()]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def free_port() -> int:
    """Return a port that nobody else on this machine is given while these tests run.

    It stays bound, without listening: on Linux a server that reuses addresses may listen there
    nevertheless, and who connects before that is refused.
    """
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    port: int = probe.getsockname()[1]
    if sys.platform == "linux":
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bound.append(probe)
    else:
        probe.close()
    return port


def local_port() -> str:
    """Return the same as the settings take it."""
    return f"127.0.0.1:{free_port()}"


def environment(database: URL | None = None, **settings: str) -> dict[str, str]:
    """Return the environment of a server of its own; without ``database`` it is a laptop's."""
    environ = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR"}
    }
    environ |= {
        "BCRYPT_ROUNDS": "4",
        "DRAIN_SECONDS": "0",
        "LOG_FORMAT": "text",
        "EMAILS_PER_NETWORK_10_MINUTES": "10000",
        "EMAILS_PER_NETWORK_30_MINUTES": "10000",
        "LOGINS_PER_NETWORK_5_MINUTES": "100000",
        "LOGINS_PER_NETWORK_HOUR": "100000",
    }
    if database is not None:
        environ["DATABASE_URL"] = database.render_as_string(hide_password=False)
        environ["SECRET_KEY"] = "tests-only-9fK2mQ7xR4tB8wZ1cV6nJ3hL"
    return environ | settings


@contextmanager
def serving(environ: dict[str, str], *arguments: str, before: str = "") -> Iterator[Server]:
    """Start a server on a free port, yield it once it answers, and stop it.

    ``before`` is Python that the supervisor runs first, to shorten a time of its own.
    """
    environ = {"BIND": local_port()} | environ
    with tempfile.NamedTemporaryFile(suffix=".log") as output:
        with_mailer = ["--mailer"] if "DATABASE_URL" in environ else []  # a laptop's has one
        code = (
            ["-c", f"from app.__main__ import main\n{before}\nmain()"] if before else ["-m", "app"]
        )
        process = subprocess.Popen(
            [sys.executable, *code, "serve", *with_mailer, *arguments],
            cwd=ROOT, env=environ, stdout=output, stderr=output,
        )  # fmt: skip
        server = Server(process, f"http://{environ['BIND']}", output, environ)
        try:
            _wait(server)
            yield server
        finally:
            if process.poll() is None:
                server.stop()
            _ = server.log  # to be read after the end too


def _wait(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while " is running at http" not in server.log:
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the server did not start:\n{server.log}")
        time.sleep(0.05)


def refused_start(environ: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app", "serve"],
        cwd=ROOT, env={"BIND": local_port()} | environ, capture_output=True, text=True,
        check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    return done.stderr
