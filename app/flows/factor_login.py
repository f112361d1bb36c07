"""Finishing a login by a second factor."""

from app.context import Context
from app.db import autocommit
from app.kit import passkeys
from app.kit.errors import Refusal, TooManyTries
from app.kit.factor_errors import LoginExpired
from app.kit.metrics import FACTORS, counted
from app.kit.tokens import digest, new_challenge
from app.models import credentials, passkey, pending_login
from app.models.credentials import Credentials
from app.models.pending_login import Waiting
from app.steps import factor_check, session_start
from app.steps.factor_check import Proof
from app.steps.session_start import SignedIn

__all__ = ["SignedIn", "Waiting", "passkey_options", "sign_in_by_code", "sign_in_by_passkey", "who"]


async def who(ctx: Context) -> Waiting:
    """Return who waits in this browser to show a second factor.

    Raises:
        LoginExpired: nobody, or for too long, or after too many wrong ones.
    """
    waiting = None
    if ctx.pending_login is not None:
        async with autocommit(ctx.db):
            waiting = await pending_login.find(ctx.db, digest(ctx.pending_login))
    if waiting is None:
        raise LoginExpired
    return waiting


async def passkey_options(ctx: Context, waiting: Waiting) -> str | None:
    """Return what to ask the browser for, as JSON; None if the user has no passkey here.

    Whoever sees which passkeys there are has shown the password.
    """
    site = factor_check.site(ctx.config)
    if site is None or not waiting.has_passkey or ctx.pending_login is None:
        return None
    challenge = new_challenge()
    async with ctx.db.begin():
        allowed = await passkey.credential_ids(ctx.db, waiting.user_id, domain=site.domain)
        await pending_login.set_challenge(ctx.db, digest(ctx.pending_login), challenge)
    return passkeys.request_options(site, challenge=challenge, allowed=allowed)


@counted(FACTORS)
async def sign_in_by_code(ctx: Context, *, code: str, trusts: bool = False) -> SignedIn:
    """Finish a login by an app's code or a recovery code; ``trusts``: ask no more in this browser.

    Raises:
        LoginExpired: there is nothing to finish, or too many tries were made.
        TooManyTries: of this user's codes, or from this network.
        WrongCode: it is not right, or was used before.
        AppDisabled: the app's codes were switched off.
    """
    waiting = await who(ctx)
    async with ctx.db.begin():
        wait = await factor_check.count_code(ctx, waiting.user_id)
        is_left = not wait and await _count_try(ctx)
    if wait:
        raise TooManyTries(wait)
    if not is_left:
        raise LoginExpired
    return await _finish(ctx, waiting, factor_check.by_code(code), trusts=trusts)


@counted(FACTORS)
async def sign_in_by_passkey(ctx: Context, *, answer: str, trusts: bool = False) -> SignedIn:
    """Finish a login by a passkey; what it was asked to sign is used up, whatever the result.

    Raises:
        LoginExpired: there is nothing to finish, or too many tries were made.
        TooManyTries: from this network.
        PasskeyRefused: it is not the user's, or proves nothing.
    """
    waiting = await who(ctx)
    challenge = passkeys.challenge_of(answer)
    async with ctx.db.begin():
        wait = await factor_check.count_network(ctx)
        is_left = not wait and await _count_try(ctx)
        is_ours = bool(is_left and challenge) and await pending_login.take_challenge(
            ctx.db, digest(ctx.pending_login or ""), challenge
        )
    if wait:
        raise TooManyTries(wait)
    if not is_left:
        raise LoginExpired
    proof = factor_check.by_passkey(answer, challenge if is_ours else None)
    return await _finish(ctx, waiting, proof, trusts=trusts)


async def _count_try(ctx: Context) -> bool:
    return await pending_login.count_try(ctx.db, digest(ctx.pending_login or ""))


async def _finish(ctx: Context, waiting: Waiting, proof: Proof, *, trusts: bool) -> SignedIn:
    async with ctx.db.begin():
        user = await credentials.lock(ctx.db, waiting.user_id)
        outcome: SignedIn | Refusal = LoginExpired()
        if user is not None and user.credential_version == waiting.credential_version:
            outcome = await _check(ctx, user, waiting, proof, trusts=trusts)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def _check(
    ctx: Context, user: Credentials, waiting: Waiting, proof: Proof, *, trusts: bool
) -> SignedIn | Refusal:
    """Check a factor, and start a session; the half-finished login is used up by one of them."""
    shown = await proof(ctx, user)
    if isinstance(shown, Refusal):
        return shown
    if not await pending_login.end(ctx.db, digest(ctx.pending_login or "")):
        return LoginExpired()
    started = await session_start.start(
        ctx, user, shown=shown, remember=waiting.remembered, trusts=trusts
    )
    return started if isinstance(started, SignedIn) else LoginExpired()
