"""Housekeeping: what has expired goes, and so do people who asked to be forgotten.

In small transactions with a rest after each, by one process at a time: whoever finds another one
at work leaves the rest to it.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.context import Context
from app.kit.audit import Event
from app.kit.links import NOT_ME_VALID_DAYS
from app.mail import messages
from app.models import (
    administrators,
    api_token,
    app_secret,
    audit,
    challenge,
    daily_count,
    deletion,
    gate_ticket,
    known_browser,
    outbox,
    outbox_retention,
    passkey,
    pending_login,
    pruning,
    rate_limit,
    recovery_code,
    registration,
    token,
)
from app.models import session as sessions
from app.models.deletion import DueDeletion
from app.models.pruning import Stale
from app.steps import erasure, factor_waits

ROWS_AT_ONCE = 1000
EMAILS_KEPT_DAYS = 14  # that were sent or given up: for who asks where an email is
REMOVED_KEPT = timedelta(days=NOT_ME_VALID_DAYS)  # as long as a link can bring it back
USERS = "users"
MOST_PASSED_OVER = 100  # in one round: then it is more than a user or two

DAYS_COUNTED = 31
OVER = timedelta(hours=1)  # after midnight, what began before it has been written down
COUNTED_EVENTS = [
    str(each) for each in (Event.SIGNED_IN, Event.SIGN_IN_FAILED, Event.FACTOR_FAILED)
]
COUNTED_MOST = 1_000_000

log = logging.getLogger(__name__)
TEXTS = "emails' texts"  # of those that were given up, once their links are dead

Rest = Callable[[], Awaitable[bool]]
Work = Callable[[AsyncSession], Awaitable[int]]


@dataclass
class Pruned:
    """What went, by table.

    ``is_whole``: all was looked at. ``keeps_administrator``: somebody stays who asked to go.
    ``passed_over``: who is to be erased, but cannot be; the log says why.
    """

    rows: dict[str, int] = field(default_factory=dict)
    is_whole: bool = False
    keeps_administrator: bool = False
    passed_over: list[UUID] = field(default_factory=list)

    def add(self, table: str, rows: int) -> None:
        """Count rows of a table."""
        self.rows[table] = self.rows.get(table, 0) + rows


class _Chore(NamedTuple):
    """``work`` does at most ``at_once`` rows of a table, and returns how many; fewer: no more."""

    table: str
    at_once: int
    work: Work


async def prune(ctx: Context, *, rest: Rest, pruned: Pruned) -> None:
    """Erase people whose time has come, and delete all stale rows; tell it in ``pruned``.

    ``rest`` is awaited after each transaction; it says whether to stop. What was done until an
    error or a stop stays done, and counted. Another process at work ends it too: it does the rest.
    """
    for chore in _chores(ctx.config):
        done = chore.at_once
        while done == chore.at_once:
            async with ctx.db.begin():
                has_turn = await pruning.take_turn(ctx.db)
                done = await chore.work(ctx.db) if has_turn else 0
            if not has_turn:
                return
            pruned.add(chore.table, done)
            if done and await rest():
                return
    if not await _delete_all(ctx, rest, pruned) or not await _wipe_all(ctx, rest):
        return
    if not await _remove_factors(ctx, rest) or not await _count_days(ctx, rest):
        return
    async with ctx.db.begin():
        pruned.keeps_administrator = await deletion.is_last_administrator_leaving(ctx.db)
    pruned.is_whole = True


async def count(ctx: Context) -> Pruned:
    """Return what ``prune`` would delete now."""
    found = Pruned(is_whole=True)
    async with ctx.db.begin():
        found.add(USERS, await deletion.count_to_delete(ctx.db))
        found.keeps_administrator = await deletion.is_last_administrator_leaving(ctx.db)
    for stale in _stale(ctx.config):
        async with ctx.db.begin():
            found.add(stale.table, await pruning.count(ctx.db, stale))
    async with ctx.db.begin():
        found.add(TEXTS, await outbox_retention.count_to_wipe(ctx.db))
    return found


def _stale(config: Config) -> Sequence[Stale]:
    """Return what may go. Registrations before tokens: their links go with them."""
    found = [
        sessions.expired(),
        sessions.idle(timedelta(minutes=config.session_idle_minutes)),
        registration.expired(),
        token.expired(),
        rate_limit.forgotten(),
        outbox_retention.sent_before(timedelta(days=EMAILS_KEPT_DAYS)),
        outbox_retention.given_up_before(timedelta(days=EMAILS_KEPT_DAYS)),
        known_browser.unseen(timedelta(days=config.known_browser_days)),
        pending_login.expired(),
        challenge.expired(),
        gate_ticket.expired(),
        api_token.expired(),
        challenge.forgotten(),
        app_secret.abandoned(),
        *(kind.removed_before(REMOVED_KEPT) for kind in (app_secret, passkey, recovery_code)),
    ]
    return [*found, audit.past(timedelta(days=config.audit_days))] if config.audit_days else found


def _chores(config: Config) -> Sequence[_Chore]:
    deletions = [
        _Chore(stale.table, ROWS_AT_ONCE, partial(_delete_some, stale=stale))
        for stale in _stale(config)
    ]
    wiping = _Chore(TEXTS, ROWS_AT_ONCE, partial(outbox_retention.wipe_some, limit=ROWS_AT_ONCE))
    return [*deletions, wiping]


async def _delete_some(db: AsyncSession, stale: Stale) -> int:
    return await pruning.delete_some(db, stale, limit=ROWS_AT_ONCE)


async def _delete_all(ctx: Context, rest: Rest, pruned: Pruned) -> bool:
    """Erase everybody whose time has come, each in a transaction; False if it was not the end.

    Who cannot be erased is passed over, so that those behind go on; the next round tries again.
    """
    pruned.add(USERS, 0)
    while True:
        leaving = None
        try:
            async with ctx.db.begin():
                if not await pruning.take_turn(ctx.db):
                    return False
                await administrators.lock(ctx.db)
                leaving = await deletion.next_to_delete(ctx.db, but=pruned.passed_over)
                if leaving is not None:
                    await _delete(ctx, leaving)
        except Exception:
            if leaving is None or len(pruned.passed_over) == MOST_PASSED_OVER:
                raise
            log.exception("user %s cannot be erased, and is passed over", leaving.id)
            pruned.passed_over.append(leaving.id)
            continue
        if leaving is None:
            return True
        pruned.add(USERS, 1)
        if await rest():
            return False


async def _delete(ctx: Context, leaving: DueDeletion) -> None:
    """Erase a user, and write the last email to them."""
    await erasure.erase(ctx, leaving.id)
    message = messages.account_deleted(
        to=leaving.email,
        site=ctx.brand,
        username=leaving.username,
        register_url=f"{ctx.config.public_url}/register",
    )
    await outbox.put(ctx.db, message)


async def _remove_factors(ctx: Context, rest: Rest) -> bool:
    """Go on with the waits of who lost their second factor; False if it was not the end."""
    is_left = True
    while is_left:
        async with ctx.db.begin():
            if not await pruning.take_turn(ctx.db):
                return False
            is_left = await factor_waits.go_on(ctx)
        if is_left and await rest():
            return False
    return True


async def _count_days(ctx: Context, rest: Rest) -> bool:
    """Count what happened on the days that are over, each once; False if it was not the end."""
    today = (datetime.now(UTC) - OVER).date()
    days = [today - timedelta(days=back) for back in range(1, DAYS_COUNTED)]
    async with ctx.db.begin():
        known = await daily_count.known(ctx.db, since=days[-1])
    for day in days:
        if any(known_day == day for known_day, _ in known):
            continue
        async with ctx.db.begin():
            if not await pruning.take_turn(ctx.db):
                return False
            counted = await daily_count.live(
                ctx.db, days=[day], events=COUNTED_EVENTS, most=COUNTED_MOST
            )
            await daily_count.keep(ctx.db, counted)
        if await rest():
            return False
    return True


async def _wipe_all(ctx: Context, rest: Rest) -> bool:
    """Wipe what the histories of erased people still tell; False if it was not the end."""
    is_left = True
    while is_left:
        async with ctx.db.begin():
            if not await pruning.take_turn(ctx.db):
                return False
            is_left = await erasure.go_on(ctx)
        if is_left and await rest():
            return False
    return True
