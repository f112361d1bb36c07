"""Pages for everything that goes wrong, in the house's look, with the request's id."""

import logging
from typing import NamedTuple

from quart import Quart, make_response, render_template
from quart.typing import ResponseTypes
from werkzeug.exceptions import HTTPException, InternalServerError

from app.http import kept_links
from app.http.client import client
from app.kit.errors import LinkUnusable, NoSuchUser, Refusal, TryLater
from app.web.forms import SCHEME, UNAUTHORIZED

log = logging.getLogger(__name__)


class Words(NamedTuple):
    """What an error page says."""

    title: str
    text: str


WORDS = {
    400: Words(
        "That request was garbled", "The server could not read it. Please go back and try again."
    ),
    401: Words("Please sign in", "This page is for who is signed in."),
    403: Words("You may not open this page", "Your account does not have the permission for it."),
    404: Words("Nothing here", "There is no page at this address. It may be mistyped, or gone."),
    405: Words("Not like this", "This page cannot be used in that way."),
    408: Words(
        "That took too long", "The rest of the request did not arrive in time. Please try again."
    ),
    410: Words(
        "This link cannot be used", "It was used already, is too old, or was not copied whole."
    ),
    413: Words("Too much at once", "What was sent is larger than anything this site needs."),
    415: Words("Unknown kind of content", "This page takes forms only."),
    421: Words("The wrong door", "This server does not answer to the name it was called by."),
    429: Words("Too many tries", "To keep accounts safe, this has to wait a little."),
    500: Words("Something broke", "The fault is ours, and it is written down. Please try again."),
    503: Words(
        "One moment, please",
        "The server cannot do this right now. Nothing was lost: please try again soon.",
    ),
}
OTHER = Words("That did not work", "The server did not accept this request.")


def register(app: Quart) -> None:
    """Make refusals, HTTP errors, an absent database and faults of ours into pages."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


async def page(
    status: int,
    *,
    text: str | None = None,
    retry_after: int | None = None,
    again: kept_links.Again | None = None,
) -> ResponseTypes:
    """Return an error page; ``text`` replaces the usual words of its status, ``again`` helps on."""
    words = WORDS.get(status, OTHER)
    html = await render_template(
        "error.html",
        title=words.title,
        text=text or words.text,
        again=again,
        request_id=client().request_id,
        is_signed_out=status == UNAUTHORIZED,
    )
    response = await make_response(html, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if status == UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = SCHEME
    return response


async def _refused(refusal: Refusal) -> ResponseTypes:
    if isinstance(refusal, NoSuchUser):  # like any address that leads nowhere (EN-07)
        return await page(refusal.status)
    retry_after = refusal.retry_after if isinstance(refusal, TryLater) else None
    link = kept_links.of_page() if isinstance(refusal, LinkUnusable) else None
    return await page(
        refusal.status,
        text=refusal.sentence,
        retry_after=retry_after,
        again=link.again if link else None,
    )


async def _http_error(error: HTTPException) -> ResponseTypes:
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return await page(500)
    default = type(error).description
    text = error.description if error.description != default else None
    response = await page(error.code or 500, text=text)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


async def _unexpected(error: Exception) -> ResponseTypes:
    log.error("unexpected fault", exc_info=error)
    return await page(500)
