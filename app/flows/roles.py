"""Roles: what people may do, under a name."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from app.context import Context
from app.kit.audit import Event
from app.kit.bulk_errors import RoleFixed
from app.kit.errors import DefaultTooMighty, NoSuchRole, RoleHeld, RoleThere, WrongRoleName
from app.kit.factor_errors import OwnFactorFirst
from app.kit.permissions import Permission, covers, in_words
from app.models import administrators, factor, role
from app.models import user as users
from app.models.role import ADMINISTRATOR, Known
from app.steps import authorization
from app.steps.administrators import keeping_one
from app.steps.recording import record

__all__ = [
    "ListedRole",
    "create",
    "delete",
    "everything",
    "find",
    "rename",
    "require_factor",
    "set_default",
    "set_permissions",
]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9 -]{0,38}[A-Za-z0-9]")


class ListedRole(NamedTuple):
    """A role, what it may in words, and how many people have it."""

    name: str
    is_default: bool
    permissions: str
    holders: int
    factor_required: bool
    id: int = 0
    bits: int = 0
    is_fixed: bool = False


async def everything(ctx: Context) -> list[ListedRole]:
    """Return all roles."""
    async with ctx.db.begin():
        return [
            ListedRole(
                known.name,
                known.is_default,
                in_words(known.permissions, ctx.site.permissions),
                await users.count_with_role(ctx.db, known.id),
                known.factor_required,
                known.id,
                int(known.permissions),
                known.name == ADMINISTRATOR,
            )
            for known in await role.everything(ctx.db)
        ]


async def create(ctx: Context, *, name: str, permissions: int) -> None:
    """Make a role.

    Raises:
        WrongRoleName: no role can have this name.
        RoleThere: one of this name is there, in any case of emails.
    """
    if not NAME.fullmatch(name):
        raise WrongRoleName
    async with ctx.db.begin():
        await administrators.lock(ctx.db)
        await authorization.hold(ctx)
        is_new = await role.add(ctx.db, name, permissions)
        if is_new:
            await record(
                ctx,
                Event.ROLE_CREATED,
                role=name,
                permissions=in_words(permissions, ctx.site.permissions),
            )
    if not is_new:
        raise RoleThere


async def find(ctx: Context, *, role_id: int) -> ListedRole:
    """Return a role.

    Raises:
        NoSuchRole: there is none of this id.
    """
    found = await everything(ctx)
    known = next((each for each in found if each.id == role_id), None)
    if known is None:
        raise NoSuchRole(role=str(role_id), names=[each.name for each in found])
    return known


async def rename(ctx: Context, *, name: str, to: str) -> None:
    """Give a role another name; who has it keeps it.

    Raises:
        NoSuchRole: there is no such role.
        WrongRoleName: no role can have the new name.
        RoleThere: another role has it, in any case of letters.
        RoleFixed: settings and commands know the role by its name.
    """
    if not NAME.fullmatch(to):
        raise WrongRoleName
    renamed = False
    async with ctx.db.begin():
        await administrators.lock(ctx.db)
        await authorization.hold(ctx)
        roles = await role.everything(ctx.db)
        known = _named(roles, name)
        is_fixed = known is not None and known.name == ADMINISTRATOR
        if known is not None and not is_fixed:
            renamed = await role.rename(ctx.db, known.id, to)
        if known is not None and renamed:
            await record(ctx, Event.ROLE_RENAMED, role=to, before=known.name)
    _require(known, name, roles)
    if is_fixed:
        raise RoleFixed
    if not renamed:
        raise RoleThere


async def set_permissions(ctx: Context, *, name: str, permissions: int) -> None:
    """Say anew what a role may; it acts on the next request of everybody who has it.

    Raises:
        NoSuchRole: there is no such role.
        DefaultTooMighty: new people would be administrators.
        LastAdministrator: nobody else could look after people.
    """
    async with ctx.db.begin(), keeping_one(ctx):
        await authorization.hold(ctx)
        roles = await role.everything(ctx.db)
        known = _named(roles, name)
        too_mighty = (
            known is not None and known.is_default and covers(permissions, Permission.ADMIN)
        )
        if known is not None and not too_mighty:
            await role.set_permissions(ctx.db, known.id, permissions)
            await record(
                ctx,
                Event.ROLE_CHANGED,
                role=known.name,
                permissions=in_words(permissions, ctx.site.permissions),
            )
    _require(known, name, roles)
    if too_mighty:
        raise DefaultTooMighty


async def require_factor(ctx: Context, *, name: str, required: bool) -> None:
    """Say whether who has a role needs a second factor, ``FACTOR_GRACE_DAYS`` from now on.

    Raises:
        NoSuchRole: there is no such role.
        OwnFactorFirst: the role is that of administrators, and none of them has a factor: nobody
            could look after people any more.
    """
    async with ctx.db.begin():
        await administrators.lock(ctx.db)
        await authorization.hold(ctx)
        roles = await role.everything(ctx.db)
        known = _named(roles, name)
        is_locking_out = (
            known is not None
            and required
            and covers(known.permissions, Permission.ADMIN)
            and not await administrators.is_with_factor(ctx.db)
        )
        if known is not None and not is_locking_out:
            grace = timedelta(days=ctx.config.factor_grace_days)
            changed = await role.require_factor(ctx.db, known.id, required=required)
            await factor.set_due(ctx.db, grace=grace, role_id=known.id)
            if changed:
                event = Event.FACTOR_REQUIRED if required else Event.FACTOR_OPTIONAL
                await record(ctx, event, role=known.name)
    _require(known, name, roles)
    if is_locking_out:
        raise OwnFactorFirst


async def set_default(ctx: Context, *, name: str) -> None:
    """Let new people get a role; who is there keeps the one they have.

    Raises:
        NoSuchRole: there is no such role.
        DefaultTooMighty: new people would be administrators.
    """
    async with ctx.db.begin(), keeping_one(ctx):
        await authorization.hold(ctx)
        roles = await role.everything(ctx.db)
        known = _named(roles, name)
        too_mighty = known is not None and Permission.ADMIN in known.permissions
        if known is not None and not too_mighty:
            await role.set_default(ctx.db, known.id)
            await record(ctx, Event.ROLE_DEFAULT, role=known.name)
    _require(known, name, roles)
    if too_mighty:
        raise DefaultTooMighty


async def delete(ctx: Context, *, name: str) -> None:
    """Delete a role that nobody has.

    Raises:
        NoSuchRole: there is no such role.
        RoleHeld: somebody has it, or new people get it.
    """
    holders = 0
    async with ctx.db.begin(), keeping_one(ctx):
        await authorization.hold(ctx)
        roles = await role.everything(ctx.db)
        known = _named(roles, name)
        if known is not None:
            await role.hold(ctx.db, known.id)
            holders = await users.count_with_role(ctx.db, known.id)
        if known is not None and not holders and not known.is_default:
            await role.remove(ctx.db, known.id)
            await record(ctx, Event.ROLE_DELETED, role=known.name)
    found = _require(known, name, roles)
    if holders:
        raise RoleHeld("by_users", holders=holders, role=found.name)
    if found.is_default:
        raise RoleHeld


def _named(roles: Sequence[Known], name: str) -> Known | None:
    return next((known for known in roles if known.name.lower() == name.lower()), None)


def _require(known: Known | None, name: str, roles: Sequence[Known]) -> Known:
    if known is None:
        raise NoSuchRole(role=name, names=[each.name for each in roles])
    return known
