"""HTTP/1.1 as hypercorn and h11 speak it, but only what everybody reads in the same way.

hypercorn takes h2c (L9), and h11 takes what proxies read in two ways (PX-03).
"""

from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

import h11
from h11._receivebuffer import ReceiveBuffer
from hypercorn.events import Closed, Event
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Response
from hypercorn.protocol.h11 import H11Protocol

HEADS_KEPT = 256


class Http1(H11Protocol):
    """HTTP/1.1 alone, and only what everybody reads in the same way."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        strict = cast("h11.Connection", self.connection)
        strict._receive_buffer = _StrictBuffer()  # noqa: SLF001 - h11 has no other way

    async def handle(self, event: Event) -> None:
        """Take what came; what is ambiguous is refused, and the connection closed."""
        try:
            await super().handle(event)
        except h11.RemoteProtocolError as error:
            await self._send_error_response(error.error_status_hint)
            await self.send(Closed())

    async def stream_send(self, event: StreamEvent) -> None:
        """Send; a head is checked once for all answers that have the same."""
        if not isinstance(event, Response) or self._is_last or not _is_plain(event):
            return await super().stream_send(event)
        pairs = (*event.headers, *self.config.response_headers("h11"))
        return await self._send_h11_event(_head(event.status_code, pairs))

    @property
    def _is_last(self) -> bool:
        return self.keep_alive_requests >= self.config.keep_alive_max_requests

    async def _check_protocol(self, event: h11.Request) -> None:
        """Refuse two lengths (RFC 9112 6.1). hypercorn would look for h2c here (L9, PX-04)."""
        names = {name for name, _ in event.headers}
        if b"content-length" in names and b"transfer-encoding" in names:
            raise h11.RemoteProtocolError("Content-Length and Transfer-Encoding")


class _StrictBuffer(ReceiveBuffer):
    """Takes heads whose lines end in CR LF, and no folded ones (RFC 9112 2.2, 5.2)."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """Return the lines of a head that is there whole.

        Raises:
            RemoteProtocolError: a line ends in a bare LF, or goes on in the next.
        """
        before = bytes(self._data)
        lines = super().maybe_extract_lines()
        if lines is None:
            return None
        head = before[: len(before) - len(self._data)]
        if head.count(b"\n") != head.count(b"\r\n") or b"\r\n " in head or b"\r\n\t" in head:
            raise h11.RemoteProtocolError("a line of the head does not end as it should")
        return lines


def _is_plain(event: Response) -> bool:
    """Whether it is a page's head, and without a secret: those are not to be kept."""
    is_page = event.status_code == HTTPStatus.OK
    return is_page and all(name != b"set-cookie" for name, _ in event.headers)


@lru_cache(maxsize=HEADS_KEPT)
def _head(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> h11.Response:
    """Return h11's event, which checks each name and value: half of what sending a page costs."""
    return h11.Response(status_code=status, headers=list(headers))
