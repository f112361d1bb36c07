"""Our own cookies: their names, and one way to set them."""

from quart import request
from quart.typing import ResponseTypes

from app.config import Config
from app.house import house


def cookie_name(config: Config, name: str) -> str:
    """Return a cookie's name; over https with the prefix that ties it to this host (SE-01)."""
    return f"__Host-vestibule-{name}" if config.is_https else f"vestibule-{name}"


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
