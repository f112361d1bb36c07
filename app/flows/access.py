"""Who may come in, and what he may do: an operator's hand on people.

``name`` is an address, a user name or an id. ``actor`` is the administrator, None for the command
line; who may not act any more when his turn comes is refused (``steps/acting.py``).
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit.actor import Actor, id_of
from app.kit.client import Client
from app.kit.errors import IsBlocked, NoSuchPerson, NoSuchRole, WrongWord
from app.kit.permissions import Permission
from app.kit.sealing import Purpose
from app.models import administrators, audit, directory, role, token, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.directory import Listed
from app.models.user import Identity
from app.steps import acting, erasure, resetting
from app.steps.administrators import keeping_one

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


async def block(
    session: AsyncSession,
    *,
    name: str,
    client: Client,
    reason: str | None = None,
    actor: Actor | None = None,
) -> None:
    """Block a person and end all his sessions, in one transaction.

    ``reason`` is for administrators only.

    Raises:
        NoSuchPerson: nobody has this name.
        LastAdministrator: nobody else could look after people.
    """
    async with session.begin(), keeping_one(session):
        person = await acting.upon(session, actor, name)
        if person is not None:
            detail = {"reason": reason} if reason else {}
            is_news = await user.block(session, person.id, reason=reason)
            await token.void(session, person.id, Purpose.RESET, Purpose.CHANGE_EMAIL)
            await sessions.end_all(session, person.id)
            if is_news:
                await audit.write(
                    session,
                    Event.BLOCKED,
                    client=client,
                    subject_id=person.id,
                    actor_id=id_of(actor),
                    **detail,
                )
    _require(person)


async def unblock(
    session: AsyncSession, *, name: str, client: Client, actor: Actor | None = None
) -> None:
    """Let a blocked person in again; the sessions of before stay ended.

    Raises:
        NoSuchPerson: nobody has this name.
    """
    async with session.begin():
        person = await acting.upon(session, actor, name)
        if person is not None and await user.unblock(session, person.id):
            await audit.write(
                session, Event.UNBLOCKED, client=client, subject_id=person.id, actor_id=id_of(actor)
            )
    _require(person)


async def set_role(
    session: AsyncSession,
    *,
    name: str,
    role_name: str,
    client: Client,
    actor: Actor | None = None,
) -> str:
    """Give a person a role; it acts on the next request. Return the role's name as it is written.

    Raises:
        NoSuchPerson: nobody has this name.
        NoSuchRole: there is no such role.
        LastAdministrator: nobody else could look after people.
    """
    async with session.begin(), keeping_one(session):
        person = await acting.upon(session, actor, name)
        names = {known.lower(): known for known in await role.names(session)}
        known = names.get(role_name.lower())
        if person is not None and known is not None:
            is_news = await user.set_role(session, person.id, known)
            if is_news:
                await audit.write(
                    session,
                    Event.ROLE_SET,
                    client=client,
                    subject_id=person.id,
                    actor_id=id_of(actor),
                    role=known,
                )
    _require(person)
    if known is None:
        raise NoSuchRole(f"There is no role “{role_name}”; there are {', '.join(names.values())}.")
    return known


async def end_sessions(
    session: AsyncSession, *, name: str, client: Client, actor: Actor | None = None
) -> int:
    """End all sessions of a person (SE-16); return how many there were.

    Raises:
        NoSuchPerson: nobody has this name.
    """
    ended = 0
    async with session.begin():
        person = await acting.upon(session, actor, name)
        if person is not None:
            ended = await sessions.end_all(session, person.id)
        if person is not None and ended:
            await audit.write(
                session,
                Event.SESSIONS_ENDED,
                client=client,
                subject_id=person.id,
                actor_id=id_of(actor),
                count=ended,
            )
    _require(person)
    return ended


async def end_session(
    session: AsyncSession,
    *,
    name: str,
    session_id: UUID,
    client: Client,
    actor: Actor | None = None,
) -> bool:
    """End one session of a person; False if it is not his, or has ended meanwhile.

    Raises:
        NoSuchPerson: nobody has this name.
    """
    ended = False
    async with session.begin():
        person = await acting.upon(session, actor, name)
        if person is not None:
            ended = await sessions.end_one(session, person.id, session_id)
        if person is not None and ended:
            await audit.write(
                session,
                Event.SESSION_ENDED,
                client=client,
                subject_id=person.id,
                actor_id=id_of(actor),
            )
    _require(person)
    return ended


async def end_sessions_of_everybody(
    session: AsyncSession, *, client: Client, actor: Actor | None = None
) -> int:
    """End the sessions of everybody, the administrator's own too (SE-16); return how many.

    A slice of them in each transaction, so that none takes long.
    """
    async with session.begin():
        await acting.hold(session, actor)
        await audit.write(session, Event.EVERYBODY_SIGNED_OUT, client=client, actor_id=id_of(actor))
    ended = 0
    for number in range(SLICES):
        async with session.begin():
            ended += await sessions.end_slice(session, number=number, of=SLICES)
    return ended


async def delete(
    session: AsyncSession,
    *,
    name: str,
    typed: str,
    client: Client,
    actor: Actor | None = None,
) -> None:
    """Erase a person at once and for good. ``typed`` is the user name, so that it is no slip.

    Raises:
        NoSuchPerson: nobody has this name.
        WrongWord: something else was typed.
        LastAdministrator: nobody else could look after people.
    """
    async with session.begin(), keeping_one(session):
        person = await acting.upon(session, actor, name)
        is_meant = person is not None and typed.strip() == person.username
        if person is not None and is_meant:
            await erasure.erase(session, person.id, client=client, actor_id=id_of(actor))
    if not is_meant:
        raise WrongWord(f"Please type the user name, {_require(person).username}, to delete it.")


async def send_reset(
    session: AsyncSession,
    *,
    config: Config,
    name: str,
    client: Client,
    actor: Actor | None = None,
) -> None:
    """Send a person the letter on whose link he chooses a new password (PW-11).

    Raises:
        NoSuchPerson: nobody has this name.
        IsBlocked: he could not sign in with it.
    """
    async with session.begin():
        known = await acting.upon(session, actor, name)
        person = known and await user.find_by_id(session, known.id)
        if person is not None and person.blocked_at is None:
            await resetting.send(session, config, person, letters.reset_by_operator)
            await audit.write(
                session,
                Event.RESET_SENT,
                client=client,
                subject_id=person.id,
                actor_id=id_of(actor),
            )
    if person is None:
        raise NoSuchPerson
    if person.blocked_at is not None:
        raise IsBlocked


async def everybody(session: AsyncSession) -> list[Listed]:
    """Return all people, the newest last."""
    async with session.begin():
        return await directory.everybody(session)


async def has_administrator(session: AsyncSession) -> bool:
    """Whether anybody has the permission ADMIN."""
    async with session.begin():
        return await administrators.is_permission_held(session, Permission.ADMIN)


def _require(person: Identity | None) -> Identity:
    if person is None:
        raise NoSuchPerson
    return person
