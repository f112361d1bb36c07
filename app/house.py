"""What an application holds while it serves: settings, database, password hasher."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from quart import Quart, current_app
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.config import Config
from app.db import Sessions, is_away, make_engine, make_sessions, patient_session
from app.kit.errors import DatabaseAway
from app.kit.passwords import PasswordHasher

log = logging.getLogger(__name__)

EXTENSION = "vestibule"
LEAVING = "vestibule.leaving"
DATABASE_RETRY_SECONDS = 5


@dataclass(frozen=True)
class House:
    """Opened and closed with the server; the skins take from it what a flow needs."""

    config: Config
    engine: AsyncEngine
    sessions: Sessions
    hasher: PasswordHasher

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a new session; it holds no connection yet.

        Raises:
            DatabaseAway: instead of any error that says so.
        """
        try:
            async with patient_session(self.sessions) as session:
                yield session
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("the database is away: %s", type(error).__name__)
            raise DatabaseAway(DATABASE_RETRY_SECONDS) from error


@asynccontextmanager
async def opened(config: Config, url: URL) -> AsyncIterator[House]:
    """Open everything, and close it at the end. Needs no database yet: it may come later."""
    engine = make_engine(
        url,
        pool_size=config.database_pool_size,
        overflow=config.database_pool_overflow,
        pooled=config.database_pooled,
    )
    hasher = PasswordHasher(
        rounds=config.bcrypt_rounds,
        threads=config.password_threads,
        waiting=config.password_queue,
    )
    greeting = asyncio.create_task(_greet(engine))
    try:
        yield House(config, engine, make_sessions(engine), hasher)
    finally:
        hasher.close()
        await greeting  # a connection cut off while it opens would leak
        await engine.dispose()


async def _greet(engine: AsyncEngine) -> None:
    """Connect for the first time, which takes many round trips, before somebody waits for it."""
    with suppress(Exception):  # it may come later
        async with engine.connect():
            pass


def house() -> House:
    """Return the house of the application that serves this request."""
    found: House = current_app.extensions[EXTENSION]
    return found


def leave(app: Quart) -> None:
    """Let readiness say no from now on: this process is about to stop."""
    app.extensions[LEAVING] = True


def is_leaving() -> bool:
    """Whether the application that serves this request is about to stop."""
    return LEAVING in current_app.extensions
