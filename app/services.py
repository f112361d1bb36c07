"""What an application holds while it serves: settings, database, password hasher."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from quart import Quart, current_app
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.config import Config
from app.db import Sessions, limited_session, make_engine, make_sessions
from app.db_errors import is_away, why_away
from app.direct import direct_connection
from app.flows.gate_check import GateFound, GateLookup, GateQuestion
from app.flows.lookup import CurrentSession, Lookup
from app.kit.errors import DatabaseAway
from app.kit.findings import Finding
from app.kit.passwords import PasswordHasher
from app.kit.shares import Share

log = logging.getLogger(__name__)

EXTENSION = "vestibule"
DRAINING = "vestibule.draining"
DOCTOR = "vestibule.doctor"

Doctor = Callable[[Config, URL], Awaitable[list[Finding]]]
DATABASE_RETRY_SECONDS = 5


@dataclass(frozen=True)
class Services:
    """Opened and closed with the server; the interfaces take from it what a flow needs."""

    config: Config
    engine: AsyncEngine
    sessions: Sessions
    hasher: PasswordHasher
    lookup: Lookup
    gate: GateLookup

    async def signed_in(self, secret: str) -> CurrentSession | None:
        """Return who is signed in by a session secret, None if that session has ended.

        Raises:
            DatabaseAway: it does not answer.
        """
        try:
            return await self.lookup.find(secret)
        except Exception as error:
            if not is_away(error):
                raise
            raise _away(error) from error

    async def at_gate(self, asked: GateQuestion) -> GateFound:
        """Return which site is asked for, and who comes to it.

        Raises:
            DatabaseAway: it does not answer.
        """
        try:
            return await self.gate.find(asked)
        except Exception as error:
            if not is_away(error):
                raise
            raise _away(error) from error

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a new session; it holds no connection yet.

        Raises:
            DatabaseAway: instead of any error that says so.
        """
        try:
            async with limited_session(self.sessions) as session:
                yield session
        except Exception as error:
            if not is_away(error):
                raise
            raise _away(error) from error


@asynccontextmanager
async def opened(config: Config, url: URL, share: Share | None = None) -> AsyncIterator[Services]:
    """Open everything, and close it at the end. Needs no database yet: it may come later.

    ``share``: where several workers serve, this one's part of what they have.
    """
    engine = make_engine(
        url,
        pool_size=config.pool_of_worker,
        overflow=config.database_pool_overflow,
        pooled=config.database_pooled,
    )
    own = make_engine(url, pool_size=1, overflow=0, pooled=config.database_pooled)
    hasher = PasswordHasher(
        rounds=config.bcrypt_rounds,
        threads=config.password_threads,
        waiting=config.password_queue,
        share=share,
    )
    async with direct_connection(own, beside=engine) as direct:
        lookup, gate = Lookup(direct, config), GateLookup(direct, config)
        hasher.prepare()
        try:
            yield Services(config, engine, make_sessions(engine), hasher, lookup, gate)
        finally:
            hasher.close()
            await lookup.close()
            await gate.close()
            await engine.dispose()


def _away(error: Exception) -> DatabaseAway:
    """Return what the visitor hears, and let the log say why."""
    log.warning("%s (%s)", why_away(error), type(error).__name__)
    return DatabaseAway(DATABASE_RETRY_SECONDS)


def services() -> Services:
    """Return what the application holds that serves this request."""
    found: Services = current_app.extensions[EXTENSION]
    return found


async def findings() -> list[Finding]:
    """Return what the doctor of this server says; nothing where none was given to it."""
    look: Doctor | None = current_app.extensions.get(DOCTOR)
    return await look(services().config, services().engine.url) if look else []


def drain(app: Quart) -> None:
    """Let readiness say no from now on: this process is about to stop."""
    app.extensions[DRAINING] = True


def is_draining() -> bool:
    """Whether the application that serves this request is about to stop."""
    return DRAINING in current_app.extensions
