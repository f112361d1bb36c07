"""Marks on page functions that the guard at the door reads. Pure: nothing is wrapped."""

from collections.abc import Callable, Iterable
from enum import IntFlag
from typing import Any, NamedTuple, TypeVar

Page = TypeVar("Page", bound=Callable[..., Any])

_OPEN, _NEEDED = "_vestibule_open", "_vestibule_permission"
_SENSITIVE, _ACCEPTED = "_vestibule_sensitive", "_vestibule_accepted"
_FACTOR, _FRESH_FACTOR = "_vestibule_factor", "_vestibule_fresh_factor"
_ENROLMENT = "_vestibule_enrolment"
_POLICY = "_vestibule_policy"
_TOKEN = "_vestibule_token"  # noqa: S105 - the name of a mark

LONGEST_BODY_BYTES = 64 * 1024


class Accepted(NamedTuple):
    """What a page takes beside a small form, each of whose fields comes once.

    ``repeated``: the fields that may come more than once, like a group of checkboxes. ``uploads``:
    files, as multipart/form-data. ``json``: a JSON body, for ``request.get_json()``.
    ``body_bytes``: how much at most.
    """

    repeated: frozenset[str] = frozenset()
    uploads: bool = False
    json: bool = False
    body_bytes: int = LONGEST_BODY_BYTES


SMALL_FORMS = Accepted()


def anyone(page: Page) -> Page:
    """Open a page to everybody. Without this mark a page demands a login."""
    setattr(page, _OPEN, True)
    return page


def may(permission: IntFlag) -> Callable[[Page], Page]:
    """Close a page to everybody whose role lacks a permission: they get 403."""

    def mark(page: Page) -> Page:
        setattr(page, _NEEDED, permission)
        return page

    return mark


def sensitive(page: Page) -> Page:
    """Ask for the password again before this page, if it was shown too long ago.

    And for the second factor of who has one.
    """
    setattr(page, _SENSITIVE, True)
    return page


def fresh_factor(page: Page) -> Page:
    """Ask who has a second factor for it again; the page asks for the password itself."""
    setattr(page, _FRESH_FACTOR, True)
    return page


def factor(page: Page) -> Page:
    """Open a page only to who has a second factor, and has shown it in this session."""
    setattr(page, _FACTOR, True)
    return page


def enrolment(page: Page) -> Page:
    """Open a page also to who should have set up a second factor by now, and has not."""
    setattr(page, _ENROLMENT, True)
    return page


def takes_token(page: Page) -> Page:
    """Let a token open a page that only reads who its user is."""
    setattr(page, _TOKEN, True)
    return page


def accepts(
    *,
    repeated: Iterable[str] = (),
    uploads: bool = False,
    json: bool = False,
    body_bytes: int = LONGEST_BODY_BYTES,
) -> Callable[[Page], Page]:
    """Let a page take more than a small form: see ``Accepted``. Everything else is refused."""
    taken = Accepted(frozenset(repeated), uploads, json, body_bytes)

    def mark(page: Page) -> Page:
        setattr(page, _ACCEPTED, taken)
        return page

    return mark


def content_security_policy(policy: str) -> Callable[[Page], Page]:
    """Send a page with a ``Content-Security-Policy`` of its own instead of ours, which lets no
    script run: like ``"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'"``.
    """  # noqa: D205 - the policy is shown whole

    def mark(page: Page) -> Page:
        setattr(page, _POLICY, policy)
        return page

    return mark


def policy_of(page: Callable[..., Any] | None) -> str | None:
    """Return the ``Content-Security-Policy`` that a page is marked with, if any."""
    policy: str | None = getattr(page, _POLICY, None)
    return policy


def accepted(page: Callable[..., Any] | None) -> Accepted:
    """Return what a page is marked to accept."""
    taken: Accepted = getattr(page, _ACCEPTED, SMALL_FORMS)
    return taken


def is_sensitive(page: Callable[..., Any]) -> bool:
    """Whether a page is marked ``@sensitive``."""
    return getattr(page, _SENSITIVE, False) is True


def is_fresh_factor(page: Callable[..., Any]) -> bool:
    """Whether a page is marked ``@fresh_factor``."""
    return getattr(page, _FRESH_FACTOR, False) is True


def is_taking_token(page: Callable[..., Any]) -> bool:
    """Whether a page is marked ``@takes_token``."""
    return getattr(page, _TOKEN, False) is True


def is_factor(page: Callable[..., Any]) -> bool:
    """Whether a page is marked ``@factor``."""
    return getattr(page, _FACTOR, False) is True


def is_enrolment(page: Callable[..., Any]) -> bool:
    """Whether a page is marked ``@enrolment``."""
    return getattr(page, _ENROLMENT, False) is True


def is_open(page: Callable[..., Any]) -> bool:
    """Whether a page is marked ``@anyone``."""
    return getattr(page, _OPEN, False) is True


def needed(page: Callable[..., Any]) -> IntFlag | None:
    """Return the permission that a page is marked with, if any."""
    permission: IntFlag | None = getattr(page, _NEEDED, None)
    return permission
