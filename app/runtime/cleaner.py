"""Housekeeping: prunes every ten minutes, and never gets in its way."""

import asyncio
import logging
import random
import time

from sqlalchemy import URL

from app.config import Config
from app.context import opened_for_operator
from app.db_errors import is_away
from app.flows.housekeeping import Pruned, prune
from app.kit.metrics import HOUSEKEEPING_AT, NOT_DELETED, PRUNED
from app.kit.stopping import wait_for

log = logging.getLogger(__name__)

FIRST_AFTER_SECONDS = 60
EVERY_SECONDS = 600
JITTER = 0.2  # of it, so that several do not all come at once
REST_SECONDS = 0.05
KEPT = (
    "The last administrator asked to be deleted, but stays until there's another one: "
    "python -m app users set-role NAME Administrator"
)


async def clean(config: Config, url: URL, stop: asyncio.Event) -> None:
    """Prune again and again until ``stop`` is set. What goes wrong is tried again next time."""
    seconds = float(FIRST_AFTER_SECONDS)
    has_told = False
    while not await wait_for(stop, seconds):
        pruned = Pruned()
        try:
            await _prune(config, url, stop, pruned)
        except Exception as error:
            if is_away(error):
                log.warning("housekeeping postponed: the database isn't available")
            else:
                log.exception("housekeeping failed")
        _note(pruned)
        if pruned.keeps_administrator and not has_told:
            log.warning(KEPT)
        has_told = has_told or pruned.keeps_administrator
        seconds = EVERY_SECONDS * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret


async def _prune(config: Config, url: URL, stop: asyncio.Event, pruned: Pruned) -> None:
    """Prune once, on a connection of its own: an email never waits for one."""
    async with opened_for_operator(config, url) as ctx:
        await prune(ctx, rest=lambda: wait_for(stop, REST_SECONDS), pruned=pruned)


def _note(pruned: Pruned) -> None:
    for table, rows in pruned.rows.items():
        PRUNED.labels(table).inc(rows)
    if pruned.is_whole:
        NOT_DELETED.set(len(pruned.passed_over))
        HOUSEKEEPING_AT.set(time.time())
    gone = [f"{rows} {table}" for table, rows in pruned.rows.items() if rows]
    if gone:
        log.info("pruned: %s", ", ".join(gone))
