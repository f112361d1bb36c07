"""The applications that a user is signed in to, and signing out there."""

from collections.abc import Sequence
from uuid import UUID

from app.context import Context
from app.db import autocommit
from app.kit.audit import Event
from app.kit.gate_errors import NotInside
from app.models import gate_session
from app.models.gate_session import Inside
from app.steps import authorization
from app.steps.recording import record

__all__ = ["Inside", "own", "sign_out_there"]


async def own(ctx: Context) -> Sequence[Inside]:
    """Return where a user is signed in, a line for each browser."""
    async with autocommit(ctx.db):
        return await gate_session.of_user(ctx.db, ctx.user_id)


async def sign_out_there(ctx: Context, *, site_id: UUID, session_id: UUID) -> None:
    """End a user's session at one site, in one of their browsers; here they stay signed in.

    Raises:
        NotInside: they are not in there; somebody else looks the same (EN-07).
        SignedOut: the session in which it was asked for has ended meanwhile.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        found = await gate_session.of_user(ctx.db, ctx.user_id)
        name = next((each.name for each in found if each.site_id == site_id), "?")
        ended = await gate_session.end(ctx.db, ctx.user_id, site_id=site_id, session_id=session_id)
        if ended:
            await record(ctx, Event.GATE_LEFT, subject_id=ctx.user_id, site=name)
    if not ended:
        raise NotInside
