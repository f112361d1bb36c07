"""Fields that a site declares: what users tell of themselves is checked and stored."""

from collections.abc import Mapping
from uuid import UUID

from app.context import Context
from app.kit.audit import Event
from app.kit.profile import Place, ProfileField
from app.models import profile
from app.models.profile import Value
from app.steps.recording import record


def asked(ctx: Context, place: Place | None) -> list[ProfileField]:
    """Return the fields that are asked at a place; an administrator, at none, is asked for all."""
    return [each for each in ctx.site.profile if place is None or place in each.asked]


def cleaned(ctx: Context, place: Place | None, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the fields that are asked at a place, as they are stored.

    What an administrator leaves empty is no mistake: they may not know it.

    Raises:
        WrongProfile, WrongAddress: a field does not take its value.
    """
    found = {}
    for each in asked(ctx, place):
        text = values.get(each.name, "")
        if place is None and not text:
            found[each.name] = ""
            continue
        found[each.name] = each.clean(text)
    return found


async def save(ctx: Context, user_id: UUID, values: Mapping[str, str]) -> set[str]:
    """Store cleaned values of a user; return the names of the fields that changed.

    A field that is declared no longer is left as it is.
    """
    fields = {each.name: each for each in ctx.site.profile}
    found = {
        name: Value(text, fields[name].search_key(text))
        for name, text in values.items()
        if name in fields
    }
    return await profile.save(ctx.db, user_id, found)


async def change(ctx: Context, user_id: UUID, values: Mapping[str, str]) -> None:
    """Store cleaned values of a user, and write down the names of those that changed."""
    changed = await save(ctx, user_id, values)
    if changed:
        fields = ", ".join(sorted(changed))
        await record(ctx, Event.PROFILE_CHANGED, subject_id=user_id, fields=fields)
