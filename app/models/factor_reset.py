"""Lost factors: who asked that theirs be removed, and waits for it."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ForeignKey, SmallInteger, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Now, bound
from app.models.user import User, may_sign_in


class FactorReset(Base):
    """A wait. ``reminded``: how many of the emails on the way were written."""

    __tablename__ = "factor_resets"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    credential_version: Mapped[int]
    reminded: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    asked_at: Mapped[Now]
    due_at: Mapped[Moment] = mapped_column(index=True)


class Due(NamedTuple):
    """Whose wait is half over, or over."""

    user_id: UUID
    due_at: datetime
    is_over: bool


async def ask(db: AsyncSession, user_id: UUID, *, version: int, wait: timedelta) -> datetime | None:
    """Begin a wait, unless there is one; return when it ends, None if it had begun before."""
    statement = (
        insert(FactorReset)
        .values(user_id=user_id, credential_version=version, due_at=func.now() + wait)
        .on_conflict_do_nothing()
        .returning(FactorReset.due_at)
    )
    return await db.scalar(statement)


async def due_at(db: AsyncSession, user_id: UUID) -> datetime | None:
    """Return when a user's wait ends, None if there is none."""
    return await db.scalar(select(FactorReset.due_at).where(FactorReset.user_id == user_id))


async def cancel(db: AsyncSession, user_id: UUID) -> bool:
    """End a user's wait without doing anything; False if there is none."""
    statement = delete(FactorReset).where(FactorReset.user_id == user_id)
    return await db.scalar(statement.returning(FactorReset.user_id)) is not None


async def next_due(db: AsyncSession) -> Due | None:
    """Return and hold a wait that is half over, and not told of it yet, or over.

    A wait whose user changed the password since, or may not sign in, is over without effect.
    """
    is_half_over = func.now() - FactorReset.asked_at >= FactorReset.due_at - func.now()
    is_over = FactorReset.due_at <= func.now()
    statement = (
        select(FactorReset.user_id, FactorReset.due_at, is_over.label("is_over"))
        .where(is_over | (is_half_over & (FactorReset.reminded == 0)))
        .order_by(FactorReset.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(Due, row)


async def take(db: AsyncSession, user_id: UUID) -> bool:
    """End a wait that is over; whether it still holds: the password is that of its beginning."""
    unchanged = (
        select(User.id)
        .where(
            User.id == FactorReset.user_id,
            User.credential_version == FactorReset.credential_version,
            may_sign_in(),
        )
        .exists()
    )
    statement = delete(FactorReset).where(FactorReset.user_id == user_id)
    return bool(await db.scalar(statement.returning(unchanged)))


async def note_reminder(db: AsyncSession, user_id: UUID) -> None:
    """Note that the email half way was written."""
    statement = update(FactorReset).where(FactorReset.user_id == user_id)
    await db.execute(statement.values(reminded=1))
