"""Who may come in, and what they may do: an operator's hand on people.

``name`` is an address, a username or an id. The context's actor is the administrator; who may not
act any more when their turn comes is refused (``steps/authorization.py``).
"""

from uuid import UUID

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import IsBlocked, NoSuchRole, NoSuchUser, WrongWord
from app.kit.permissions import Permission
from app.models import administrators, credentials, role, user_search
from app.models import session as sessions
from app.models.user import Identity
from app.models.user_search import Listed
from app.steps import authorization, user_deeds
from app.steps.administrators import keeping_one
from app.steps.recording import record

__all__ = [
    "Listed",
    "block",
    "delete",
    "end_session",
    "end_sessions",
    "end_sessions_of_everybody",
    "everybody",
    "has_administrator",
    "send_reset",
    "set_role",
    "unblock",
]

SLICES = 16  # of a million sessions, each takes some 0.3 s


async def block(ctx: Context, *, name: str, reason: str | None = None) -> None:
    """Block a user and end all their sessions, in one transaction.

    ``reason`` is for administrators only.

    Raises:
        NoSuchUser: nobody has this name.
        LastAdministrator: nobody else could look after people.
    """
    async with ctx.db.begin(), keeping_one(ctx):
        user = await authorization.act_upon(ctx, name)
        if user is not None:
            await user_deeds.block(ctx, user, reason=reason)
    _require(user)


async def unblock(ctx: Context, *, name: str) -> None:
    """Let a blocked person in again; the sessions of before stay ended.

    Raises:
        NoSuchUser: nobody has this name.
    """
    async with ctx.db.begin():
        user = await authorization.act_upon(ctx, name)
        if user is not None:
            await user_deeds.unblock(ctx, user)
    _require(user)


async def set_role(ctx: Context, *, name: str, role_name: str) -> str:
    """Give a user a role; it acts on the next request. Return the role's name as it is written.

    Raises:
        NoSuchUser: nobody has this name.
        NoSuchRole: there is no such role.
        LastAdministrator: nobody else could look after people.
    """
    async with ctx.db.begin(), keeping_one(ctx):
        user = await authorization.act_upon(ctx, name)
        names = {known.lower(): known for known in await role.names(ctx.db)}
        known = names.get(role_name.lower())
        if user is not None and known is not None:
            await user_deeds.set_role(ctx, user, role=known)
    _require(user)
    if known is None:
        raise NoSuchRole("choose", role=role_name, names=list(names.values()))
    return known


async def end_sessions(ctx: Context, *, name: str) -> int:
    """End all sessions of a user (SE-16); return how many there were.

    Raises:
        NoSuchUser: nobody has this name.
    """
    ended = 0
    async with ctx.db.begin():
        user = await authorization.act_upon(ctx, name)
        if user is not None:
            ended = await user_deeds.end_sessions(ctx, user)
    _require(user)
    return ended


async def end_session(ctx: Context, *, name: str, session_id: UUID) -> bool:
    """End one session of a user; False if it is not theirs, or has ended meanwhile.

    Raises:
        NoSuchUser: nobody has this name.
    """
    ended = False
    async with ctx.db.begin():
        user = await authorization.act_upon(ctx, name)
        if user is not None:
            ended = await sessions.end_one(ctx.db, user.id, session_id)
        if user is not None and ended:
            await record(ctx, Event.SESSION_ENDED, subject_id=user.id)
    _require(user)
    return ended


async def end_sessions_of_everybody(ctx: Context) -> int:
    """End all sessions, the administrator's own too (SE-16); return how many.

    A slice of them in each transaction, so that none takes long.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await record(ctx, Event.EVERYBODY_SIGNED_OUT)
    ended = 0
    for number in range(SLICES):
        async with ctx.db.begin():
            ended += await sessions.end_slice(ctx.db, number=number, of=SLICES)
    return ended


async def delete(ctx: Context, *, name: str, typed: str) -> None:
    """Erase a user at once and for good. ``typed`` is what they are called, so that it is no slip.

    Raises:
        NoSuchUser: nobody has this name.
        WrongWord: something else was typed.
        LastAdministrator: nobody else could look after people.
    """
    async with ctx.db.begin(), keeping_one(ctx):
        user = await authorization.act_upon(ctx, name)
        is_meant = user is not None and typed.strip() == ctx.config.called(user)
        if user is not None and is_meant:
            await user_deeds.delete(ctx, user)
    if not is_meant:
        raise WrongWord(name=ctx.config.called(_require(user)))


async def send_reset(ctx: Context, *, name: str) -> None:
    """Send a user the email on whose link they choose a new password (PW-11).

    Raises:
        NoSuchUser: nobody has this name.
        IsBlocked: they could not sign in with it.
    """
    async with ctx.db.begin():
        known = await authorization.act_upon(ctx, name)
        user = known and await credentials.find_by_id(ctx.db, known.id)
        if user is not None and user.blocked_at is None:
            await user_deeds.send_reset(ctx, user)
    if user is None:
        raise NoSuchUser
    if user.blocked_at is not None:
        raise IsBlocked


async def everybody(ctx: Context) -> list[Listed]:
    """Return all people, the newest last."""
    async with ctx.db.begin():
        return await user_search.everybody(ctx.db)


async def has_administrator(ctx: Context) -> bool:
    """Whether anybody has the permission ADMIN."""
    async with ctx.db.begin():
        return await administrators.is_permission_held(ctx.db, Permission.ADMIN)


def _require(user: Identity | None) -> Identity:
    if user is None:
        raise NoSuchUser
    return user
