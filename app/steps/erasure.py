"""Forgetting a person for good."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.client import Client
from app.models import audit, outbox, user
from app.models.audit import Event


async def erase(
    session: AsyncSession, user_id: UUID, *, client: Client, actor_id: UUID | None = None
) -> None:
    """Delete a person with sessions, links, browsers and letters; the audit stays without him.

    What is left of him in the audit is a random id that leads nowhere.
    """
    person = await user.lock(session, user_id)
    if person is not None:
        await outbox.forget(session, person.email)
    await user.delete(session, user_id)
    await audit.forget(session, user_id)
    await audit.write(session, Event.ERASED, client=client, subject_id=user_id, actor_id=actor_id)
