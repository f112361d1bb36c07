"""What users have told of themselves in the fields that the site declares (``kit.profile``)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Text,
    and_,
    collate,
    delete,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.user import User

SEARCHED_CHARACTERS = 100  # of a value; the rest is in no index
LAST_CHARACTER = "\U0010ffff"


class ProfileValue(Base):
    """One field of one user. ``search_key`` is the value in the form in which it is found."""

    __tablename__ = "profile_values"
    __table_args__ = (Index("ix_profile_values_search", "name", "search_key"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    search_key: Mapped[str] = mapped_column(Text(collation="C"))


class Value(NamedTuple):
    """A value as it is stored, and in the form in which it is found; empty to take it away."""

    text: str
    search_key: str


async def of(db: AsyncSession, user_id: UUID | None) -> dict[str, str]:
    """Return a user's values by their fields' names; nobody has none."""
    found = select(ProfileValue.name, ProfileValue.value).where(ProfileValue.user_id == user_id)
    return {row.name: row.value for row in await db.execute(found)}


async def save(db: AsyncSession, user_id: UUID, values: Mapping[str, Value]) -> set[str]:
    """Store values, and take the empty ones away; return the names of those that changed."""
    gone = [name for name, value in values.items() if not value.text]
    changed: set[str] = set()
    if gone:
        taken = delete(ProfileValue).where(
            ProfileValue.user_id == user_id, ProfileValue.name.in_(gone)
        )
        changed |= set(await db.scalars(taken.returning(ProfileValue.name)))
    rows = [
        {
            "user_id": user_id,
            "name": name,
            "value": value.text,
            "search_key": value.search_key[:SEARCHED_CHARACTERS],
        }
        for name, value in sorted(values.items())
        if value.text
    ]
    if rows:
        given = insert(ProfileValue).values(rows)
        statement = given.on_conflict_do_update(
            index_elements=[ProfileValue.user_id, ProfileValue.name],
            set_={"value": given.excluded.value, "search_key": given.excluded.search_key},
            where=ProfileValue.value != given.excluded.value,
        )
        changed |= set(await db.scalars(statement.returning(ProfileValue.name)))
    return changed


async def find(
    db: AsyncSession,
    name: str,
    key: str,
    *,
    narrowed: Sequence[ColumnElement[bool]],
    after: str,
    size: int,
) -> list[UUID]:
    """Return whose value of a field begins so, in the order of usernames behind ``after``."""
    order = collate(User.username_key, "C")
    statement = (
        select(User.id)
        .join(ProfileValue)
        .where(begins(name, key), literal(after) < order, *narrowed)
        .order_by(order)
        .limit(size)
    )
    return list(await db.scalars(statement))


def begins(name: str, key: str) -> ColumnElement[bool]:
    """Say that a field's value begins so."""
    key = key[:SEARCHED_CHARACTERS]
    return and_(
        ProfileValue.name == name,
        ProfileValue.search_key >= key,
        ProfileValue.search_key < key + LAST_CHARACTER if key else true(),
    )
