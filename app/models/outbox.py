"""The outbox: letters that were decided in the same transaction as what they tell of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Index,
    delete,
    func,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.mail.message import Letter
from app.models.base import Base, Moment, Now, RandomId
from app.models.pruning import Stale

LEASE = timedelta(minutes=2)
CHANNEL = "outbox"


class OutgoingLetter(Base):
    """A letter on its way. It waits until it is sent or given up.

    What it said is wiped when it is sent; of one that was given up when its link is dead.
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


class Claimed(NamedTuple):
    """A letter that this postman, and no other, may send until its lease ends."""

    id: UUID
    recipient: str
    subject: str
    text: str | None
    html: str | None
    created_at: datetime
    due_at: datetime
    tries: int

    @property
    def age(self) -> timedelta:
        """How old the letter was when it was claimed, by the database's clock."""
        return self.due_at - LEASE - self.created_at


@dataclass(frozen=True)
class Waiting:
    """How many letters wait, and for how long the oldest of them does (0 if there is none)."""

    count: int
    oldest_seconds: float


async def put(session: AsyncSession, letter: Letter) -> None:
    """Lay a letter into the outbox; the postmen hear of it when the transaction is through."""
    good_until = None if letter.good_for is None else func.now() + letter.good_for
    await session.execute(
        insert(OutgoingLetter)
        .values(
            recipient=letter.to,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            good_until=good_until,
        )
        .returning(func.pg_notify(CHANNEL, ""))
    )


async def claim(session: AsyncSession) -> Claimed | None:
    """Take the letter that waits longest; other postmen pass it by until the lease ends.

    The subquery is compared with ``=``, so that it runs once. With ``IN`` the planner may run it
    again for each row it looks at, and then several letters are claimed and only one is sent.
    """
    due = (
        select(OutgoingLetter.id)
        .where(_waits(), OutgoingLetter.due_at <= func.now())
        .order_by(OutgoingLetter.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutgoingLetter)
        .where(OutgoingLetter.id == due.scalar_subquery())
        .values(due_at=func.now() + LEASE, tries=OutgoingLetter.tries + 1)
        .returning(
            OutgoingLetter.id,
            OutgoingLetter.recipient,
            OutgoingLetter.subject,
            OutgoingLetter.text,
            OutgoingLetter.html,
            OutgoingLetter.created_at,
            OutgoingLetter.due_at,
            OutgoingLetter.tries,
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Claimed._make(row)


async def mark_sent(session: AsyncSession, letter_id: UUID) -> None:
    """Note that a letter is sent, and wipe what it said."""
    await session.execute(
        update(OutgoingLetter)
        .where(OutgoingLetter.id == letter_id)
        .values(sent_at=func.now(), text=None, html=None)
    )


async def put_back(
    session: AsyncSession, claimed: Claimed, *, wait: timedelta, trouble: str
) -> None:
    """Give up the lease: the letter is due again after ``wait``, behind those that are due."""
    await session.execute(
        update(OutgoingLetter)
        .where(_is_held(claimed))
        .values(due_at=func.now() + wait, trouble=trouble)
    )


async def give_up(session: AsyncSession, claimed: Claimed, *, trouble: str) -> bool:
    """Note that a letter will not be sent unless somebody retries it; return whether it was ours.

    What it says stays while its link is good: it may have been a mistake.
    """
    statement = (
        update(OutgoingLetter)
        .where(_is_held(claimed))
        .values(gave_up_at=func.now(), trouble=trouble)
        .returning(OutgoingLetter.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def seconds_until_due(session: AsyncSession) -> float | None:
    """Return in how many seconds the next letter is due, None if none waits."""
    wait = func.extract("epoch", func.min(OutgoingLetter.due_at) - func.now())
    seconds = await session.scalar(select(wait).where(_waits()))
    return None if seconds is None else max(0.0, float(seconds))


async def waiting(session: AsyncSession) -> Waiting:
    """Count the letters that are neither sent nor given up."""
    oldest = func.extract("epoch", func.now() - func.min(OutgoingLetter.created_at))
    statement = select(func.count(), func.coalesce(oldest, 0)).where(_waits())
    count, seconds = (await session.execute(statement)).one()
    return Waiting(count, float(seconds))


async def trouble(session: AsyncSession) -> str:
    """Return why the letter that waits longest was not taken so far, empty if none was tried."""
    statement = (
        select(OutgoingLetter.trouble)
        .where(_waits(), OutgoingLetter.trouble.is_not(None))
        .order_by(OutgoingLetter.created_at)
        .limit(1)
    )
    return await session.scalar(statement) or ""


class GivenUp(NamedTuple):
    """A letter that did not get through; what it said is not told.

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


async def sent_since(session: AsyncSession, period: timedelta) -> int:
    """Count the letters that were sent in the last while."""
    counted = select(func.count()).where(OutgoingLetter.sent_at > func.now() - period)
    return await session.scalar(counted) or 0


async def given_up(
    session: AsyncSession, *, most: int, within: timedelta | None = None
) -> list[GivenUp]:
    """Return the letters that were given up last, the newest first."""
    since = true() if within is None else OutgoingLetter.gave_up_at > func.now() - within
    statement = (
        select(
            OutgoingLetter.id,
            OutgoingLetter.recipient,
            OutgoingLetter.subject,
            OutgoingLetter.created_at,
            OutgoingLetter.gave_up_at,
            OutgoingLetter.tries,
            func.coalesce(OutgoingLetter.trouble, ""),
            _is_good(),
        )
        .where(OutgoingLetter.gave_up_at.is_not(None), since)
        .order_by(OutgoingLetter.gave_up_at.desc())
        .limit(most)
    )
    return [GivenUp._make(row) for row in await session.execute(statement)]


async def retry(session: AsyncSession, letter_id: UUID) -> bool:
    """Let a letter that was given up wait again; False if there is none, or its link is dead."""
    statement = (
        update(OutgoingLetter)
        .where(OutgoingLetter.id == letter_id, OutgoingLetter.gave_up_at.is_not(None), _is_good())
        .values(gave_up_at=None, due_at=func.now(), trouble=None)
        .returning(OutgoingLetter.id)
    )
    if await session.scalar(statement) is None:
        return False
    await session.execute(select(func.pg_notify(CHANNEL, "")))
    return True


async def wipe_some(session: AsyncSession, *, limit: int) -> int:
    """Wipe what letters said that were given up and whose link is dead; return of how many."""
    some = (
        select(OutgoingLetter.id)
        .where(_is_to_wipe())
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutgoingLetter)
        .where(OutgoingLetter.id == func.any(func.array(some.scalar_subquery())))
        .values(text=None, html=None)
    )
    result = await session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)  # noqa: S101 - what an UPDATE returns
    return result.rowcount


async def count_to_wipe(session: AsyncSession) -> int:
    """Count what ``wipe_some`` would wipe."""
    return await session.scalar(select(func.count()).where(_is_to_wipe())) or 0


async def forget(session: AsyncSession, recipient: str) -> None:
    """Throw away all letters to an address, also those that wait."""
    await session.execute(delete(OutgoingLetter).where(OutgoingLetter.recipient == recipient))


def sent_before(term: timedelta) -> Stale:
    """Return the letters that were sent so long ago."""
    past = OutgoingLetter.sent_at <= func.now() - term
    return Stale(OutgoingLetter, past, OutgoingLetter.sent_at)


def given_up_before(term: timedelta) -> Stale:
    """Return the letters that were given up so long ago."""
    past = OutgoingLetter.gave_up_at <= func.now() - term
    return Stale(OutgoingLetter, past, OutgoingLetter.gave_up_at)


def _waits() -> ColumnElement[bool]:
    return OutgoingLetter.sent_at.is_(None) & OutgoingLetter.gave_up_at.is_(None)


def _is_good() -> ColumnElement[bool]:
    dead = func.coalesce(OutgoingLetter.good_until <= func.now(), False)
    return OutgoingLetter.text.is_not(None) & ~dead


def _is_to_wipe() -> ColumnElement[bool]:
    return (
        OutgoingLetter.gave_up_at.is_not(None)
        & OutgoingLetter.text.is_not(None)
        & (OutgoingLetter.good_until <= func.now())
    )


def _is_held(claimed: Claimed) -> ColumnElement[bool]:
    """Whether nobody claimed the letter after us: our lease may have run out."""
    return (OutgoingLetter.id == claimed.id) & (OutgoingLetter.tries == claimed.tries) & _waits()
