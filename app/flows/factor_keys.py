"""The keys under which the secrets of authenticator apps are sealed."""

from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit.encryption import heads, seal
from app.models import app_secret, factor
from app.steps import factor_check

AT_ONCE = 500
BEFORE_ALL = UUID(int=0)


class Resealed(NamedTuple):
    """How many secrets are sealed anew, and how many no key of ours opens."""

    resealed: int
    unreadable: int


async def reseal(ctx: Context) -> Resealed:
    """Seal all secrets under today's SECRET_KEY that are sealed under an older one.

    Some at a time, while people sign in.
    """
    keys, after, done, unreadable = ctx.config.signing_keys, BEFORE_ALL, 0, 0
    found = [after]
    while found:
        async with ctx.db.begin():
            rows = await app_secret.hold_not_under(
                ctx.db, heads(keys[-1:]), after=after, most=AT_ONCE
            )
            for row in rows:
                app = factor_check.opened(ctx.config, row)
                if app is None:
                    unreadable += 1
                    continue
                sealed = seal(keys, app.secret, row_id=row.id)
                await app_secret.reseal(ctx.db, row.id, sealed)
                done += 1
        found = [row.id for row in rows]
        after = max(found, default=after)
    return Resealed(done, unreadable)


async def count_people(ctx: Context) -> int:
    """Return how many people have a second factor."""
    async with ctx.db.begin():
        return await factor.count_people(ctx.db)
