"""Bringing letters on their way."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.letter import Letter
from app.models import outbox


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
