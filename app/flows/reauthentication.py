"""Showing the password again, before what is sensitive ("sudo mode")."""

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import SignedOut
from app.steps import authorization, password_check, session_renewal
from app.steps.recording import record
from app.steps.session_renewal import Renewed

__all__ = ["Renewed", "reauthenticate"]


async def reauthenticate(ctx: Context, *, password: str) -> Renewed:
    """Check the password of who is signed in; the session gets a new secret (SE-03).

    Raises:
        WrongPassword: it is not theirs.
        TooManyTries: of this user, shared with the login (BF-06).
        TooBusy: too many passwords wait to be checked; the try does not count.
        SignedOut: the session ended meanwhile.
    """
    await password_check.check_password(ctx, password)
    user_id = ctx.user_id
    async with ctx.db.begin():
        await authorization.hold(ctx)
        renewed = await session_renewal.renew(ctx, user_id)
        if renewed is not None:
            await record(ctx, Event.REAUTHENTICATED, subject_id=user_id)
    if renewed is None:
        raise SignedOut
    return renewed
