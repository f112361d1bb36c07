"""Signing in and out, and who is signed in."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.db import one_by_one
from app.kit.addresses import canonical
from app.kit.client import Client
from app.kit.errors import TooManyTries, WrongCredentials
from app.kit.metrics import LOGINS, counted
from app.kit.passwords import PasswordHasher, Verdict, fingerprint, fits
from app.kit.sealing import Purpose, seal
from app.kit.tokens import digest, new_secret
from app.limits import limits
from app.models import audit, registration, throttle, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.registration import Pending
from app.models.session import Person
from app.models.throttle import Try
from app.models.user import Credentials

__all__ = [
    "Person",
    "SignedIn",
    "Unconfirmed",
    "current_person",
    "live_sessions",
    "sign_in",
    "sign_out",
]


class SignedIn(NamedTuple):
    """``secret`` goes into the cookie; nothing else names the session."""

    secret: str
    remembered: bool


class Unconfirmed(NamedTuple):
    """The password was right, the address waits. ``ticket`` lets its owner ask for the letter."""

    ticket: str


class _Found(NamedTuple):
    """Who may stand behind a name, and the try of that person, by whatever name."""

    person: Credentials | None
    pending: Pending | None
    attempt: Try

    @property
    def is_slowed(self) -> bool:
        """Whether the person has to wait before another password is checked."""
        return self.person is not None and self.attempt.wait > 0


@counted(LOGINS, SignedIn="succeeded", Unconfirmed="unconfirmed")
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
) -> SignedIn | Unconfirmed:
    """Check a password and start a session; the browser's ``previous_secret`` ends.

    ``name`` is an address or a user name. The try is counted before the password is checked, and
    a name that nobody has costs as much as a wrong password.

    Raises:
        TooManyTries: of this name or from this network.
        WrongCredentials: for every other reason (EN-01).
        TooBusy: too many passwords wait to be checked; the try does not count.
    """
    if not fits(password):
        raise WrongCredentials
    await _turn_away(session, config, name, client)
    with hasher.place():
        await _take_try(session, config, name, client)
        async with one_by_one(session):
            found = await _find(session, config, name, password)
        waiting, verdict = await _check(hasher, found, password)
    async with session.begin():
        outcome: SignedIn | Unconfirmed | None = None
        if verdict.is_right:
            outcome = await _start(
                session, config, found, name, verdict.replacement, remember=remember, client=client
            )
        elif waiting is not None:
            outcome = await _send_to_mail(session, config, waiting, client)
        else:
            await _note_failure(session, config, found, client)
        if previous_secret is not None and isinstance(outcome, SignedIn):
            await sessions.end(session, digest(previous_secret))
    if outcome is None:
        raise WrongCredentials
    return outcome


async def current_person(session: AsyncSession, *, config: Config, secret: str) -> Person | None:
    """Return who is signed in by a session secret, None if that session has ended."""
    idle = timedelta(minutes=config.session_idle_minutes)
    async with one_by_one(session):
        person = await sessions.find(session, digest(secret), idle=idle)
        if person is not None and person.is_stale:
            await sessions.touch(session, person.session_id, idle=idle)
    return person


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


async def _turn_away(session: AsyncSession, config: Config, name: str, client: Client) -> None:
    """Refuse who has no try left before he takes a place in the queue from somebody who has."""
    async with one_by_one(session):
        rates = _network_rates(config, client)
        wait = await throttle.look(session, rates, delayed=[_name_bucket(name)])
    if wait:
        raise TooManyTries(wait)


async def _take_try(session: AsyncSession, config: Config, name: str, client: Client) -> None:
    """Count a try, of the network and of the name as it was typed, somebody's or nobody's.

    A transaction each, so that a crowd from one network does not wait with connections in hand.
    """
    async with one_by_one(session):
        wait = await throttle.take_all(session, _network_rates(config, client))
    if not wait:
        delay = limits(config).logins_of_account
        async with one_by_one(session):
            wait = (await throttle.take_delayed(session, _name_bucket(name), delay)).wait
    if wait:
        raise TooManyTries(wait)


async def _find(session: AsyncSession, config: Config, name: str, password: str) -> _Found:
    """Look a name up, and count the try of the person too, by whatever name he was called.

    That an account is slowed by its other name must not show: it would tie the two together. So it
    looks like a wrong password, and costs as much.
    """
    person = await user.find(session, name)
    marks = [fingerprint(password, key=key) for key in config.signing_keys]
    pending = await registration.find_by_name(session, name, fingerprints=marks)
    attempt = await throttle.take_delayed(
        session,
        _person_bucket(person) if person else _nobody_bucket(name),
        limits(config).logins_of_account,
    )
    return _Found(person, pending, attempt)


async def _check(
    hasher: PasswordHasher, found: _Found, password: str
) -> tuple[Pending | None, Verdict]:
    """Return the registration that the password is right for, and whether it is the person's.

    One hash is verified, two where a registration may have this password; whether there is also a
    person, and a slowed one, changes neither the number nor what is said of the registration.
    """
    person = None if found.is_slowed else found.person
    own = person.password_hash if person else None
    if found.pending is None:
        return None, await hasher.verify(password, own)
    waits = (await hasher.verify(password, found.pending.password_hash)).is_right
    return found.pending if waits else None, await hasher.verify(password, own)


async def _note_failure(
    session: AsyncSession, config: Config, found: _Found, client: Client
) -> None:
    subject_id = found.person and found.person.id
    await audit.write(session, Event.SIGN_IN_FAILED, client=client, subject_id=subject_id)
    if found.person and found.attempt.number == limits(config).logins_of_account.free + 1:
        await audit.write(session, Event.SIGN_IN_SLOWED, client=client, subject_id=subject_id)


async def _start(
    session: AsyncSession,
    config: Config,
    found: _Found,
    name: str,
    replacement_hash: str | None,
    *,
    remember: bool,
    client: Client,
) -> SignedIn | None:
    person = found.person
    if person is None or not await user.admit(session, person, replacement_hash=replacement_hash):
        await _note_failure(session, config, found, client)
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
    for bucket in (_person_bucket(person), _name_bucket(name)):
        await throttle.give_back(session, bucket)
    await audit.write(
        session, Event.SIGNED_IN, client=client, actor_id=person.id, subject_id=person.id
    )
    return SignedIn(secret.text, remember)


async def _send_to_mail(
    session: AsyncSession, config: Config, waiting: Pending, client: Client
) -> Unconfirmed:
    registration_id = str(waiting.id)
    await audit.write(
        session, Event.SIGN_IN_UNCONFIRMED, client=client, registration=registration_id
    )
    return Unconfirmed(seal(config.signing_keys, Purpose.RESEND, registration_id))


def _network_rates(config: Config, client: Client) -> throttle.Rates:
    return {f"logins:network:{client.network}": limits(config).logins_of_network}


def _name_bucket(name: str) -> str:
    return f"logins:name:{canonical(name)}"


def _nobody_bucket(name: str) -> str:
    """Name a bucket that limits nobody: a person costs one, so nobody costs one too (EN-02)."""
    return f"logins:nobody:{canonical(name)}"


def _person_bucket(person: Credentials) -> str:
    return f"logins:person:{person.id}"


def _lasts(config: Config, *, remember: bool) -> timedelta:
    if remember:
        return timedelta(days=config.remember_days)
    return timedelta(hours=config.session_hours)
