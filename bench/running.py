"""A contender that runs: started, asked, weighed, stopped."""

import http.client
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

START_SECONDS = 60
STOP_SECONDS = 15
POLL_SECONDS = 0.005
REST_SECONDS = 30
BUSY_CORES = 0.1


class Answer(NamedTuple):
    """What a page said."""

    status: int
    body: bytes
    cookies: str


class Memory(NamedTuple):
    """Megabytes of a process tree; ``pss_mb`` counts once what processes share, None: unknown."""

    pss_mb: float | None
    rss_mb: float


class Running:
    """A contender's process tree, that listens on a port."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.port = port
        self.begun = time.perf_counter()
        self._process = process
        self._log = log
        self._root = psutil.Process(process.pid)

    def await_answer(self, path: str, cookie: str = "") -> float:
        """Ask again and again until something below 500 comes; return the seconds since the start.

        With a cookie it has to be the page itself.
        """
        worst = 200 if cookie else 499
        while time.perf_counter() - self.begun < START_SECONDS and self._process.poll() is None:
            with suppress(OSError, http.client.HTTPException):
                if ask(self.port, "GET", path, cookie=cookie).status <= worst:
                    return time.perf_counter() - self.begun
            time.sleep(POLL_SECONDS)
        said = self._log.read_text(errors="replace")[-3000:]
        raise SystemExit(f"{path} did not come in {START_SECONDS} s:\n{said}")

    def await_rest(self) -> None:
        """Wait until what was given up is worked off too, for a while at most."""
        for _ in range(REST_SECONDS):
            before = cpu_seconds(self.tree())
            time.sleep(1)
            if cpu_seconds(self.tree()) - before < BUSY_CORES:
                return

    def tree(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def memory(self) -> Memory:
        pss, rss = 0, 0
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):
                told = process.memory_full_info()
                rss += told.rss
                pss += getattr(told, "pss", 0)
        return Memory(round(pss / 1e6, 1) if pss else None, round(rss / 1e6, 1))

    def stop(self) -> None:
        """Stop as an operator does; what does not go is killed, for the next one's sake."""
        tree = self.tree() if self._process.poll() is None else []
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()


@contextmanager
def started(
    command: Sequence[str], *, folder: Path, environ: dict[str, str], port: int, log: Path
) -> Iterator[Running]:
    """Start a contender, and stop it at the end. It need not answer yet."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        running = Running(process, port, log)
        try:
            yield running
        finally:
            running.stop()


def ask(port: int, method: str, path: str, *, cookie: str = "", body: str = "") -> Answer:
    """Ask for a page, on a connection of its own."""
    headers = {"Sec-Fetch-Site": "same-origin", "Connection": "close"}
    if cookie:
        headers["Cookie"] = cookie
    if "csrftoken=" in cookie:
        headers["X-CSRFToken"] = cookie.split("csrftoken=")[1].split(";", maxsplit=1)[0]
    if method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        given = answer.headers.get_all("Set-Cookie") or []
        return Answer(answer.status, answer.read(), "; ".join(each.split(";")[0] for each in given))
    finally:
        connection.close()


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return the CPU time that some processes have used so far."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            total += used.user + used.system
    return total
