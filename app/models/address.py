"""Addresses that accounts have had, each since when; of accounts that never changed it, none.

They say which of two addresses an account had earlier: only an earlier one is ever given back, so
that an intruder's emails cannot undo the owner's repair.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Now
from app.models.user import User


class HeldAddress(Base):
    """An address that an account had at ``since`` for the first time.

    ``email_key`` is the address itself: of two with one canonical form, each counts.
    """

    __tablename__ = "held_addresses"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    email_key: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[Now]


async def note(db: AsyncSession, user_id: UUID, *, before: str, now: str) -> None:
    """Note that an account has another address from now on. It began with the first one."""
    began = select(User.id, literal(before), User.created_at).where(User.id == user_id)
    held = [HeldAddress.user_id, HeldAddress.email_key, HeldAddress.since]
    first = insert(HeldAddress).from_select(held, began)
    await db.execute(first.on_conflict_do_nothing())
    then = insert(HeldAddress).values(user_id=user_id, email_key=now)
    await db.execute(then.on_conflict_do_nothing())


async def is_earlier(db: AsyncSession, user_id: UUID, email: str, than: str) -> bool:
    """Whether an account had one address before another."""
    rows = await db.execute(
        select(HeldAddress.email_key, HeldAddress.since).where(HeldAddress.user_id == user_id)
    )
    since: dict[str, datetime] = {key: moment for key, moment in rows}  # noqa: C416 - rows are no pairs to mypy
    first, second = since.get(email), since.get(than)
    return first is not None and second is not None and first < second


async def of_user(db: AsyncSession, user_id: UUID) -> list[str]:
    """Return the addresses that an account had, in their order."""
    statement = select(HeldAddress.email_key).where(HeldAddress.user_id == user_id)
    return list(await db.scalars(statement.order_by(HeldAddress.since)))
