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

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.actor import Actor
from app.kit.errors import NotPermitted, SignedOut, TooManyTries
from app.limits import DEEDS_OF_PERSON
from app.models import session as sessions
from app.models import throttle, user
from app.models.user import Identity


async def hold(session: AsyncSession, actor: Actor | None, *others: UUID) -> Collection[UUID]:
    """Let an actor act in this transaction, and count it; he and ``others`` are held to its end.

    Returns:
        Whom of them there still is.

    Raises:
        SignedOut: his session has ended, or he was blocked or asked to be deleted.
        NotPermitted: his role lacks the permission by now.
        TooManyTries: he did too much in a short time. Each leaves the transaction, which is undone.
    """
    await sessions.share_turn(session)
    found = await user.hold_all(session, {*others, actor.user_id} if actor else others)
    if actor is not None:
        await _require(session, actor, holding=True)
        wait = await throttle.take_all(session, {actor.deeds: DEEDS_OF_PERSON})
        if wait:
            raise TooManyTries(wait)
    return found


async def upon(session: AsyncSession, actor: Actor | None, name: str) -> Identity | None:
    """Let an actor act upon the person of a name, who is returned; None if there is nobody.

    Raises:
        SignedOut, NotPermitted, TooManyTries: as ``hold`` does.
    """
    meant = await user.identify(session, name)
    found = await hold(session, actor, *([meant.id] if meant else []))
    return meant if meant and meant.id in found else None


async def ask_again(session: AsyncSession, actor: Actor | None) -> None:
    """Ask once more whether an actor may read on, without keeping anybody waiting.

    Raises:
        SignedOut, NotPermitted: as ``hold`` does.
    """
    if actor is not None:
        await _require(session, actor, holding=False)


async def _require(session: AsyncSession, actor: Actor, *, holding: bool) -> None:
    if not await sessions.is_live(session, actor.user_id, actor.session_id, holding=holding):
        raise SignedOut
    if actor.permission is None:
        return
    if actor.permission not in await user.permissions_of(session, actor.user_id, holding=holding):
        raise NotPermitted
