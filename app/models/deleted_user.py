"""People who are erased, but for the lines of the audit that still tell where they sat.

Who has a long history leaves more lines than one statement may take: they are wiped some at a time.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Now, bound


class DeletedUser(Base):
    """Somebody of whom the lines before ``reached`` are wiped."""

    __tablename__ = "deleted_users"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    reached: Mapped[Moment]
    since: Mapped[Now]


class Left(NamedTuple):
    """Whose lines are to be wiped, and from which moment on."""

    user_id: UUID
    reached: datetime


async def note(db: AsyncSession, user_id: UUID, reached: datetime) -> None:
    """Note how far the lines of a user are wiped."""
    statement = insert(DeletedUser).values(user_id=user_id, reached=reached)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=[DeletedUser.user_id], set_={"reached": reached}
        )
    )


async def next_left(db: AsyncSession) -> Left | None:
    """Return whose lines have waited longest, and hold them; None if there is nobody."""
    statement = (
        select(DeletedUser.user_id, DeletedUser.reached)
        .order_by(DeletedUser.since)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(Left, row)


async def done(db: AsyncSession, user_id: UUID) -> None:
    """Note that nothing is left of a user."""
    await db.execute(delete(DeletedUser).where(DeletedUser.user_id == user_id))


async def count_late(db: AsyncSession, *, by: timedelta) -> int:
    """Return of how many people something is left after so long."""
    late = select(func.count()).where(DeletedUser.since < func.now() - by)
    return await db.scalar(late) or 0
