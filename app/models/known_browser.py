"""Devices: the browsers in which a person has signed in before (BF-05).

A browser keeps a random value for years; here stands its digest, for each person who signed in
with it. It opens nothing: it spares its owner from being slowed by strangers who try his name, and
from a letter about a browser that he has long used.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    and_,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.addresses import canonical
from app.models.base import Base, Now
from app.models.pruning import Stale
from app.models.user import User

DEVICES_PER_PERSON = 20
FAILURES_UNTIL_FORGOTTEN = 100


class Device(Base):
    """A browser of a person. ``failures`` counts wrong passwords in a row from it."""

    __tablename__ = "devices"
    __table_args__ = (CheckConstraint("length(digest) = 32", name="digest_length"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[Now]
    seen_at: Mapped[Now] = mapped_column(index=True)


class Owner(NamedTuple):
    """Whose a browser is, and by which of its names."""

    user_id: UUID
    digest: bytes


async def find_owner(
    session: AsyncSession, digests: Collection[bytes], *, name: str
) -> Owner | None:
    """Return the person of an address or user name, if this browser is known as his."""
    key = canonical(name)
    by_name = User.email_key == key if "@" in key else User.username_key == key
    statement = (
        select(User.id, Device.digest).join(Device).where(by_name, Device.digest.in_(digests))
    )
    row = (await session.execute(statement.limit(1))).one_or_none()
    return None if row is None else Owner._make(row)


class Seen(NamedTuple):
    """When a browser was first and last used to sign in."""

    created_at: datetime
    seen_at: datetime


async def of_person(session: AsyncSession, user_id: UUID) -> list[Seen]:
    """Return a person's browsers, the oldest first."""
    statement = select(Device.created_at, Device.seen_at).where(Device.user_id == user_id)
    rows = await session.execute(statement.order_by(Device.created_at))
    return [Seen._make(row) for row in rows]


async def known_among(
    session: AsyncSession, user_id: UUID, digests: Collection[bytes]
) -> bytes | None:
    """Return the one of these by which a browser is known as a person's, if there is one."""
    statement = select(Device.digest).where(Device.user_id == user_id, Device.digest.in_(digests))
    return await session.scalar(statement.limit(1))


async def remember(session: AsyncSession, user_id: UUID, digest: bytes) -> bool:
    """Note that a person signed in with a browser; return whether it is new to him.

    Past ``DEVICES_PER_PERSON`` those that were not seen for longest are forgotten.
    """
    is_new = await session.scalar(
        insert(Device)
        .values(user_id=user_id, digest=digest)
        .on_conflict_do_update(
            index_elements=[Device.user_id, Device.digest],
            set_={"seen_at": func.now(), "failures": 0},
        )
        .returning(literal_column("xmax = 0"))
    )
    if is_new:
        mine = select(Device.digest).where(Device.user_id == user_id)
        surplus = mine.order_by(Device.seen_at.desc()).offset(DEVICES_PER_PERSON)
        await session.execute(
            delete(Device).where(Device.user_id == user_id, Device.digest.in_(surplus))
        )
    return bool(is_new)


async def count_failure(session: AsyncSession, user_id: UUID, digest: bytes) -> None:
    """Count a wrong password from a known browser; after too many it is known no more."""
    failures = await session.scalar(
        update(Device)
        .where(_is(user_id, digest))
        .values(failures=Device.failures + 1)
        .returning(Device.failures)
    )
    if (failures or 0) >= FAILURES_UNTIL_FORGOTTEN:
        await session.execute(delete(Device).where(_is(user_id, digest)))


async def forget_all(session: AsyncSession, user_id: UUID, *, but: Collection[bytes] = ()) -> None:
    """Forget a person's browsers, all or all but these."""
    others = and_(Device.user_id == user_id, Device.digest.not_in(but))
    await session.execute(delete(Device).where(others))


def _is(user_id: UUID, digest: bytes) -> ColumnElement[bool]:
    return and_(Device.user_id == user_id, Device.digest == digest)


def unseen(term: timedelta) -> Stale:
    """Return the browsers in which nobody signed in for so long."""
    return Stale(Device, Device.seen_at <= func.now() - term, Device.seen_at)
