"""What is refused before the framework sees it: heads that are too large or not a path (DO-06)."""

import re
from urllib.parse import unquote

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from app.kit.asgi import Application
from app.web.headers import ALWAYS

MOST_HEADERS = 100
LARGEST_HEAD_BYTES = 16 * 1024
_ABSOLUTE = re.compile(rb"https?://(?P<host>[^/?#]+)(?P<path>/.*)?", re.IGNORECASE)


class SoundHeads:
    """Wraps the application: answers 400, 405 and 431 itself, in a plain sentence."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Hand a sound request on."""
        if scope["type"] == "http":
            headers = list(scope["headers"])
            size = sum(len(name) + len(value) for name, value in headers)
            if scope["method"] == "CONNECT":
                return await _refuse(send, 405, b"This server is no proxy.\n")
            if not scope["path"].startswith("/"):
                relative = _without_host(scope)
                if relative is None:
                    return await _refuse(send, 400, b"The address is not a path of this site.\n")
                scope = relative
            if len(headers) > MOST_HEADERS or size > LARGEST_HEAD_BYTES:
                return await _refuse(send, 431, b"The request's head is too large.\n")
        return await self._application(scope, receive, send)


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
    headers = {**ALWAYS, "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": sentence, "more_body": False})
