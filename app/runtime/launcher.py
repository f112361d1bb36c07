"""Starting children: forked by the fork server while there is one, else as programs."""

import asyncio
import ctypes
import json
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Protocol

from app.runtime.preload import ForkServer

log = logging.getLogger(__name__)

LONGEST_REPORT_BYTES = 4 * 1024 * 1024
FORK_SECONDS = 10
PR_SET_CHILD_SUBREAPER = 36


class Process(Protocol):
    """What the supervisor needs of a child. It writes nothing to it, and reads what it says."""

    pid: int
    stdout: asyncio.StreamReader | None

    @property
    def returncode(self) -> int | None:
        """Its exit status, None while it lives."""

    async def wait(self) -> int:
        """Wait for its end; return its exit status."""

    def send_signal(self, number: int, /) -> None:
        """Send it a signal."""


class Launcher:
    """Starts children with the command line and the descriptors that they are given."""

    def __init__(self, fork_server: ForkServer | None) -> None:
        self._fork_server = fork_server
        self._one_at_a_time = asyncio.Lock()
        if not _adopts_orphans():
            self.close()

    async def launch(self, arguments: Sequence[str], inherits: Sequence[int]) -> Process:
        """Start a child; its standard input ends when we do.

        Raises:
            OSError: no memory, no process, no descriptor is left.
        """
        async with self._one_at_a_time:
            if self._fork_server is not None:
                try:
                    return await self._fork(self._fork_server, arguments, inherits)
                except (ConnectionError, TimeoutError):
                    log.error("the fork server is gone; children start without it")  # noqa: TRY400
                    self._end(self._fork_server)
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", *arguments,
            stdin=PIPE, stdout=PIPE, pass_fds=inherits, start_new_session=True,
            limit=LONGEST_REPORT_BYTES,
        )  # fmt: skip

    def close(self) -> None:
        """End the fork server."""
        if self._fork_server is not None:
            self._end(self._fork_server)

    async def _fork(
        self, server: ForkServer, arguments: Sequence[str], inherits: Sequence[int]
    ) -> Process:
        with ExitStack() as theirs, ExitStack() as ours:
            stdin, watched = os.pipe()
            theirs.callback(os.close, stdin)
            ours.callback(os.close, watched)
            told, stdout = os.pipe()
            theirs.callback(os.close, stdout)
            ours.callback(os.close, told)
            given = {"arguments": arguments, "numbers": [0, 1, *inherits]}
            socket.send_fds(server.socket, [json.dumps(given).encode()], [stdin, stdout, *inherits])
            child = Forked(await self._answer(server), watched)
            ours.pop_all()
        child.stdout = await _reader(told)
        return child

    async def _answer(self, server: ForkServer) -> int:
        server.socket.setblocking(False)  # noqa: FBT003 - the library's own
        async with asyncio.timeout(FORK_SECONDS):
            answer = await asyncio.get_running_loop().sock_recv(server.socket, 20)
        if not answer:
            raise ConnectionError
        pid = int(answer)
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return pid

    def _end(self, server: ForkServer) -> None:
        self._fork_server = None
        server.socket.close()
        os.kill(server.pid, signal.SIGKILL)
        os.waitpid(server.pid, 0)


class Forked:
    """A process that was forked for us and that we adopted."""

    def __init__(self, pid: int, stdin: int) -> None:
        """``stdin`` is our end of its standard input."""
        self.pid = pid
        self.stdout: asyncio.StreamReader | None = None
        self.returncode: int | None = None
        self._stdin = stdin
        self._has_ended = asyncio.Event()
        self._watched = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(self._watched, self._reap)

    async def wait(self) -> int:
        """Wait for its end; return its exit status."""
        await self._has_ended.wait()
        return self.returncode or 0

    def send_signal(self, number: int, /) -> None:
        """Send it a signal; its pid is nobody else's as long as nobody has reaped it."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watched)
        os.close(self._watched)
        os.close(self._stdin)
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        self._has_ended.set()


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LONGEST_REPORT_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    return reader


def _adopts_orphans() -> bool:
    """Be the parent of all descendants whose own has ended; False where that cannot be."""
    if sys.platform != "linux":
        return False
    adopted: int = ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return adopted == 0
