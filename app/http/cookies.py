"""Our own cookies: their names, and one way to set them."""

from urllib.parse import urlsplit

from itsdangerous import URLSafeTimedSerializer
from quart import Quart
from quart.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from quart.typing import ResponseTypes
from quart.wrappers import BaseRequestWebsocket, Response
from werkzeug.wrappers import Response as WerkzeugResponse

from app.config import Config
from app.http.asked import asked
from app.services import services

STANDARD_PORTS = {"http": 80, "https": 443}
USUAL_PORTS = {"http": 8000, "https": 443}  # plain http is for this machine alone, by make run


class MessageCookie(SecureCookieSessionInterface):
    """Quart's session, which holds messages and typed fields here; most requests have none.

    What answers vary by is said once for all of them, in ``web.headers``.
    """

    def __init__(self, app: Quart) -> None:
        self._name: str = app.config["SESSION_COOKIE_NAME"]
        self._signer = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Quart) -> URLSafeTimedSerializer | None:  # noqa: ARG002
        """Return the one that was made at the start."""
        return self._signer

    async def open_session(
        self, app: Quart, request: BaseRequestWebsocket
    ) -> SecureCookieSession | None:
        """Read the cookie, if there is one."""
        if self._name not in request.cookies:
            return self.session_class()
        return await super().open_session(app, request)

    async def save_session(
        self, app: Quart, session: SessionMixin, response: Response | WerkzeugResponse | None
    ) -> None:
        """Write the cookie, if there is something to be written or to be wiped."""
        if session or session.modified:
            await super().save_session(app, session, response)


def cookie_name(config: Config, name: str) -> str:
    """Return a cookie's name; over https with the prefix that ties it to this host (SE-01).

    Browsers keep cookies by host, not by port: a site on another port than the usual one has names
    of its own, so that two on one host keep their logins.
    """
    return cookie_name_at(config.public_url, name)


def cookie_name_at(origin: str, name: str) -> str:
    """Return the name of a cookie of ours at an origin, like that of a site behind the gate."""
    parts = urlsplit(origin)
    port = parts.port or STANDARD_PORTS[parts.scheme]
    site = "vestibule" if port == USUAL_PORTS[parts.scheme] else f"vestibule-{port}"
    return f"__Host-{site}-{name}" if parts.scheme == "https" else f"{site}-{name}"


def put(response: ResponseTypes, name: str, value: str, *, seconds: int) -> None:
    """Let the browser keep a value for a while, out of reach of scripts and other sites."""
    response.set_cookie(
        cookie_name(services().config, name),
        value,
        max_age=seconds,
        secure=services().config.is_https,
        httponly=True,
        samesite="Lax",
    )


def get(name: str) -> str:
    """Return what the browser keeps, empty if nothing."""
    kept: str = asked().cookies.get(cookie_name(services().config, name), "")
    return kept


def drop(response: ResponseTypes, name: str) -> None:
    """Let the browser forget a value."""
    response.delete_cookie(
        cookie_name(services().config, name),
        secure=services().config.is_https,
        httponly=True,
        samesite="Lax",
    )
