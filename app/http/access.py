"""The guard at the door: every page demands a login unless it is marked ``@anyone``."""

from collections.abc import Callable
from typing import Any

from quart import Request, current_app
from quart.ctx import has_websocket_context
from quart.typing import ResponseTypes
from quart.wrappers import BaseRequestWebsocket
from werkzeug.exceptions import Forbidden, Unauthorized

from app.flows.lookup import CurrentSession
from app.http import bearer, resume
from app.http.current_user import resolve
from app.http.marks import (
    accepts,
    anyone,
    factor,
    is_enrolment,
    is_factor,
    is_fresh_factor,
    is_open,
    is_sensitive,
    is_taking_token,
    may,
    needed,
    sensitive,
)

__all__ = ["accepts", "anyone", "factor", "is_for_script", "may", "missing", "sensitive"]

Page = Callable[..., Any]

FACTOR_OVERDUE = "Your role requires a second factor. Please set one up to continue."
FACTOR_WANTED = "This page requires a second factor. Please set one up to continue."


async def demand_login(request: Request) -> ResponseTypes | None:
    """Send anonymous visitors of a closed page to the login, refuse who lacks its permission."""
    endpoint = request.endpoint or ""
    if endpoint == "static" or endpoint.startswith("health."):
        return None  # the same for everybody: nobody's session is looked up
    if request.method == "OPTIONS" and _is_answered_by_quart(request):
        return None
    page = current_app.view_functions.get(endpoint)
    by_token = page and is_taking_token(page) and "Authorization" in request.headers
    user = await (bearer.resolve(request) if by_token else resolve())
    if page is None or is_open(page):
        return None
    if user.is_anonymous:
        if is_for_script(request):
            raise Unauthorized
        return await resume.sign_in_first()
    permission = needed(page)
    if permission is not None and not user.can(permission):
        raise Forbidden
    lacks = missing(page, user.session) if user.session else None
    if lacks is None:
        return None
    if is_for_script(request):
        raise Forbidden(lacks or "Show your password again first.")
    return await (resume.enrol_first(lacks) if lacks else resume.reauthenticate_first())


def missing(page: Page, session: CurrentSession) -> str | None:
    """Return why a second factor must be set up first; empty if something must be shown again.

    None: this page may be opened.
    """
    if session.is_factor_overdue and not is_enrolment(page):
        return FACTOR_OVERDUE
    if is_factor(page) and not session.factors:
        return FACTOR_WANTED
    is_fresh = session.is_fresh or not is_sensitive(page)
    wants_factor = is_sensitive(page) or is_fresh_factor(page)
    is_shown = session.is_factor_fresh or not wants_factor
    is_enough = is_fresh and is_shown and (session.shows_factor or not is_factor(page))
    return None if is_enough else ""


def is_for_script(request: BaseRequestWebsocket) -> bool:
    """Whether a script asks, which wants JSON and no pages, or a WebSocket is opened."""
    if has_websocket_context():
        return True
    kinds = request.accept_mimetypes
    return request.path.startswith("/api/") or kinds["application/json"] > kinds["text/html"]


def _is_answered_by_quart(request: Request) -> bool:
    return getattr(request.url_rule, "provide_automatic_options", False) is True
