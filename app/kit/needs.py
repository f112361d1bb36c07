"""What visitors of a site behind the gate need, by path.

A need is written as ``public``, ``signed-in``, ``factor``, ``permission:WRITE`` or
``group:editors``; ``+factor`` behind it asks for a second factor too.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from app.kit.permissions import covers

GROUP_PATTERN = r"[A-Za-z][A-Za-z0-9._-]{0,63}"
EVERYBODY = "users"  # the group of everybody who is signed in: told, never kept
FACTOR = "factor"
PREFIX_LONGEST = 500
_NEED = re.compile(
    rf"(?:(?P<kind>public|signed-in)|permission:(?P<permission>[A-Z][A-Z0-9_]*)"
    rf"|group:(?P<group>{GROUP_PATTERN}))(?P<factor>\+factor)?"
)
_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ENCODED = re.compile(rb"%(?:2[eEfF]|5[cC]|25|3[bB])")
_PREFIX = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,=:@-]+/?)*")


class Kind(StrEnum):
    """What is asked for, beside a second factor."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"
    PERMISSION = "permission"
    GROUP = "group"


class KnownBy(StrEnum):
    """By which of their names an application knows people. Only the id is never somebody else's."""

    ID = "id"
    USERNAME = "username"
    EMAIL = "email"


class WrongNeed(ValueError):
    """A text that says no need."""


class Need(NamedTuple):
    """What one needs. ``name`` is that of the permission or the group."""

    kind: Kind
    name: str = ""
    factor: bool = False

    @classmethod
    def read(cls, text: str) -> "Need":
        """Return the need that a text says.

        Raises:
            WrongNeed: it says none.
        """
        found = _NEED.fullmatch("signed-in+factor" if text == FACTOR else text)
        if found is None or text == "public+factor":
            raise WrongNeed(text)
        factor = found["factor"] is not None
        if found["permission"]:
            return cls(Kind.PERMISSION, found["permission"], factor)
        if found["group"]:
            return cls(Kind.GROUP, found["group"], factor)
        return cls(Kind(found["kind"]), factor=factor)

    def __str__(self) -> str:
        """Return the need as it is written."""
        if self.kind is Kind.SIGNED_IN and self.factor:
            return FACTOR
        text = f"{self.kind}:{self.name}" if self.name else str(self.kind)
        return f"{text}+{FACTOR}" if self.factor else text

    @property
    def is_public(self) -> bool:
        """Whether nobody need sign in."""
        return self.kind is Kind.PUBLIC

    def is_met(
        self, *, permissions: int, groups: Collection[str], names: Mapping[str, int]
    ) -> bool:
        """Whether somebody who is signed in has it, second factors aside.

        ``names``: the bits of permissions. One that is not there is nobody's.
        """
        if self.kind is Kind.PERMISSION:
            return self.name in names and covers(permissions, names[self.name])
        if self.kind is Kind.GROUP:
            return self.name == EVERYBODY or self.name in groups
        return True


class Rule(NamedTuple):
    """What a part of a site needs: all whose path begins with a prefix."""

    prefix: str
    need: Need

    def fits(self, path: str) -> bool:
        """Whether a canonical path is in this part; in doubt it is where more is needed.

        A public part is what its prefix says exactly, and what is below it. Elsewhere letters may
        be large or small, and what goes on without a slash belongs to it too: applications differ.
        """
        if not self.need.is_public:
            return path.casefold().startswith(self.prefix.casefold())
        return path == self.prefix or path.startswith(self.prefix.rstrip("/") + "/")


class Rules(NamedTuple):
    """What a site needs: each of some parts, and the rest."""

    rest: Need
    parts: tuple[Rule, ...] = ()

    def need_of(self, raw_path: bytes) -> Need | None:
        """Return what a path needs, as it came from the browser; the longest prefix decides.

        None: the path can be read in more than one way. Where all of a site needs the same, that
        does not matter.
        """
        if not self.parts:
            return self.rest
        path = canonical_path(raw_path)
        if path is None:
            return None
        found = [rule for rule in self.parts if rule.fits(path)]
        return max(found, key=lambda rule: len(rule.prefix)).need if found else self.rest


def canonical_path(raw: bytes) -> str | None:
    """Return a path in its one form; None if some server may read it in another way.

    That is: with dot segments, empty segments, backslashes, semicolons, control characters, what
    is encoded twice or needlessly so (``%2e``, ``%2f``, ``%5c``, ``%3b``, ``%25``), or no UTF-8.
    """
    if not raw.startswith(b"/") or not raw.isascii() or _ESCAPE.search(raw) or _ENCODED.search(raw):
        return None
    try:
        path = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None
    plain = path if path.isascii() else unicodedata.normalize("NFKC", path)
    if any(sign in each for each in (path, plain) for sign in "\\;#?") or not plain.isprintable():
        return None
    segments = plain[1:].split("/")
    has_dots = any(each.strip() in {".", ".."} or each.rstrip(". ") != each for each in segments)
    if has_dots or "" in segments[:-1] or plain.count("/") != path.count("/"):
        return None
    return path


def is_prefix(text: str) -> bool:
    """Whether a text can be the beginning of a canonical path."""
    fits = len(text) <= PREFIX_LONGEST and _PREFIX.fullmatch(text) is not None
    return fits and canonical_path(text.encode()) == text
