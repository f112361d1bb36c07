"""Showing a second factor: counted before it is checked, and each proof good for once.

A try counts against the network, with passwords, and against the user: some are free, then each
waits longer. A right password gives none of them back, a right factor does (MF-02).
"""

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from app.config import Config
from app.context import Context
from app.kit import passkeys, recovery_codes, totp
from app.kit.audit import Event
from app.kit.encryption import CannotOpen, unseal
from app.kit.errors import Refusal
from app.kit.factor_errors import AppDisabled, PasskeyRefused, WrongCode
from app.kit.passkeys import PasskeyAnswer, RelyingParty, WrongAnswer
from app.kit.totp import AppSecret
from app.limits import limits, of_networks
from app.mail import factor_messages
from app.models import app_secret, factor, passkey, rate_limit, recovery_code
from app.models.app_secret import Sealed
from app.models.credentials import Credentials
from app.models.export import StoredApp
from app.steps import notices
from app.steps.recording import note
from app.steps.session_start import Shown

log = logging.getLogger(__name__)

Outcome = Shown | Refusal
Proof = Callable[[Context, Credentials], Awaitable[Outcome]]

UNREADABLE = (
    "The secret of an authenticator app can't be read: it was encrypted under another SECRET_KEY. "
    "Put that key into SECRET_KEY_FALLBACKS. To count such secrets: python -m app doctor"
)


def site(config: Config) -> RelyingParty | None:
    """Return whom passkeys are made for, None where there can be none."""
    domain = config.passkeys_for
    return RelyingParty(domain, config.public_url, config.site_name) if domain else None


async def count_network(ctx: Context) -> float:
    """Count a try against the network; return for how many seconds it has none left."""
    rates = of_networks("logins", ctx.client, limits(ctx.config).logins_of_network)
    return await rate_limit.take_all(ctx.db, rates)


async def count_code(ctx: Context, user_id: UUID) -> float:
    """Count the try of a code; return for how many seconds there is none left."""
    wait = await count_network(ctx)
    if wait:
        return wait
    delay = limits(ctx.config).codes_of_user
    return (await rate_limit.take_delayed(ctx.db, _bucket(user_id), delay)).wait


def by_code(typed: str) -> Proof:
    """Return the check of a code: an app's, or a recovery code."""

    async def check(ctx: Context, user: Credentials) -> Outcome:
        code = totp.clean(typed)
        if code is not None:
            return await _check_app(ctx, user, code)
        if recovery_codes.clean(typed) is not None:
            return await _check_recovery_code(ctx, user, typed)
        return await _refuse(ctx, user, WrongCode())

    return check


def by_passkey(text: str, challenge: bytes | None) -> Proof:
    """Return the check of a passkey's answer to a challenge, which is used up already.

    None: it was used before, or is another's.
    """

    async def check(ctx: Context, user: Credentials) -> Outcome:
        answer = challenge and read(text)
        known = answer and await find(ctx, answer)
        if not challenge or not answer or not known or known.user_id != user.id:
            return await _refuse(ctx, user, PasskeyRefused())
        verified = await show(ctx, known, answer, challenge)
        if verified is None:
            return await _refuse(ctx, user, PasskeyRefused())
        await forget_failures(ctx, user.id)
        return Shown.PASSKEY if verified.is_user_verified else Shown.SECURITY_KEY

    return check


def read(text: str) -> PasskeyAnswer | None:
    """Return a passkey's answer, None if it is garbled."""
    try:
        return passkeys.read_answer(text)
    except WrongAnswer:
        return None


async def find(ctx: Context, answer: PasskeyAnswer) -> passkey.KnownPasskey | None:
    """Return the passkey that an answer claims to be of; whose it is must be said alike."""
    ours = site(ctx.config)
    known = ours and await passkey.find(ctx.db, answer.credential_id, domain=ours.domain)
    if not known or answer.user_handle not in {None, known.user_id}:
        return None
    return known


async def show(
    ctx: Context, known: passkey.KnownPasskey, answer: PasskeyAnswer, challenge: bytes
) -> passkeys.Verified | None:
    """Check what a passkey signed, and note its use; None if it proves nothing.

    A counter that did not grow tells of a copy: that goes into the audit log.
    """
    ours = site(ctx.config)
    if ours is None:
        return None
    try:
        shown = passkeys.verify(
            ours,
            answer,
            challenge=challenge,
            public_key=known.public_key,
            backup_eligible=known.backup_eligible,
        )
    except WrongAnswer:
        return None
    if await passkey.use(ctx.db, known.id, sign_count=shown.sign_count, backed_up=shown.backed_up):
        return shown
    await note(ctx, Event.PASSKEY_COPIED, subject_id=known.user_id)
    return None


def opened(config: Config, stored: Sealed | StoredApp) -> AppSecret | None:
    """Return a stored secret, None if no key of ours opens it."""
    try:
        secret = unseal(config.signing_keys, stored.sealed, row_id=stored.id)
    except CannotOpen:
        log.error(UNREADABLE)  # noqa: TRY400 - where it happens says nothing
        return None
    return AppSecret(secret, stored.algorithm, stored.digits, stored.period)


async def _check_app(ctx: Context, user: Credentials, code: str) -> Outcome:
    if await factor.is_app_disabled(ctx.db, user.id):
        return await _refuse(ctx, user, AppDisabled())
    stored = await app_secret.find(ctx.db, user.id)
    app = stored and opened(ctx.config, stored)
    if stored and app:
        step = totp.step_of(app, code, now=float(stored.now))
        if step is not None and await app_secret.use(ctx.db, stored.id, step=step):
            await forget_failures(ctx, user.id)
            return Shown.APP
    failures = await factor.count_failure(ctx.db, user.id)
    if failures == factor.FAILURES_UNTIL_DISABLED:
        await note(ctx, Event.APP_DISABLED, subject_id=user.id)
        await notices.tell(ctx, user, factor_messages.app_disabled)
    return await _refuse(ctx, user, WrongCode())


async def _check_recovery_code(ctx: Context, user: Credentials, typed: str) -> Outcome:
    if not await recovery_code.use(ctx.db, user.id, recovery_codes.digest(user.id, typed)):
        return await _refuse(ctx, user, WrongCode())
    await forget_failures(ctx, user.id)
    left = await recovery_code.count(ctx.db, user.id)
    await note(ctx, Event.RECOVERY_CODE_USED, subject_id=user.id, left=left)
    await notices.tell(ctx, user, factor_messages.recovery_code_used, left=str(left))
    return Shown.RECOVERY_CODE


async def forget_failures(ctx: Context, user_id: UUID) -> None:
    """Forget a user's wrong codes: a right one came."""
    await factor.forget_failures(ctx.db, user_id)
    await rate_limit.give_back(ctx.db, _bucket(user_id))


async def _refuse(ctx: Context, user: Credentials, refusal: Refusal) -> Refusal:
    await note(ctx, Event.FACTOR_FAILED, subject_id=user.id)
    return refusal


def _bucket(user_id: UUID) -> str:
    return f"codes:person:{user_id}"
