"""Who may come in, and what he may do: an operator's hand on people.

``name`` is an address, a user name or an id. ``actor`` is the administrator, None for the command
line; who may not act any more when his turn comes is refused (``steps/acting.py``).
"""

from uuid import UUID

from app.context import Context
from app.kit.errors import IsBlocked, NoSuchPerson, NoSuchRole, WrongWord
from app.kit.permissions import Permission
from app.kit.sealing import Purpose
from app.mail import messages
from app.models import administrators, role, token, user_search
from app.models import session as sessions
from app.models import user as users
from app.models.audit import Event
from app.models.user import Identity
from app.models.user_search import Listed
from app.steps import authorization, erasure, reset_links
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
    """Block a person and end all his sessions, in one transaction.

    ``reason`` is for administrators only.

    Raises:
        NoSuchPerson: nobody has this name.
        LastAdministrator: nobody else could look after people.
    """
    async with ctx.db.begin(), keeping_one(ctx):
        person = await authorization.upon(ctx, name)
        if person is not None:
            detail = {"reason": reason} if reason else {}
            is_news = await users.block(ctx.db, person.id, reason=reason)
            await token.void(ctx.db, person.id, Purpose.RESET, Purpose.CHANGE_EMAIL)
            await sessions.end_all(ctx.db, person.id)
            if is_news:
                await record(ctx, Event.BLOCKED, subject_id=person.id, **detail)
    _require(person)


async def unblock(ctx: Context, *, name: str) -> None:
    """Let a blocked person in again; the sessions of before stay ended.

    Raises:
        NoSuchPerson: nobody has this name.
    """
    async with ctx.db.begin():
        person = await authorization.upon(ctx, name)
        if person is not None and await users.unblock(ctx.db, person.id):
            await record(ctx, Event.UNBLOCKED, subject_id=person.id)
    _require(person)


async def set_role(ctx: Context, *, name: str, role_name: str) -> str:
    """Give a person a role; it acts on the next request. Return the role's name as it is written.

    Raises:
        NoSuchPerson: nobody has this name.
        NoSuchRole: there is no such role.
        LastAdministrator: nobody else could look after people.
    """
    async with ctx.db.begin(), keeping_one(ctx):
        person = await authorization.upon(ctx, name)
        names = {known.lower(): known for known in await role.names(ctx.db)}
        known = names.get(role_name.lower())
        if person is not None and known is not None:
            is_news = await users.set_role(ctx.db, person.id, known)
            if is_news:
                await record(ctx, Event.ROLE_SET, subject_id=person.id, role=known)
    _require(person)
    if known is None:
        raise NoSuchRole(f"There is no role “{role_name}”; there are {', '.join(names.values())}.")
    return known


async def end_sessions(ctx: Context, *, name: str) -> int:
    """End all sessions of a person (SE-16); return how many there were.

    Raises:
        NoSuchPerson: nobody has this name.
    """
    ended = 0
    async with ctx.db.begin():
        person = await authorization.upon(ctx, name)
        if person is not None:
            ended = await sessions.end_all(ctx.db, person.id)
        if person is not None and ended:
            await record(ctx, Event.SESSIONS_ENDED, subject_id=person.id, count=ended)
    _require(person)
    return ended


async def end_session(ctx: Context, *, name: str, session_id: UUID) -> bool:
    """End one session of a person; False if it is not his, or has ended meanwhile.

    Raises:
        NoSuchPerson: nobody has this name.
    """
    ended = False
    async with ctx.db.begin():
        person = await authorization.upon(ctx, name)
        if person is not None:
            ended = await sessions.end_one(ctx.db, person.id, session_id)
        if person is not None and ended:
            await record(ctx, Event.SESSION_ENDED, subject_id=person.id)
    _require(person)
    return ended


async def end_sessions_of_everybody(ctx: Context) -> int:
    """End the sessions of everybody, the administrator's own too (SE-16); return how many.

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
    """Erase a person at once and for good. ``typed`` is the user name, so that it is no slip.

    Raises:
        NoSuchPerson: nobody has this name.
        WrongWord: something else was typed.
        LastAdministrator: nobody else could look after people.
    """
    async with ctx.db.begin(), keeping_one(ctx):
        person = await authorization.upon(ctx, name)
        is_meant = person is not None and typed.strip() == person.username
        if person is not None and is_meant:
            await erasure.erase(ctx, person.id, actor_id=ctx.actor_id)
    if not is_meant:
        raise WrongWord(f"Please type the user name, {_require(person).username}, to delete it.")


async def send_reset(ctx: Context, *, name: str) -> None:
    """Send a person the letter on whose link he chooses a new password (PW-11).

    Raises:
        NoSuchPerson: nobody has this name.
        IsBlocked: he could not sign in with it.
    """
    async with ctx.db.begin():
        known = await authorization.upon(ctx, name)
        person = known and await users.find_by_id(ctx.db, known.id)
        if person is not None and person.blocked_at is None:
            await reset_links.send(ctx, person, messages.reset_by_operator)
            await record(ctx, Event.RESET_SENT, subject_id=person.id)
    if person is None:
        raise NoSuchPerson
    if person.blocked_at is not None:
        raise IsBlocked


async def everybody(ctx: Context) -> list[Listed]:
    """Return all people, the newest last."""
    async with ctx.db.begin():
        return await user_search.everybody(ctx.db)


async def has_administrator(ctx: Context) -> bool:
    """Whether anybody has the permission ADMIN."""
    async with ctx.db.begin():
        return await administrators.is_permission_held(ctx.db, Permission.ADMIN)


def _require(person: Identity | None) -> Identity:
    if person is None:
        raise NoSuchPerson
    return person
