"""Signing in and out, and who is signed in."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.context import Context
from app.db import autocommit
from app.kit.addresses import canonical
from app.kit.audit import Event
from app.kit.errors import WrongCredentials
from app.kit.metrics import LOGINS, counted
from app.kit.password_policy import fits
from app.kit.passwords import PasswordHasher, Verdict, fingerprint
from app.kit.sealing import Purpose, seal
from app.limits import limits
from app.models import credentials, known_browser, rate_limit, registration
from app.models import session as sessions
from app.models.credentials import Credentials
from app.models.rate_limit import Attempt
from app.models.registration import Pending
from app.steps import keeping, password_check, session_start
from app.steps.known_browsers import name_digests
from app.steps.recording import note
from app.steps.session_start import FactorDue, Shown, SignedIn

__all__ = [
    "DeletionPending",
    "FactorDue",
    "Outcome",
    "SignedIn",
    "Unconfirmed",
    "live_sessions",
    "sign_in",
    "sign_out",
]


class Unconfirmed(NamedTuple):
    """The password was right, the address waits. ``ticket`` lets its owner ask for the email."""

    ticket: str

    @property
    def outcome(self) -> str:
        """What this is counted as."""
        return "unconfirmed"


class DeletionPending(NamedTuple):
    """The password was right, but the user asked to be forgotten, at ``day``.

    ``ticket`` lets them change their mind.
    """

    ticket: str
    day: datetime

    @property
    def outcome(self) -> str:
        """What this is counted as."""
        return "deletion_pending"


class _Found(NamedTuple):
    """Who may stand behind a name, and the try of that person, by whatever name.

    ``known`` is the digest of the browser, if it is known as the user's.
    """

    user: Credentials | None
    pending: Pending | None
    attempt: Attempt
    known: bytes | None

    @property
    def is_closed(self) -> bool:
        """Whether no password of this user is checked, right or wrong."""
        if self.user is None or self.known:
            return False
        return self.attempt.wait > 0 or self.user.is_disabled

    @property
    def buckets(self) -> list[str]:
        """What a right password gives back, beside what it was paid from."""
        if self.user is None or self.known:
            return []
        return [password_check.bucket_of_user(self.user.id)]


Outcome = SignedIn | FactorDue | Unconfirmed | DeletionPending


@counted(LOGINS)
async def sign_in(ctx: Context, *, name: str, password: str, remember: bool) -> Outcome:
    """Check a password and start a session, or ask for a second factor (steps/session_start).

    ``name`` is an address or a username. The try is counted before the password is checked, and
    a name that nobody has costs as much as a wrong password. ``browser`` is what an earlier login
    left with this browser: strangers cannot slow it down (BF-05).

    Raises:
        TooManyTries: of this name or from this network.
        WrongCredentials: for every other reason (EN-01).
        TooBusy: too many passwords wait to be checked; the try does not count.
    """
    if not fits(password):
        raise WrongCredentials
    ctx.hasher.refuse_if_full(ctx.client.group)
    limit, known = await _limit(ctx, name)
    await password_check.refuse_if_limited(ctx, limit)
    async with ctx.hasher.place(ctx.client.group):
        await password_check.count_attempt(ctx, limit)
        async with autocommit(ctx.db):
            found = await _find(ctx, name, password, known=known)
        waiting, verdict = await _check(ctx.hasher, found, password)
    async with ctx.db.begin():
        outcome: Outcome | None = None
        if verdict.is_right and found.user is not None:
            buckets = [*found.buckets, limit.bucket]
            outcome = await _start(ctx, found.user, verdict, buckets, remember=remember)
        elif waiting is not None:
            outcome = await _send_to_mail(ctx, waiting)
        if outcome is None:
            await _note_failure(ctx, found, is_right=verdict.is_right)
    if outcome is None:
        raise WrongCredentials
    return outcome


async def sign_out(ctx: Context) -> None:
    """End a session, at once and everywhere."""
    async with ctx.db.begin():
        user_id = await sessions.end(ctx.db, ctx.session_digest)
        if user_id is not None:
            await note(ctx, Event.SIGNED_OUT, actor_id=user_id, subject_id=user_id)


async def live_sessions(ctx: Context) -> int:
    """Return how many people's browsers are signed in."""
    async with autocommit(ctx.db):
        return await sessions.count_live(ctx.db)


async def _limit(ctx: Context, name: str) -> tuple[password_check.LoginLimit, bytes | None]:
    """Return what a try is paid from, and the browser's digest if it is known as the user's."""
    seen = name_digests(ctx.config, ctx.browser)
    if seen:
        async with autocommit(ctx.db):
            owner = await known_browser.find_owner(ctx.db, seen, name=name)
        if owner is not None:
            return password_check.known(ctx, owner.user_id, owner.digest), owner.digest
    return password_check.stranger(ctx, password_check.bucket_of_name(name)), None


async def _find(ctx: Context, name: str, password: str, *, known: bytes | None) -> _Found:
    """Look a name up, and count the try of the user too, by whatever name they were called.

    That an account is slowed by its other name must not show: it would tie the two together. So it
    looks like a wrong password, and costs as much.
    """
    user = await credentials.find(ctx.db, name)
    marks = [fingerprint(password, key=key) for key in ctx.config.signing_keys]
    pending = await registration.find_by_name(ctx.db, name, fingerprints=marks)
    if known:
        return _Found(user, pending, Attempt(0, 0), known)
    bucket = password_check.bucket_of_user(user.id) if user else _nobody_bucket(name)
    attempt = await rate_limit.take_delayed(ctx.db, bucket, limits(ctx.config).logins_of_account)
    return _Found(user, pending, attempt, None)


async def _check(
    hasher: PasswordHasher, found: _Found, password: str
) -> tuple[Pending | None, Verdict]:
    """Return the registration that the password is right for, and whether it is the user's.

    One hash is verified, two where a registration may have this password; whether there is also a
    person, and a slowed one, changes neither the number nor what is said of the registration.
    """
    user = None if found.is_closed else found.user
    own = user.password_hash if user else None
    if found.pending is None:
        return None, await hasher.verify(password, own)
    waits = (await hasher.verify(password, found.pending.password_hash)).is_right
    return found.pending if waits else None, await hasher.verify(password, own)


async def _note_failure(ctx: Context, found: _Found, *, is_right: bool) -> None:
    user = found.user
    is_blocked = user is not None and user.blocked_at is not None and is_right
    event = Event.SIGN_IN_BLOCKED if is_blocked else Event.SIGN_IN_FAILED
    await password_check.note_failure(ctx, event, user=user, browser_digest=found.known)
    if user and found.attempt.number == limits(ctx.config).logins_of_account.free + 1:
        await note(ctx, Event.SIGN_IN_SLOWED, subject_id=user.id)


async def _start(
    ctx: Context, user: Credentials, verdict: Verdict, buckets: Sequence[str], *, remember: bool
) -> Outcome | None:
    """Go on with who has shown their password; None if they may not sign in."""
    if user.blocked_at is None and user.delete_at is not None:
        return await _ask_to_stay(ctx, user, user.delete_at)
    if user.blocked_at is None and user.confirmed_at is None:
        return await _ask_to_confirm(ctx, user)
    return await session_start.start(
        ctx,
        user,
        shown=Shown.PASSWORD,
        remember=remember,
        replacement_hash=verdict.replacement,
        buckets=buckets,
    )


async def _ask_to_stay(ctx: Context, user: Credentials, day: datetime) -> DeletionPending:
    await note(ctx, Event.SIGN_IN_DELETION_PENDING, subject_id=user.id)
    return DeletionPending(seal(ctx.config.signing_keys, Purpose.STAY, keeping.wish(user)), day)


async def _ask_to_confirm(ctx: Context, user: Credentials) -> Unconfirmed:
    """Send somebody to their mail who was brought here with an address that nobody confirmed."""
    await note(ctx, Event.SIGN_IN_UNCONFIRMED, subject_id=user.id)
    return Unconfirmed(seal(ctx.config.signing_keys, Purpose.RESEND_TO_USER, str(user.id)))


async def _send_to_mail(ctx: Context, waiting: Pending) -> Unconfirmed:
    registration_id = str(waiting.id)
    await note(ctx, Event.SIGN_IN_UNCONFIRMED, registration=registration_id)
    return Unconfirmed(seal(ctx.config.signing_keys, Purpose.RESEND, registration_id))


def _nobody_bucket(name: str) -> str:
    """Name a bucket that limits nobody: a user costs one, so nobody costs one too (EN-02)."""
    return f"logins:nobody:{canonical(name)}"
