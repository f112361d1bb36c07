"""What pages with a passkey's button share: the script's policy, and the sign-in page's cookie."""

from urllib.parse import urlsplit

from quart import request
from quart.typing import ResponseTypes

from app.flows import passkey_login
from app.http import cookies, scripts
from app.http.context import context
from app.kit.urls import is_ip_address
from app.services import services

COOKIE = "passkey-challenge"


def has_name() -> bool:
    """Whether the page was opened by a name: browsers know no passkeys of an IP address."""
    host = urlsplit(f"//{request.host}").hostname or ""
    return services().config.passkeys_for is not None and not is_ip_address(host)


def address_with_name() -> str | None:
    """Return where passkeys would work, if not here."""
    config = services().config
    return config.public_url if config.passkeys_for and not has_name() else None


async def offer() -> passkey_login.Asked | None:
    """Return what to ask a stranger's browser for."""
    if not has_name():
        return None
    async with context() as ctx:
        return passkey_login.ask(ctx)


def with_script(response: ResponseTypes, sealed: str | None = None) -> ResponseTypes:
    """Let a page run our script; ``sealed`` is what only this browser can answer."""
    scripts.allow(response)
    if sealed is not None:
        cookies.put(response, COOKIE, sealed, seconds=passkey_login.CHALLENGE_SECONDS)
    return response


def sealed() -> str:
    """Return the challenge of this browser, as it was sealed."""
    return cookies.get(COOKIE)
