"""People from elsewhere: what a row of another application says, in our words."""

import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from app.kit.addresses import (
    USERNAME_LONGEST,
    canonical,
    is_username,
)
from app.kit.errors import Refusal
from app.kit.totp import AppSecret
from app.transfer.columns import AS_IT_IS, JUDGED, Reading
from app.transfer.rows import Problem, Row
from app.transfer.values import FALSE, PARSERS, shown
from app.words.refusals import sentence

# How MySQL, PostgreSQL and others write that there is nothing.
NOTHING = re.compile(r"NULL|\\N|0000-00-00(?:[ T]00:00:00(?:\.0+)?)?")
EMPTY = {"null", "\\n", "none", "[]", "{}"}
BASE_LONGEST = USERNAME_LONGEST - 9  # room for a number that makes it unique
ADDRESS_SHOWN = 80


class StagedUser(NamedTuple):
    """A user who may come in. No ``confirmed_at``: the address is still to be confirmed.

    ``is_derived``: the username was made from the address, and may get a number. ``profile``:
    JSON, each of the site's own fields with its value and the form in which that is found. ``app``:
    what their authenticator app knows.
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
    profile: str = "{}"
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
    profile: dict[str, tuple[str, str]] = {}
    for field in reading.profile:
        text = next((str(value) for value in values.get(field.name, ()) if value), "")
        try:
            value = field.clean(text) if text else ""
        except Refusal as refusal:
            problems.append(_problem(row, field.name, sentence(refusal)))
        else:
            if value:
                profile[field.name] = value, field.search_key(value)
    staged = problems or _staged(row.line, found, values.keys(), now)
    return (
        staged._replace(profile=json.dumps(profile)) if isinstance(staged, StagedUser) else staged
    )


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
    return Problem(row.line, shown(address), column, sentence)


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
