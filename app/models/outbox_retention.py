"""How long the outbox keeps emails, and what they said."""

from datetime import timedelta

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.outbox import OutgoingEmail
from app.models.pruning import Stale


async def wipe_some(db: AsyncSession, *, limit: int) -> int:
    """Wipe what emails said that were given up and whose link is dead; return of how many."""
    some = (
        select(OutgoingEmail.id).where(_is_to_wipe()).limit(limit).with_for_update(skip_locked=True)
    )
    statement = (
        update(OutgoingEmail)
        .where(OutgoingEmail.id == func.any(func.array(some.scalar_subquery())))
        .values(text=None, html=None)
    )
    result = await db.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)  # noqa: S101 - what an UPDATE returns
    return result.rowcount


async def count_to_wipe(db: AsyncSession) -> int:
    """Count what ``wipe_some`` would wipe."""
    return await db.scalar(select(func.count()).where(_is_to_wipe())) or 0


async def forget(db: AsyncSession, recipient: str) -> None:
    """Throw away all emails to an address, also those that wait."""
    await db.execute(delete(OutgoingEmail).where(OutgoingEmail.recipient == recipient))


def sent_before(term: timedelta) -> Stale:
    """Return the emails that were sent so long ago."""
    past = OutgoingEmail.sent_at <= func.now() - term
    return Stale(OutgoingEmail, past, OutgoingEmail.sent_at)


def given_up_before(term: timedelta) -> Stale:
    """Return the emails that were given up so long ago."""
    past = OutgoingEmail.gave_up_at <= func.now() - term
    return Stale(OutgoingEmail, past, OutgoingEmail.gave_up_at)


def _is_to_wipe() -> ColumnElement[bool]:
    return (
        OutgoingEmail.gave_up_at.is_not(None)
        & OutgoingEmail.text.is_not(None)
        & (OutgoingEmail.good_until <= func.now())
    )
