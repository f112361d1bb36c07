"""Who does something may still do it: asked inside the transaction, after the locks (AZ-06).

Between the door of a page and the deed there is time: for a password to be checked, for a lock to
be had. Whoever was signed out, blocked or demoted meanwhile is refused, and nothing is done. So no
deed is written after the answer to what ended its actor.

Locks are taken in one order: turns of administrators, the turn that all deeds share, people by
their ids, the session, the role. A flow that changes others names them here, before it holds
anything else.
"""

from collections.abc import Collection
from uuid import UUID

from app.context import Context
from app.kit.actor import Actor
from app.kit.errors import NotPermitted, SignedOut, TooManyTries
from app.kit.permissions import covers
from app.limits import ACTIONS_OF_USER
from app.models import rate_limit
from app.models import session as sessions
from app.models import user as users
from app.models.user import Identity


async def hold(ctx: Context, *others: UUID) -> Collection[UUID]:
    """Let the actor act in this transaction, and count it; they and ``others`` are held to its end.

    Returns:
        Whom of them there still is.

    Raises:
        SignedOut: nobody acts, or their session has ended, or they were blocked or asked to be
            deleted.
        NotPermitted: their role lacks the permission by now.
        TooManyTries: they did too much in a short time. Each leaves the transaction, which is
            undone.
    """
    await sessions.share_turn(ctx.db)
    found = await users.lock_all(ctx.db, {*others, ctx.actor.user_id} if ctx.actor else others)
    actor = await _require(ctx, holding=True)
    if actor is not None:
        wait = await rate_limit.take_all(ctx.db, {actor.actions: ACTIONS_OF_USER})
        if wait:
            raise TooManyTries(wait)
    return found


async def act_upon(ctx: Context, name: str) -> Identity | None:
    """Let the actor act upon the user of a name, who is returned; None if there is nobody.

    Raises:
        SignedOut, NotPermitted, TooManyTries: as ``hold`` does.
    """
    meant = await users.identify(ctx.db, name)
    found = await hold(ctx, *([meant.id] if meant else []))
    return meant if meant and meant.id in found else None


async def ask_again(ctx: Context) -> None:
    """Ask once more whether the actor may read on, without keeping anybody waiting.

    Raises:
        SignedOut, NotPermitted: as ``hold`` does.
    """
    await _require(ctx, holding=False)


async def _require(ctx: Context, *, holding: bool) -> Actor | None:
    """Return who acts, None for the operator."""
    actor = ctx.actor
    if actor is None:
        if not ctx.is_operator:
            raise SignedOut
        return None
    if not await sessions.is_live(ctx.db, actor.user_id, actor.session_id, holding=holding):
        raise SignedOut
    if actor.permission is not None:
        has = await users.permissions_of(ctx.db, actor.user_id, holding=holding)
        if not covers(has, actor.permission):
            raise NotPermitted
    return actor
