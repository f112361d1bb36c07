"""What becomes of an account when a second factor comes or goes (MF-06, RM-04)."""

from datetime import datetime
from uuid import UUID

from app.context import Context
from app.kit import recovery_codes
from app.kit.audit import Event
from app.kit.factors import Factor
from app.mail import factor_messages
from app.models import (
    app_secret,
    credentials,
    factor,
    factor_reset,
    known_browser,
    passkey,
    pending_login,
    recovery_code,
)
from app.models import session as sessions
from app.steps import notices, session_renewal
from app.steps.recording import record
from app.steps.session_renewal import Renewed

ADDED_APP = "An authenticator app was added."
REMOVED_APP = "The authenticator app was removed."
ADDED_PASSKEY = "A passkey was added."
REMOVED_PASSKEY = "A passkey was removed."
NEW_CODES = "New recovery codes were created. The old ones no longer work."


async def settle(
    ctx: Context, event: Event, *, what: str, shows_factor: bool = False
) -> Renewed | None:
    """Do what follows a change of one's own factors: write it down, tell it, end what was before.

    No browser is trusted any more, and all sessions but this one end; this one is renewed. None if
    it ended meanwhile.
    """
    user = await credentials.find_by_id(ctx.db, ctx.user_id)
    await refresh(ctx, ctx.user_id)
    await record(ctx, event, subject_id=ctx.user_id)
    if user is not None:
        await notices.tell(ctx, user, factor_messages.factors_changed, what=what)
    return await session_renewal.keep_only(
        ctx, ctx.user_id, version=None, is_fresh=False, shows_factor=shows_factor
    )


async def refresh(ctx: Context, user_id: UUID) -> Factor:
    """Say anew which factors a user has, end half-finished logins and trust; return the factors.

    With the last factor the recovery codes go.
    """
    left = await factor.recount(ctx.db, user_id)
    if not left:
        await recovery_code.remove(ctx.db, user_id)
    await known_browser.distrust_all(ctx.db, user_id)
    await pending_login.end_all(ctx.db, user_id)
    await factor_reset.cancel(ctx.db, user_id)
    return left


async def make_codes(ctx: Context, user_id: UUID) -> list[str]:
    """Give a user a new set of recovery codes; they are returned, and kept nowhere."""
    codes = recovery_codes.new_codes()
    digests = [recovery_codes.digest(user_id, code) for code in codes]
    await recovery_code.replace(ctx.db, user_id, digests)
    return codes


async def remove_all(ctx: Context, user_id: UUID) -> bool:
    """Remove all factors of a user, who is signed out everywhere; False if they had none."""
    had_app = await app_secret.remove(ctx.db, user_id)
    had_passkey = await passkey.remove(ctx.db, user_id)
    await refresh(ctx, user_id)
    await sessions.end_all(ctx.db, user_id)
    return had_app or had_passkey


async def restore(ctx: Context, user_id: UUID, *, since: datetime) -> bool:
    """Give a user the factors back that they had at a moment; return whether that changed any.

    What came since goes: an intruder's app. What went since comes back: the owner's (FACTORS, 19).
    """
    before = await factor.mark(ctx.db, user_id)
    for kind in (app_secret, passkey, recovery_code):
        await kind.restore(ctx.db, user_id, since=since)
    await refresh(ctx, user_id)
    return await factor.mark(ctx.db, user_id) != before
