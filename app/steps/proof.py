"""Showing that one knows a password: counted before it is checked, slowed when it goes wrong.

A try counts against what all strangers share: the network, the account. One from a browser that is
known as the person's counts against that browser alone, so that strangers cannot keep him out
(BF-05).
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.db import one_by_one
from app.kit.client import Client
from app.kit.errors import TooManyTries, WrongPassword
from app.kit.passwords import PasswordHasher, fits
from app.limits import limits
from app.models import audit, device, throttle, user
from app.models.audit import Event
from app.models.user import Credentials
from app.steps import notices
from app.steps.browsers import name_digests

KNOWN_BROWSERS_TIMES = 10


class Purse(NamedTuple):
    """What a try is paid from: rates that must all have one left, and a bucket that slows."""

    rates: throttle.Rates
    bucket: str


def stranger(config: Config, client: Client, bucket: str) -> Purse:
    """Return what everybody's tries are paid from."""
    rates = limits(config).logins_of_network
    wider = {
        f"logins:network:{network}": [rate.more(times) for rate in rates]
        for network, times in client.wider_networks
    }
    return Purse({f"logins:network:{client.network}": rates, **wider}, bucket)


def known(config: Config, client: Client, user_id: UUID, device_digest: bytes) -> Purse:
    """Return what tries from a person's known browser are paid from.

    It has as many as a whole network of strangers: enough for its owner. All known browsers of a
    network together have some times as many, so that an exemption is no way around every limit.
    """
    name = f"logins:device:{device_digest.hex()}:{user_id}"
    rates = limits(config).logins_of_network
    of_all = [rate.more(KNOWN_BROWSERS_TIMES) for rate in rates]
    return Purse({name: rates, f"logins:known:{client.group}": of_all}, name)


def bucket_of_person(user_id: UUID) -> str:
    """Name the bucket of a person, by whatever name he is called."""
    return f"logins:person:{user_id}"


async def turn_away(session: AsyncSession, purse: Purse) -> None:
    """Refuse who has no try left before he takes a place in the queue from somebody who has.

    Owns its transaction, as do all steps of this module that say what they raise.

    Raises:
        TooManyTries: with the time to wait.
    """
    async with one_by_one(session):
        wait = await throttle.look(session, purse.rates, delayed=[purse.bucket])
    if wait:
        raise TooManyTries(wait)


async def take_try(session: AsyncSession, config: Config, purse: Purse) -> None:
    """Count a try.

    A transaction for each part, so that a crowd from one network does not wait with connections in
    hand.

    Raises:
        TooManyTries: with the time to wait.
    """
    wait = 0.0
    if purse.rates:
        async with one_by_one(session):
            wait = await throttle.take_all(session, purse.rates)
    if not wait:
        delay = limits(config).logins_of_account
        async with one_by_one(session):
            wait = (await throttle.take_delayed(session, purse.bucket, delay)).wait
    if wait:
        raise TooManyTries(wait)


async def note_failure(
    session: AsyncSession,
    config: Config,
    event: Event,
    *,
    person: Credentials | None,
    browser: bytes | None,
    client: Client,
) -> None:
    """Write a wrong password down; ``browser`` is the digest of one that is known as the person's.

    The hundredth in a row from strangers takes the password out of use, and the person is told.
    For nobody it costs the same.
    """
    subject_id = person and person.id
    await audit.write(session, event, client=client, subject_id=subject_id)
    if person is not None and browser is not None:
        await device.count_failure(session, person.id, browser)
        return
    failures = await user.count_failure(session, subject_id)
    if person is not None and failures == user.FAILURES_UNTIL_DISABLED:
        await audit.write(session, Event.PASSWORD_DISABLED, client=client, subject_id=subject_id)
        await notices.password_disabled(session, config, person)


async def prove(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    user_id: UUID,
    password: str,
    client: Client,
    browser: str | None,
) -> Credentials:
    """Check the password of somebody who is signed in, once more; return who he is.

    Raises:
        WrongPassword: it is not his, or he has none any more.
        TooManyTries: of this person, shared with the login (BF-06).
        TooBusy: too many passwords wait to be checked; the try does not count.
    """
    if not fits(password):
        raise WrongPassword
    seen = name_digests(config, browser)
    async with one_by_one(session):
        person = await user.find_by_id(session, user_id)
        mark = await device.known_among(session, user_id, seen) if seen else None
    purse = stranger(config, client, bucket_of_person(user_id))
    if mark is not None:
        purse = known(config, client, user_id, mark)
    await turn_away(session, purse)
    async with hasher.place(client.group):
        await take_try(session, config, purse)
        own = person.password_hash if person and (mark or not person.is_disabled) else None
        verdict = await hasher.verify(password, own)
    async with session.begin():
        if verdict.is_right:
            await throttle.give_back(session, purse.bucket)
        else:
            await note_failure(
                session, config, Event.PROOF_FAILED, person=person, browser=mark, client=client
            )
    if person is None or not verdict.is_right:
        raise WrongPassword
    return person
