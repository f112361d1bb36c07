"""People from elsewhere: what a row of another application says, in our words."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from app.kit.addresses import (
    USERNAME_LONGEST,
    USERNAME_SHORTEST,
    canonical,
    is_username,
    normal_email,
)
from app.kit.hashes import normal_hash
from app.kit.rows import Problem, Row

# Columns of Flask applications and of Django, by what they are called here.
ALIASES = {
    "password": "password_hash",
    "active": "active",
    "is_active": "active",
    "member_since": "created_at",
    "date_joined": "created_at",
    "create_datetime": "created_at",
    "last_seen": "last_login_at",
    "last_login": "last_login_at",
    "current_login_at": "last_login_at",
}
CONFIRMATIONS = {"confirmed", "confirmed_at"}
TRUE, FALSE = {"true", "t", "yes", "y", "1", "on"}, {"false", "f", "no", "n", "0", "off", ""}
BASE_LONGEST = USERNAME_LONGEST - 9  # room for a number that makes it unique
ADDRESS_SHOWN = 80
REASON_LONGEST = 1000


class Newcomer(NamedTuple):
    """A person who may come in. No ``confirmed_at``: he has to show first that the address is his.

    ``is_derived``: the user name was made from the address, and may get a number.
    """

    line: int
    email: str
    email_key: str
    username: str
    username_key: str
    is_derived: bool
    password_hash: str | None
    role: str | None
    confirmed_at: datetime | None
    blocked_at: datetime | None
    blocked_reason: str | None
    delete_at: datetime | None
    terms_accepted_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None


def read(row: Row, *, now: datetime) -> Newcomer | list[Problem]:
    """Return the person of a row, or all that is wrong with it."""
    values = known(row.values)
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for column, parse in PARSERS.items():
        try:
            found[column] = parse(values.get(column))
        except ValueError as error:
            address = str(values.get("email", ""))[:ADDRESS_SHOWN]
            problems.append(Problem(row.line, _shown(address), column, str(error)))
    return problems or _newcomer(row.line, found, values, now)


def known(values: Mapping[str, object]) -> dict[str, object]:
    """Return the columns that are read, by their names here."""
    named = {ALIASES[name]: value for name, value in values.items() if name in ALIASES}
    return named | {name: value for name, value in values.items() if name in PARSERS}


def unread(columns: set[str]) -> list[str]:
    """Return which of the columns are not read."""
    return sorted(columns - PARSERS.keys() - ALIASES.keys())


def derived_username(email: str) -> str:
    """Return a user name made from what stands before the ``@`` of an address."""
    local = email.rpartition("@")[0].split("+")[0]
    ascii_only = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode()
    name = "".join(sign if sign.isalnum() or sign == "." else "_" for sign in ascii_only)
    name = name[:BASE_LONGEST]
    return name if is_username(name) else f"user_{name}"[:BASE_LONGEST]


def _newcomer(
    line: int, found: dict[str, Any], values: Mapping[str, object], now: datetime
) -> Newcomer:
    created_at = found["created_at"] or now
    is_blocked = found["blocked"] or found["active"] is False
    username = found["username"] or derived_username(found["email"])
    return Newcomer(
        line=line,
        email=found["email"],
        email_key=canonical(found["email"]),
        username=username,
        username_key=canonical(username),
        is_derived=not found["username"],
        password_hash=found["password_hash"],
        role=found["role"] or None,
        confirmed_at=_confirmed_at(found, values, created_at),
        blocked_at=found["blocked_at"] or (now if is_blocked else None),
        blocked_reason=found["blocked_reason"] or None,
        delete_at=found["delete_at"],
        terms_accepted_at=found["terms_accepted_at"],
        created_at=created_at,
        last_login_at=found["last_login_at"],
    )


def _confirmed_at(
    found: dict[str, Any], values: Mapping[str, object], created_at: datetime
) -> datetime | None:
    """Return since when the address is known to be his; a source that says nothing is believed."""
    if "confirmed" in values and not found["confirmed"]:
        return None
    if "confirmed" not in values and "confirmed_at" in values:
        moment: datetime | None = found["confirmed_at"]
        return moment
    return found["confirmed_at"] or created_at


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode(errors="surrogateescape")
    if not isinstance(value, str):
        raise ValueError("This has to be text.")  # noqa: TRY004 - told with the other problems
    if not value.isascii() and _shown(value) != value:
        raise ValueError("This is no text in UTF-8.")
    if "\0" in value:
        raise ValueError("This contains a NUL character.")
    return value.strip()


def _email(value: object) -> str:
    text = _text(value)
    if not text:
        raise ValueError("The address is missing.")
    return normal_email(text)


def _username(value: object) -> str:
    text = _text(value)
    if not text or is_username(text):
        return text
    if not USERNAME_SHORTEST <= len(text) <= USERNAME_LONGEST:
        why = f"has {len(text)} characters; {USERNAME_SHORTEST} to {USERNAME_LONGEST} are possible"
    elif not (text[0].isascii() and text[0].isalpha()):
        why = f"begins with “{text[0]}”; it has to be a letter (a–z)"
    else:
        wrong = next(
            sign for sign in text if not (sign.isascii() and (sign.isalnum() or sign in "._"))
        )
        why = f"contains “{wrong}”; letters (a–z), digits, dots and underscores are possible"
    raise ValueError(f"The user name “{_shown(text[:USERNAME_LONGEST])}” {why}.")


def _hash(value: object) -> str | None:
    return normal_hash(_text(value))


def _reason(value: object) -> str:
    text = _text(value)
    if len(text) > REASON_LONGEST:
        raise ValueError(f"At most {REASON_LONGEST} characters.")
    return text


def _truth(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = (str(value) if isinstance(value, int) else _text(value)).lower()
    if text not in TRUE | FALSE:
        raise ValueError("This has to be true or false.")
    return text in TRUE if text else None


def _moment(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        text = _text(value)
        if not text:
            return None
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("This has to be a moment, like 2026-03-01T12:00:00Z.") from None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("This moment is out of all range.") from None


def _shown(text: str) -> str:
    return text.encode(errors="replace").decode()


PARSERS: dict[str, Callable[[object], Any]] = {
    "email": _email,
    "username": _username,
    "password_hash": _hash,
    "role": _text,
    "confirmed": _truth,
    "confirmed_at": _moment,
    "blocked": _truth,
    "active": _truth,
    "blocked_at": _moment,
    "blocked_reason": _reason,
    "delete_at": _moment,
    "terms_accepted_at": _moment,
    "created_at": _moment,
    "last_login_at": _moment,
}
