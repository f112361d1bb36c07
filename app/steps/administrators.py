"""Whoever changes people leaves one who can look after them (AZ-05)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.context import Context
from app.kit.errors import LastAdministrator
from app.models import administrators


@asynccontextmanager
async def keeping_one(ctx: Context) -> AsyncIterator[None]:
    """Surround changes in a transaction; such changes take turns, on all workers.

    Where there was no administrator before, nothing is refused: nobody is stuck.

    Raises:
        LastAdministrator: nobody is left who can sign in and has the permission ADMIN. It leaves
            the transaction, which is undone by it.
    """
    await administrators.lock(ctx.db)
    was_there = await administrators.is_there(ctx.db)
    yield
    if was_there and not await administrators.is_there(ctx.db):
        raise LastAdministrator
