"""Showing that one knows a password: counted before it is checked, slowed when it goes wrong.

A try counts against what all strangers share: the network, the account. One from a browser that is
known as the user's counts against that browser alone, so that strangers cannot keep them out
(BF-05).
"""

from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.db import autocommit
from app.kit.addresses import canonical
from app.kit.audit import Event
from app.kit.errors import TooManyTries, WrongPassword
from app.kit.password_policy import fits
from app.limits import limits, of_networks
from app.models import credentials, known_browser, rate_limit
from app.models.credentials import Credentials
from app.steps import notices
from app.steps.known_browsers import name_digests
from app.steps.recording import note

KNOWN_BROWSERS_TIMES = 10


class LoginLimit(NamedTuple):
    """What a try is paid from: rates that must all have one left, and a bucket that slows."""

    rates: rate_limit.Rates
    bucket: str


def stranger(ctx: Context, bucket: str) -> LoginLimit:
    """Return what everybody's tries are paid from."""
    return LoginLimit(
        of_networks("logins", ctx.client, limits(ctx.config).logins_of_network), bucket
    )


def known(ctx: Context, user_id: UUID, browser_digest: bytes) -> LoginLimit:
    """Return what tries from a user's known browser are paid from.

    It has as many as a whole network of strangers: enough for its owner. All known browsers of a
    network together have some times as many, so that an exemption is no way around every limit.
    """
    name = f"logins:device:{browser_digest.hex()}:{user_id}"
    rates = limits(ctx.config).logins_of_network
    of_all = [rate.more(KNOWN_BROWSERS_TIMES) for rate in rates]
    return LoginLimit({name: rates, f"logins:known:{ctx.client.group}": of_all}, name)


def bucket_of_user(user_id: UUID) -> str:
    """Name the bucket of a user, by whatever name they are called."""
    return f"logins:person:{user_id}"


async def buckets_of(ctx: Context, user: Credentials) -> list[str]:
    """Name what a login of a user was paid from, by whichever name: it is given back at its end.

    A known browser's own only: what strangers used up stays so.
    """
    seen = name_digests(ctx.config, ctx.browser)
    mark = await known_browser.known_among(ctx.db, user.id, seen) if seen else None
    if mark is not None:
        return [known(ctx, user.id, mark).bucket]
    return [bucket_of_user(user.id), *map(bucket_of_name, (user.email, user.username))]


def bucket_of_name(name: str) -> str:
    """Name the bucket of an address or a username, whether or not somebody has it."""
    return f"logins:name:{canonical(name)}"


async def refuse_if_limited(ctx: Context, limit: LoginLimit) -> None:
    """Refuse who has no try left before they take a place in the queue from somebody who has.

    Owns its transaction, as do all steps of this module that say what they raise.

    Raises:
        TooManyTries: with the time to wait.
    """
    delayed = {limit.bucket: limits(ctx.config).logins_of_account}
    async with autocommit(ctx.db):
        wait = await rate_limit.look(ctx.db, limit.rates, delayed=delayed)
    if wait:
        raise TooManyTries(wait)


async def count_attempt(ctx: Context, limit: LoginLimit) -> None:
    """Count a try.

    A transaction for each part, so that a crowd from one network does not wait with connections in
    hand.

    Raises:
        TooManyTries: with the time to wait.
    """
    wait = 0.0
    if limit.rates:
        async with autocommit(ctx.db):
            wait = await rate_limit.take_all(ctx.db, limit.rates)
    if not wait:
        delay = limits(ctx.config).logins_of_account
        async with autocommit(ctx.db):
            wait = (await rate_limit.take_delayed(ctx.db, limit.bucket, delay)).wait
    if wait:
        raise TooManyTries(wait)


async def note_failure(
    ctx: Context, event: Event, *, user: Credentials | None, browser_digest: bytes | None
) -> None:
    """Write a wrong password down; ``browser_digest`` is that of one that is known as the user's.

    The hundredth in a row from strangers takes the password out of use, and the user is told.
    For nobody it costs the same.
    """
    subject_id = user and user.id
    await note(ctx, event, subject_id=subject_id)
    if user is not None and browser_digest is not None:
        await known_browser.count_failure(ctx.db, user.id, browser_digest)
        return
    failures = await credentials.count_failure(ctx.db, subject_id)
    if user is not None and failures == credentials.FAILURES_UNTIL_DISABLED:
        await note(ctx, Event.PASSWORD_DISABLED, subject_id=subject_id)
        await notices.password_disabled(ctx, user)


async def check_password(ctx: Context, password: str) -> Credentials:
    """Check the password of somebody who is signed in, once more; return who they are.

    Raises:
        WrongPassword: it is not theirs, or they have none any more.
        TooManyTries: of this user, shared with the login (BF-06).
        TooBusy: too many passwords wait to be checked; the try does not count.
    """
    if not fits(password):
        raise WrongPassword
    seen = name_digests(ctx.config, ctx.browser)
    async with autocommit(ctx.db):
        user = await credentials.find_by_id(ctx.db, ctx.user_id)
        mark = await known_browser.known_among(ctx.db, ctx.user_id, seen) if seen else None
    limit = stranger(ctx, bucket_of_user(ctx.user_id))
    if mark is not None:
        limit = known(ctx, ctx.user_id, mark)
    await refuse_if_limited(ctx, limit)
    async with ctx.hasher.place(ctx.client.group):
        await count_attempt(ctx, limit)
        own = user.password_hash if user and (mark or not user.is_disabled) else None
        verdict = await ctx.hasher.verify(password, own)
    async with ctx.db.begin():
        if verdict.is_right:
            await rate_limit.give_back(ctx.db, limit.bucket)
        else:
            await note_failure(ctx, Event.REAUTHENTICATION_FAILED, user=user, browser_digest=mark)
    if user is None or not verdict.is_right:
        raise WrongPassword
    return user
