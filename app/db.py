"""The way to PostgreSQL: engine and session factory, and which errors mean that it is away."""

from sqlalchemy import URL, make_url
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
SERVER_SETTINGS = {
    "application_name": "vestibule",
    "statement_timeout": "2500",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
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


def make_engine(url: URL, *, pool_size: int, overflow: int) -> AsyncEngine:
    """Return an engine that gives up in seconds, not minutes (L20 to L22)."""
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
            "server_settings": SERVER_SETTINGS,
        },
    )


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Return the session factory; a query outside ``session.begin()`` fails at once."""
    return async_sessionmaker(engine, autobegin=False, expire_on_commit=False)


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is away or overloaded, so that 503 is right."""
    if isinstance(error, OSError | TimeoutError | PoolTimeout | InterfaceError | OperationalError):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(_AWAY_STATES)
    return False
