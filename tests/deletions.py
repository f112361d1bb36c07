"""Asking to be deleted, and housekeeping."""

from sqlalchemy import text

from app.flows.housekeeping import Pruned, Rest, prune
from app.services import Services
from tests.contexts import context
from tests.users import (
    Someone,
)


async def on() -> bool:
    return False


async def sweep(services: Services, rest: Rest = on) -> Pruned:
    """Prune, and tell what went."""
    pruned = Pruned()
    async with context(services) as ctx:
        await prune(ctx, rest=rest, pruned=pruned)
    return pruned


async def leave(services: Services, someone: Someone, when: str = "now()") -> None:
    """Ask for somebody's account to be erased."""
    async with services.engine.begin() as connection:
        await connection.execute(
            text(f"UPDATE users SET delete_at = {when} WHERE username = :name"),  # noqa: S608
            {"name": someone.username},
        )


async def names(services: Services) -> set[str]:
    """Return who is left."""
    async with services.engine.connect() as connection:
        return set(await connection.scalars(text("SELECT username FROM users")))
