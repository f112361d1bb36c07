"""Signing in and out, and who is signed in."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit.addresses import email_key, username_key
from app.kit.client import Client
from app.kit.errors import TooManyTries, WrongCredentials
from app.kit.passwords import PasswordHasher, Verdict, fits
from app.kit.sealing import Purpose, seal
from app.kit.tokens import digest, new_secret
from app.limits import limits
from app.models import audit, throttle, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.session import Person
from app.models.user import Credentials

__all__ = ["Person", "SignedIn", "Unconfirmed", "current_person", "sign_in", "sign_out"]


class SignedIn(NamedTuple):
    """``secret`` goes into the cookie; nothing else names the session."""

    secret: str
    remembered: bool


class Unconfirmed(NamedTuple):
    """The password was right, the address waits. ``ticket`` lets its owner ask for the letter."""

    ticket: str


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
        TooManyTries: of this account or from this network.
        WrongCredentials: for every other reason (SECURITY.md EN-01).
        TooBusy: too many passwords wait to be checked.
    """
    async with session.begin():
        person = await user.find(session, name)
        wait = await _take_try(session, config, name, person, client)
    if wait:
        raise TooManyTries(wait)
    verdict = await _check(hasher, password, person)
    async with session.begin():
        outcome = await _decide(session, config, person, verdict, remember=remember, client=client)
        if previous_secret is not None and isinstance(outcome, SignedIn):
            await sessions.end(session, digest(previous_secret))
    if outcome is None:
        raise WrongCredentials
    return outcome


async def current_person(session: AsyncSession, *, config: Config, secret: str) -> Person | None:
    """Return who is signed in by a session secret, None if that session has ended."""
    idle = timedelta(minutes=config.session_idle_minutes)
    async with session.begin():
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


async def _take_try(
    session: AsyncSession, config: Config, name: str, person: Credentials | None, client: Client
) -> float:
    """Return 0, or the seconds to wait. An unknown name has a bucket like a known one."""
    policy = limits(config)
    wait = await throttle.take_all(
        session, f"logins:network:{client.network}", policy.logins_of_network
    )
    if wait:
        return wait
    attempt = await throttle.take_delayed(
        session, _account_bucket(name, person), policy.logins_of_account
    )
    if person is not None and attempt.number == policy.logins_of_account.free + 1:
        await audit.write(session, Event.SIGN_IN_SLOWED, client=client, subject_id=person.id)
    return attempt.wait


def _account_bucket(name: str, person: Credentials | None) -> str:
    if person is not None:
        return f"logins:account:{person.id}"
    return f"logins:nobody:{email_key(name) if '@' in name else username_key(name)}"


async def _check(hasher: PasswordHasher, password: str, person: Credentials | None) -> Verdict:
    if not fits(password):
        return Verdict(is_right=False)
    return await hasher.verify(password, person.password_hash if person else None)


async def _decide(
    session: AsyncSession,
    config: Config,
    person: Credentials | None,
    verdict: Verdict,
    *,
    remember: bool,
    client: Client,
) -> SignedIn | Unconfirmed | None:
    if person is None or not verdict.is_right or person.is_blocked:
        subject_id = person and person.id
        await audit.write(session, Event.SIGN_IN_FAILED, client=client, subject_id=subject_id)
        return None
    if not person.is_confirmed:
        await audit.write(session, Event.SIGN_IN_UNCONFIRMED, client=client, subject_id=person.id)
        return Unconfirmed(seal(config.signing_keys, Purpose.RESEND, str(person.id)))
    return await _start(
        session, config, person, verdict.replacement, remember=remember, client=client
    )


async def _start(
    session: AsyncSession,
    config: Config,
    person: Credentials,
    replacement_hash: str | None,
    *,
    remember: bool,
    client: Client,
) -> SignedIn | None:
    if not await user.admit(session, person, replacement_hash=replacement_hash):
        await audit.write(session, Event.SIGN_IN_FAILED, client=client, subject_id=person.id)
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
    await throttle.give_back(session, _account_bucket("", person))
    await audit.write(
        session, Event.SIGNED_IN, client=client, actor_id=person.id, subject_id=person.id
    )
    return SignedIn(secret.text, remember)


def _lasts(config: Config, *, remember: bool) -> timedelta:
    if remember:
        return timedelta(days=config.remember_days)
    return timedelta(hours=config.session_hours)
