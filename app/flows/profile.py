"""What users tell of themselves in the fields that the site declares."""

from collections.abc import Mapping

from app.context import Context
from app.db import autocommit
from app.kit.errors import NoSuchUser
from app.models import profile
from app.steps import authorization
from app.steps import profile as profiles


async def own(ctx: Context) -> dict[str, str]:
    """Return the values of who is signed in, by their fields' names."""
    async with autocommit(ctx.db):
        return await profile.of(ctx.db, ctx.user_id)


async def change_own(ctx: Context, *, values: Mapping[str, str]) -> None:
    """Store what users say of themselves: the fields that are asked on the account page.

    Raises:
        WrongProfile: a field does not take its value.
        SignedOut: the session has ended meanwhile.
    """
    cleaned = profiles.cleaned(ctx, "account", values)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await profiles.change(ctx, ctx.user_id, cleaned)


async def change(ctx: Context, *, name: str, values: Mapping[str, str]) -> None:
    """Store what an administrator knows of a user; fields that are not given stay.

    Raises:
        NoSuchUser: nobody has this name.
        WrongProfile: a field does not take its value.
    """
    cleaned = profiles.cleaned(ctx, None, values)
    given = {each: text for each, text in cleaned.items() if each in values}
    async with ctx.db.begin():
        user = await authorization.act_upon(ctx, name)
        if user is not None:
            await profiles.change(ctx, user.id, given)
    if user is None:
        raise NoSuchUser
