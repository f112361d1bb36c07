"""The directory: people as an administrator looks them up, a page at a time, among a million."""

import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Subquery,
    Text,
    and_,
    collate,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.addresses import canonical, meant, revealed
from app.models.role import Role
from app.models.user import UNUSUAL, User

SHORTEST_INNER_PART = 3  # shorter ones are looked for at the beginning of user names only
NEIGHBOURS = 10_000
FEW = 1_000
LAST_LETTER = "\U0010ffff"
LIKE_ESCAPE = "\\"
ASCII_DOMAIN = "xn--"  # what a domain with other letters has in its place (IDNA)


class State(StrEnum):
    """How it stands with a person. Several may hold at once, but for CONFIRMED."""

    CONFIRMED = "confirmed"
    INVITED = "invited"
    UNCONFIRMED = "unconfirmed"
    BLOCKED = "blocked"
    LEAVING = "leaving"


class Listed(NamedTuple):
    """What an operator sees of a person."""

    id: UUID
    username: str
    email: str
    role: str
    has_password: bool
    confirmed_at: datetime | None
    blocked_at: datetime | None
    delete_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None

    @property
    def states(self) -> list[State]:
        """All that hold; just CONFIRMED if the person can sign in."""
        found = {
            State.BLOCKED: self.blocked_at is not None,
            State.LEAVING: self.delete_at is not None,
            State.UNCONFIRMED: self.confirmed_at is None,
            State.INVITED: not self.has_password,
        }
        return [state for state, holds in found.items() if holds] or [State.CONFIRMED]

    @property
    def revealed_email(self) -> str | None:
        """The address without anything that looks like something else, None if it is plain."""
        return revealed(self.email)


class Filter(NamedTuple):
    """Which people. ``part`` is a part of a name or an address."""

    part: str = ""
    state: State | None = None
    role: str | None = None


_key = collate(User.username_key, "C")
_LISTED = select(
    User.id,
    User.username,
    User.email,
    Role.name,
    User.password_hash.is_not(None),
    User.confirmed_at,
    User.blocked_at,
    User.delete_at,
    User.created_at,
    User.last_login_at,
).join(Role)


async def everybody(session: AsyncSession) -> list[Listed]:
    """Return all people, the newest last."""
    rows = await session.execute(_LISTED.order_by(User.created_at, User.id))
    return [Listed._make(row) for row in rows]


async def one(session: AsyncSession, user_id: UUID) -> Listed | None:
    """Return one person."""
    row = (await session.execute(_LISTED.where(User.id == user_id))).one_or_none()
    return None if row is None else Listed._make(row)


async def page(session: AsyncSession, wanted: Filter, *, after: str, size: int) -> list[Listed]:
    """Return the next people, of those who come behind the user name ``after``.

    First come those whose user name begins with the part, then those who have it elsewhere; each
    by user name. So ``after`` says by itself how far the reader has come.
    """
    part, last = _sought(wanted.part), canonical(after)
    narrowed = _narrowed(wanted)
    ids: list[UUID] = []
    if not last or last.startswith(part):
        beginning = [literal(last) < _key, *_begins(part), *narrowed]
        ids = await _some(session, select(User.id).where(*beginning).order_by(_key), size)
        last = ""
    if len(part) >= SHORTEST_INNER_PART and len(ids) < size:
        behind = [literal(last) < _key, not_(and_(*_begins(part))), *narrowed]
        ids += await _inside(session, part, behind, size - len(ids))
    rows = await session.execute(_LISTED.where(User.id.in_(ids)))
    places = {user_id: place for place, user_id in enumerate(ids)}
    return sorted((Listed._make(row) for row in rows), key=lambda person: places[person.id])


async def _inside(
    session: AsyncSession, part: str, behind: list[ColumnElement[bool]], size: int
) -> list[UUID]:
    """Return who comes next of those who have a part inside a name or an address.

    A part that many have is found soon by going through the names in their order; one that few
    have is found by the index of trigrams. Which it is nobody knows before (the planner's guess
    multiplies what hangs together), so the nearest names are looked at first: where they do not
    fill a page, the part is rare, or stands elsewhere. No user name has a letter outside ASCII.
    """
    if not part.isascii():
        return await _rare(session, part, behind, size)
    names = select(User.id, User.username_key, User.email_key).where(*behind).order_by(_key)
    nearest = names.limit(NEIGHBOURS).subquery()
    near = select(nearest.c.id).where(_contains(nearest.c.username_key, nearest.c.email_key, part))
    found = await _some(session, near, size)
    if len(found) == size or await _count(session, nearest) < NEIGHBOURS:
        return found
    return await _rare(session, part, behind, size)


async def _rare(
    session: AsyncSession, part: str, behind: list[ColumnElement[bool]], size: int
) -> list[UUID]:
    matching = _contains(User.username_key, User.email_key, part)
    indexed = and_(_trigrams().contains(_trigrams_of(part)), matching)
    if not part.isascii():  # the key has the domain in ASCII, the address as people write it
        written = func.lower(User.email).like(_pattern(part), escape=LIKE_ESCAPE)
        matching = or_(matching, written)
        indexed = or_(indexed, and_(_trigrams().contains(_trigrams_of(ASCII_DOMAIN)), written))
    few = select(User.id, User.username_key).where(indexed, *behind).limit(FEW + 1).subquery()
    in_order = select(few.c.id, func.count().over()).order_by(collate(few.c.username_key, "C"))
    rare = [(user_id, count) for user_id, count in await session.execute(in_order.limit(size))]
    if rare and rare[0][1] > FEW:
        return await _some(session, select(User.id).where(matching, *behind).order_by(_key), size)
    return [user_id for user_id, _ in rare]


async def _some(session: AsyncSession, ids: Select[UUID], size: int) -> list[UUID]:
    return list(await session.scalars(ids.limit(size)))


async def _count(session: AsyncSession, rows: Subquery) -> int:
    return await session.scalar(select(func.count()).select_from(rows)) or 0


def _sought(part: str) -> str:
    """Return a part in the letters of keys, but a domain as people write it: it may be a piece."""
    return unicodedata.normalize("NFC", meant(part).lower())


def _narrowed(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.role is not None:
        role_id = select(Role.id).where(func.lower(Role.name) == wanted.role.lower())
        conditions.append(User.role_id == role_id.scalar_subquery())
    if wanted.state is State.CONFIRMED:
        conditions += [literal_column(f"NOT ({each})", Boolean) for each in UNUSUAL.values()]
    elif wanted.state is not None:
        conditions.append(literal_column(UNUSUAL[wanted.state], Boolean))
    return conditions


def _begins(part: str) -> list[ColumnElement[bool]]:
    """Say that a user name begins with a part, as a range of the index."""
    return [literal(part) <= _key, literal(part + LAST_LETTER) > _key] if part else []


def _contains(
    username_key: SQLColumnExpression[str], email_key: SQLColumnExpression[str], part: str
) -> ColumnElement[bool]:
    pattern = _pattern(part)
    return or_(
        username_key.like(pattern, escape=LIKE_ESCAPE), email_key.like(pattern, escape=LIKE_ESCAPE)
    )


def _pattern(part: str) -> str:
    for letter in (LIKE_ESCAPE, "%", "_"):
        part = part.replace(letter, LIKE_ESCAPE + letter)
    return f"%{part}%"


def _trigrams() -> ColumnElement[list[str]]:
    return func.trigrams(User.username_key, User.email_key, type_=ARRAY(Text))


def _trigrams_of(part: str) -> list[str]:
    return sorted({part[place : place + 3] for place in range(len(part) - 2)})
