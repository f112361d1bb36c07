"""Who may come in, and what he may do: an operator's view of people."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.client import Client
from app.kit.errors import NoSuchPerson, NoSuchRole
from app.kit.permissions import Permission
from app.models import audit, role, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.user import Listed

__all__ = ["Listed", "block", "everybody", "has_administrator", "set_role", "unblock"]


async def block(session: AsyncSession, *, name: str, client: Client) -> None:
    """Block a person and end all his sessions, in one transaction.

    Raises:
        NoSuchPerson: nobody has this address or user name.
    """
    async with session.begin():
        user_id = await _find(session, name)
        if user_id is not None:
            await user.set_blocked(session, user_id, blocked=True)
            await sessions.end_all(session, user_id)
            await audit.write(session, Event.BLOCKED, client=client, subject_id=user_id)
    _require(user_id)


async def unblock(session: AsyncSession, *, name: str, client: Client) -> None:
    """Let a blocked person in again; the sessions of before stay ended.

    Raises:
        NoSuchPerson: nobody has this address or user name.
    """
    async with session.begin():
        user_id = await _find(session, name)
        if user_id is not None:
            await user.set_blocked(session, user_id, blocked=False)
            await audit.write(session, Event.UNBLOCKED, client=client, subject_id=user_id)
    _require(user_id)


async def set_role(session: AsyncSession, *, name: str, role_name: str, client: Client) -> str:
    """Give a person a role; it acts on the next request. Return the role's name as it is written.

    Raises:
        NoSuchPerson: nobody has this address or user name.
        NoSuchRole: there is no such role.
    """
    async with session.begin():
        user_id = await _find(session, name)
        names = {known.lower(): known for known in await role.names(session)}
        known = names.get(role_name.lower())
        if user_id is not None and known is not None:
            await user.set_role(session, user_id, known)
            await audit.write(
                session, Event.ROLE_SET, client=client, subject_id=user_id, role=known
            )
    _require(user_id)
    if known is None:
        raise NoSuchRole(f"There is no role “{role_name}”; there are {', '.join(names.values())}.")
    return known


async def everybody(session: AsyncSession) -> list[Listed]:
    """Return all people, the newest last."""
    async with session.begin():
        return await user.everybody(session)


async def has_administrator(session: AsyncSession) -> bool:
    """Whether anybody has the permission ADMIN."""
    async with session.begin():
        return await user.is_permission_held(session, Permission.ADMIN)


async def _find(session: AsyncSession, name: str) -> UUID | None:
    person = await user.find(session, name)
    return person and person.id


def _require(user_id: UUID | None) -> None:
    if user_id is None:
        raise NoSuchPerson
