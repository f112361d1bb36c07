"""The directory: people as an administrator looks them up, a page at a time, among a million."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.addresses import canonical, meant, revealed
from app.kit.factors import Factor
from app.models import finding, profile
from app.models.base import bound
from app.models.finding import Sought
from app.models.role import Role
from app.models.user import UNUSUAL, User


class UserState(StrEnum):
    """How it stands with a user. Several may hold at once, but for CONFIRMED."""

    CONFIRMED = "confirmed"
    INVITED = "invited"
    UNCONFIRMED = "unconfirmed"
    BLOCKED = "blocked"
    DELETION_ASKED = "deletion-pending"


class Listed(NamedTuple):
    """What an operator sees of a user."""

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
    factors: int

    @property
    def factor_words(self) -> str:
        """Which second factors they have, in words."""
        return Factor(self.factors).words

    @property
    def states(self) -> list[UserState]:
        """All that hold; just CONFIRMED if the user can sign in."""
        found = {
            UserState.BLOCKED: self.blocked_at is not None,
            UserState.DELETION_ASKED: self.delete_at is not None,
            UserState.UNCONFIRMED: self.confirmed_at is None,
            UserState.INVITED: not self.has_password,
        }
        return [state for state, holds in found.items() if holds] or [UserState.CONFIRMED]

    @property
    def revealed_email(self) -> str | None:
        """The address without anything that looks like something else, None if it is plain."""
        return revealed(self.email)


class UserFilter(NamedTuple):
    """Which people. ``part`` is a part of a name or an address.

    With ``field`` it is the beginning of what they told in that field of their profile.
    ``created_before`` and ``seen_before`` themselves are left out; "seen" is the last sign-in, and
    who never signed in was so before all that can be named.
    """

    part: str = ""
    state: UserState | None = None
    role: str | None = None
    field: str | None = None
    created_since: datetime | None = None
    created_before: datetime | None = None
    seen_since: datetime | None = None
    seen_before: datetime | None = None
    never_seen: bool = False
    has_factor: bool | None = None

    @property
    def asks_more(self) -> bool:
        """Whether it asks for more than finding by part, state and role."""
        return self.never_seen or any(
            each is not None
            for each in (
                self.created_since,
                self.created_before,
                self.seen_since,
                self.seen_before,
                self.has_factor,
            )
        )


_LISTED = select(
    User.id,
    User.username,
    User.email,
    Role.name.label("role"),
    User.password_hash.is_not(None).label("has_password"),
    User.confirmed_at,
    User.blocked_at,
    User.delete_at,
    User.created_at,
    User.last_login_at,
    User.factors,
).join(Role)


async def everybody(db: AsyncSession) -> list[Listed]:
    """Return all people, the newest last."""
    rows = await db.execute(_LISTED.order_by(User.created_at, User.id))
    return [bound(Listed, row) for row in rows]


async def one(db: AsyncSession, user_id: UUID) -> Listed | None:
    """Return one person."""
    row = (await db.execute(_LISTED.where(User.id == user_id))).one_or_none()
    return None if row is None else bound(Listed, row)


async def page(db: AsyncSession, wanted: UserFilter, *, after: str, size: int) -> list[Listed]:
    """Return the next people, of those who come behind the username ``after``.

    First come those whose username begins with the part, then those who have it elsewhere; each
    by username. So ``after`` says by itself how far the reader has come.
    """
    last = canonical(after)
    sought = await sought_by(db, wanted)
    if sought is None:
        return []
    if wanted.field is not None:
        ids = await profile.find(
            db, wanted.field, wanted.part, narrowed=sought.narrowed, after=last, size=size
        )
        return await listed(db, ids)
    ids = []
    if not last or last.startswith(sought.part):
        ids = await finding.beginning(db, sought, after=last, size=size)
        last = ""
    if len(ids) < size:
        ids += await finding.inside(db, sought, after=last, size=size - len(ids))
    return await listed(db, ids)


async def listed(db: AsyncSession, ids: Sequence[UUID]) -> list[Listed]:
    """Return people by their ids, in the order of these."""
    rows = await db.execute(_LISTED.where(User.id.in_(ids)))
    places = {user_id: place for place, user_id in enumerate(ids)}
    return sorted((bound(Listed, row) for row in rows), key=lambda user: places[user.id])


async def sought_by(db: AsyncSession, wanted: UserFilter) -> Sought | None:
    """Return whom to find by part, state and role; None if there is no such role."""
    conditions: list[ColumnElement[bool]] = []
    marks: list[int] = []
    if wanted.role is not None:
        named = select(Role.id).where(func.lower(Role.name) == wanted.role.lower())
        role_id = await db.scalar(named)
        if role_id is None:
            return None
        conditions.append(User.role_id == role_id)
        marks.append(finding.role_mark(role_id))
    if wanted.state is UserState.CONFIRMED:
        conditions += [literal_column(f"NOT ({each})", Boolean) for each in UNUSUAL.values()]
    elif wanted.state is not None:
        conditions.append(literal_column(UNUSUAL[wanted.state], Boolean))
    if wanted.state is not None:
        marks.append(finding.MARKS[wanted.state])
    return Sought(characters_of(wanted.part), conditions, marks)


def characters_of(part: str) -> str:
    """Return a part in the letters of keys, but a domain as people write it: it may be a piece."""
    return unicodedata.normalize("NFC", meant(part).lower())
