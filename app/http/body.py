"""Request bodies, read strictly: what is not a small well-formed form is refused, never emptied."""

from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, WebsocketScope
from quart import Quart
from quart.formparser import FormDataParser
from quart.wrappers import Request
from quart.wrappers.request import Body
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from app.http.csrf import SAFE_METHODS

LONGEST_BODY_BYTES = 64 * 1024
BODY_SECONDS = 10
MOST_FIELDS = 100
FORM_TYPE = "application/x-www-form-urlencoded"


class StrictFormParser(FormDataParser):
    """Takes URL-encoded UTF-8 with at most 100 fields, each once, and nothing else (L6, L7)."""

    async def parse(
        self,
        body: Body,
        mimetype: str,
        content_length: int | None,  # noqa: ARG002 - Quart hands it over
        options: dict[str, str] | None = None,  # noqa: ARG002 - likewise
    ) -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
        """Return the fields.

        Raises:
            UnsupportedMediaType: not a form.
            RequestEntityTooLarge: too many bytes or fields.
            BadRequest: not UTF-8, a NUL, or a field given twice (IN-03, IN-04).
        """
        raw = await body
        if raw and mimetype != FORM_TYPE:
            raise UnsupportedMediaType(f"Forms are sent as {FORM_TYPE}.")
        if raw.count(b"&") >= MOST_FIELDS:
            raise RequestEntityTooLarge
        return MultiDict(_fields(raw)), MultiDict()


class StrictRequest(Request):
    """A request whose form is parsed strictly."""

    form_data_parser_class = StrictFormParser

    @property
    def blueprints(self) -> list[str]:
        """The names of the page's blueprint and of those around it."""
        return _blueprints(self.endpoint or "")


class NoWebsockets:
    """Closes every WebSocket at the door: the guards stand before requests only."""

    def __init__(self, app: Quart, scope: WebsocketScope) -> None:
        """Take what Quart hands over; nothing of it is needed."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:  # noqa: ARG002 - the protocol
        """Refuse the handshake."""
        await send({"type": "websocket.close", "code": 1008, "reason": None})


async def read_strictly(request: Request) -> None:
    """Read the body of every unsafe request before a page does, so that none goes unchecked."""
    if request.method not in SAFE_METHODS:
        await request.form


@cache  # bounded by the routes
def _blueprints(endpoint: str) -> list[str]:
    names = endpoint.split(".")[:-1]
    return [".".join(names[:end]) for end in range(len(names), 0, -1)]


def _fields(raw: bytes) -> list[tuple[str, str]]:
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise BadRequest("The form is not valid UTF-8.") from None
    names = [name for name, _ in fields]
    if len(set(names)) < len(names):
        raise BadRequest("The form has a field twice.")
    if any("\0" in text for field in fields for text in field):
        raise BadRequest("The form has a NUL character.")
    return fields
