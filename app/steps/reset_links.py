"""The email on whose link a password is chosen anew."""

from collections.abc import Callable
from uuid import UUID

from app.context import Context
from app.kit.links import RESET_VALID_MINUTES, VALID, new_link
from app.kit.sealing import Purpose
from app.mail import messages
from app.mail.message import Message
from app.models import credentials, outbox, registration, token
from app.models.credentials import Credentials
from app.models.registration import Pending

NOBODY = UUID(int=0)


async def send(
    ctx: Context,
    addressee: Credentials | Pending | None,
    writer: Callable[..., Message] = messages.reset_password,
) -> None:
    """Write to a user, or to whom waits for their address to be confirmed. Older links are void.

    To nobody it does the same, and takes it back: who asks cannot tell by the time (EN-04). Who
    was erased, blocked or confirmed meanwhile is nobody. ``writer`` says why the email comes.
    """
    async with ctx.db.begin_nested() as attempt:
        held = await _hold(ctx, addressee)
        owner = held.id if held else NOBODY
        link = new_link(
            Purpose.RESET, public_url=ctx.config.public_url, keys=ctx.config.signing_keys
        )
        if isinstance(held, Pending):
            await token.void_of_registration(ctx.db, owner, Purpose.RESET)
        else:
            await token.void(ctx.db, owner, Purpose.RESET)  # in place of what follows
        if held is None:
            await token.void(ctx.db, owner, Purpose.RESET)  # in place of what follows
        else:
            is_pending = isinstance(held, Pending)
            await token.add(
                ctx.db,
                digest=link.digest,
                purpose=Purpose.RESET,
                valid=VALID[Purpose.RESET],
                user_id=None if is_pending else owner,
                registration_id=owner if is_pending else None,
                email=held.email,
            )
        message = writer(
            to=held.email if held else "nobody",
            site=ctx.brand,
            username=held.username if held else "nobody",
            link=link.url,
            valid_minutes=RESET_VALID_MINUTES,
        )
        await outbox.put(ctx.db, message)
        if held is None:
            await attempt.rollback()


async def _hold(
    ctx: Context, addressee: Credentials | Pending | None
) -> Credentials | Pending | None:
    """Return the addressee as they are now, held until the transaction ends: before their links."""
    if isinstance(addressee, Pending):
        return await registration.hold(ctx.db, addressee.id)
    user = await credentials.lock(ctx.db, addressee.id if addressee else NOBODY)
    return user if user is not None and user.blocked_at is None else None
