"""The process that works while nobody waits: it delivers emails and keeps house."""

import asyncio

from sqlalchemy import URL

from app.config import Config
from app.kit.reports import Reporter
from app.kit.stopping import stop_event
from app.runtime.cleaner import clean
from app.runtime.mailer import deliver

FINISH_SECONDS = 5


async def run(config: Config, url: URL, *, watch_stdin: bool) -> None:
    """Work until told to stop; with ``watch_stdin`` report to the supervisor, too."""
    stop = stop_event(watch_stdin=watch_stdin)
    reporting = asyncio.create_task(Reporter().run()) if watch_stdin else None
    housekeeping = asyncio.create_task(clean(config, url, stop))
    await deliver(config, url, stop)
    await asyncio.wait([housekeeping], timeout=FINISH_SECONDS)
    housekeeping.cancel()
    if reporting is not None:
        reporting.cancel()
