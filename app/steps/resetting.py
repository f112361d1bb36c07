"""The letter on whose link a password is chosen anew."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit.links import RESET_VALID_MINUTES, VALID, new_link
from app.kit.sealing import Purpose
from app.models import outbox, token
from app.models.registration import Pending
from app.models.user import Credentials

NOBODY = UUID(int=0)


async def send(
    session: AsyncSession, config: Config, addressee: Credentials | Pending | None
) -> None:
    """Write to a person, or to whom waits for his address to be confirmed. Older links are void.

    To nobody it does the same, and takes it back: who asks cannot tell by the time (EN-04).
    """
    link = new_link(Purpose.RESET, public_url=config.public_url, keys=config.signing_keys)
    letter = letters.reset_password(
        to=addressee.email if addressee else "nobody",
        site=config.site_name,
        username=addressee.username if addressee else "nobody",
        link=link.url,
        valid_minutes=RESET_VALID_MINUTES,
    )
    async with session.begin_nested() as attempt:
        if isinstance(addressee, Pending):
            await token.void_of_registration(session, addressee.id, Purpose.RESET)
        else:
            await token.void(session, addressee.id if addressee else NOBODY, Purpose.RESET)
        if addressee is not None:
            is_pending = isinstance(addressee, Pending)
            await token.add(
                session,
                digest=link.digest,
                purpose=Purpose.RESET,
                valid=VALID[Purpose.RESET],
                user_id=None if is_pending else addressee.id,
                registration_id=addressee.id if is_pending else None,
                email=addressee.email,
            )
        else:
            await token.void(session, NOBODY, Purpose.RESET)
        await outbox.put(session, letter)
        if addressee is None:
            await attempt.rollback()
