"""Signing in and out, and who is signed in."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.db import one_by_one
from app.kit.addresses import canonical
from app.kit.client import Client
from app.kit.errors import WrongCredentials
from app.kit.metrics import LOGINS, counted
from app.kit.passwords import PasswordHasher, Verdict, fingerprint, fits
from app.kit.sealing import OF_PERSON, Purpose, seal
from app.kit.tokens import digest, new_secret
from app.limits import limits
from app.models import audit, device, registration, throttle, token, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.registration import Pending
from app.models.throttle import Try
from app.models.user import Credentials
from app.steps import browsers, notices, proof, staying
from app.steps.browsers import name_digests

__all__ = [
    "Leaving",
    "Outcome",
    "SignedIn",
    "Unconfirmed",
    "live_sessions",
    "sign_in",
    "sign_out",
]


class SignedIn(NamedTuple):
    """``secret`` goes into the cookie; nothing else names the session.

    ``browser`` goes into a cookie of its own, for years: by it the person is known here.
    """

    secret: str
    remembered: bool
    browser: str


class Unconfirmed(NamedTuple):
    """The password was right, the address waits. ``ticket`` lets its owner ask for the letter."""

    ticket: str


class Leaving(NamedTuple):
    """The password was right, but the person asked to be forgotten, at ``day``.

    ``ticket`` lets him change his mind.
    """

    ticket: str
    day: datetime


class _Found(NamedTuple):
    """Who may stand behind a name, and the try of that person, by whatever name.

    ``known`` is the digest of the browser, if it is known as the person's.
    """

    person: Credentials | None
    pending: Pending | None
    attempt: Try
    known: bytes | None

    @property
    def is_closed(self) -> bool:
        """Whether no password of this person is checked, right or wrong."""
        if self.person is None or self.known:
            return False
        return self.attempt.wait > 0 or self.person.is_disabled

    @property
    def buckets(self) -> list[str]:
        """What a right password gives back, beside what it was paid from."""
        if self.person is None or self.known:
            return []
        return [proof.bucket_of_person(self.person.id)]


Outcome = SignedIn | Unconfirmed | Leaving


@counted(LOGINS, SignedIn="succeeded", Unconfirmed="unconfirmed", Leaving="leaving")
async def sign_in(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    name: str,
    password: str,
    remember: bool,
    client: Client,
    previous_secret: str | None = None,
    browser: str | None = None,
) -> Outcome:
    """Check a password and start a session; the browser's ``previous_secret`` ends.

    ``name`` is an address or a user name. The try is counted before the password is checked, and
    a name that nobody has costs as much as a wrong password. ``browser`` is what an earlier login
    left with this browser: strangers cannot slow it down (BF-05).

    Raises:
        TooManyTries: of this name or from this network.
        WrongCredentials: for every other reason (EN-01).
        TooBusy: too many passwords wait to be checked; the try does not count.
    """
    if not fits(password):
        raise WrongCredentials
    hasher.refuse_if_full(client.group)
    purse, known = await _purse(session, config, name, client, browser)
    await proof.turn_away(session, purse)
    async with hasher.place(client.group):
        await proof.take_try(session, config, purse)
        async with one_by_one(session):
            found = await _find(session, config, name, password, known=known)
        waiting, verdict = await _check(hasher, found, password)
    async with session.begin():
        outcome: Outcome | None = None
        if verdict.is_right and found.person is not None:
            outcome = await _start(
                session,
                config,
                found.person,
                verdict.replacement,
                remember=remember,
                client=client,
                browser=browser,
            )
        elif waiting is not None:
            outcome = await _send_to_mail(session, config, waiting, client)
        if outcome is None:
            await _note_failure(session, config, found, client, is_right=verdict.is_right)
        if isinstance(outcome, SignedIn):
            await throttle.give_back(session, *found.buckets, purse.bucket)
            if previous_secret is not None:
                await sessions.end(session, digest(previous_secret))
    if outcome is None:
        raise WrongCredentials
    return outcome


async def sign_out(session: AsyncSession, *, secret: str, client: Client) -> None:
    """End a session, at once and everywhere."""
    async with session.begin():
        user_id = await sessions.end(session, digest(secret))
        if user_id is not None:
            await audit.write(
                session, Event.SIGNED_OUT, client=client, actor_id=user_id, subject_id=user_id
            )


async def live_sessions(session: AsyncSession) -> int:
    """Return how many people's browsers are signed in."""
    async with one_by_one(session):
        return await sessions.count_live(session)


async def _purse(
    session: AsyncSession, config: Config, name: str, client: Client, browser: str | None
) -> tuple[proof.Purse, bytes | None]:
    """Return what a try is paid from, and the browser's digest if it is known as the person's."""
    seen = name_digests(config, browser)
    if seen:
        async with one_by_one(session):
            owner = await device.find_owner(session, seen, name=name)
        if owner is not None:
            return proof.known(config, client, owner.user_id, owner.digest), owner.digest
    return proof.stranger(config, client, _name_bucket(name)), None


async def _find(
    session: AsyncSession, config: Config, name: str, password: str, *, known: bytes | None
) -> _Found:
    """Look a name up, and count the try of the person too, by whatever name he was called.

    That an account is slowed by its other name must not show: it would tie the two together. So it
    looks like a wrong password, and costs as much.
    """
    person = await user.find(session, name)
    marks = [fingerprint(password, key=key) for key in config.signing_keys]
    pending = await registration.find_by_name(session, name, fingerprints=marks)
    if known:
        return _Found(person, pending, Try(0, 0), known)
    bucket = proof.bucket_of_person(person.id) if person else _nobody_bucket(name)
    attempt = await throttle.take_delayed(session, bucket, limits(config).logins_of_account)
    return _Found(person, pending, attempt, None)


async def _check(
    hasher: PasswordHasher, found: _Found, password: str
) -> tuple[Pending | None, Verdict]:
    """Return the registration that the password is right for, and whether it is the person's.

    One hash is verified, two where a registration may have this password; whether there is also a
    person, and a slowed one, changes neither the number nor what is said of the registration.
    """
    person = None if found.is_closed else found.person
    own = person.password_hash if person else None
    if found.pending is None:
        return None, await hasher.verify(password, own)
    waits = (await hasher.verify(password, found.pending.password_hash)).is_right
    return found.pending if waits else None, await hasher.verify(password, own)


async def _note_failure(
    session: AsyncSession, config: Config, found: _Found, client: Client, *, is_right: bool
) -> None:
    person = found.person
    is_blocked = person is not None and person.blocked_at is not None and is_right
    event = Event.SIGN_IN_BLOCKED if is_blocked else Event.SIGN_IN_FAILED
    await proof.note_failure(
        session, config, event, person=person, browser=found.known, client=client
    )
    if person and found.attempt.number == limits(config).logins_of_account.free + 1:
        await audit.write(session, Event.SIGN_IN_SLOWED, client=client, subject_id=person.id)


async def _start(
    session: AsyncSession,
    config: Config,
    person: Credentials,
    replacement_hash: str | None,
    *,
    remember: bool,
    client: Client,
    browser: str | None,
) -> Outcome | None:
    """Start a session; None if the person may not sign in.

    The browser gets a name of its own, if it has none yet.
    """
    if person.blocked_at is None and person.delete_at is not None:
        return await _ask_to_stay(session, config, person, person.delete_at, client)
    if person.blocked_at is None and person.confirmed_at is None:
        return await _ask_to_confirm(session, config, person, client)
    if not await user.admit(session, person, replacement_hash=replacement_hash):
        return None
    secret = new_secret()
    await sessions.start(
        session,
        person,
        digest=secret.digest,
        lasts=_lasts(config, remember=remember),
        remembered=remember,
        client=client,
    )
    await token.void(session, person.id, Purpose.RESET)
    await audit.write(
        session, Event.SIGNED_IN, client=client, actor_id=person.id, subject_id=person.id
    )
    named = await browsers.remember(session, config, person.id, browser)
    if named.is_new and person.last_login_at is not None:
        await audit.write(session, Event.NEW_BROWSER, client=client, subject_id=person.id)
        await notices.tell(session, config, person, letters.new_browser, client)
    return SignedIn(secret.text, remember, named.text)


async def _ask_to_stay(
    session: AsyncSession, config: Config, person: Credentials, day: datetime, client: Client
) -> Leaving:
    await audit.write(session, Event.SIGN_IN_LEAVING, client=client, subject_id=person.id)
    return Leaving(seal(config.signing_keys, Purpose.STAY, staying.wish(person)), day)


async def _ask_to_confirm(
    session: AsyncSession, config: Config, person: Credentials, client: Client
) -> Unconfirmed:
    """Send somebody to his mail who was brought here with an address that nobody confirmed."""
    await audit.write(session, Event.SIGN_IN_UNCONFIRMED, client=client, subject_id=person.id)
    return Unconfirmed(seal(config.signing_keys, Purpose.RESEND, f"{OF_PERSON}{person.id}"))


async def _send_to_mail(
    session: AsyncSession, config: Config, waiting: Pending, client: Client
) -> Unconfirmed:
    registration_id = str(waiting.id)
    await audit.write(
        session, Event.SIGN_IN_UNCONFIRMED, client=client, registration=registration_id
    )
    return Unconfirmed(seal(config.signing_keys, Purpose.RESEND, registration_id))


def _name_bucket(name: str) -> str:
    return f"logins:name:{canonical(name)}"


def _nobody_bucket(name: str) -> str:
    """Name a bucket that limits nobody: a person costs one, so nobody costs one too (EN-02)."""
    return f"logins:nobody:{canonical(name)}"


def _lasts(config: Config, *, remember: bool) -> timedelta:
    if remember:
        return timedelta(days=config.remember_days)
    return timedelta(hours=config.session_hours)
