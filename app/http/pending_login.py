"""The cookie of a login that waits for its second factor. It opens no page but that (MF-03)."""

from quart.typing import ResponseTypes

from app.http import cookies
from app.limits import PENDING_LOGIN_MINUTES

COOKIE = "pending-login"


def secret() -> str | None:
    """Return what the cookie carries, None if there is none."""
    return cookies.get(COOKIE) or None


def keep(response: ResponseTypes, secret: str) -> ResponseTypes:
    """Let the browser go on with its second factor."""
    cookies.put(response, COOKIE, secret, seconds=PENDING_LOGIN_MINUTES * 60)
    return response


def forget(response: ResponseTypes) -> ResponseTypes:
    """Let the browser drop it: the login is finished, or over."""
    cookies.drop(response, COOKIE)
    return response
