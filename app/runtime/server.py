"""An HTTP server: hypercorn's protocol on sockets of ours, bounded in number, ended in order.

hypercorn's own ``serve`` has no bound on connections (L5), drops what is in flight when its time
is over, on Python 3.12 and later waits without end (L3), and lets one worker take all connections
of a burst. Ours does not.
"""

import asyncio
import logging
import resource
import socket
import time
from functools import lru_cache
from wsgiref.handlers import format_date_time

from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config as ServerConfig

from app.kit.asgi import Application
from app.kit.metrics import CONNECTIONS, CONNECTIONS_CLOSED
from app.kit.shares import Share
from app.runtime.connection import Connection

log = logging.getLogger(__name__)

BACKLOG = 1024
KEEP_ALIVE_SECONDS = 10
SWEEP_SECONDS = 1
ACCEPTED_AT_ONCE = 16
YIELD_SECONDS = 0.002  # for a worker with fewer connections to come first
LAST_REQUEST_SECONDS = 0.3  # for what is on its way over a connection that was just made
PAUSE_SECONDS = 0.1  # when the machine has no descriptor left
FILES_WANTED = 65_536
FILES_FOR_OTHERS = 100  # descriptors that are no visitor's connection


class Server:
    """Serves an application on a listening socket until it is told to stop."""

    def __init__(
        self, application: Application, *, most_connections: int, share: Share | None = None
    ) -> None:
        """``share``: how many connections each worker on this socket has, where there are more."""
        self._application = application
        self._settings = _settings()
        self._most = min(most_connections, _files_allowed() - FILES_FOR_OTHERS)
        self._context = WorkerContext(None)
        self._share = share
        self._connections: set[Connection] = set()
        self._idle: dict[Connection, float] = {}  # since when; idle for longest first
        self._being_made: set[asyncio.Task[object]] = set()

    async def start(self, listener: socket.socket) -> None:
        """Begin to take connections."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        listener.settimeout(0)
        listener.listen(BACKLOG)
        self._sweeping = self._loop.create_task(self._sweep())
        self._tell_share()
        self._begin_to_accept()

    async def stop(self, *, grace_seconds: float) -> None:
        """Take no more connections, close the idle ones, let requests in flight finish."""
        self._cease_to_accept()
        self._listener.close()
        await asyncio.gather(*self._being_made, return_exceptions=True)
        await self._context.terminated.set()
        if self._idle:
            await asyncio.sleep(LAST_REQUEST_SECONDS)
        for connection in list(self._idle):
            connection.close()
        await self._wait_for_all(grace_seconds)
        if self._connections:
            log.warning("%d requests didn't finish in time", len(self._connections))
        for connection in list(self._connections):
            connection.cut_off()
        await self._wait_for_all(None)
        self._sweeping.cancel()

    def add(self, connection: Connection) -> bool:
        """Take a connection in; at the bound the one that is idle for longest gives way.

        False where all are busy.
        """
        if len(self._connections) >= self._most:
            CONNECTIONS_CLOSED.inc()
            if not self._idle:
                return False
            longest = next(iter(self._idle))
            del self._idle[longest]
            longest.abort()
        self._connections.add(connection)
        self.note_idle(connection, idle=True)
        CONNECTIONS.inc()
        return True

    def note_idle(self, connection: Connection, *, idle: bool) -> None:
        """Keep the order of those that may be closed for a new one."""
        self._idle.pop(connection, None)
        if idle:
            self._idle[connection] = self._loop.time()

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._connections.discard(connection)
        self._idle.pop(connection, None)
        CONNECTIONS.dec()
        self._tell_share()

    async def _wait_for_all(self, seconds: float | None) -> None:
        waits = [self._loop.create_task(each.finish()) for each in self._connections]
        if waits:
            await asyncio.wait(waits, timeout=seconds)

    async def _sweep(self) -> None:
        """Close who has been idle, or busy with a request's head, for too long."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            since = self._loop.time() - KEEP_ALIVE_SECONDS
            for connection in [each for each, moment in self._idle.items() if moment <= since]:
                connection.close()

    def _begin_to_accept(self) -> None:
        self._may_yield = True
        self._loop.add_reader(self._listener, self._accept)

    def _cease_to_accept(self) -> None:
        self._loop.remove_reader(self._listener)

    def _pause(self, seconds: float) -> None:
        self._cease_to_accept()
        self._loop.call_later(seconds, self._accept_again)

    def _accept_again(self) -> None:
        if self._listener.fileno() != -1:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Take some connections, as long as no worker with fewer may still come first."""
        for _ in range(ACCEPTED_AT_ONCE):
            if self._may_yield and self._share is not None and self._share.is_ahead():
                self._may_yield = False
                self._pause(YIELD_SECONDS)
                return
            self._may_yield = True
            try:
                visitor, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("couldn't accept a connection: %s", error.strerror)  # noqa: TRY400
                self._pause(PAUSE_SECONDS)
                return
            making = self._loop.create_task(self._loop.connect_accepted_socket(self._make, visitor))
            self._being_made.add(making)
            making.add_done_callback(self._made)
            self._tell_share()

    def _tell_share(self) -> None:
        if self._share is not None:
            self._share.put(len(self._connections) + len(self._being_made))

    def _make(self) -> Connection:
        return Connection(self, self._application, self._settings, self._context)

    def _made(self, making: asyncio.Task[object]) -> None:
        self._being_made.discard(making)
        self._tell_share()
        if not making.cancelled() and making.exception() is not None:
            log.warning(
                "a visitor disconnected before the connection was ready: %s", making.exception()
            )


class _Settings(ServerConfig):
    """hypercorn's settings, with a date that is written once a second."""

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:  # noqa: ARG002
        """Return what each answer has."""
        return _dated(int(time.time()))


@lru_cache(maxsize=1)
def _dated(second: int) -> list[tuple[bytes, bytes]]:
    return [(b"date", format_date_time(second).encode())]


def _settings() -> ServerConfig:
    server = _Settings()
    server.accesslog = None  # its lines can be forged (L8)
    server.errorlog = logging.getLogger("hypercorn.error")
    server.errorlog.setLevel(logging.WARNING)
    return server


def _files_allowed() -> int:
    """Raise the limit of open files as far as we may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, FILES_WANTED) if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
