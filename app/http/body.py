"""Request bodies, read strictly: what is not a small well-formed form is refused, never emptied."""

from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from quart import Quart, current_app
from quart.formparser import FormDataParser
from quart.wrappers import Request
from quart.wrappers.request import Body
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from app.http.csrf import SAFE_METHODS
from app.http.marks import LONGEST_BODY_BYTES, SMALL_FORMS, Accepted, accepted

BODY_SECONDS = 10
MOST_FIELDS = 100
FORM_TYPE, JSON_TYPE = "application/x-www-form-urlencoded", "application/json"
UPLOAD_TYPE = "multipart/form-data"


class StrictFormParser(FormDataParser):
    """Takes URL-encoded UTF-8 with at most 100 fields, each once, and nothing else (L6, L7).

    But for what the page is marked to accept: fields that come again, and files.
    """

    accepted = SMALL_FORMS

    async def parse(
        self,
        body: Body,
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
        """Return the fields and the files.

        Raises:
            UnsupportedMediaType: not a form.
            RequestEntityTooLarge: too many bytes or fields.
            BadRequest: not UTF-8, a NUL, or a field given twice (IN-03, IN-04).
        """
        if mimetype == UPLOAD_TYPE and self.accepted.uploads:
            form, files = await super().parse(body, mimetype, content_length, options)
            _check(list(form.items(multi=True)), self.accepted)
            return form, files
        raw = await body
        if len(raw) > self.accepted.body_bytes:  # one that did not say its length before
            raise RequestEntityTooLarge
        if raw and mimetype != FORM_TYPE:
            raise UnsupportedMediaType(f"Forms are sent as {FORM_TYPE}.")
        if raw.count(b"&") >= MOST_FIELDS:
            raise RequestEntityTooLarge
        return MultiDict(_fields(raw, self.accepted)), MultiDict()


class StrictRequest(Request):
    """A request whose form is parsed strictly."""

    accepted = SMALL_FORMS

    def make_form_data_parser(self) -> FormDataParser:
        """Make the parser of this page's form."""
        parser = StrictFormParser(
            max_content_length=self.accepted.body_bytes,
            max_form_memory_size=self.accepted.body_bytes,
            max_form_parts=MOST_FIELDS,
            cls=self.parameter_storage_class,
        )
        parser.accepted = self.accepted
        return parser

    def refuse_longer(self, length: int | None) -> None:
        """Refuse a body that is longer than this page takes; the application takes more of some.

        Raises:
            RequestEntityTooLarge: it is.
        """
        if length is not None and length > self.accepted.body_bytes:
            raise RequestEntityTooLarge

    @property
    def blueprints(self) -> list[str]:
        """The names of the page's blueprint and of those around it."""
        return _blueprints(self.endpoint or "")


async def read_strictly(request: Request) -> None:
    """Read the body of every unsafe request before a page does, so that none goes unchecked."""
    if request.method in SAFE_METHODS or not isinstance(request, StrictRequest):
        return
    request.accepted = accepted(current_app.view_functions.get(request.endpoint or ""))
    request.refuse_longer(request.content_length)
    if request.accepted.json and request.mimetype == JSON_TYPE:
        request.refuse_longer(len(await request.get_data(as_text=False)))
        await _understand(request)
    else:
        await request.form


async def _understand(request: Request) -> None:
    """Read JSON, which Quart remembers for the page; what breaks its parser is garbled too (L7)."""
    try:
        await request.get_json()
    except (UnicodeDecodeError, RecursionError):
        raise BadRequest("The JSON is garbled.") from None


def limit_bodies(app: Quart) -> None:
    """Let the application take as much as the page that takes most."""
    app.config["MAX_CONTENT_LENGTH"] = max(
        LONGEST_BODY_BYTES, *(accepted(page).body_bytes for page in app.view_functions.values())
    )


@cache  # bounded by the routes
def _blueprints(endpoint: str) -> list[str]:
    names = endpoint.split(".")[:-1]
    return [".".join(names[:end]) for end in range(len(names), 0, -1)]


def _fields(raw: bytes, takes: Accepted) -> list[tuple[str, str]]:
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise BadRequest("The form is not valid UTF-8.") from None
    _check(fields, takes)
    return fields


def _check(fields: list[tuple[str, str]], takes: Accepted) -> None:
    names = [name for name, _ in fields if name not in takes.repeated]
    if len(set(names)) < len(names):
        raise BadRequest("The form has a field twice.")
    if any("\0" in text for field in fields for text in field):
        raise BadRequest("The form has a NUL character.")
