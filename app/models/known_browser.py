"""Devices: the browsers in which a user has signed in before (BF-05).

A browser keeps a random value for years; here stands its digest, for each person who signed in
with it. It opens nothing: it spares its owner from being slowed by strangers who try their name,
and from an email about a browser that they have long used.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db import run
from app.kit.addresses import canonical
from app.models.base import Base, Moment, Now, bound
from app.models.pruning import Stale
from app.models.user import User

BROWSERS_PER_USER = 20
FAILURES_UNTIL_FORGOTTEN = 100


class KnownBrowser(Base):
    """A browser of a user. ``failures`` counts wrong passwords in a row from it.

    Until ``trusted_until`` a sign-in with it needs no second factor (RM-04).
    """

    __tablename__ = "known_browsers"
    __table_args__ = (CheckConstraint("length(digest) = 32", name="digest_length"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[Now]
    seen_at: Mapped[Now] = mapped_column(index=True)
    trusted_until: Mapped[Moment | None]


class BrowserOwner(NamedTuple):
    """Whose a browser is, and by which of its names."""

    user_id: UUID
    digest: bytes


async def find_owner(
    db: AsyncSession, digests: Collection[bytes], *, name: str
) -> BrowserOwner | None:
    """Return the user of an address or username, if this browser is known as theirs."""
    key = canonical(name)
    by_name = User.email_key == key if "@" in key else User.username_key == key
    statement = (
        select(User.id.label("user_id"), KnownBrowser.digest)
        .join(KnownBrowser)
        .where(by_name, KnownBrowser.digest.in_(digests))
    )
    row = (await db.execute(statement.limit(1))).one_or_none()
    return None if row is None else bound(BrowserOwner, row)


class BrowserSeen(NamedTuple):
    """When a browser was first and last used to sign in."""

    created_at: datetime
    seen_at: datetime
    trusted_until: datetime | None


async def of_user(db: AsyncSession, user_id: UUID) -> list[BrowserSeen]:
    """Return a user's browsers, the oldest first."""
    statement = select(
        KnownBrowser.created_at, KnownBrowser.seen_at, KnownBrowser.trusted_until
    ).where(KnownBrowser.user_id == user_id)
    rows = await db.execute(statement.order_by(KnownBrowser.created_at))
    return [bound(BrowserSeen, row) for row in rows]


async def known_among(db: AsyncSession, user_id: UUID, digests: Collection[bytes]) -> bytes | None:
    """Return the one of these by which a browser is known as a user's, if there is one."""
    if not digests:
        return None
    statement = select(KnownBrowser.digest).where(
        KnownBrowser.user_id == user_id, KnownBrowser.digest.in_(digests)
    )
    return await db.scalar(statement.limit(1))


_REMEMBER = (
    insert(KnownBrowser)
    .values(user_id=bindparam("user_id"), digest=bindparam("digest"))
    .on_conflict_do_update(
        index_elements=[KnownBrowser.user_id, KnownBrowser.digest],
        set_={"seen_at": func.now(), "failures": 0},
    )
    .returning(literal_column("xmax = 0", Boolean))
)
_FORGET_SURPLUS = delete(KnownBrowser).where(
    KnownBrowser.user_id == bindparam("user_id"),
    KnownBrowser.digest.in_(
        select(KnownBrowser.digest)
        .where(KnownBrowser.user_id == bindparam("user_id"))
        .order_by(KnownBrowser.seen_at.desc())
        .offset(BROWSERS_PER_USER)
    ),
)


async def remember(db: AsyncSession, user_id: UUID, digest: bytes) -> bool:
    """Note that a user signed in with a browser; return whether it is new to them.

    Past ``BROWSERS_PER_USER`` those that were not seen for longest are forgotten.
    """
    is_new = (await run(db, _REMEMBER, user_id=user_id, digest=digest)).scalar()
    if is_new:
        await run(db, _FORGET_SURPLUS, user_id=user_id)
    return bool(is_new)


async def count_failure(db: AsyncSession, user_id: UUID, digest: bytes) -> None:
    """Count a wrong password from a known browser; after too many it is known no more."""
    failures = await db.scalar(
        update(KnownBrowser)
        .where(_is(user_id, digest))
        .values(failures=KnownBrowser.failures + 1)
        .returning(KnownBrowser.failures)
    )
    if (failures or 0) >= FAILURES_UNTIL_FORGOTTEN:
        await db.execute(delete(KnownBrowser).where(_is(user_id, digest)))


async def forget_all(db: AsyncSession, user_id: UUID, *, but: Collection[bytes] = ()) -> None:
    """Forget a user's browsers, all or all but these."""
    others = and_(KnownBrowser.user_id == user_id, KnownBrowser.digest.not_in(but))
    await db.execute(delete(KnownBrowser).where(others))


async def is_trusted(db: AsyncSession, user_id: UUID, digests: Collection[bytes]) -> bool:
    """Whether a user, and nobody else, needs no second factor in this browser (RM-04)."""
    statement = select(KnownBrowser.digest).where(
        KnownBrowser.user_id == user_id,
        KnownBrowser.digest.in_(digests),
        KnownBrowser.trusted_until > func.now(),
    )
    return await db.scalar(statement.limit(1)) is not None


async def trust(
    db: AsyncSession, user_id: UUID, digest: bytes, *, new_digest: bytes, term: timedelta
) -> None:
    """Trust a browser for a while, under a new name: whoever copied the old one is not trusted."""
    statement = update(KnownBrowser).where(_is(user_id, digest))
    await db.execute(statement.values(digest=new_digest, trusted_until=func.now() + term))


async def distrust_all(db: AsyncSession, user_id: UUID) -> int:
    """Ask a user for their second factor in every browser again; return how many were trusted."""
    statement = (
        update(KnownBrowser)
        .where(KnownBrowser.user_id == user_id, KnownBrowser.trusted_until.is_not(None))
        .values(trusted_until=None)
        .returning(KnownBrowser.trusted_until)
    )
    return len((await db.scalars(statement)).all())


async def count_trusted(db: AsyncSession, user_id: UUID) -> int:
    """Return in how many browsers a user is not asked for their second factor."""
    counted = select(func.count()).where(
        KnownBrowser.user_id == user_id, KnownBrowser.trusted_until > func.now()
    )
    return await db.scalar(counted) or 0


def _is(user_id: UUID, digest: bytes) -> ColumnElement[bool]:
    return and_(KnownBrowser.user_id == user_id, KnownBrowser.digest == digest)


def unseen(term: timedelta) -> Stale:
    """Return the browsers in which nobody signed in for so long."""
    return Stale(KnownBrowser, KnownBrowser.seen_at <= func.now() - term, KnownBrowser.seen_at)
