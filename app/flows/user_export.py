"""Moving out: all users with their hashes, and which kinds of hashes there are."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import NamedTuple

from app.context import Context
from app.kit import hashes, totp
from app.kit.errors import CannotRead
from app.models import export
from app.models.export import Exported
from app.steps import factor_check

__all__ = ["Exported", "HashKind", "exported", "hash_kinds"]


class HashKind(NamedTuple):
    """A kind of hash, and how many people have one. An old one is renewed at their next login."""

    name: str
    users: int
    is_old: bool


async def exported(ctx: Context) -> AsyncIterator[Exported]:
    """Return all people, with their hashes and apps, the newest last, as of one moment.

    Raises:
        CannotRead: the secret of an app is sealed under a key that is not there.
    """
    async with ctx.db.begin():
        await export.lift_limits(ctx.db)
        async for user, stored in export.exported(ctx.db):
            app = stored and factor_check.opened(ctx.config, stored)
            if stored and not app:
                raise CannotRead("app", username=user.username)
            site = ctx.config.site_name
            yield user._replace(
                otpauth=totp.address(app, site=site, username=ctx.config.called(user))
                if app
                else None
            )


async def hash_kinds(ctx: Context, *, rounds: int) -> list[HashKind]:
    """Return the kinds of hashes that people have, the most frequent first."""
    async with ctx.db.begin():
        beginnings = await export.hash_beginnings(ctx.db)
    users: Counter[tuple[str, bool]] = Counter()
    for beginning, number in beginnings:
        users[_kind(beginning, rounds)] += number
    return [HashKind(name, number, is_old) for (name, is_old), number in users.most_common()]


def _kind(beginning: str, rounds: int) -> tuple[str, bool]:
    found = hashes.kind_of(beginning)
    if found is None:
        return "unknown", True
    if found.name != hashes.OWN:
        return found.name, True
    cost = beginning.rpartition("r=")[2]
    return f"{found.name}, {cost} rounds", cost != str(rounds)
