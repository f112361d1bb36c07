"""The guard at the door: every page demands a login unless it is marked ``@anyone``."""

from urllib.parse import urlencode

from quart import Request, current_app, redirect
from quart.typing import ResponseTypes
from werkzeug.exceptions import Forbidden

from app.kit.marks import anyone, is_open, is_sensitive, may, needed, sensitive
from app.kit.urls import local_path, quoted_path
from app.web import sudo
from app.web.current import resolve

__all__ = ["anyone", "login_address", "may", "sensitive"]


async def demand_login(request: Request) -> ResponseTypes | None:
    """Send anonymous visitors of a closed page to the login, refuse who lacks its permission."""
    endpoint = request.endpoint or ""
    if endpoint == "static" or endpoint.startswith("health."):
        return None  # the same for everybody: nobody's session is looked up
    if request.method == "OPTIONS" and _is_answered_by_quart(request):
        return None
    user = await resolve()
    page = current_app.view_functions.get(endpoint)
    if page is None or is_open(page):
        return None
    if user.is_anonymous:
        return redirect(login_address(request), 303)
    permission = needed(page)
    if permission is not None and not user.can(permission):
        raise Forbidden
    if is_sensitive(page) and user.person is not None and not user.person.is_proven:
        return await sudo.ask()
    return None


def _is_answered_by_quart(request: Request) -> bool:
    return getattr(request.url_rule, "provide_automatic_options", False) is True


def login_address(request: Request) -> str:
    """Return the login page's address, with the page asked for as ``next`` if it can be opened."""
    wanted = local_path(quoted_path(request.path, request.query_string.decode("latin1")))
    if request.method not in {"GET", "HEAD"} or wanted is None:
        return "/login"
    return "/login?" + urlencode({"next": wanted}, safe="/")
