"""Groups: beside their one role, users may be in many. Applications hear of them, rules too."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Integer,
    ScalarSelect,
    delete,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Now, bound
from app.models.user import User


class GroupRow(Base):
    """A group of users."""

    __tablename__ = "groups"
    __table_args__ = (CheckConstraint("length(name) between 1 and 64", name="name_length"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Now]


class UserGroup(Base):
    """That a user is in a group."""

    __tablename__ = "user_groups"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[int] = mapped_column(
        ForeignKey(GroupRow.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    added_at: Mapped[Now]


class KnownGroup(NamedTuple):
    """A group, and how many are in it."""

    id: int
    name: str
    members: int


class Member(NamedTuple):
    """Somebody in a group."""

    id: UUID
    username: str
    email: str


def names_of_user() -> ScalarSelect[list[str]]:
    """Return the names of a user's groups as a column beside ``User``."""
    names = (
        select(GroupRow.name)
        .join(UserGroup, UserGroup.group_id == GroupRow.id)
        .where(UserGroup.user_id == User.id)
        .order_by(GroupRow.name)
        .correlate(User)
        .subquery()
    )
    return select(func.array_agg(names.c.name)).scalar_subquery()


async def everything(db: AsyncSession) -> list[KnownGroup]:
    """Return all groups, by name."""
    members = select(func.count()).where(UserGroup.group_id == GroupRow.id).scalar_subquery()
    statement = select(GroupRow.id, GroupRow.name, members.label("members")).order_by(GroupRow.name)
    return [bound(KnownGroup, row) for row in await db.execute(statement)]


async def names(db: AsyncSession) -> list[str]:
    """Return the names of all groups, in order."""
    return list(await db.scalars(select(GroupRow.name).order_by(GroupRow.name)))


async def add(db: AsyncSession, name: str) -> bool:
    """Add a group; False if there is one of this name, in any case of letters."""
    there = select(GroupRow.id).where(func.lower(GroupRow.name) == name.lower()).exists()
    statement = (
        insert(GroupRow)
        .from_select(["name"], select(literal(name)).where(~there))
        .on_conflict_do_nothing()
        .returning(GroupRow.id)
    )
    return await db.scalar(statement) is not None


async def find(db: AsyncSession, name: str) -> KnownGroup | None:
    """Return the group of a name, in any case of letters; it stays until the transaction ends."""
    statement = select(GroupRow.id, GroupRow.name, literal(0).label("members"))
    statement = statement.where(func.lower(GroupRow.name) == name.lower())
    row = (await db.execute(statement.with_for_update(read=True, key_share=True))).one_or_none()
    return None if row is None else bound(KnownGroup, row)


async def remove(db: AsyncSession, group_id: int) -> None:
    """Delete a group; nobody is in it any more."""
    await db.execute(delete(GroupRow).where(GroupRow.id == group_id))


async def add_user(db: AsyncSession, group_id: int, user_id: UUID) -> bool:
    """Put a user into a group; False if they are in it."""
    statement = (
        insert(UserGroup)
        .values(group_id=group_id, user_id=user_id)
        .on_conflict_do_nothing()
        .returning(UserGroup.user_id)
    )
    return await db.scalar(statement) is not None


async def remove_user(db: AsyncSession, group_id: int, user_id: UUID) -> bool:
    """Take a user out of a group; False if they are not in it."""
    statement = delete(UserGroup).where(
        UserGroup.group_id == group_id, UserGroup.user_id == user_id
    )
    return await db.scalar(statement.returning(UserGroup.user_id)) is not None


async def members(db: AsyncSession, group_id: int, *, after: str, size: int) -> list[Member]:
    """Return some of who is in a group, by username, from the one ``after`` on."""
    statement = (
        select(User.id, User.username, User.email)
        .join(UserGroup, UserGroup.user_id == User.id)
        .where(UserGroup.group_id == group_id, User.username_key > after)
        .order_by(User.username_key)
        .limit(size)
    )
    return [bound(Member, row) for row in await db.execute(statement)]


async def of_user(db: AsyncSession, user_id: UUID) -> list[str]:
    """Return the names of the groups that a user is in."""
    statement = select(GroupRow.name).join(UserGroup, UserGroup.group_id == GroupRow.id)
    return list(
        await db.scalars(statement.where(UserGroup.user_id == user_id).order_by(GroupRow.name))
    )
