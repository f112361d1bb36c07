"""People who asked to be forgotten, and may change their mind for some days."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.kit.permissions import Permission
from app.models import administrators
from app.models.base import bound
from app.models.role import Role
from app.models.user import User, is_welcome


class DueDeletion(NamedTuple):
    """Somebody who asked to be forgotten, and whose time to change their mind is over."""

    id: UUID
    email: str
    username: str


async def schedule(db: AsyncSession, user_id: UUID, *, grace: timedelta) -> datetime:
    """Note that a user wants to be forgotten; return when that will be."""
    statement = (
        update(User)
        .where(User.id == user_id)
        .values(delete_at=func.coalesce(User.delete_at, func.now() + grace))
        .returning(User.delete_at)
    )
    moment = (await db.scalars(statement)).one()
    if moment is None:
        raise TypeError("a moment that was just set is missing")
    return moment


async def stay(db: AsyncSession, user_id: UUID) -> bool:
    """Note that a user stays after all; False if they were not leaving."""
    statement = (
        update(User)
        .where(User.id == user_id, User.delete_at.is_not(None))
        .values(delete_at=None)
        .returning(User.id)
    )
    return await db.scalar(statement) is not None


async def next_to_delete(db: AsyncSession, *, but: Collection[UUID] = ()) -> DueDeletion | None:
    """Return who is to be erased first, and hold them; None if there is nobody.

    The last administrator stays, while nobody else could sign in as one. ``but``: who is passed
    over.
    """
    statement = (
        select(User.id, User.email, User.username)
        .where(_is_due(), ~_is_last_administrator(), User.id.not_in(but))
        .order_by(User.delete_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(DueDeletion, row)


async def count_to_delete(db: AsyncSession) -> int:
    """Return how many people are to be erased."""
    due = select(func.count()).select_from(User).where(_is_due(), ~_is_last_administrator())
    return await db.scalar(due) or 0


async def count_late(db: AsyncSession, *, by: timedelta) -> int:
    """Return how many people should have been erased so long ago."""
    late = User.delete_at <= func.now() - by
    due = select(func.count()).select_from(User).where(late, ~_is_last_administrator())
    return await db.scalar(due) or 0


async def is_last_administrator_leaving(db: AsyncSession) -> bool:
    """Whether somebody would be erased if they were not the last administrator."""
    statement = select(User.id).where(_is_due(), _is_last_administrator()).limit(1)
    return await db.scalar(statement) is not None


def _is_due() -> ColumnElement[bool]:
    return User.delete_at <= func.now()


def _is_last_administrator() -> ColumnElement[bool]:
    other = aliased(User)
    roles = select(Role.id).where(Role.permissions.bitwise_and(int(Permission.ADMIN)) != 0)
    others = administrators.somebody(
        Permission.ADMIN,
        other,
        other.id != User.id,
        is_welcome(other),
        other.password_hash.is_not(None),
    )
    return User.role_id.in_(roles) & ~others
