"""Pages for everything that goes wrong, in the site's look, with the request's id."""

import logging
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from quart import Quart, make_response, render_template
from quart.typing import ResponseTypes
from werkzeug.exceptions import HTTPException, InternalServerError

from app.http import kept_links
from app.http.access import is_for_script
from app.http.asked import asked
from app.http.client import client
from app.kit.errors import LinkUnusable, NoSuchUser, Refusal, TryLater
from app.services import services
from app.web.forms import SCHEME, UNAUTHORIZED
from app.words.refusals import sentence

log = logging.getLogger(__name__)


class Words(NamedTuple):
    """What an error page says."""

    title: str
    text: str


WORDS = {
    400: Words("Bad request", "We couldn't read that request. Go back and try again."),
    401: Words("Please sign in", "You need to be signed in to see this page."),
    403: Words("You don't have access", "Your account doesn't have permission to open this page."),
    404: Words("Page not found", "Check the address. The page may have been moved or deleted."),
    405: Words("Action not allowed", "This page can't be used that way."),
    408: Words("That took too long", "Your request didn't arrive in time. Please try again."),
    410: Words(
        "This link doesn't work", "It has been used, has expired, or wasn't copied completely."
    ),
    413: Words("Too large", "That's more data than this page accepts."),
    415: Words("Unsupported content", "This page only accepts forms."),
    421: Words("Wrong address", "This server isn't set up for the address you used."),
    429: Words("Too many attempts", "To keep accounts safe, please wait a little."),
    500: Words("Something went wrong", "It's our fault, and it has been logged. Please try again."),
    503: Words(
        "Temporarily unavailable",
        "We can't do this right now. Nothing was lost. Please try again soon.",
    ),
}
OTHER = Words("There's a problem", "We couldn't accept that request.")


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
    facts = {"title": words.title, "text": text or words.text, "request_id": client().request_id}
    if is_for_script(asked()):
        told = {"error": facts.pop("title"), "message": facts.pop("text"), **facts}
        response = await make_response(told, status)
    else:
        is_elsewhere = status == HTTPStatus.MISDIRECTED_REQUEST
        html = await render_template(
            "error.html", **facts, again=_home() if is_elsewhere else again,
            is_signed_out=status == UNAUTHORIZED, is_elsewhere=is_elsewhere,
        )  # fmt: skip
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
        text=sentence(refusal),
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


def _home() -> kept_links.Again:
    """Lead who asked by another name to where we are."""
    config = services().config
    return kept_links.Again(
        f"Go to {urlsplit(config.public_url).netloc}", urljoin(config.public_url, config.home)
    )


async def _unexpected(error: Exception) -> ResponseTypes:
    log.error("unexpected fault", exc_info=error)
    return await page(500)
