"""Showing that one knows a password: counted before it is checked, slowed when it goes wrong.

A try counts against what all strangers share: the network, the account. One from a browser that is
known as the person's counts against that browser alone, so that strangers cannot keep him out
(BF-05).
"""

from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.db import one_by_one
from app.kit.errors import TooManyTries, WrongPassword
from app.kit.passwords import fits
from app.limits import limits
from app.models import audit, known_browser, rate_limit
from app.models import user as users
from app.models.audit import Event
from app.models.user import Credentials
from app.steps import notices
from app.steps.known_browsers import name_digests

KNOWN_BROWSERS_TIMES = 10


class Purse(NamedTuple):
    """What a try is paid from: rates that must all have one left, and a bucket that slows."""

    rates: rate_limit.Rates
    bucket: str


def stranger(ctx: Context, bucket: str) -> Purse:
    """Return what everybody's tries are paid from."""
    rates = limits(ctx.config).logins_of_network
    wider = {
        f"logins:network:{network}": [rate.more(times) for rate in rates]
        for network, times in ctx.client.wider_networks
    }
    return Purse({f"logins:network:{ctx.client.network}": rates, **wider}, bucket)


def known(ctx: Context, user_id: UUID, device_digest: bytes) -> Purse:
    """Return what tries from a person's known browser are paid from.

    It has as many as a whole network of strangers: enough for its owner. All known browsers of a
    network together have some times as many, so that an exemption is no way around every limit.
    """
    name = f"logins:device:{device_digest.hex()}:{user_id}"
    rates = limits(ctx.config).logins_of_network
    of_all = [rate.more(KNOWN_BROWSERS_TIMES) for rate in rates]
    return Purse({name: rates, f"logins:known:{ctx.client.group}": of_all}, name)


def bucket_of_person(user_id: UUID) -> str:
    """Name the bucket of a person, by whatever name he is called."""
    return f"logins:person:{user_id}"


async def turn_away(ctx: Context, purse: Purse) -> None:
    """Refuse who has no try left before he takes a place in the queue from somebody who has.

    Owns its transaction, as do all steps of this module that say what they raise.

    Raises:
        TooManyTries: with the time to wait.
    """
    async with one_by_one(ctx.db):
        wait = await rate_limit.look(ctx.db, purse.rates, delayed=[purse.bucket])
    if wait:
        raise TooManyTries(wait)


async def take_try(ctx: Context, purse: Purse) -> None:
    """Count a try.

    A transaction for each part, so that a crowd from one network does not wait with connections in
    hand.

    Raises:
        TooManyTries: with the time to wait.
    """
    wait = 0.0
    if purse.rates:
        async with one_by_one(ctx.db):
            wait = await rate_limit.take_all(ctx.db, purse.rates)
    if not wait:
        delay = limits(ctx.config).logins_of_account
        async with one_by_one(ctx.db):
            wait = (await rate_limit.take_delayed(ctx.db, purse.bucket, delay)).wait
    if wait:
        raise TooManyTries(wait)


async def note_failure(
    ctx: Context, event: Event, *, person: Credentials | None, browser_digest: bytes | None
) -> None:
    """Write a wrong password down; ``browser_digest`` is that of one that is known as the person's.

    The hundredth in a row from strangers takes the password out of use, and the person is told.
    For nobody it costs the same.
    """
    subject_id = person and person.id
    await audit.write(ctx.db, event, client=ctx.client, subject_id=subject_id)
    if person is not None and browser_digest is not None:
        await known_browser.count_failure(ctx.db, person.id, browser_digest)
        return
    failures = await users.count_failure(ctx.db, subject_id)
    if person is not None and failures == users.FAILURES_UNTIL_DISABLED:
        await audit.write(ctx.db, Event.PASSWORD_DISABLED, client=ctx.client, subject_id=subject_id)
        await notices.password_disabled(ctx, person)


async def prove(ctx: Context, password: str) -> Credentials:
    """Check the password of somebody who is signed in, once more; return who he is.

    Raises:
        WrongPassword: it is not his, or he has none any more.
        TooManyTries: of this person, shared with the login (BF-06).
        TooBusy: too many passwords wait to be checked; the try does not count.
    """
    if not fits(password):
        raise WrongPassword
    seen = name_digests(ctx.config, ctx.browser)
    async with one_by_one(ctx.db):
        person = await users.find_by_id(ctx.db, ctx.user_id)
        mark = await known_browser.known_among(ctx.db, ctx.user_id, seen) if seen else None
    purse = stranger(ctx, bucket_of_person(ctx.user_id))
    if mark is not None:
        purse = known(ctx, ctx.user_id, mark)
    await turn_away(ctx, purse)
    async with ctx.hasher.place(ctx.client.group):
        await take_try(ctx, purse)
        own = person.password_hash if person and (mark or not person.is_disabled) else None
        verdict = await ctx.hasher.verify(password, own)
    async with ctx.db.begin():
        if verdict.is_right:
            await rate_limit.give_back(ctx.db, purse.bucket)
        else:
            await note_failure(ctx, Event.PROOF_FAILED, person=person, browser_digest=mark)
    if person is None or not verdict.is_right:
        raise WrongPassword
    return person
