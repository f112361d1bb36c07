"""What administrators write down about a user, for each other. It goes with the user.

The user reads it too if they ask for their data (GDPR, article 15), but not who wrote it.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.models.base import Base, Now, bound
from app.models.user import User

MOST_SHOWN = 50


class UserNote(Base):
    """A note. ``author_id`` is None for the command line; no foreign key: notes stay."""

    __tablename__ = "user_notes"
    __table_args__ = (CheckConstraint("length(text) <= 2000", name="text_length"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    author_id: Mapped[UUID | None]
    written_at: Mapped[Now]
    text: Mapped[str]


class Note(NamedTuple):
    """A note as it is read. ``author`` is a name, None for who is gone or had none."""

    id: int
    author: str | None
    written_at: datetime
    text: str


async def add(db: AsyncSession, user_id: UUID, *, author_id: UUID | None, words: str) -> None:
    """Write a note down."""
    values = {"user_id": user_id, "author_id": author_id, "text": words}
    await db.execute(insert(UserNote).values(values))


async def of(
    db: AsyncSession, user_id: UUID, *, has_usernames: bool = True, most: int | None = MOST_SHOWN
) -> list[Note]:
    """Return the notes about a user, the newest first; ``most``: None for all.

    ``has_usernames``: whether authors are told by them; else by their addresses.
    """
    author = aliased(User)
    name = author.username if has_usernames else author.email
    statement = (
        select(UserNote.id, name.label("author"), UserNote.written_at, UserNote.text)
        .outerjoin(author, author.id == UserNote.author_id)
        .where(UserNote.user_id == user_id)
        .order_by(UserNote.written_at.desc(), UserNote.id.desc())
        .limit(most)
    )
    return [bound(Note, row) for row in await db.execute(statement)]


async def remove(db: AsyncSession, user_id: UUID, note_id: int) -> bool:
    """Remove a note; False if this user has none of this id."""
    statement = delete(UserNote).where(UserNote.user_id == user_id, UserNote.id == note_id)
    return await db.scalar(statement.returning(UserNote.id)) is not None
