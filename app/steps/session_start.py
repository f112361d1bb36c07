"""The one door: whatever somebody signs in by ends here, and nothing else starts a session.

Here is decided whether a second factor is due. Until it is shown nothing is done that only the
user may do: their reset link holds, what strangers used up stays used up, no browser is known.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from app.config import Config
from app.context import Context
from app.kit.audit import Event
from app.kit.sealing import Purpose
from app.kit.tokens import digest, new_secret
from app.mail import messages
from app.models import credentials, factor_reset, pending_login, rate_limit, token
from app.models import session as sessions
from app.models.credentials import Credentials
from app.steps import known_browsers, notices, password_check
from app.steps.recording import note


class Shown(StrEnum):
    """What somebody has shown last. A passkey has verified its user, a security key has not.

    Whoever calls with anything but PASSWORD has checked that factor, and all that comes before it.
    """

    PASSWORD = "password"  # noqa: S105 - the name of a proof
    APP = "app"
    RECOVERY_CODE = "recovery code"
    PASSKEY = "passkey"
    SECURITY_KEY = "security key"


class SignedIn(NamedTuple):
    """``secret`` goes into the cookie; nothing else names the session.

    ``browser`` goes into a cookie of its own, for years: by it the user is known here.
    """

    secret: str
    remembered: bool
    browser: str

    @property
    def outcome(self) -> str:
        """What this is counted as."""
        return "succeeded"


class FactorDue(NamedTuple):
    """The password was right, a second factor is due. ``secret`` goes into a cookie of its own."""

    secret: str

    @property
    def outcome(self) -> str:
        """What this is counted as."""
        return "factor_due"


async def start(
    ctx: Context,
    user: Credentials,
    *,
    shown: Shown,
    remember: bool,
    replacement_hash: str | None = None,
    buckets: Sequence[str] | None = None,
    trusts: bool = False,
) -> SignedIn | FactorDue | None:
    """Start a session, or ask for a second factor; None if the user may not sign in.

    A session and a half-finished login that the browser had end. ``buckets``: what the try was
    paid from, where the caller knows. ``trusts``: this browser need not ask for a factor next time.
    """
    if ctx.pending_login is not None:
        await pending_login.end(ctx.db, digest(ctx.pending_login))
    is_trusted = False
    if user.factors and shown is Shown.PASSWORD:
        is_trusted = await known_browsers.is_trusted(ctx, user.id)
        if not is_trusted:
            return await _wait_for_factor(ctx, user, replacement_hash, remember=remember)
    grace = timedelta(days=ctx.config.factor_grace_days)
    if not await credentials.admit(ctx.db, user, replacement_hash=replacement_hash, grace=grace):
        return None
    secret = new_secret()
    await sessions.start(
        ctx.db,
        user,
        digest=secret.digest,
        lasts=_lasts(ctx.config, remember=remember),
        remembered=remember,
        client=ctx.client,
        shows_factor=shown is not Shown.PASSWORD,
    )
    await token.void(ctx.db, user.id, Purpose.RESET)
    if shown is not Shown.PASSWORD:
        await factor_reset.cancel(ctx.db, user.id)
    by = "trusted browser" if is_trusted else shown.value
    facts = {"factor": by} if user.factors else {}
    await note(ctx, Event.SIGNED_IN, actor_id=user.id, subject_id=user.id, **facts)
    if buckets is None:
        buckets = await password_check.buckets_of(ctx, user)
    browser = await _remember_browser(ctx, user, trusts=trusts)
    await rate_limit.give_back(ctx.db, *buckets)
    if ctx.session_secret is not None:
        await sessions.end(ctx.db, ctx.session_digest)
    return SignedIn(secret.text, remember, browser)


async def _wait_for_factor(
    ctx: Context, user: Credentials, replacement_hash: str | None, *, remember: bool
) -> FactorDue | None:
    secret = new_secret()
    if not await pending_login.start(ctx.db, user, digest=secret.digest, remembered=remember):
        return None
    if replacement_hash is not None:
        await credentials.replace_hash(ctx.db, user, replacement_hash)
    await note(ctx, Event.FACTOR_ASKED, subject_id=user.id)
    return FactorDue(secret.text)


async def _remember_browser(ctx: Context, user: Credentials, *, trusts: bool) -> str:
    named = await known_browsers.remember(ctx, user.id, ctx.browser)
    if named.is_new and user.last_login_at is not None:
        await note(ctx, Event.NEW_BROWSER, subject_id=user.id)
        await notices.tell(ctx, user, messages.new_browser)
    if trusts and ctx.config.trust_days:
        named = await known_browsers.trust(ctx, user.id, named)
        await note(ctx, Event.BROWSER_TRUSTED, subject_id=user.id)
    return named.text


def _lasts(config: Config, *, remember: bool) -> timedelta:
    if remember:
        return timedelta(days=config.remember_days)
    return timedelta(hours=config.session_hours)
