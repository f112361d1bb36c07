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
    reporting = asyncio.create_task(Reporter().run()) if watch_stdin else None
    await work(config, url, stop_event(watch_stdin=watch_stdin))
    if reporting is not None:
        reporting.cancel()


async def work(config: Config, url: URL, stop: asyncio.Event) -> None:
    """Work until ``stop`` is set; what is in hand then has some seconds left."""
    housekeeping = asyncio.create_task(clean(config, url, stop))
    try:
        await deliver(config, url, stop)
        await asyncio.wait([housekeeping], timeout=FINISH_SECONDS)
    finally:
        housekeeping.cancel()
        await asyncio.gather(housekeeping, return_exceptions=True)
