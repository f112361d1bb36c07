"""Groups: users may be in many; applications hear of them, and rules of sites name them."""

import re

from app.context import Context
from app.kit.addresses import canonical
from app.kit.audit import Event
from app.kit.errors import NoSuchUser
from app.kit.gate_errors import GroupNeeded, GroupThere, NoSuchGroup, WrongGroupName
from app.kit.needs import EVERYBODY, GROUP_PATTERN, Kind, Need
from app.models import group, guarded_site
from app.models.group import KnownGroup, Member
from app.steps import authorization
from app.steps.recording import record

__all__ = [
    "KnownGroup",
    "Member",
    "add_user",
    "create",
    "delete",
    "everything",
    "members",
    "remove_user",
]

MEMBERS_PAGE = 100


async def everything(ctx: Context) -> list[KnownGroup]:
    """Return all groups, by name."""
    async with ctx.db.begin():
        return await group.everything(ctx.db)


async def members(ctx: Context, *, name: str, after: str = "") -> list[Member]:
    """Return some of who is in a group, by username; one more than a page if there are more.

    Raises:
        NoSuchGroup: there is none of this name.
    """
    async with ctx.db.begin():
        known = await group.find(ctx.db, name)
        found = known and await group.members(
            ctx.db, known.id, after=canonical(after), size=MEMBERS_PAGE + 1
        )
    if found is None:
        raise NoSuchGroup(group=name)
    return found


async def create(ctx: Context, *, name: str) -> None:
    """Make a group.

    Raises:
        WrongGroupName: no group can have this name.
        GroupThere: one of this name is there, in any case of letters.
    """
    if not re.fullmatch(GROUP_PATTERN, name) or name.lower() == EVERYBODY:
        raise WrongGroupName
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        is_new = await group.add(ctx.db, name)
        if is_new:
            await record(ctx, Event.GROUP_CREATED, group=name)
    if not is_new:
        raise GroupThere


async def delete(ctx: Context, *, name: str) -> None:
    """Delete a group that no rule names; nobody is in it any more.

    Raises:
        NoSuchGroup: there is none of this name.
        GroupNeeded: a rule of a site names it.
    """
    naming: list[str] = []
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        known = await group.find(ctx.db, name)
        if known is not None:
            naming = [
                site.origin
                for site in await guarded_site.everything(ctx.db)
                if any(_names(text, known.name) for text in (site.need, *site.paths.values()))
            ]
        if known is not None and not naming:
            await group.remove(ctx.db, known.id)
            await record(ctx, Event.GROUP_DELETED, group=known.name)
    if known is None:
        raise NoSuchGroup(group=name)
    if naming:
        raise GroupNeeded(sites=naming)


async def add_user(ctx: Context, *, name: str, user: str) -> None:
    """Put a user, by address, username or id, into a group; it acts on their next request.

    Raises:
        NoSuchGroup: there is none of this name.
        NoSuchUser: nobody has this name.
    """
    await _change(ctx, name=name, user=user, is_in=True)


async def remove_user(ctx: Context, *, name: str, user: str) -> None:
    """Take a user out of a group; it acts on their next request.

    Raises:
        NoSuchGroup: there is none of this name.
        NoSuchUser: nobody has this name.
    """
    await _change(ctx, name=name, user=user, is_in=False)


async def _change(ctx: Context, *, name: str, user: str, is_in: bool) -> None:
    async with ctx.db.begin():
        meant = await authorization.act_upon(ctx, user)
        known = await group.find(ctx.db, name)
        if meant is not None and known is not None:
            change = group.add_user if is_in else group.remove_user
            event = Event.GROUP_JOINED if is_in else Event.GROUP_LEFT
            if await change(ctx.db, known.id, meant.id):
                await record(ctx, event, subject_id=meant.id, group=known.name)
    if known is None:
        raise NoSuchGroup(group=name)
    if meant is None:
        raise NoSuchUser


def _names(text: str, group_name: str) -> bool:
    need = Need.read(text)
    return need.kind is Kind.GROUP and need.name == group_name
