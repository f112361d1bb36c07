"""Groups and sites as one file: so that a deployment can be written down and kept in git."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from app.context import Context
from app.kit.audit import Event
from app.kit.gate_errors import WrongSiteField
from app.kit.needs import EVERYBODY, GROUP_PATTERN, is_prefix
from app.models import group, guarded_site
from app.steps import authorization, site_fields
from app.steps.recording import record

FORMAT = 1
FIELDS = {"origin", "name", "need", "identity", "enabled", "paths"}
Change = Mapping[str, Any]


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


async def _apply_one(ctx: Context, each: Change, groups: Collection[str]) -> None:
    place, name = site_fields.origin(ctx, each["origin"]), str(each["name"])
    identity, is_enabled = str(each["identity"]), each["enabled"] is True
    site_fields.check(name, identity)
    need = site_fields.need(ctx, str(each["need"]), groups)
    is_new = await guarded_site.add(ctx.db, origin=place, name=name, need=need, identity=identity)
    known = site_fields.require(await guarded_site.everything(ctx.db), place)
    if is_new:
        await record(ctx, Event.SITE_CREATED, site=place)
    await guarded_site.change(
        ctx.db, known.id, name=name, need=need, identity=identity, enabled=is_enabled
    )
    paths = {
        prefix: site_fields.need(ctx, str(text), groups) for prefix, text in each["paths"].items()
    }
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
            if each.keys() != FIELDS or not isinstance(each["paths"], dict):
                raise WrongSiteField("file", why=f"a site has {', '.join(sorted(FIELDS))}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, WrongSiteField):
            raise
        raise WrongSiteField("file", why=f"{type(error).__name__}: {error}") from None
    return groups, sites
