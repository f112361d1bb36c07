"""Changing one's password."""

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import SignedOut, WeakPassword
from app.kit.sealing import Purpose
from app.mail import messages
from app.models import credentials, known_browser, token
from app.steps import authorization, new_password, notices, password_check, session_renewal
from app.steps.known_browsers import name_digests
from app.steps.recording import record
from app.steps.session_renewal import Renewed


async def change_password(ctx: Context, *, current: str, password: str) -> Renewed:
    """Replace a password by another; every other session, browser and link of the user ends.

    Returns:
        The new secret of the session in which it was changed.

    Raises:
        WrongPassword: ``current`` is not the user's.
        WeakPassword: the new one is refused, with the reason.
        TooManyTries: of the current one, shared with the login (PW-09).
        TooBusy: too many passwords wait to be checked or hashed.
        SignedOut: the session ended, or the password was changed elsewhere meanwhile.
    """
    user = await password_check.check_password(ctx, current)
    if password == current:
        raise WeakPassword("same")
    password_hash = await new_password.hashed(
        ctx, password, username=user.username, email=user.email
    )
    renewed = None
    user_id = ctx.user_id
    async with ctx.db.begin():
        await authorization.hold(ctx)
        if await credentials.hold_unchanged(ctx.db, user):
            version = await credentials.set_password_hash(ctx.db, user_id, password_hash)
            renewed = await session_renewal.keep_only(ctx, user_id, version=version)
            await token.void(ctx.db, user_id, Purpose.RESET, Purpose.CHANGE_EMAIL)
            seen = name_digests(ctx.config, ctx.browser)
            await known_browser.forget_all(ctx.db, user_id, but=seen)
            await record(ctx, Event.PASSWORD_CHANGED, subject_id=user_id)
            await notices.tell(ctx, user, messages.password_changed)
    if renewed is None:
        raise SignedOut
    return renewed
