"""Showing the password and the second factor again, before what is sensitive ("sudo mode")."""

from app.context import Context
from app.kit import passkeys
from app.kit.audit import Event
from app.kit.errors import Refusal, SignedOut, TooManyTries
from app.kit.metrics import FACTORS, counted
from app.kit.tokens import new_challenge
from app.models import challenge as challenges
from app.models import credentials, passkey
from app.models.challenge import Use
from app.steps import authorization, factor_check, password_check, session_renewal
from app.steps.factor_check import Proof
from app.steps.recording import record
from app.steps.session_renewal import Renewed
from app.steps.session_start import Shown

__all__ = [
    "Renewed",
    "passkey_options",
    "reauthenticate",
    "reauthenticate_by_code",
    "reauthenticate_by_passkey",
]


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


async def passkey_options(ctx: Context) -> str | None:
    """Return what to ask the browser for, as JSON; None if the user has no passkey here."""
    site = factor_check.site(ctx.config)
    if site is None:
        return None
    challenge = new_challenge()
    async with ctx.db.begin():
        allowed = await passkey.credential_ids(ctx.db, ctx.user_id, domain=site.domain)
        if allowed:
            await challenges.put(ctx.db, ctx.session_id, Use.REAUTHENTICATE, challenge)
    if not allowed:
        return None
    return passkeys.request_options(site, challenge=challenge, allowed=allowed)


@counted(FACTORS)
async def reauthenticate_by_code(ctx: Context, *, code: str) -> Renewed:
    """Check an app's code or a recovery code of who is signed in.

    Raises:
        WrongCode, AppDisabled: it is not right, or was used before; or the app is switched off.
        TooManyTries: of this user's codes, shared with the login.
        SignedOut: the session ended meanwhile.
    """
    async with ctx.db.begin():
        wait = await factor_check.count_code(ctx, ctx.user_id)
    if wait:
        raise TooManyTries(wait)
    return await _reauthenticate(ctx, factor_check.by_code(code))


@counted(FACTORS)
async def reauthenticate_by_passkey(ctx: Context, *, answer: str) -> Renewed:
    """Check a passkey of who is signed in. One that verified its user stands for the password too.

    Raises:
        PasskeyRefused: it is another's, or proves nothing.
        TooManyTries: from this network.
        SignedOut: the session ended meanwhile.
    """
    async with ctx.db.begin():
        wait = await factor_check.count_network(ctx)
        challenge = await challenges.take(ctx.db, ctx.session_id, Use.REAUTHENTICATE)
    if wait:
        raise TooManyTries(wait)
    return await _reauthenticate(ctx, factor_check.by_passkey(answer, challenge))


async def _reauthenticate(ctx: Context, proof: Proof) -> Renewed:
    async with ctx.db.begin():
        await authorization.hold(ctx)
        user = await credentials.lock(ctx.db, ctx.user_id)
        shown = await proof(ctx, user) if user else SignedOut()
        renewed = None
        if not isinstance(shown, Refusal):
            renewed = await session_renewal.renew(
                ctx, ctx.user_id, is_fresh=shown is Shown.PASSKEY, shows_factor=True
            )
            await record(ctx, Event.REAUTHENTICATED, subject_id=ctx.user_id, factor=shown.value)
    if isinstance(shown, Refusal):
        raise shown
    if renewed is None:
        raise SignedOut
    return renewed
