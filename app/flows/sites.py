"""Sites behind the gate: an operator says which there are, and what each wants of its visitors.

``site`` names one by its address or its name. All of it acts on the next request.
"""

from typing import Any

from app.context import Context
from app.kit.addresses import canonical
from app.kit.audit import Event
from app.kit.gate_errors import NotReserved, SiteThere, WrongSiteField
from app.kit.needs import is_prefix
from app.kit.tokens import digest
from app.models import gate_session, group, guarded_site, reserved_name
from app.models.guarded_site import KnownSite
from app.steps import authorization, site_fields
from app.steps.recording import record

__all__ = [
    "KnownSite",
    "add",
    "change",
    "everything",
    "one",
    "release_name",
    "remove",
    "remove_rule",
    "set_rule",
]


async def everything(ctx: Context) -> list[KnownSite]:
    """Return all sites, by name, and in how many browsers somebody is in each."""
    async with ctx.db.begin():
        return [
            site._replace(sessions=await gate_session.count_of(ctx.db, site.id))
            for site in await guarded_site.everything(ctx.db)
        ]


async def one(ctx: Context, *, site: str) -> KnownSite:
    """Return a site.

    Raises:
        NoSuchSite: there is none of this address or name.
    """
    return site_fields.require(await everything(ctx), site)


async def add(ctx: Context, *, origin: str, name: str, need: str, identity: str = "id") -> str:
    """Put a site behind the gate; return where it is, in the one form of its address.

    Raises:
        WrongSiteField: its address, name, need or identity cannot be so.
        SiteThere: there is one at this address.
    """
    place = site_fields.origin(ctx, origin)
    site_fields.check(name, identity)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        wanted = site_fields.need(ctx, need, await group.names(ctx.db))
        is_new = await guarded_site.add(
            ctx.db, origin=place, name=name.strip(), need=wanted, identity=identity
        )
        if is_new:
            await record(ctx, Event.SITE_CREATED, site=place)
    if not is_new:
        raise SiteThere
    return place


async def change(ctx: Context, *, site: str, **changes: Any) -> None:
    """Change ``name``, ``need``, ``identity`` or ``enabled`` of a site.

    Raises:
        NoSuchSite: there is none of this address or name.
        WrongSiteField: a value cannot be so.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        known = site_fields.require(await guarded_site.everything(ctx.db), site)
        changed = known._replace(**changes)
        site_fields.check(changed.name, changed.identity)
        changed = changed._replace(
            need=site_fields.need(ctx, changed.need, await group.names(ctx.db))
        )
        await guarded_site.change(
            ctx.db,
            known.id,
            name=changed.name.strip(),
            need=changed.need,
            identity=changed.identity,
            enabled=changed.enabled,
        )
        for each in ("name", "need", "identity", "enabled"):
            was, now = getattr(known, each), getattr(changed, each)
            if was != now:
                words = f"{each} {str(now).lower() if each == 'enabled' else now}"
                await record(ctx, Event.SITE_CHANGED, site=known.origin, change=words)


async def set_rule(ctx: Context, *, site: str, prefix: str, need: str) -> None:
    """Say what a part of a site needs.

    Raises:
        NoSuchSite: there is none of this address or name.
        WrongSiteField: the prefix is no path, or the need none.
    """
    if not is_prefix(prefix):
        raise WrongSiteField("prefix", field="prefix", prefix=prefix)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        known = site_fields.require(await guarded_site.everything(ctx.db), site)
        wanted = site_fields.need(ctx, need, await group.names(ctx.db))
        await guarded_site.set_path(ctx.db, known.id, prefix=prefix, need=wanted)
        change = f"{prefix} {wanted}"
        await record(ctx, Event.SITE_CHANGED, site=known.origin, change=change)


async def remove_rule(ctx: Context, *, site: str, prefix: str) -> bool:
    """Let a part of a site need what the rest of it does; False if nothing was said of it.

    Raises:
        NoSuchSite: there is none of this address or name.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        known = site_fields.require(await guarded_site.everything(ctx.db), site)
        was_there = await guarded_site.remove_path(ctx.db, known.id, prefix=prefix)
        if was_there:
            change = f"no rule for {prefix}"
            await record(ctx, Event.SITE_CHANGED, site=known.origin, change=change)
    return was_there


async def remove(ctx: Context, *, site: str) -> str:
    """Take a site from behind the gate: nobody gets in any more. Return where it was.

    Raises:
        NoSuchSite: there is none of this address or name.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        known = site_fields.require(await guarded_site.everything(ctx.db), site)
        await guarded_site.remove(ctx.db, known.id)
        await record(ctx, Event.SITE_REMOVED, site=known.origin)
    return known.origin


async def release_name(ctx: Context, *, name: str) -> None:
    """Let anybody have a username or an address that somebody gave up.

    Raises:
        NotReserved: it is nobody's, or somebody's now.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        was_kept = await reserved_name.release(ctx.db, digest(canonical(name)))
        if was_kept:
            await record(ctx, Event.NAME_RELEASED)
    if not was_kept:
        raise NotReserved
