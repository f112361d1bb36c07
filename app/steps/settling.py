"""Making an account of a registration whose address has been confirmed."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit.addresses import canonical
from app.kit.client import Client
from app.models import audit, registration, role, user
from app.models.audit import Event
from app.models.registration import Pending


async def settle(
    session: AsyncSession, config: Config, pending: Pending, *, password_hash: str, client: Client
) -> bool:
    """Use a registration up; False if it is gone, or its address or user name is somebody's.

    The address ``ADMIN_EMAIL`` becomes Administrator now, in small or capital letters: no mail
    server tells these apart, but any tells an address that looks like it.
    """
    if await registration.take(session, pending.id) is None:
        return False
    user_id = await user.add(
        session,
        email=pending.email,
        username=pending.username,
        password_hash=password_hash,
        role_id=await role.default_id(session),
        terms_accepted_at=pending.terms_accepted_at,
    )
    if user_id is None:
        return False
    await audit.write(
        session, Event.CONFIRMED, client=client, subject_id=user_id, registration=str(pending.id)
    )
    if config.admin_email and canonical(pending.email) == canonical(config.admin_email):
        await user.set_role(session, user_id, role.ADMINISTRATOR)
        await audit.write(
            session, Event.ROLE_SET, client=client, subject_id=user_id, role=role.ADMINISTRATOR
        )
    return True
