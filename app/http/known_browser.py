"""The name that a browser keeps of itself, for years: by it its owner is known here (BF-05).

It opens nothing. It is set when somebody signs in, never before (SE-12).
"""

from quart.typing import ResponseTypes

from app.http import cookies
from app.services import services
from app.steps.known_browsers import name_digests

COOKIE = "browser"
DAY_SECONDS = 86400


def name() -> str:
    """Return the name, empty if it has none."""
    return cookies.get(COOKIE)


def last_user() -> str:
    """Return a mark of who signed in here last, empty if nobody is known to have.

    Everybody who signs in with a browser has a name of it for themselves, and the last one's
    comes first.
    """
    digests = name_digests(services().config, name())
    return digests[0].hex() if digests else ""


def keep(response: ResponseTypes, name: str | None) -> ResponseTypes:
    """Let the browser keep its name, if it got one."""
    if name is not None:
        cookies.put(
            response, COOKIE, name, seconds=int(services().config.known_browser_days * DAY_SECONDS)
        )
    return response
