"""Links in emails: made, and their tokens stored, in one place."""

from uuid import UUID

from app.context import Context
from app.kit.links import VALID, new_link
from app.kit.sealing import Purpose
from app.models import token


async def link(
    ctx: Context,
    purpose: Purpose,
    *,
    user_id: UUID | None = None,
    registration_id: UUID | None = None,
    email: str | None = None,
) -> str:
    """Return the address of a new one-time link of a user or a registration.

    ``email`` is the address that it goes to, where using it up says something of that address.
    """
    made = new_link(purpose, public_url=ctx.config.public_url, keys=ctx.config.signing_keys)
    await token.add(
        ctx.db,
        digest=made.digest,
        purpose=purpose,
        valid=VALID[purpose],
        user_id=user_id,
        registration_id=registration_id,
        email=email,
    )
    return made.url
