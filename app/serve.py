"""The supervisor: opens the socket, keeps the workers and the postman alive, stops them in order.

hypercorn's own parent stops everything when one worker dies (L1): ours does not.
"""

import asyncio
import errno
import logging
import os
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from app.config import Config
from app.kit.stopping import stop_event, wait_for
from app.kit.urls import split_address
from app.worker import BACKLOG, GRACE_SECONDS

log = logging.getLogger(__name__)

WORKERS_AT_LEAST = 2
EARLY_DEATH_SECONDS = 3
EARLY_DEATHS_AT_MOST = 5
LONGEST_PAUSE_SECONDS = 5
KILL_AFTER_SECONDS = GRACE_SECONDS + 2
READY_POLL_SECONDS = 0.05


class CannotServe(Exception):
    """The server cannot go on; the message says why and what to do."""


def listen(bind: str) -> socket.socket:
    """Open the listening socket.

    Raises:
        CannotServe: the port is taken, or is not ours to take.
    """
    host, port = split_address(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotServe(_why_not(bind, error)) from None
    listener.listen(BACKLOG)
    return listener


def run(config: Config, listener: socket.socket, *, welcome: Sequence[str]) -> None:
    """Serve until SIGTERM or Ctrl+C; print ``welcome`` once the first page can be had.

    Raises:
        CannotServe: a child dies at once, again and again.
    """
    asyncio.run(_Supervisor(config, listener).run(welcome))


def worker_count(config: Config) -> int:
    """Return how many server processes there shall be."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return config.workers or max(WORKERS_AT_LEAST, usable or 1)


class _Supervisor:
    def __init__(self, config: Config, listener: socket.socket) -> None:
        self._listener = listener
        self._workers = worker_count(config)
        self._children: dict[str, Process] = {}

    async def run(self, welcome: Sequence[str]) -> None:
        self._stop = stop_event()
        command = ["worker", "--socket-fd", str(self._listener.fileno())]
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(1, self._workers + 1):
                    group.create_task(self._keep(f"worker {number}", command))
                group.create_task(self._open_up(welcome))
                group.create_task(self._end_children())
        except* CannotServe as errors:
            await self._end_children()
            raise CannotServe(str(errors.exceptions[0])) from None

    async def _open_up(self, welcome: Sequence[str]) -> None:
        """Greet when the first page can be had; the postman starts after that, not to delay it."""
        while not await self._answers():
            if await wait_for(self._stop, READY_POLL_SECONDS):
                return
        sys.stdout.write("\n".join(welcome) + "\n")
        sys.stdout.flush()
        await self._keep("postman", ["postman", "--watch-stdin"])

    async def _keep(self, name: str, command: list[str]) -> None:
        """Keep one child alive; after an early death wait longer each time, then give up."""
        early_deaths = 0
        while not self._stop.is_set():
            born = time.monotonic()
            child = await self._start(name, command)
            status = await child.wait()
            if self._stop.is_set():
                return
            early = time.monotonic() - born < EARLY_DEATH_SECONDS
            early_deaths = early_deaths + 1 if early else 0
            log.error("%s (process %d) ended with %d", name, child.pid, status)
            if early_deaths >= EARLY_DEATHS_AT_MOST:
                self._stop.set()
                raise CannotServe(f"{name} dies as soon as it starts; its last words stand above.")
            pause = min(2 ** (early_deaths - 1) / 2, LONGEST_PAUSE_SECONDS) if early else 0
            await wait_for(self._stop, pause)

    async def _start(self, name: str, command: list[str]) -> Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", *command,
            stdin=PIPE, pass_fds=[self._listener.fileno()], start_new_session=True,
        )  # fmt: skip
        self._children[name] = child
        if self._stop.is_set():
            child.terminate()
        return child

    async def _end_children(self) -> None:
        await self._stop.wait()
        self._listener.close()
        living = [child for child in self._children.values() if child.returncode is None]
        for child in living:
            child.terminate()
        waits = [asyncio.ensure_future(child.wait()) for child in living]
        if waits:
            await asyncio.wait(waits, timeout=KILL_AFTER_SECONDS)
        for child in living:
            if child.returncode is None:
                log.error("process %d did not stop in time and is killed", child.pid)
                child.kill()

    async def _answers(self) -> bool:
        """Ask for the first page, as a visitor would; it is answered once a worker is there."""
        reader, writer = await asyncio.open_connection(*self._listener.getsockname()[:2])
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        try:
            return (await reader.readline()).startswith(b"HTTP/1.1 200")
        except ConnectionError:
            return False
        finally:
            writer.close()


def _why_not(bind: str, error: OSError) -> str:
    host, port = split_address(bind)
    if error.errno == errno.EADDRINUSE:
        other = f"{host}:{port + 1000}"
        return f"{bind} is taken by another program. Stop it, or choose another: BIND={other}"
    if error.errno == errno.EACCES:
        return f"{bind}: this port is for root alone. Choose one above 1023, like BIND={host}:8000"
    return f"{bind} cannot be listened on: {error.strerror}"
