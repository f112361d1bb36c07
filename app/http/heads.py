"""The outermost layer of the pages: heads of requests refused early, headers of answers added.

Heads that are too large or not a path are refused before the framework sees them (DO-06).
"""

import re
from urllib.parse import unquote

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    HTTPScope,
    Scope,
)

from app.http.headers import Headers, completed
from app.kit.asgi import Application

MOST_HEADERS = 100
LARGEST_HEAD_BYTES = 16 * 1024
UNCHANGING = frozenset({200, 304})
_ABSOLUTE = re.compile(rb"https?://(?P<host>[^/?#]+)(?P<path>/.*)?", re.IGNORECASE)


class SoundHeads:
    """Wraps the application: answers 400, 405 and 431 itself, in a plain sentence."""

    def __init__(self, application: Application, headers: Headers, *, static: str) -> None:
        self._application = application
        self._headers = headers
        self._static = f"{static}/"

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Hand a sound request on."""
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        relative = scope if scope["path"].startswith("/") else _without_host(scope)
        scope = relative or scope
        is_file = scope["path"].startswith(self._static)

        async def send_completed(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.start":
                unchanging = is_file and message["status"] in UNCHANGING
                more = self._headers.files if unchanging else self._headers.pages
                message["headers"] = completed(message["headers"], more)
            await send(message)

        headers = list(scope["headers"])
        size = sum(len(name) + len(value) for name, value in headers)
        if scope["method"] == "CONNECT":
            return await _refuse(send_completed, 405, b"This server is no proxy.\n")
        if relative is None:
            sentence = b"The address is not a path of this site.\n"
            return await _refuse(send_completed, 400, sentence)
        if len(headers) > MOST_HEADERS or size > LARGEST_HEAD_BYTES:
            return await _refuse(send_completed, 431, b"The request's head is too large.\n")
        return await self._application(scope, receive, send_completed)


def _without_host(scope: HTTPScope) -> HTTPScope | None:
    """Return a request for ``http://host/path`` as one for the path at that host, else None.

    The header ``Host`` does not count then (RFC 9112 3.2.2); whether the host is ours is for
    ``hosts`` to say.
    """
    found = _ABSOLUTE.fullmatch(scope["raw_path"])
    if found is None:
        return None
    path = found["path"] or b"/"
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    relative = scope.copy()
    relative["path"], relative["raw_path"] = unquote(path.decode("ascii")), path
    relative["headers"] = [(b"host", found["host"]), *others]
    return relative


async def _refuse(send: ASGISendCallable, status: int, sentence: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence, "more_body": False})
