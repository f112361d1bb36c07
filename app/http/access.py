"""The guard at the door: every page demands a login unless it is marked ``@anyone``."""

from quart import Request, current_app
from quart.ctx import has_websocket_context
from quart.typing import ResponseTypes
from quart.wrappers import BaseRequestWebsocket
from werkzeug.exceptions import Forbidden, Unauthorized

from app.http import resume
from app.http.current_user import resolve
from app.http.marks import accepts, anyone, is_open, is_sensitive, may, needed, sensitive

__all__ = ["accepts", "anyone", "is_for_script", "may", "sensitive"]


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
        if is_for_script(request):
            raise Unauthorized
        return await resume.sign_in_first()
    permission = needed(page)
    if permission is not None and not user.can(permission):
        raise Forbidden
    if is_sensitive(page) and user.session is not None and not user.session.is_fresh:
        if is_for_script(request):
            raise Forbidden("Show your password again first.")
        return await resume.reauthenticate_first()
    return None


def is_for_script(request: BaseRequestWebsocket) -> bool:
    """Whether a script asks, which wants JSON and no pages, or a WebSocket is opened."""
    if has_websocket_context():
        return True
    kinds = request.accept_mimetypes
    return request.path.startswith("/api/") or kinds["application/json"] > kinds["text/html"]


def _is_answered_by_quart(request: Request) -> bool:
    return getattr(request.url_rule, "provide_automatic_options", False) is True
