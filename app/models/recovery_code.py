"""Recovery codes, and every statement that touches them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Now
from app.models.pruning import Stale
from app.models.user import User


class RecoveryCode(Base):
    """A code that works once. A used one is deleted, a replaced one kept for some days."""

    __tablename__ = "recovery_codes"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        Index(
            "ix_recovery_codes_removed_at",
            "removed_at",
            postgresql_where=text("removed_at IS NOT NULL"),
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    created_at: Mapped[Now]
    removed_at: Mapped[Moment | None]


async def replace(db: AsyncSession, user_id: UUID, digests: Iterable[bytes]) -> None:
    """Give a user a new set; the old one is dead at once."""
    await remove(db, user_id)
    rows = [{"user_id": user_id, "digest": digest} for digest in digests]
    await db.execute(insert(RecoveryCode).values(rows))


async def use(db: AsyncSession, user_id: UUID, digest: bytes) -> bool:
    """Use up a code; of any number at once exactly one passes (MF-07)."""
    statement = delete(RecoveryCode).where(
        RecoveryCode.user_id == user_id,
        RecoveryCode.digest == digest,
        RecoveryCode.removed_at.is_(None),
    )
    return await db.scalar(statement.returning(RecoveryCode.user_id)) is not None


async def count(db: AsyncSession, user_id: UUID) -> int:
    """Return how many codes a user has left."""
    left = select(func.count()).where(
        RecoveryCode.user_id == user_id, RecoveryCode.removed_at.is_(None)
    )
    return await db.scalar(left) or 0


async def remove(db: AsyncSession, user_id: UUID) -> None:
    """Take all codes of a user out of use."""
    statement = update(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.removed_at.is_(None)
    )
    await db.execute(statement.values(removed_at=func.now()))


async def restore(db: AsyncSession, user_id: UUID, *, since: datetime) -> None:
    """Undo what happened since a moment: newer codes go, those that were removed come back."""
    mine = RecoveryCode.user_id == user_id
    await db.execute(delete(RecoveryCode).where(mine, RecoveryCode.created_at >= since))
    removed = update(RecoveryCode).where(mine, RecoveryCode.removed_at >= since)
    await db.execute(removed.values(removed_at=None))


def removed_before(term: timedelta) -> Stale:
    """Return the codes that were removed so long ago."""
    gone = RecoveryCode.removed_at <= func.now() - term
    return Stale(RecoveryCode, gone, RecoveryCode.removed_at)
