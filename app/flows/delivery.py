"""Bringing emails on their way."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import NoSuchUser, NotToBeRetried
from app.mail import messages
from app.mail.message import NoServer, Posted, RecipientRefused, Undelivered
from app.models import credentials, outbox
from app.models.outbox import Backlog, GivenUp
from app.steps import authorization
from app.steps.recording import note, record

CHANNEL = outbox.CHANNEL
SHORTEST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
WAIT_OF_AGE = 0.1
MOST_SHOWN = 50

Send = Callable[[Posted], Awaitable[None]]


class Outcome(StrEnum):
    """What became of one try to deliver an email."""

    SENT = "sent"
    PUT_OFF = "put_off"  # it is tried again
    REFUSED = "refused"  # for good, by the mail server
    GAVE_UP = "gave_up"  # it was tried for long enough
    NO_SERVER = "no_server"  # it is tried again as soon as the mail server is back


class Delivery(NamedTuple):
    """One try; ``problem`` is why it failed, None when the email is sent."""

    outcome: Outcome
    email_id: UUID
    domain: str
    problem: Undelivered | None


async def send_test(ctx: Context) -> str:
    """Write a test email to who asks for it; return the address that it goes to.

    Raises:
        NoSuchUser: they are gone.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        user = await credentials.find_by_id(ctx.db, ctx.user_id)
        if user is not None:
            message = messages.test_email(
                to=user.email,
                site=ctx.brand,
                username=user.username,
                link=f"{ctx.config.public_url}/admin/settings",
            )
            await outbox.put(ctx.db, message)
            await record(ctx, Event.TEST_EMAIL_SENT, subject_id=user.id)
    if user is None:
        raise NoSuchUser
    return user.email


async def deliver_next(ctx: Context, send: Send, *, retry_days: float) -> Delivery | None:
    """Send the email that waits longest; return what became of it, None if none was due.

    No connection is held while ``send`` runs. ``send`` raises ``Undelivered`` for an email that
    does not get through. If it raises anything else, or this process dies, the email is due
    again when its lease ends: at least once, never lost.
    """
    async with ctx.db.begin():
        claimed = await outbox.claim(ctx.db)
    if claimed is None:
        return None
    problem = await _try(send, claimed)
    async with ctx.db.begin():
        outcome = await _record_outcome(ctx, claimed, problem, keep_for=timedelta(days=retry_days))
    return Delivery(outcome, claimed.id, _domain(claimed), problem)


async def seconds_until_due(ctx: Context) -> float | None:
    """Return in how many seconds the next email is due, None if none waits."""
    async with ctx.db.begin():
        return await outbox.seconds_until_due(ctx.db)


async def waiting(ctx: Context) -> Backlog:
    """Return how many emails wait, and since when."""
    async with ctx.db.begin():
        return await outbox.waiting(ctx.db)


class OutboxState(NamedTuple):
    """How the emails get on. What they say is no part of it."""

    waiting: Backlog
    sent_last_day: int
    given_up: list[GivenUp]


async def state(ctx: Context) -> OutboxState:
    """Return what waits, what was sent in a day, and the newest that were given up."""
    async with ctx.db.begin():
        return OutboxState(
            await outbox.waiting(ctx.db),
            await outbox.sent_since(ctx.db, timedelta(days=1)),
            await outbox.given_up(ctx.db, most=MOST_SHOWN),
        )


async def retry(ctx: Context, *, email_id: UUID) -> None:
    """Let an email wait again that was given up.

    Raises:
        NotToBeRetried: there is no such email, or link expired.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        waits = await outbox.retry(ctx.db, email_id)
        if waits:
            await record(ctx, Event.EMAIL_RETRIED, message=str(email_id))
    if not waits:
        raise NotToBeRetried


async def _try(send: Send, claimed: Posted) -> Undelivered | None:
    try:
        await send(claimed)
    except Undelivered as problem:
        return problem
    return None


async def _record_outcome(
    ctx: Context, claimed: Posted, problem: Undelivered | None, *, keep_for: timedelta
) -> Outcome:
    if problem is None:
        await outbox.mark_sent(ctx.db, claimed.id)
        return Outcome.SENT
    if isinstance(problem, RecipientRefused):
        await _give_up(ctx, claimed, problem, Event.EMAIL_REFUSED)
        return Outcome.REFUSED
    if claimed.age >= keep_for:
        await _give_up(ctx, claimed, problem, Event.EMAIL_GAVE_UP)
        return Outcome.GAVE_UP
    away = isinstance(problem, NoServer)
    wait = timedelta(0) if away else _wait(claimed.age)
    await outbox.put_back(ctx.db, claimed, wait=wait, trouble=problem.trouble)
    return Outcome.NO_SERVER if away else Outcome.PUT_OFF


async def _give_up(ctx: Context, claimed: Posted, problem: Undelivered, event: Event) -> None:
    if await outbox.give_up(ctx.db, claimed, trouble=problem.trouble):
        await note(ctx, event, code=problem.code, domain=_domain(claimed))


def _wait(age: timedelta) -> timedelta:
    """Return after how long an email is tried again: the older it is the less it hurries."""
    return min(max(SHORTEST_WAIT, age * WAIT_OF_AGE), LONGEST_WAIT)


def _domain(claimed: Posted) -> str:
    return claimed.to.rpartition("@")[2]
