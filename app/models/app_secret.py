"""Secrets of authenticator apps, and every statement that touches them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    SmallInteger,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.encryption import HEAD_BYTES
from app.models.base import Base, Moment, Now, RandomId, bound
from app.models.pruning import Stale
from app.models.user import User

UNCONFIRMED_FOR = timedelta(hours=1)


class AppSecretRow(Base):
    """A secret, sealed. It counts from ``confirmed_at`` on, when the first code was shown.

    ``last_step``: the time step of the newest code that was used. ``removed_at``: it is kept for
    some days, so that "this wasn't me" can bring it back.
    """

    __tablename__ = "app_secrets"
    __table_args__ = (
        CheckConstraint("length(sealed) BETWEEN 33 AND 160", name="sealed_length"),
        CheckConstraint("algorithm IN ('sha1', 'sha256', 'sha512')", name="algorithm"),
        CheckConstraint("digits IN (6, 8)", name="digits"),
        CheckConstraint("period BETWEEN 15 AND 120", name="period"),
        Index(
            "uq_app_secrets_one_live",
            "user_id",
            unique=True,
            postgresql_where=text("removed_at IS NULL AND confirmed_at IS NOT NULL"),
        ),
        Index(
            "uq_app_secrets_one_begun",
            "user_id",
            unique=True,
            postgresql_where=text("confirmed_at IS NULL"),
        ),
        Index("ix_app_secrets_user_id", "user_id"),
        Index(
            "ix_app_secrets_removed_at",
            "removed_at",
            postgresql_where=text("removed_at IS NOT NULL"),
        ),
    )

    id: Mapped[RandomId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    sealed: Mapped[bytes]
    algorithm: Mapped[str] = mapped_column(server_default="sha1")
    digits: Mapped[int] = mapped_column(SmallInteger, server_default="6")
    period: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    last_step: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[Now]
    confirmed_at: Mapped[Moment | None]
    used_at: Mapped[Moment | None]
    removed_at: Mapped[Moment | None]

    @classmethod
    def is_live(cls, user_id: UUID) -> ColumnElement[bool]:
        """Whether a row is a secret that a user signs in with."""
        return and_(cls.user_id == user_id, cls.removed_at.is_(None), cls.confirmed_at.is_not(None))


class Sealed(NamedTuple):
    """A secret as it is stored; ``now`` is the database's clock, in seconds of Unix."""

    id: UUID
    sealed: bytes
    algorithm: str
    digits: int
    period: int
    created_at: datetime
    used_at: datetime | None
    now: float


_SEALED = select(
    AppSecretRow.id,
    AppSecretRow.sealed,
    AppSecretRow.algorithm,
    AppSecretRow.digits,
    AppSecretRow.period,
    AppSecretRow.created_at,
    AppSecretRow.used_at,
    func.extract("epoch", func.clock_timestamp()).label("now"),
)


async def find(db: AsyncSession, user_id: UUID) -> Sealed | None:
    """Return the secret that a user signs in with."""
    row = (await db.execute(_SEALED.where(AppSecretRow.is_live(user_id)))).one_or_none()
    return None if row is None else bound(Sealed, row)


async def find_begun(db: AsyncSession, user_id: UUID) -> Sealed | None:
    """Return the secret that a user is about to set up."""
    statement = _SEALED.where(
        AppSecretRow.user_id == user_id,
        AppSecretRow.confirmed_at.is_(None),
        AppSecretRow.created_at > func.now() - UNCONFIRMED_FOR,
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(Sealed, row)


async def begin(db: AsyncSession, user_id: UUID, *, row_id: UUID, sealed: bytes) -> None:
    """Store a secret that is being set up; one that was begun before is void (MF-05)."""
    statement = insert(AppSecretRow).values(id=row_id, user_id=user_id, sealed=sealed)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=[AppSecretRow.user_id],
            index_where=AppSecretRow.confirmed_at.is_(None),
            set_={"id": row_id, "sealed": sealed, "created_at": func.now(), "last_step": 0},
        )
    )


async def add(
    db: AsyncSession,
    user_id: UUID,
    *,
    row_id: UUID,
    sealed: bytes,
    algorithm: str,
    digits: int,
    period: int,
) -> None:
    """Store a secret that was used elsewhere before."""
    await db.execute(
        insert(AppSecretRow).values(
            id=row_id,
            user_id=user_id,
            sealed=sealed,
            algorithm=algorithm,
            digits=digits,
            period=period,
            confirmed_at=func.now(),
        )
    )


async def confirm(db: AsyncSession, row_id: UUID, *, step: int) -> bool:
    """Let a secret count, whose first code was shown; False if it is gone, or counts already."""
    statement = (
        update(AppSecretRow)
        .where(AppSecretRow.id == row_id, AppSecretRow.confirmed_at.is_(None))
        .values(confirmed_at=func.now(), last_step=step)
        .returning(AppSecretRow.id)
    )
    return await db.scalar(statement) is not None


async def use(db: AsyncSession, row_id: UUID, *, step: int) -> bool:
    """Use up a code; of any number at once, and of older ones later, none passes (MF-01)."""
    statement = (
        update(AppSecretRow)
        .where(AppSecretRow.id == row_id, AppSecretRow.last_step < step)
        .values(last_step=step, used_at=func.now())
        .returning(AppSecretRow.id)
    )
    return await db.scalar(statement) is not None


async def remove(db: AsyncSession, user_id: UUID) -> bool:
    """Take the secret of a user out of use; False if there is none. What was begun goes too."""
    begun = and_(AppSecretRow.user_id == user_id, AppSecretRow.confirmed_at.is_(None))
    await db.execute(delete(AppSecretRow).where(begun))
    statement = update(AppSecretRow).where(AppSecretRow.is_live(user_id))
    removed = statement.values(removed_at=func.now()).returning(AppSecretRow.id)
    return await db.scalar(removed) is not None


async def retire(db: AsyncSession, user_id: UUID) -> None:
    """Take the secret of a user out of use that another one takes the place of."""
    statement = update(AppSecretRow).where(AppSecretRow.is_live(user_id))
    await db.execute(statement.values(removed_at=func.now()))


async def restore(db: AsyncSession, user_id: UUID, *, since: datetime) -> None:
    """Undo what happened since a moment: newer secrets go, one that was removed comes back."""
    mine = AppSecretRow.user_id == user_id
    newer = or_(AppSecretRow.confirmed_at.is_(None), AppSecretRow.confirmed_at >= since)
    await db.execute(delete(AppSecretRow).where(mine, newer))
    removed = update(AppSecretRow).where(mine, AppSecretRow.removed_at >= since)
    await db.execute(removed.values(removed_at=None))


async def hold_not_under(
    db: AsyncSession, heads: Sequence[bytes], *, after: UUID, most: int
) -> list[Sealed]:
    """Return and hold secrets that are sealed under none of these keys, in the order of ids."""
    head = func.substr(AppSecretRow.sealed, 1, HEAD_BYTES)
    statement = _SEALED.where(head.not_in(heads), AppSecretRow.id > after)
    rows = await db.execute(statement.order_by(AppSecretRow.id).limit(most).with_for_update())
    return [bound(Sealed, row) for row in rows]


async def count_not_under(db: AsyncSession, heads: Sequence[bytes]) -> int:
    """Return how many secrets are sealed under none of these keys."""
    head = func.substr(AppSecretRow.sealed, 1, HEAD_BYTES)
    counted = select(func.count()).select_from(AppSecretRow).where(head.not_in(heads))
    return await db.scalar(counted) or 0


async def reseal(db: AsyncSession, row_id: UUID, sealed: bytes) -> None:
    """Store a secret as it is sealed under another key."""
    await db.execute(update(AppSecretRow).where(AppSecretRow.id == row_id).values(sealed=sealed))


def removed_before(term: timedelta) -> Stale:
    """Return the secrets that were removed so long ago."""
    gone = AppSecretRow.removed_at <= func.now() - term
    return Stale(AppSecretRow, gone, AppSecretRow.removed_at)


def abandoned() -> Stale:
    """Return the secrets whose setting up nobody finished."""
    begun = AppSecretRow.confirmed_at.is_(None)
    old = AppSecretRow.created_at <= func.now() - UNCONFIRMED_FOR
    return Stale(AppSecretRow, and_(begun, old), AppSecretRow.created_at)
