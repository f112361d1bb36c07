"""The key of a link in a letter leaves the address bar at once (SECURITY.md TK-07).

The address of the letter answers with a short-lived cookie and a redirect to a clean address; so
the key stands in no history, no Referer and no second request's log line.
"""

from quart import redirect
from quart.typing import ResponseTypes

from app.kit.sealing import SEALED_LONGEST
from app.web import cookies

KEPT_SECONDS = 600
LINK = "link"


def keep(sealed: str, clean_path: str) -> ResponseTypes:
    """Redirect to the clean address, the key in a cookie."""
    response = redirect(clean_path, 303)
    if len(sealed) <= SEALED_LONGEST and sealed.isascii() and sealed.isprintable():
        cookies.put(response, LINK, sealed, seconds=KEPT_SECONDS)
    return unshared(response)


def kept() -> str:
    """Return the key that this browser keeps, empty if it keeps none."""
    return cookies.get(LINK)


def forget(response: ResponseTypes) -> ResponseTypes:
    """Let the browser drop the key: it is used up."""
    cookies.drop(response, LINK)
    return unshared(response)


def unshared(response: ResponseTypes) -> ResponseTypes:
    """Tell nobody where this page's reader came from."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
