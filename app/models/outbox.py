"""The outbox: emails that were decided in the same transaction as what they tell of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Index,
    func,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.mail.message import Message, Posted
from app.models.base import Base, Moment, Now, RandomId, bound

LEASE = timedelta(minutes=2)
CHANNEL = "outbox"


class OutgoingEmail(Base):
    """An email on its way. It waits until it is sent or given up.

    What it said is wiped when it is sent; of one that was given up when link expired.
    ``good_until``: None if it has no link that ends.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "due_at",
            postgresql_where=text("sent_at IS NULL AND gave_up_at IS NULL"),
        ),
        Index("ix_outbox_sent_at", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
        Index(
            "ix_outbox_gave_up_at", "gave_up_at", postgresql_where=text("gave_up_at IS NOT NULL")
        ),
    )

    id: Mapped[RandomId]
    recipient: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    text: Mapped[str | None]
    html: Mapped[str | None]
    created_at: Mapped[Now]
    good_until: Mapped[Moment | None]
    due_at: Mapped[Now]
    tries: Mapped[int] = mapped_column(server_default="0")
    sent_at: Mapped[Moment | None]
    gave_up_at: Mapped[Moment | None]
    trouble: Mapped[str | None]


@dataclass(frozen=True)
class Backlog:
    """How many emails wait, and for how long the oldest of them does (0 if there is none)."""

    count: int
    oldest_seconds: float


async def put(db: AsyncSession, message: Message) -> None:
    """Lay an email into the outbox; the mailers hear of it when the transaction is through."""
    good_until = None if message.good_for is None else func.now() + message.good_for
    await db.execute(
        insert(OutgoingEmail)
        .values(
            recipient=message.to,
            subject=message.subject,
            text=message.text,
            html=message.html,
            good_until=good_until,
        )
        .returning(func.pg_notify(CHANNEL, ""))
    )


async def claim(db: AsyncSession) -> Posted | None:
    """Take the email that waits longest; other mailers pass it by until the lease ends.

    The subquery is compared with ``=``, so that it runs once. With ``IN`` the planner may run it
    again for each row it looks at, and then several emails are claimed and only one is sent.
    """
    due = (
        select(OutgoingEmail.id)
        .where(_waits(), OutgoingEmail.due_at <= func.now())
        .order_by(OutgoingEmail.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutgoingEmail)
        .where(OutgoingEmail.id == due.scalar_subquery())
        .values(due_at=func.now() + LEASE, tries=OutgoingEmail.tries + 1)
        .returning(
            OutgoingEmail.id,
            OutgoingEmail.recipient.label("to"),
            OutgoingEmail.subject,
            func.coalesce(OutgoingEmail.text, "").label("text"),
            func.coalesce(OutgoingEmail.html, "").label("html"),
            OutgoingEmail.created_at.label("written_at"),
            (func.now() - OutgoingEmail.created_at).label("age"),
            OutgoingEmail.tries,
        )
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(Posted, row)


async def mark_sent(db: AsyncSession, email_id: UUID) -> None:
    """Note that an email is sent, and wipe what it said."""
    await db.execute(
        update(OutgoingEmail)
        .where(OutgoingEmail.id == email_id)
        .values(sent_at=func.now(), text=None, html=None)
    )


async def put_back(db: AsyncSession, claimed: Posted, *, wait: timedelta, trouble: str) -> None:
    """Give up the lease: the email is due again after ``wait``, behind those that are due."""
    await db.execute(
        update(OutgoingEmail)
        .where(_is_held(claimed))
        .values(due_at=func.now() + wait, trouble=trouble)
    )


async def give_up(db: AsyncSession, claimed: Posted, *, trouble: str) -> bool:
    """Note that an email will not be sent unless somebody retries it; return whether it was ours.

    What it says stays while its link is good: it may have been a mistake.
    """
    statement = (
        update(OutgoingEmail)
        .where(_is_held(claimed))
        .values(gave_up_at=func.now(), trouble=trouble)
        .returning(OutgoingEmail.id)
    )
    return (await db.execute(statement)).one_or_none() is not None


async def seconds_until_due(db: AsyncSession) -> float | None:
    """Return in how many seconds the next email is due, None if none waits."""
    wait = func.extract("epoch", func.min(OutgoingEmail.due_at) - func.now())
    seconds = await db.scalar(select(wait).where(_waits()))
    return None if seconds is None else max(0.0, float(seconds))


async def waiting(db: AsyncSession) -> Backlog:
    """Count the emails that are neither sent nor given up."""
    oldest = func.extract("epoch", func.now() - func.min(OutgoingEmail.created_at))
    statement = select(func.count(), func.coalesce(oldest, 0)).where(_waits())
    count, seconds = (await db.execute(statement)).one()
    return Backlog(count, float(seconds))


async def trouble(db: AsyncSession) -> str:
    """Return why the email that waits longest was not taken so far, empty if none was tried."""
    statement = (
        select(OutgoingEmail.trouble)
        .where(_waits(), OutgoingEmail.trouble.is_not(None))
        .order_by(OutgoingEmail.created_at)
        .limit(1)
    )
    return await db.scalar(statement) or ""


class GivenUp(NamedTuple):
    """An email that did not get through; what it said is not told.

    ``has_text``: it can be tried again.
    """

    id: UUID
    recipient: str
    subject: str
    created_at: datetime
    gave_up_at: datetime
    tries: int
    trouble: str
    has_text: bool


async def sent_since(db: AsyncSession, period: timedelta) -> int:
    """Count the emails that were sent in the last while."""
    counted = select(func.count()).where(OutgoingEmail.sent_at > func.now() - period)
    return await db.scalar(counted) or 0


async def given_up(
    db: AsyncSession, *, most: int, within: timedelta | None = None
) -> list[GivenUp]:
    """Return the emails that were given up last, the newest first."""
    since = true() if within is None else OutgoingEmail.gave_up_at > func.now() - within
    statement = (
        select(
            OutgoingEmail.id,
            OutgoingEmail.recipient,
            OutgoingEmail.subject,
            OutgoingEmail.created_at,
            OutgoingEmail.gave_up_at,
            OutgoingEmail.tries,
            func.coalesce(OutgoingEmail.trouble, "").label("trouble"),
            _is_good().label("has_text"),
        )
        .where(OutgoingEmail.gave_up_at.is_not(None), since)
        .order_by(OutgoingEmail.gave_up_at.desc())
        .limit(most)
    )
    return [bound(GivenUp, row) for row in await db.execute(statement)]


async def retry(db: AsyncSession, email_id: UUID) -> bool:
    """Let an email that was given up wait again; False if there is none, or link expired."""
    statement = (
        update(OutgoingEmail)
        .where(OutgoingEmail.id == email_id, OutgoingEmail.gave_up_at.is_not(None), _is_good())
        .values(gave_up_at=None, due_at=func.now(), trouble=None)
        .returning(OutgoingEmail.id)
    )
    if await db.scalar(statement) is None:
        return False
    await db.execute(select(func.pg_notify(CHANNEL, "")))
    return True


def _waits() -> ColumnElement[bool]:
    return OutgoingEmail.sent_at.is_(None) & OutgoingEmail.gave_up_at.is_(None)


def _is_good() -> ColumnElement[bool]:
    dead = func.coalesce(OutgoingEmail.good_until <= func.now(), False)
    return OutgoingEmail.text.is_not(None) & ~dead


def _is_held(claimed: Posted) -> ColumnElement[bool]:
    """Whether nobody claimed the email after us: our lease may have run out."""
    return (OutgoingEmail.id == claimed.id) & (OutgoingEmail.tries == claimed.tries) & _waits()
