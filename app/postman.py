"""Takes letters from the outbox. Sending by SMTP comes later: now they are written to the log."""

import asyncio
import logging

from sqlalchemy import URL

from app.db import Sessions, is_away, make_engine, make_sessions
from app.flows.delivery import deliver_next
from app.kit.letter import Letter
from app.kit.reports import Reporter
from app.kit.stopping import stop_event, wait_for

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1
DATABASE_RETRY_SECONDS = 3


def run(url: URL, *, watch_stdin: bool) -> None:
    """Deliver until told to stop."""
    asyncio.run(_deliver(url, watch_stdin=watch_stdin))


async def write_to_log(letter: Letter) -> None:
    """Deliver a letter by writing it to the log: there is no other way to its reader."""
    log.info("A letter to %s: %s\n\n%s", letter.to, letter.subject, letter.text)


async def _deliver(url: URL, *, watch_stdin: bool) -> None:
    stop = stop_event(watch_stdin=watch_stdin)
    reporting = asyncio.create_task(Reporter().run()) if watch_stdin else None
    engine = make_engine(url, pool_size=1, overflow=0)
    pause = 0.0
    while not await wait_for(stop, pause):
        pause = await _empty(make_sessions(engine))
    await engine.dispose()
    if reporting is not None:
        reporting.cancel()


async def _empty(sessions: Sessions) -> float:
    """Deliver all that waits; return for how many seconds to pause."""
    try:
        async with sessions() as session:
            while await deliver_next(session, write_to_log):
                pass
    except Exception as error:
        if not is_away(error):
            log.exception("a letter could not be delivered")
        return DATABASE_RETRY_SECONDS
    return LOOK_EVERY_SECONDS
