"""Links in letters: made, and their tokens stored, in one place."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit.links import VALID, new_link
from app.kit.sealing import Purpose
from app.models import token


async def link(
    session: AsyncSession,
    config: Config,
    purpose: Purpose,
    *,
    user_id: UUID | None = None,
    registration_id: UUID | None = None,
    email: str | None = None,
) -> str:
    """Return the address of a new one-time link of a person or a registration.

    ``email`` is the address that it goes to, where using it up says something of that address.
    """
    made = new_link(purpose, public_url=config.public_url, keys=config.signing_keys)
    await token.add(
        session,
        digest=made.digest,
        purpose=purpose,
        valid=VALID[purpose],
        user_id=user_id,
        registration_id=registration_id,
        email=email,
    )
    return made.url
