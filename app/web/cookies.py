"""Our own cookies: their names, and one way to set them."""

from urllib.parse import urlsplit

from quart import request
from quart.typing import ResponseTypes

from app.config import Config
from app.house import house

STANDARD_PORTS = {"http": 80, "https": 443}
USUAL_PORTS = {"http": 8000, "https": 443}  # plain http is for this machine alone, by make run


def cookie_name(config: Config, name: str) -> str:
    """Return a cookie's name; over https with the prefix that ties it to this host (SE-01).

    Browsers keep cookies by host, not by port: a site on another port than the usual one has names
    of its own, so that two on one host keep their logins.
    """
    parts = urlsplit(config.public_url)
    scheme = "https" if config.is_https else "http"
    port = parts.port or STANDARD_PORTS[scheme]
    site = "vestibule" if port == USUAL_PORTS[scheme] else f"vestibule-{port}"
    return f"__Host-{site}-{name}" if config.is_https else f"{site}-{name}"


def put(response: ResponseTypes, name: str, value: str, *, seconds: int) -> None:
    """Let the browser keep a value for a while, out of reach of scripts and other sites."""
    response.set_cookie(
        cookie_name(house().config, name),
        value,
        max_age=seconds,
        secure=house().config.is_https,
        httponly=True,
        samesite="Lax",
    )


def get(name: str) -> str:
    """Return what the browser keeps, empty if nothing."""
    return request.cookies.get(cookie_name(house().config, name), "")


def drop(response: ResponseTypes, name: str) -> None:
    """Let the browser forget a value."""
    response.delete_cookie(
        cookie_name(house().config, name),
        secure=house().config.is_https,
        httponly=True,
        samesite="Lax",
    )
