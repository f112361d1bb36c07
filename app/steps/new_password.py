"""Choosing a password: whether it is taken, and its hash."""

from app.context import Context
from app.kit import password_policy


def check(ctx: Context, password: str, *, username: str, email: str) -> None:
    """Pass a password that may be chosen.

    Raises:
        WeakPassword: with the reason.
    """
    context = password_policy.own_words(site=ctx.config.site_name, username=username, email=email)
    password_policy.check_policy(password, shortest=ctx.config.password_min_length, context=context)


async def hashed(ctx: Context, password: str, *, username: str, email: str) -> str:
    """Return the hash of a password that may be chosen. Hold no connection meanwhile.

    Raises:
        WeakPassword: with the reason.
        TooBusy: too many passwords wait to be hashed.
    """
    check(ctx, password, username=username, email=email)
    async with ctx.hasher.place(ctx.client.group):
        return await ctx.hasher.hash(password)
