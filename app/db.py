"""The way to PostgreSQL: engine and session factory, and which errors mean that it is away."""

from typing import Any
from uuid import uuid4

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from app.config import Config

CONNECT_SECONDS = 3
COMMAND_SECONDS = 3
POOL_WAIT_SECONDS = 2
POOL_RECYCLE_SECONDS = 1800
CONNECTIONS_FOR_OTHERS = 10  # backups, psql, the server's own (FT-06)
SERVER_SETTINGS = {
    "application_name": "vestibule",
    "statement_timeout": "2500",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
}
_POOLED: dict[str, Any] = {
    "server_settings": {name: SERVER_SETTINGS[name] for name in ("application_name", "timezone")},
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: f"vestibule_{uuid4().hex}",
}
# SQLSTATE classes that say "not now" rather than "your query is wrong": connection, rollback
# (deadlock), resources, intervention (shutdown, cancelled), system; and lock_not_available.
_AWAY_STATES = ("08", "40", "53", "57", "58", "55P03")

Sessions = async_sessionmaker[AsyncSession]


def database_url(config: Config, embedded_url: str | None = None) -> URL:
    """Return where the database is: ``DATABASE_URL`` with its password, or the embedded one."""
    if config.database_url is None:
        if embedded_url is None:
            raise LookupError("neither DATABASE_URL nor an embedded database")
        return make_url(embedded_url)
    url = make_url(config.database_url.get_secret_value())
    if config.database_password is not None:
        url = url.set(password=config.database_password.get_secret_value())
    return url


def make_engine(url: URL, *, pool_size: int, overflow: int, pooled: bool = False) -> AsyncEngine:
    """Return an engine that gives up in seconds, not minutes (L20 to L22).

    ``pooled``: the way leads through pgbouncer, which takes few settings at the start and hands a
    connection to somebody else after each transaction, so that no statement may be kept prepared.
    """
    options = _POOLED if pooled else {"server_settings": SERVER_SETTINGS}
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=overflow,
        pool_pre_ping=True,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_recycle=POOL_RECYCLE_SECONDS,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
            **options,
        },
    )


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Return the session factory; a query outside ``session.begin()`` fails at once."""
    return async_sessionmaker(engine, autobegin=False, expire_on_commit=False)


async def connections_allowed(session: AsyncSession) -> int:
    """Return how many connections PostgreSQL takes in all, less ten for others."""
    async with session.begin():
        found: int = await session.scalar(text("SELECT current_setting('max_connections')::int"))
    return found - CONNECTIONS_FOR_OTHERS


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is away or overloaded, so that 503 is right."""
    if isinstance(error, OSError | TimeoutError | PoolTimeout | InterfaceError | OperationalError):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(_AWAY_STATES)
    return False
