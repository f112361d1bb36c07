"""An HTTP server: hypercorn's protocol on sockets of ours, bounded in number, ended in order.

hypercorn's own ``serve`` has no bound on connections (L5), drops what is in flight when its time
is over, on Python 3.12 and later waits without end (L3), and takes h2c (L9). Its connections keep
their place for ever when a visitor goes between two pipelined requests, when nobody reads a
chunked body, or when a visitor does not read: ours do not.
"""

import asyncio
import logging
import resource
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

from h11 import LocalProtocolError, Request
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config as ServerConfig
from hypercorn.events import Closed, Event, Updated
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import (
    AppWrapper,
    ASGIReceiveCallable,
    ConnectionState,
    Scope,
)

from app.kit.asgi import Application
from app.kit.metrics import CONNECTIONS, CONNECTIONS_CLOSED

log = logging.getLogger(__name__)

BACKLOG = 1024
KEEP_ALIVE_SECONDS = 10
READ_SECONDS = 60
WRITE_SECONDS = 60
CLOSE_SECONDS = 20
NO_TLS = False
FILES_WANTED = 65_536
FILES_FOR_OTHERS = 100  # descriptors that are no visitor's connection
NO_PLACE = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class Server:
    """Serves an application on a listening socket until it is told to stop."""

    def __init__(self, application: Application, *, most_connections: int) -> None:
        self._application = application
        self._settings = _settings()
        self._most = min(most_connections, _files_allowed() - FILES_FOR_OTHERS)
        self._context = WorkerContext(None)
        self._connections: dict[_Connection, asyncio.Task[None]] = {}
        self._cutting_off = False
        self._idle: dict[_Connection, None] = {}  # in order: idle for longest first

    async def start(self, listener: socket.socket) -> None:
        """Begin to take connections."""
        self._listening = await asyncio.start_server(self._serve, sock=listener, backlog=BACKLOG)

    async def stop(self, *, grace_seconds: float) -> None:
        """Take no more connections, close the idle ones, let requests in flight finish."""
        self._listening.close()
        await self._context.terminated.set()
        if self._connections:
            await asyncio.wait(self._connections.values(), timeout=grace_seconds)
        if self._connections:
            log.warning("%d requests in flight did not finish in time", len(self._connections))
        self._cutting_off = True
        for connection, task in list(self._connections.items()):
            connection.writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._connections.values(), return_exceptions=True)

    def note_idle(self, connection: "_Connection", *, idle: bool) -> None:
        """Keep the order of those that may be closed for a new one."""
        self._idle.pop(connection, None)
        if idle:
            self._idle[connection] = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._make_room():
            writer.write(NO_PLACE)
            writer.close()
            return
        connection = _Connection(self, self._application, self._settings, self._context,
                                 reader, writer)  # fmt: skip
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server's callback is a task
        self._connections[connection] = task
        self.note_idle(connection, idle=True)
        CONNECTIONS.inc()
        try:
            await connection
        except asyncio.CancelledError:
            if not self._cutting_off:
                raise
        finally:
            CONNECTIONS.dec()
            del self._connections[connection]
            self._idle.pop(connection, None)

    def _make_room(self) -> bool:
        """At the bound, close the connection that is idle for longest; False if all are busy."""
        if len(self._connections) < self._most:
            return True
        CONNECTIONS_CLOSED.inc()
        if not self._idle:
            return False
        longest = next(iter(self._idle))
        del self._idle[longest]
        longest.writer.transport.abort()
        return True


class _Connection(TCPServer):
    """One visitor's connection. Idle: no request's head is read whole, nothing is in work."""

    def __init__(
        self,
        server: Server,
        application: Application,
        settings: ServerConfig,
        context: WorkerContext,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        loop = asyncio.get_running_loop()
        app = cast("AppWrapper", application)
        super().__init__(app, loop, settings, context, ConnectionState({}), reader, writer)
        self._server = server
        self._is_read_out = False
        self._cut: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve it until it is closed, by either side."""
        try:
            async with _Tasks(self.loop) as self._task_group:
                self.protocol = ProtocolWrapper(
                    self.app, self.config, self.context, self._task_group, ConnectionState({}),
                    NO_TLS, _address(self.writer, "peername"), _address(self.writer, "sockname"),
                    self.protocol_send, "http/1.1",
                )  # fmt: skip
                await self.protocol.initiate()
                await self.idle_task.restart(self._task_group, self._idle_timeout)
                await self._read_until_lost()
        except* (OSError, LocalProtocolError):
            pass  # a visitor who went, or who sent what cannot be answered
        finally:
            await self._close()
            if self._cut is not None:
                self._cut.cancel()

    async def protocol_send(self, event: Event) -> None:
        """Send, but not for ever to somebody who does not read (DO-04)."""
        if isinstance(event, Updated):
            if self._is_read_out:
                return
            self._server.note_idle(self, idle=event.idle)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await super().protocol_send(event)
        except TimeoutError:
            self.writer.transport.abort()

    async def _read_until_lost(self) -> None:
        """Read until the end or until the connection is lost.

        hypercorn itself reads on when a pipelined request is answered, also where it cannot be.
        """
        reading = asyncio.ensure_future(self._read_data())
        lost = asyncio.ensure_future(self.writer.wait_closed())
        try:
            await asyncio.wait({reading, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_read_out = True
            while not reading.done():  # one cancel may be swallowed by wait_for (Python 3.11)
                reading.cancel()
                await asyncio.wait({reading}, timeout=1)
            lost.cancel()
            await asyncio.gather(lost, return_exceptions=True)
        await self.protocol.handle(Closed())
        await self.idle_task.stop()
        if not reading.cancelled():
            reading.result()

    async def _close(self) -> None:
        self._cut_soon()
        await super()._close()

    async def _initiate_server_close(self) -> None:
        self._cut_soon()
        await super()._initiate_server_close()

    def _cut_soon(self) -> None:
        """Wait for what is not read yet, but not for ever."""
        if self._cut is None:
            self._cut = self.loop.call_later(CLOSE_SECONDS, self.writer.transport.abort)


class _Tasks(TaskGroup):
    """The tasks of one connection: its reader, its idle timer, the request in hand."""

    async def spawn_app(
        self,
        app: AppWrapper,
        config: ServerConfig,
        scope: Scope,
        send: Callable[[Any], Awaitable[None]],
    ) -> Callable[[Any], Awaitable[None]]:
        """Begin to answer a request; return where its body is put."""
        inbox = _Inbox(config.max_app_queue_size)
        self.spawn(_answer, cast("Application", app), scope, inbox.get, send)
        return inbox.put


class _Inbox(asyncio.Queue[dict[str, Any]]):
    """What an application receives. That the visitor is gone never waits behind an unread body."""

    async def put(self, item: dict[str, Any]) -> None:
        """Wait for room, unless it is the last message."""
        if not item["type"].endswith(".disconnect"):
            return await super().put(item)
        while not self.empty():
            self.get_nowait()
        self.put_nowait(item)
        return None


async def _answer(
    app: Application,
    scope: Scope,
    receive: ASGIReceiveCallable,
    send: Callable[[Any], Awaitable[None]],
) -> None:
    try:
        await app(scope, receive, send)
    except (OSError, LocalProtocolError):
        pass  # nobody there to read it
    except Exception:
        log.exception("a request could not be answered")
    finally:
        await send(None)


def _address(writer: asyncio.StreamWriter, which: str) -> tuple[str, int] | None:
    found = writer.get_extra_info(which)
    return (found[0], found[1]) if isinstance(found, tuple) else None


async def _no_http2_on_cleartext(self: H11Protocol, event: Request) -> None:
    """Stand in for hypercorn's check, which would switch to h2c and has no setting (L9, PX-04)."""


H11Protocol._check_protocol = _no_http2_on_cleartext  # type: ignore[method-assign]  # noqa: SLF001


def _settings() -> ServerConfig:
    server = ServerConfig()
    server.keep_alive_timeout = KEEP_ALIVE_SECONDS
    server.read_timeout = READ_SECONDS
    server.include_server_header = False
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
