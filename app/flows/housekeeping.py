"""Housekeeping: what has expired goes, and so do people who asked to be forgotten.

In small transactions with a rest after each, by one process at a time: whoever finds another one
at work leaves the rest to it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit.client import OPERATOR
from app.models import (
    administrators,
    audit,
    departure,
    device,
    outbox,
    pruning,
    registration,
    throttle,
    token,
)
from app.models import session as sessions
from app.models.pruning import Stale
from app.steps.erasure import erase

ROWS_AT_ONCE = 1000
LETTERS_KEPT_DAYS = 14  # that were sent or given up: for who asks where a letter is
PEOPLE = "users"
TEXTS = "letters' texts"  # of those that were given up, once their links are dead

Rest = Callable[[], Awaitable[bool]]
Work = Callable[[AsyncSession], Awaitable[int]]


@dataclass
class Pruned:
    """What went, by table.

    ``is_whole``: all was looked at. ``keeps_administrator``: somebody stays who asked to go.
    """

    rows: dict[str, int] = field(default_factory=dict)
    is_whole: bool = False
    keeps_administrator: bool = False

    def add(self, table: str, rows: int) -> None:
        """Count rows of a table."""
        self.rows[table] = self.rows.get(table, 0) + rows


class _Chore(NamedTuple):
    """``work`` does at most ``at_once`` rows of a table, and returns how many; fewer: no more."""

    table: str
    at_once: int
    work: Work


async def prune(session: AsyncSession, *, config: Config, rest: Rest, pruned: Pruned) -> None:
    """Erase people whose time has come, and delete all stale rows; tell it in ``pruned``.

    ``rest`` is awaited after each transaction; it says whether to stop. What was done until an
    error or a stop stays done, and counted. Another process at work ends it too: it does the rest.
    """
    for chore in _chores(config):
        done = chore.at_once
        while done == chore.at_once:
            async with session.begin():
                has_turn = await pruning.take_turn(session)
                done = await chore.work(session) if has_turn else 0
            if not has_turn:
                return
            pruned.add(chore.table, done)
            if done and await rest():
                return
    async with session.begin():
        pruned.keeps_administrator = await departure.is_last_administrator_leaving(session)
    pruned.is_whole = True


async def count(session: AsyncSession, *, config: Config) -> Pruned:
    """Return what ``prune`` would delete now."""
    found = Pruned(is_whole=True)
    async with session.begin():
        found.add(PEOPLE, await departure.count_to_erase(session))
        found.keeps_administrator = await departure.is_last_administrator_leaving(session)
    for stale in _stale(config):
        async with session.begin():
            found.add(stale.table, await pruning.count(session, stale))
    async with session.begin():
        found.add(TEXTS, await outbox.count_to_wipe(session))
    return found


def _stale(config: Config) -> Sequence[Stale]:
    """Return what may go. Registrations before tokens: their links go with them."""
    found = [
        sessions.expired(),
        sessions.idle(timedelta(minutes=config.session_idle_minutes)),
        registration.expired(),
        token.expired(),
        throttle.forgotten(),
        outbox.sent_before(timedelta(days=LETTERS_KEPT_DAYS)),
        outbox.given_up_before(timedelta(days=LETTERS_KEPT_DAYS)),
        device.unseen(timedelta(days=config.device_days)),
    ]
    return [*found, audit.past(timedelta(days=config.audit_days))] if config.audit_days else found


def _chores(config: Config) -> Sequence[_Chore]:
    """Return all chores; people last: one who cannot be erased holds up nothing else."""
    deletions = [
        _Chore(stale.table, ROWS_AT_ONCE, partial(_delete_some, stale=stale))
        for stale in _stale(config)
    ]
    wiping = _Chore(TEXTS, ROWS_AT_ONCE, partial(outbox.wipe_some, limit=ROWS_AT_ONCE))
    return [*deletions, wiping, _Chore(PEOPLE, 1, partial(_erase_one, config=config))]


async def _delete_some(session: AsyncSession, stale: Stale) -> int:
    return await pruning.delete_some(session, stale, limit=ROWS_AT_ONCE)


async def _erase_one(session: AsyncSession, config: Config) -> int:
    """Erase a person and write the last letter to him; return how many."""
    await administrators.lock(session)
    leaving = await departure.next_to_erase(session)
    if leaving is None:
        return 0
    await erase(session, leaving.id, client=OPERATOR)
    letter = letters.account_erased(
        to=leaving.email,
        site=config.site_name,
        username=leaving.username,
        register_url=f"{config.public_url}/register",
    )
    await outbox.put(session, letter)
    return 1
