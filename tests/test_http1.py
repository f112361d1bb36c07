"""What is sent of an answer: heads are checked once, and nothing of one goes into another."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import h11
import pytest
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.events import Event, RawData
from hypercorn.typing import ConnectionState

from app.runtime import http1, server
from app.runtime.http1 import Http1

Send = Callable[[dict[str, object]], Awaitable[None]]
Read = Callable[[object], Awaitable[None]]

NO_TLS = False
PAGE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LENGTH = (b"content-length", b"0")
SECRET = (b"set-cookie", b"session=secret")


class Visit:
    """A connection without a network: ``ask`` returns the head of the answer."""

    def __init__(self, *, pages: int = 1000) -> None:
        settings = server._settings()
        settings.keep_alive_max_requests = pages
        nowhere: Any = None
        self._http = Http1(
            nowhere, settings, WorkerContext(None), cast("Any", self), ConnectionState({}),
            NO_TLS, None, None, self._take,
        )  # fmt: skip
        self._sent = b""

    async def ask(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        self._sent = b""
        await self._http.handle(RawData(PAGE))
        await self._answer({"type": "http.response.start", "status": status, "headers": headers})
        await self._answer({"type": "http.response.body", "body": b""})
        return self._sent

    async def spawn_app(self, *given: object) -> Read:
        self._answer = cast("Send", given[-1])
        return self._read

    async def _read(self, message: object) -> None: ...

    async def _take(self, event: Event) -> None:
        if isinstance(event, RawData):
            self._sent += event.data


async def test_a_head_that_is_no_head_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(h11.LocalProtocolError):
            await Visit().ask(200, [LENGTH, (b"x", b"a\r\nset-cookie: b")])


async def test_secrets_are_not_kept() -> None:
    http1._head.cache_clear()
    visit = Visit()
    assert SECRET[1] in await visit.ask(200, [LENGTH, SECRET])
    assert b"/?ticket=secret" in await visit.ask(303, [LENGTH, (b"location", b"/?ticket=secret")])
    assert http1._head.cache_info().currsize == 0


async def test_equal_heads_are_checked_once_and_different_ones_stay_apart() -> None:
    http1._head.cache_clear()
    visit = Visit()
    heads = [await visit.ask(200, [LENGTH, (b"x", value)]) for value in (b"a", b"b", b"a")]
    assert [b"x: a" in head for head in heads] == [True, False, True]
    assert [b"x: b" in head for head in heads] == [False, True, False]
    assert http1._head.cache_info().hits == 1


async def test_the_last_page_of_a_connection_says_so() -> None:
    visit = Visit(pages=2)
    assert b"connection: close" not in (await visit.ask(200, [LENGTH])).lower()
    assert b"connection: close" in (await visit.ask(200, [LENGTH])).lower()


async def test_the_date_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for second in (0, 1):
        monkeypatch.setattr(time, "time", lambda second=second: second)
        said.append(await Visit().ask(200, [LENGTH]))
    assert b"date: Thu, 01 Jan 1970 00:00:00 GMT" in said[0]
    assert b"date: Thu, 01 Jan 1970 00:00:01 GMT" in said[1]
