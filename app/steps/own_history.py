"""What a user may know of the audit log: the lines that they are in."""

from collections.abc import Sequence

from app.context import Context
from app.kit.audit import NO_ADDRESS, Place, Written
from app.models import audit_search


async def page(ctx: Context, *, before: Place | None, size: int) -> Sequence[Written]:
    """Return the newest lines, of those that stand before a place.

    Where an administrator sat is not theirs to know.
    """
    own = audit_search.EventFilter(user=ctx.user_id)
    lines = await audit_search.page(
        ctx.db, own, before=before, size=size, has_usernames=ctx.config.has_usernames
    )
    return [
        line
        if line.actor_id in {None, ctx.user_id}
        else line._replace(ip=NO_ADDRESS, user_agent="")
        for line in lines
    ]
