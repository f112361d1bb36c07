"""Sites behind the gate: an operator says which there are, and what each wants of its visitors.

``site`` names one by its address or its name. All of it acts on the next request.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from app.context import Context
from app.kit.addresses import canonical
from app.kit.audit import Event
from app.kit.gate_errors import NoSuchSite, NotReserved, SiteThere, WrongSiteField
from app.kit.needs import EVERYBODY, GROUP_PATTERN, Identity, Kind, Need, WrongNeed, is_prefix
from app.kit.tokens import digest
from app.kit.urls import normal_origin
from app.models import gate_session, group, guarded_site, reserved_name
from app.models.guarded_site import Known
from app.steps import authorization
from app.steps.recording import record

__all__ = [
    "Known",
    "add",
    "apply",
    "change",
    "everything",
    "export",
    "one",
    "release_name",
    "remove",
    "remove_rule",
    "set_rule",
]

NAME_LONGEST = 60
FORMAT = 1
Change = Mapping[str, Any]


async def everything(ctx: Context) -> list[Known]:
    """Return all sites, by name, and in how many browsers somebody is in each."""
    async with ctx.db.begin():
        return [
            site._replace(sessions=await gate_session.count_of(ctx.db, site.id))
            for site in await guarded_site.everything(ctx.db)
        ]


async def one(ctx: Context, *, site: str) -> Known:
    """Return a site.

    Raises:
        NoSuchSite: there is none of this address or name.
    """
    return _require(await everything(ctx), site)


async def add(ctx: Context, *, origin: str, name: str, need: str, identity: str = "id") -> str:
    """Put a site behind the gate; return where it is, in the one form of its address.

    Raises:
        WrongSiteField: its address, name, need or identity cannot be so.
        SiteThere: there is one at this address.
    """
    place = _origin(ctx, origin)
    _check(name, identity)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        wanted = _need(ctx, need, await group.names(ctx.db))
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
        known = _require(await guarded_site.everything(ctx.db), site)
        changed = known._replace(**changes)
        _check(changed.name, changed.identity)
        changed = changed._replace(need=_need(ctx, changed.need, await group.names(ctx.db)))
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
        known = _require(await guarded_site.everything(ctx.db), site)
        wanted = _need(ctx, need, await group.names(ctx.db))
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
        known = _require(await guarded_site.everything(ctx.db), site)
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
        known = _require(await guarded_site.everything(ctx.db), site)
        await guarded_site.remove(ctx.db, known.id)
        await record(ctx, Event.SITE_REMOVED, site=known.origin)
    return known.origin


async def export(ctx: Context) -> str:
    """Return all groups and sites as JSON, without who is in them."""
    async with ctx.db.begin():
        groups = await group.names(ctx.db)
        found = await guarded_site.everything(ctx.db)
    told = [
        {
            "origin": site.origin,
            "name": site.name,
            "need": site.need,
            "identity": site.identity,
            "enabled": site.enabled,
            "paths": site.paths,
        }
        for site in sorted(found, key=lambda site: site.origin)
    ]
    return json.dumps({"format": FORMAT, "groups": groups, "sites": told}, indent=2) + "\n"


async def apply(ctx: Context, *, text: str) -> int:
    """Let all groups and sites of a file be there as it says; others stay. Return how many sites.

    Raises:
        WrongSiteField: the file, or something in it, cannot be so. Then nothing is done.
    """
    groups, wanted = _read(text)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await guarded_site.take_turn(ctx.db)
        for name in groups:
            if await group.add(ctx.db, name):
                await record(ctx, Event.GROUP_CREATED, group=name)
        known = await group.names(ctx.db)
        for each in wanted:
            await _apply_one(ctx, each, known)
    return len(wanted)


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


async def _apply_one(ctx: Context, each: Change, groups: Collection[str]) -> None:
    place, name = _origin(ctx, each["origin"]), str(each["name"])
    identity, is_enabled = str(each["identity"]), each["enabled"] is True
    _check(name, identity)
    need = _need(ctx, str(each["need"]), groups)
    is_new = await guarded_site.add(ctx.db, origin=place, name=name, need=need, identity=identity)
    known = _require(await guarded_site.everything(ctx.db), place)
    if is_new:
        await record(ctx, Event.SITE_CREATED, site=place)
    await guarded_site.change(
        ctx.db, known.id, name=name, need=need, identity=identity, enabled=is_enabled
    )
    paths = {prefix: _need(ctx, str(text), groups) for prefix, text in each["paths"].items()}
    for prefix, text in paths.items():
        if not is_prefix(prefix):
            raise WrongSiteField("prefix", field="prefix", prefix=prefix)
        await guarded_site.set_path(ctx.db, known.id, prefix=prefix, need=text)
    for prefix in known.paths.keys() - paths.keys():
        await guarded_site.remove_path(ctx.db, known.id, prefix=prefix)
    as_before = (known.name, known.need, known.identity, known.enabled, known.paths)
    if not is_new and as_before != (name, need, identity, is_enabled, paths):
        await record(ctx, Event.SITE_CHANGED, site=place, change="as the file says")


def _read(text: str) -> tuple[list[str], list[Change]]:
    try:
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise WrongSiteField("file", why=f"its format is not {FORMAT}")
        groups = [str(name) for name in found["groups"]]
        for name in groups:
            if not re.fullmatch(GROUP_PATTERN, name) or name.lower() == EVERYBODY:
                raise WrongSiteField("file", why=f"{name} can't be a group")
        sites: list[Change] = list(found["sites"])
        for each in sites:
            needed = {"origin", "name", "need", "identity", "enabled", "paths"}
            if each.keys() != needed or not isinstance(each["paths"], dict):
                raise WrongSiteField("file", why=f"a site has {', '.join(sorted(needed))}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, WrongSiteField):
            raise
        raise WrongSiteField("file", why=f"{type(error).__name__}: {error}") from None
    return groups, sites


def _origin(ctx: Context, text: str) -> str:
    try:
        place = normal_origin(str(text).strip())
    except ValueError:
        reason = "plain" if str(text).strip().lower().startswith("http://") else "origin"
        raise WrongSiteField(reason, field="origin") from None
    own = urlsplit(ctx.config.public_url)
    is_own_host = urlsplit(place).hostname == own.hostname
    if place == ctx.config.public_url or (is_own_host and ctx.config.is_https):
        raise WrongSiteField("own", field="origin")
    return place


def _check(name: str, identity: str) -> None:
    if not 1 <= len(name.strip()) <= NAME_LONGEST or not name.isprintable():
        raise WrongSiteField("name", field="name")
    if identity not in set(Identity):
        raise WrongSiteField("identity", field="identity")


def _need(ctx: Context, text: str, groups: Collection[str]) -> str:
    """Return a need in its one form; what it names must be there."""
    try:
        need = Need.read(text.strip())
    except WrongNeed:
        raise WrongSiteField("need", field="need", need=text) from None
    if need.kind is Kind.PERMISSION and need.name not in ctx.site.permissions:
        names = list(ctx.site.permissions)
        raise WrongSiteField("no_permission", field="need", permission=need.name, names=names)
    if need.kind is Kind.GROUP and need.name not in {EVERYBODY, *groups}:
        raise WrongSiteField("no_group", field="need", group=need.name)
    return str(need)


def _require(sites: list[Known], site: str) -> Known:
    wanted = site.strip().rstrip("/").lower()
    found = [each for each in sites if wanted in {each.origin, each.name.lower(), str(each.id)}]
    if len(found) != 1:
        raise NoSuchSite(site=site)
    return found[0]
