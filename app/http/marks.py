"""Marks on page functions that the guard at the door reads. Pure: nothing is wrapped."""

from collections.abc import Callable
from typing import Any, TypeVar

from app.kit.permissions import Permission

Page = TypeVar("Page", bound=Callable[..., Any])

_OPEN, _NEEDED = "_vestibule_open", "_vestibule_permission"
_SENSITIVE = "_vestibule_sensitive"


def anyone(page: Page) -> Page:
    """Open a page to everybody. Without this mark a page demands a login."""
    setattr(page, _OPEN, True)
    return page


def may(permission: Permission) -> Callable[[Page], Page]:
    """Close a page to everybody whose role lacks a permission: they get 403."""

    def mark(page: Page) -> Page:
        setattr(page, _NEEDED, permission)
        return page

    return mark


def sensitive(page: Page) -> Page:
    """Ask for the password again before this page, if it was shown too long ago."""
    setattr(page, _SENSITIVE, True)
    return page


def is_sensitive(page: Callable[..., Any]) -> bool:
    """Whether a page is marked ``@sensitive``."""
    return getattr(page, _SENSITIVE, False) is True


def is_open(page: Callable[..., Any]) -> bool:
    """Whether a page is marked ``@anyone``."""
    return getattr(page, _OPEN, False) is True


def needed(page: Callable[..., Any]) -> Permission | None:
    """Return the permission that a page is marked with, if any."""
    permission: Permission | None = getattr(page, _NEEDED, None)
    return permission
