"""What Quart does for each request, in one task instead of four, and without a thread."""

from typing import Any

from flask.templating import _default_template_ctx_processor as of_flask
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Quart
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes
from quart.utils import encode_headers
from quart.wrappers.response import DataBody, Response

from app.http.csrf import SAFE_METHODS
from app.kit.asgi import HANG_UP


class OneTask(ASGIHTTPConnection):
    """Answers a request without a body in the task that it comes in.

    Quart listens in a task of its own for a visitor who goes. Our server cancels instead.
    """

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer."""
        inbox: Any = self.scope.get("extensions", {}).get(HANG_UP)
        if inbox is None or self._may_have_body():
            return await super().__call__(receive, send)
        inbox.is_read = False
        request = self._create_request_from_scope(send)
        request.body.set_complete()
        return await self.handle_request(request, send)

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        """Send an answer that is there whole at once."""
        if not isinstance(response, Response) or not isinstance(response.response, DataBody):
            return await super()._send_response(send, response)
        headers = encode_headers(response.headers)
        body = response.response.data[response.response.begin : response.response.end]
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return None

    def _may_have_body(self) -> bool:
        return self.scope["method"] not in SAFE_METHODS or any(
            name in {b"content-length", b"transfer-encoding"} for name, _ in self.scope["headers"]
        )


def drop_idle_processors(app: Quart) -> None:
    """Drop what Flask gives each blueprint for its own templates: here it is empty.

    It is not async, so Quart would send every page through a thread for it.
    """
    for processors in app.template_context_processors.values():
        processors[:] = [each for each in processors if each is not of_flask]
