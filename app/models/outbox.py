"""The outbox: letters that were decided in the same transaction as what they tell of."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Index, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.letter import Letter
from app.models.base import Base, Moment, Now, RandomId

LEASE = timedelta(minutes=2)


class OutgoingLetter(Base):
    """A letter on its way. Its text is wiped once it is sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_waiting", "due_at", postgresql_where=text("sent_at IS NULL")),
    )

    id: Mapped[RandomId]
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str | None]
    html: Mapped[str | None]
    created_at: Mapped[Now]
    due_at: Mapped[Now]
    tries: Mapped[int] = mapped_column(server_default="0")
    sent_at: Mapped[Moment | None]


class Claimed(NamedTuple):
    """A letter that this postman, and no other, may send until its lease ends."""

    id: UUID
    recipient: str
    subject: str
    text: str | None
    html: str | None


async def put(session: AsyncSession, letter: Letter) -> None:
    """Lay a letter into the outbox."""
    await session.execute(
        insert(OutgoingLetter).values(
            recipient=letter.to, subject=letter.subject, text=letter.text, html=letter.html
        )
    )


async def claim(session: AsyncSession) -> Claimed | None:
    """Take the letter that waits longest; other postmen pass it by until the lease ends."""
    due = (
        select(OutgoingLetter.id)
        .where(OutgoingLetter.sent_at.is_(None), OutgoingLetter.due_at <= func.now())
        .order_by(OutgoingLetter.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutgoingLetter)
        .where(OutgoingLetter.id.in_(due))
        .values(due_at=func.now() + LEASE, tries=OutgoingLetter.tries + 1)
        .returning(
            OutgoingLetter.id,
            OutgoingLetter.recipient,
            OutgoingLetter.subject,
            OutgoingLetter.text,
            OutgoingLetter.html,
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Claimed(*row)


async def mark_sent(session: AsyncSession, letter_id: UUID) -> None:
    """Note that a letter is sent, and wipe what it said."""
    await session.execute(
        update(OutgoingLetter)
        .where(OutgoingLetter.id == letter_id)
        .values(sent_at=func.now(), text=None, html=None)
    )


async def waiting(session: AsyncSession) -> tuple[int, float]:
    """Return how many letters are not sent, and the age of the oldest in seconds."""
    age = func.extract("epoch", func.now() - func.min(OutgoingLetter.created_at))
    statement = select(func.count(), func.coalesce(age, 0)).where(OutgoingLetter.sent_at.is_(None))
    count, seconds = (await session.execute(statement)).one()
    return count, float(seconds)
