"""Bringing letters on their way."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.letter import Letter
from app.models import outbox


class Waiting(NamedTuple):
    """The letters that are not sent yet."""

    letters: int
    oldest_seconds: float


async def waiting(session: AsyncSession) -> Waiting:
    """Return how many letters wait, and for how long the oldest."""
    async with session.begin():
        return Waiting(*await outbox.waiting(session))


async def deliver_next(session: AsyncSession, send: Callable[[Letter], Awaitable[None]]) -> bool:
    """Send the letter that waits longest; return whether there was one.

    No connection is held while ``send`` runs. If it raises, the letter is due again when its
    lease ends: at least once, never lost.
    """
    async with session.begin():
        claimed = await outbox.claim(session)
    if claimed is None:
        return False
    letter = Letter(claimed.recipient, claimed.subject, claimed.text or "", claimed.html or "")
    await send(letter)
    async with session.begin():
        await outbox.mark_sent(session, claimed.id)
    return True
