"""People from elsewhere: what a row of another application says, in our words."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from app.kit import totp
from app.kit.addresses import (
    USERNAME_LONGEST,
    USERNAME_SHORTEST,
    WrongAddress,
    canonical,
    for_operators,
    is_username,
    meant,
    normal_email,
)
from app.kit.hashes import normal_hash
from app.kit.totp import AppSecret
from app.transfer.columns import AS_IT_IS, JUDGED, Reading
from app.transfer.rows import Problem, Row

TRUE, FALSE = {"true", "t", "yes", "y", "1", "on"}, {"false", "f", "no", "n", "0", "off", ""}
# How MySQL, PostgreSQL and others write that there is nothing.
NOTHING = re.compile(r"NULL|\\N|0000-00-00(?:[ T]00:00:00(?:\.0+)?)?")
SECONDS = re.compile(r"[0-9]{9,10}(?:\.[0-9]+)?")
MILLISECONDS = re.compile(r"(?:[3-9][0-9]{11}|1[0-9]{12})(?:\.[0-9]+)?")
ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T].*)?|[0-9]{8}T[0-9]{4}.*")
EMPTY = {"null", "\\n", "none", "[]", "{}"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_DAY, A_YEAR = timedelta(days=1), timedelta(days=366)
VALUE_SHOWN = 40
BASE_LONGEST = USERNAME_LONGEST - 9  # room for a number that makes it unique
ADDRESS_SHOWN = 80
REASON_LONGEST = 1000


class StagedUser(NamedTuple):
    """A user who may come in. No ``confirmed_at``: the address is still to be confirmed.

    ``is_derived``: the username was made from the address, and may get a number. ``app``: what
    their authenticator app knows.
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
    app: AppSecret | None = None


def read(row: Row, *, now: datetime, reading: Reading = AS_IT_IS) -> StagedUser | list[Problem]:
    """Return the user of a row, or all that is wrong with it."""
    values = known(row.values, reading)
    found: dict[str, Any] = {}
    problems = [*_second_factors(row, reading)]
    for column, parse in PARSERS.items():
        given = values.get(column, [None])
        if column not in JUDGED:
            given = [next((value for value in given if value not in (None, "")), None)]
        try:
            found[column] = [parse(value, now, reading) for value in given]
        except ValueError as error:
            problems.append(_problem(row, column, str(error)))
    return problems or _staged(row.line, found, values.keys(), now)


def known(values: Mapping[str, object], reading: Reading = AS_IT_IS) -> dict[str, list[object]]:
    """Return the columns that are read, by their names here; of several the plainest first."""
    found: dict[str, list[object]] = {}
    for name, value in values.items():
        own = reading.own(name)
        if own is None:
            continue
        held = found.setdefault(own, [])
        held.insert(0 if name == own else len(held), None if _is_nothing(value) else value)
    return found


def derived_username(email: str) -> str:
    """Return a username made from what stands before the ``@`` of an address."""
    local = email.rpartition("@")[0].split("+")[0]
    ascii_only = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode()
    name = "".join(sign if sign.isalnum() or sign in ".-" else "_" for sign in ascii_only)
    name = name[:BASE_LONGEST]
    return name if is_username(name) else f"user_{name}"[:BASE_LONGEST]


def _is_nothing(value: object) -> bool:
    return isinstance(value, str) and NOTHING.fullmatch(value.strip()) is not None


def _problem(row: Row, column: str, sentence: str) -> Problem:
    address = str(row.values.get("email", ""))[:ADDRESS_SHOWN]
    return Problem(row.line, _shown(address), column, sentence)


def _second_factors(row: Row, reading: Reading) -> list[Problem]:
    found = [
        name
        for name, value in row.values.items()
        if reading.is_second_factor(name) and str(value or "").lower() not in FALSE | EMPTY
    ]
    if not found:
        return []
    options = " ".join(f"--ignore {name}" for name in found)
    sentence = (
        "This may be a second factor, which isn't imported. These users could sign in with the "
        f"password alone. To accept this: {options}"
    )
    return [_problem(row, found[0], sentence)]


def _staged(
    line: int, found: dict[str, list[Any]], given: Collection[str], now: datetime
) -> StagedUser:
    first: dict[str, Any] = {
        name: next(filter(None, values), None) for name, values in found.items()
    }
    created_at = first["created_at"] or now
    username = first["username"] or derived_username(first["email"])
    return StagedUser(
        line=line,
        email=first["email"],
        email_key=canonical(first["email"]),
        username=username,
        username_key=canonical(username),
        is_derived=not first["username"],
        password_hash=first["password_hash"],
        role=first["role"],
        confirmed_at=_confirmed_at(found, given, created_at),
        blocked_at=_blocked_at(found, given, now),
        blocked_reason=first["blocked_reason"],
        delete_at=first["delete_at"],
        terms_accepted_at=first["terms_accepted_at"],
        created_at=created_at,
        last_login_at=first["last_login_at"],
        app=first["otpauth"],
    )


def _confirmed_at(
    found: dict[str, list[Any]], given: Collection[str], created_at: datetime
) -> datetime | None:
    """Return since when the address is known to be theirs: if every column that there is says so.

    A source that says nothing is believed.
    """
    said = [each for name in ("confirmed_at", "confirmed") if name in given for each in found[name]]
    if not all(said):
        return None
    return next((each for each in said if isinstance(each, datetime)), created_at)


def _blocked_at(
    found: dict[str, list[Any]], given: Collection[str], now: datetime
) -> datetime | None:
    """Return since when they are shut out: if one column says so."""
    said = [each for name in ("blocked_at", "blocked") for each in found[name] if each]
    moment = next((each for each in said if isinstance(each, datetime)), now)
    is_inactive = "active" in given and not all(found["active"])
    return moment if said or is_inactive else None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode(errors="surrogateescape")
    if not isinstance(value, str):
        raise ValueError("This must be text.")  # noqa: TRY004 - told with the other problems
    if not value.isascii() and _shown(value) != value:
        raise ValueError("This isn't UTF-8 text.")
    if "\0" in value:
        raise ValueError("This contains a NUL character.")
    return meant(value)


def _plain_text(value: object, _now: datetime, _reading: Reading) -> str:
    return _text(value)


def _email(value: object, _now: datetime, reading: Reading) -> str:
    text = _text(value)
    if not text:
        raise ValueError("The email address is missing.")
    try:
        return normal_email(text, special=reading.special_domains)
    except WrongAddress as error:
        raise ValueError(for_operators(error)) from None


def _username(value: object, _now: datetime, _reading: Reading) -> str:
    text = _text(value)
    if not text or is_username(text):
        return text
    if not USERNAME_SHORTEST <= len(text) <= USERNAME_LONGEST:
        why = f"has {len(text)} characters; use {USERNAME_SHORTEST} to {USERNAME_LONGEST}"
    elif not (text[0].isascii() and text[0].isalpha()):
        why = f"starts with “{text[0]}”; use an email (a–z)"
    else:
        wrong = (
            each for each in text if not (each.isascii() and (each.isalnum() or each in "._-"))
        )
        sign = next(wrong, None)
        why = (
            f"contains “{sign}”; use only letters (a–z), digits, dots, hyphens and underscores"
            if sign
            else "looks like an ID"
        )
    raise ValueError(f"The username “{_shown(text[:USERNAME_LONGEST])}” {why}.")


def _hash(value: object, _now: datetime, reading: Reading) -> str | None:
    return normal_hash(_text(value), flask_security_salt=reading.flask_security_salt or "")


def _app(value: object, _now: datetime, _reading: Reading) -> AppSecret | None:
    text = _text(value)
    return totp.read_address(text) if text else None


def _reason(value: object, _now: datetime, _reading: Reading) -> str:
    text = _text(value)
    if len(text) > REASON_LONGEST:
        raise ValueError(f"Use at most {REASON_LONGEST} characters.")
    return text


def _truth(value: object, now: datetime, _reading: Reading) -> bool | datetime | None:
    """Return what a column of true and false says; some hold the moment since when it is true."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, date) or _is_moment(str(value)):
        return _parsed(value, now)
    text = (str(value) if isinstance(value, int) else _text(value)).lower()
    if text not in TRUE | FALSE:
        raise ValueError(f"This must be true or false, not “{_part(value)}”.")
    return text in TRUE if text else None


def _moment(value: object, now: datetime, _reading: Reading) -> datetime | None:
    return _parsed(value, now, latest=now + A_DAY)


def _coming(value: object, now: datetime, _reading: Reading) -> datetime | None:
    return _parsed(value, now, latest=now + A_YEAR)


def _since(value: object, now: datetime, reading: Reading) -> bool | datetime | None:
    """Return since when; some only say whether."""
    if isinstance(value, bool) or str(value).lower() in {"true", "false", "t", "f", "0", "1"}:
        return _truth(value, now, reading)
    return _moment(value, now, reading)


def _is_moment(text: str) -> bool:
    return any(form.fullmatch(text.strip()) for form in (SECONDS, MILLISECONDS, ISO))


def _parsed(value: object, now: datetime, *, latest: datetime | None = None) -> datetime | None:
    """Return a moment that is written in one of the ways that mean only one."""
    moment = value if isinstance(value, datetime) else _read_moment(value)
    if moment is None:
        return None
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("This date is out of range.") from None
    if not EPOCH <= moment <= (latest or now + A_DAY):
        raise ValueError(f"“{_part(value)}” is before 1970 or in the future.")
    return moment


def _read_moment(value: object) -> datetime | None:
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    text = str(value) if isinstance(value, int | float) else _text(value)
    return None if text in {"", "0"} else _moment_of(text)


def _moment_of(text: str) -> datetime:
    try:
        if SECONDS.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        if MILLISECONDS.fullmatch(text):
            return datetime.fromtimestamp(float(text) / 1000, UTC)
        if ISO.fullmatch(text):
            text = re.sub(r" ?(?:UTC|GMT)$", "+00:00", text)
            return datetime.fromisoformat(re.sub(r"(?<=[0-9]) (?=[+-])", "", text))
    except ValueError:
        pass
    raise ValueError(
        f"“{_part(text)}” must be a date and time like 2026-03-01T12:00:00Z, or seconds or "
        "milliseconds since 1970."
    )


def _part(value: object) -> str:
    return _shown(str(value)[:VALUE_SHOWN])


def _shown(text: str) -> str:
    return text.encode(errors="replace").decode()


PARSERS: dict[str, Callable[[object, datetime, Reading], Any]] = {
    "email": _email,
    "username": _username,
    "password_hash": _hash,
    "role": _plain_text,
    "confirmed": _truth,
    "confirmed_at": _since,
    "blocked": _truth,
    "active": _truth,
    "blocked_at": _since,
    "blocked_reason": _reason,
    "delete_at": _coming,
    "terms_accepted_at": _moment,
    "otpauth": _app,
    "created_at": _moment,
    "last_login_at": _moment,
}
