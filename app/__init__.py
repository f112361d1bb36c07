"""Vestibule: the login of your site."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.wiring import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    """Wire the application when it is asked for: whoever only looks after it needs none of it."""
    if name == "create_app":
        from app.wiring import create_app  # noqa: PLC0415

        return create_app
    raise AttributeError(name)
