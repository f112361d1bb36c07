"""What is written in a cell of another application: text, truth, moments, addresses."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.kit import totp
from app.kit.addresses import (
    USERNAME_LONGEST,
    USERNAME_SHORTEST,
    is_username,
    meant,
    normal_email,
)
from app.kit.errors import WrongAddress
from app.kit.totp import AppSecret
from app.transfer.columns import Reading
from app.transfer.hashes import normal_hash
from app.words.refusals import sentence_for_operators

TRUE, FALSE = {"true", "t", "yes", "y", "1", "on"}, {"false", "f", "no", "n", "0", "off", ""}
SECONDS = re.compile(r"[0-9]{9,10}(?:\.[0-9]+)?")
MILLISECONDS = re.compile(r"(?:[3-9][0-9]{11}|1[0-9]{12})(?:\.[0-9]+)?")
ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T].*)?|[0-9]{8}T[0-9]{4}.*")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_DAY, A_YEAR = timedelta(days=1), timedelta(days=366)
VALUE_SHOWN = 40
REASON_LONGEST = 1000


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode(errors="surrogateescape")
    if not isinstance(value, str):
        raise ValueError("This must be text.")  # noqa: TRY004 - told with the other problems
    if not value.isascii() and shown(value) != value:
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
        raise ValueError(sentence_for_operators(error)) from None


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
    raise ValueError(f"The username “{shown(text[:USERNAME_LONGEST])}” {why}.")


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
    return shown(str(value)[:VALUE_SHOWN])


def shown(text: str) -> str:
    """Return a text that every terminal can print."""
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
