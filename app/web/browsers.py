"""The name that a browser keeps of itself, for years: by it its owner is known here (BF-05).

It opens nothing. It is set when somebody signs in, never before (SE-12).
"""

from quart.typing import ResponseTypes

from app.house import house
from app.web import cookies

COOKIE = "browser"
DAY_SECONDS = 86400


def name() -> str:
    """Return the name, empty if it has none."""
    return cookies.get(COOKIE)


def keep(response: ResponseTypes, name: str | None) -> ResponseTypes:
    """Let the browser keep its name, if it got one."""
    if name is not None:
        cookies.put(response, COOKIE, name, seconds=int(house().config.device_days * DAY_SECONDS))
    return response
