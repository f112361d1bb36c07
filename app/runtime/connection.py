"""One visitor's connection: hypercorn's HTTP/1.1 protocol on a transport of ours.

hypercorn's own connection has seven tasks a request and keeps its place for ever when a visitor
goes between two pipelined requests, when nobody reads a chunked body, or when a visitor does not
read. Ours has one task a connection and one a request.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

import h11
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config as ServerConfig
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import AppWrapper, ASGIReceiveCallable, ConnectionState, Scope
from hypercorn.typing import TaskGroup as HypercornTasks

from app.kit.asgi import HANG_UP, Application
from app.runtime.http1 import Http1

log = logging.getLogger(__name__)

WRITE_SECONDS = 60
CLOSE_SECONDS = 20
MOST_UNREAD_BYTES = 128 * 1024
NO_TLS = False
NO_PLACE = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class Keeper(Protocol):
    """Who keeps the connections, and closes those that are idle for too long."""

    def add(self, connection: "Connection") -> bool:
        """Take a connection in, as an idle one; False where there is no place."""

    def note_idle(self, connection: "Connection", *, idle: bool) -> None:
        """Hear whether a request is in hand."""

    def remove(self, connection: "Connection") -> None:
        """Forget a connection that is closed and has nothing in work."""


class Connection(asyncio.Protocol):
    """Idle: no request's head is read whole, nothing is in work."""

    def __init__(
        self,
        keeper: Keeper,
        application: Application,
        settings: ServerConfig,
        context: WorkerContext,
    ) -> None:
        self._owner = keeper
        self._application = application
        self._settings = settings
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._unread = bytearray()
        self._arrival: asyncio.Future[None] | None = None
        self._is_handling = False
        self._is_read_out = False
        self._is_lost = False
        self._room: asyncio.Event | None = None  # there while the visitor reads too slowly
        self._cut: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._requests: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read, if there is a place."""
        self._transport = cast("asyncio.Transport", transport)
        if not self._owner.add(self):
            self._transport.write(NO_PLACE)
            self.close()
            return
        self._protocol = Http1(
            cast("AppWrapper", self._application), self._settings, self._context,
            cast("HypercornTasks", self), ConnectionState({}), NO_TLS,
            _address(transport, "peername"), _address(transport, "sockname"), self.send,
        )  # fmt: skip
        self._task = self._loop.create_task(self._serve())
        self._task.add_done_callback(lambda _: self._owner.remove(self))

    def data_received(self, data: bytes) -> None:
        """Keep what came until it is read."""
        self._unread += data
        if len(self._unread) > MOST_UNREAD_BYTES:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Take it as the end: who asks and does not listen is gone."""
        self._is_read_out = True
        self._wake()

    def pause_writing(self) -> None:
        """Let who writes wait."""
        self._room = asyncio.Event()

    def resume_writing(self) -> None:
        """Let who waited write."""
        if self._room is not None:
            self._room.set()
            self._room = None

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the protocol
        """Tell whoever reads, writes or answers."""
        self._is_lost = self._is_read_out = True
        if self._cut is not None:
            self._cut.cancel()
        self.resume_writing()
        self._wake()
        if self._is_handling and self._task is not None:
            self._task.cancel()  # it waits for an application that does not read

    def close(self) -> None:
        """Close it when what is written has been read, but do not wait for ever."""
        self._is_read_out = True
        self._wake()
        if not self._transport.is_closing():
            self._cut = self._loop.call_later(CLOSE_SECONDS, self._transport.abort)
            self._transport.close()

    def abort(self) -> None:
        """Close it at once."""
        self._transport.abort()

    async def finish(self) -> None:
        """Wait until it is closed and nothing is in work."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def cut_off(self) -> None:
        """Give up what is in work."""
        self.abort()
        for request in self._requests:
            request.cancel()

    async def send(self, event: Event) -> None:
        """Send, but not for ever to somebody who does not read (DO-04)."""
        if isinstance(event, RawData):
            if event.data and not self._is_lost:
                self._transport.write(event.data)
                if self._room is not None:
                    await self._wait_for_room(self._room)
        elif isinstance(event, Updated):
            if not self._is_read_out:
                self._owner.note_idle(self, idle=event.idle)
        elif isinstance(event, Closed):
            self.close()

    async def spawn_app(
        self,
        app: AppWrapper,
        config: ServerConfig,
        scope: Scope,
        send: Callable[[Any], Awaitable[None]],
    ) -> Callable[[Any], Awaitable[None]]:
        """Begin to answer a request; return where its body is put. For hypercorn's protocol."""
        inbox = _Inbox(config.max_app_queue_size)
        cast("dict[str, Any]", scope)["extensions"][HANG_UP] = inbox
        task = self._loop.create_task(
            _answer(cast("Application", app), scope, cast("ASGIReceiveCallable", inbox.get), send)
        )
        inbox.answer = task
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        return inbox.put

    async def _serve(self) -> None:
        """Hand on what comes until the end; leave when nothing is in work any more."""
        try:
            while data := await self._next():
                self._is_handling = True
                await self._protocol.handle(RawData(data))
                self._is_handling = False
        except (OSError, h11.LocalProtocolError):
            pass  # a visitor who went, or who sent what cannot be answered
        except asyncio.CancelledError:
            pass  # likewise, while nobody read what was sent
        self._is_handling = False
        await self._protocol.handle(Closed())
        self.close()
        if self._requests:
            await asyncio.wait(self._requests)

    async def _next(self) -> bytes:
        """Return what came, nothing at the end."""
        while not (self._unread or self._is_read_out):
            self._arrival = self._loop.create_future()
            await self._arrival
            self._arrival = None
        if self._is_lost:
            return b""
        data, self._unread = bytes(self._unread), bytearray()
        if len(data) > MOST_UNREAD_BYTES:
            self._transport.resume_reading()
        return data

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def _wait_for_room(self, room: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await room.wait()
        except TimeoutError:
            self.abort()


class _Inbox(asyncio.Queue[dict[str, Any]]):
    """What an application receives. That the visitor is gone never waits behind an unread body."""

    is_read: bool = True  # an application that does not read is cancelled when the visitor goes
    answer: asyncio.Task[None] | None = None

    async def put(self, item: dict[str, Any]) -> None:
        """Wait for room, unless it is the last message."""
        if not item["type"].endswith(".disconnect"):
            return await super().put(item)
        while not self.empty():
            self.get_nowait()
        self.put_nowait(item)
        if not self.is_read and self.answer not in {None, asyncio.current_task()}:
            self.answer.cancel()
        return None


async def _answer(
    app: Application,
    scope: Scope,
    receive: ASGIReceiveCallable,
    send: Callable[[Any], Awaitable[None]],
) -> None:
    try:
        await app(scope, receive, send)
    except (OSError, h11.LocalProtocolError):
        pass  # nobody there to read it
    except Exception:
        log.exception("a request could not be answered")
    finally:
        await send(None)


def _address(transport: asyncio.BaseTransport, which: str) -> tuple[str, int] | None:
    found = transport.get_extra_info(which)
    return (found[0], found[1]) if isinstance(found, tuple) else None
