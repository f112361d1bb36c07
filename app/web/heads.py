"""What is refused before the framework sees it: heads that are too large or not a path (DO-06)."""

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from app.kit.asgi import Application
from app.web.headers import ALWAYS

MOST_HEADERS = 100
LARGEST_HEAD_BYTES = 16 * 1024


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
                return await _refuse(send, 400, b"The address is not a path of this site.\n")
            if len(headers) > MOST_HEADERS or size > LARGEST_HEAD_BYTES:
                return await _refuse(send, 431, b"The request's head is too large.\n")
        return await self._application(scope, receive, send)


async def _refuse(send: ASGISendCallable, status: int, sentence: bytes) -> None:
    headers = {**ALWAYS, "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": sentence, "more_body": False})
