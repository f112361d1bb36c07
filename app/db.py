"""The way to PostgreSQL: engine and session factory."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
from asyncpg.exceptions import TargetServerAttributeNotMatched
from sqlalchemy import URL, ClauseElement, make_url, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg as AsyncpgDialect
from sqlalchemy.engine import AdaptedConnection, ExceptionContext
from sqlalchemy.event import listen, listens_for
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from app.config import Config
from app.db_errors import GONE, is_read_only

CONNECT_SECONDS = 3
COMMAND_SECONDS = 3
POOL_WAIT_SECONDS = 2
POOL_RECYCLE_SECONDS = 1800
RESTED_SECONDS = 1
DATABASE_SECONDS = 6  # of a request with the database, however many statements it sends
TIME_LIMIT = "patience"
CONNECTIONS_FOR_OTHERS = 10  # backups, psql, the server's own (FT-06)
ISOLATION = "read committed"
SERVER_SETTINGS = {
    "application_name": "vestibule",
    "statement_timeout": "2500",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
    # What our statements rely on, whatever the database, the role or the server has as a default.
    "default_transaction_isolation": ISOLATION,  # each one sees what was committed before it
    "search_path": '"$user", public',
    "standard_conforming_strings": "on",
    "DateStyle": "ISO, MDY",
}
# pgbouncer takes these at the start, but no other. The isolation is said at each BEGIN.
_POOLED_SETTINGS = ("application_name", "timezone", "standard_conforming_strings", "DateStyle")
UNPREPARED: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: f"vestibule_{uuid4().hex}",
}
_POOLED: dict[str, Any] = {
    "server_settings": {name: SERVER_SETTINGS[name] for name in _POOLED_SETTINGS},
    **UNPREPARED,
}
POOLED = "pooled"  # an engine's option: its connections change hands after each transaction


Sessions = async_sessionmaker[AsyncSession]


def database_url(config: Config, embedded_url: str | None = None) -> URL:
    """Return where the database is: ``DATABASE_URL`` with its password, or the embedded one."""
    if config.database_url is None:
        if embedded_url is None:
            raise LookupError("no DATABASE_URL and no embedded database")
        return make_url(embedded_url)
    url = make_url(config.database_url.get_secret_value())
    if config.database_password is not None:
        url = url.set(password=config.database_password.get_secret_value())
    return url


class _Hosts:
    """Connects to one of several hosts: the one that was right last time, or else the next.

    asyncpg itself would spend all its time on a first host that is silent.
    """

    def __init__(self) -> None:
        self._right = 0

    async def connect(
        self, *, host: Sequence[str], port: Sequence[int], **options: object
    ) -> asyncpg.Connection:
        """Return a connection; each host has the whole of ``timeout``."""
        trouble: Exception | None = None
        for turn in range(len(host)):
            number = (self._right + turn) % len(host)
            try:
                connection = await asyncpg.connect(host=host[number], port=port[number], **options)
            except TargetServerAttributeNotMatched as error:
                trouble = ConnectionRefusedError(str(error))  # a standby: as good as away
            except GONE as error:
                trouble = error
            else:
                self._right = number
                return connection
        raise trouble or LookupError("no hosts")


def make_engine(
    url: URL,
    *,
    pool_size: int,
    overflow: int,
    pooled: bool = False,
    command_seconds: float | None = COMMAND_SECONDS,
) -> AsyncEngine:
    """Return an engine that gives up in seconds, not minutes (L20 to L22).

    ``command_seconds``: None for an operator's long work; which lifts the server's bounds itself.
    ``pooled``: the way leads through pgbouncer, which takes few settings at the start and hands a
    connection to somebody else after each transaction, so that no statement may be kept prepared.
    """
    options: dict[str, Any] = dict(_POOLED) if pooled else {"server_settings": SERVER_SETTINGS}
    if not isinstance(url.query.get("host", ""), str):
        options["async_creator_fn"] = _Hosts().connect
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=overflow,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_use_lifo=True,  # the warm ones first
        pool_recycle=POOL_RECYCLE_SECONDS,
        hide_parameters=True,
        isolation_level=ISOLATION.upper(),
        execution_options={POOLED: pooled},
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": command_seconds,
            **options,
        },
    )
    listen(engine.sync_engine, "handle_error", _leave_read_only)
    listen(engine.sync_engine, "invalidate", _terminate)
    listen(engine.sync_engine, "connect", _note_use)
    listen(engine.sync_engine, "checkin", _note_use)
    listen(engine.sync_engine, "checkout", _try_if_idle)
    return engine


def _leave_read_only(context: ExceptionContext) -> None:
    """Drop all connections when one leads to a server that was the primary until now."""
    if is_read_only(context.original_exception):
        context.is_disconnect = True


def _terminate(connection: AdaptedConnection, _: ConnectionPoolEntry, __: object) -> None:
    """Cut a connection that nobody trusts any more: SQLAlchemy would take leave for 2 seconds."""
    connection.driver_connection.terminate()


def _note_use(_: object, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _try_if_idle(
    connection: AdaptedConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
) -> None:
    """Send a sign of life before a connection that has rested is used again (L22).

    SQLAlchemy's own ``pool_pre_ping`` costs four round trips on every use, this one on few.
    """
    if time.monotonic() - record.info["used_at"] < RESTED_SECONDS:
        return
    try:
        connection.run_async(lambda driver: driver.execute("SELECT 1"))
    except GONE as error:
        raise DisconnectionError(str(error)) from error


class _Watched(Session):
    """Tells a ``TimeLimit`` in its ``info`` when a transaction begins and ends."""


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Return the session factory; a query outside ``session.begin()`` fails at once."""
    return async_sessionmaker(
        engine, autobegin=False, expire_on_commit=False, sync_session_class=_Watched
    )


class TimeLimit:
    """Bounds the time that all transactions of a session take, but not what is between them."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self._left = float(DATABASE_SECONDS)
        self._begun = 0.0

    def begin(self) -> None:
        """Count from now on, unless it is too late for that."""
        self._begun = asyncio.get_running_loop().time()
        if not self._limit.expired():
            self._limit.reschedule(self._begun + self._left)

    def end(self) -> None:
        """Stop counting, unless it is too late for that."""
        self._left -= asyncio.get_running_loop().time() - self._begun
        if not self._limit.expired():
            self._limit.reschedule(None)


@listens_for(_Watched, "after_transaction_create")
def _begin_counting(session: Session, transaction: SessionTransaction) -> None:
    time_limit = session.info.get(TIME_LIMIT)
    if time_limit is not None and transaction.parent is None:
        time_limit.begin()


@listens_for(_Watched, "after_transaction_end")
def _end_counting(session: Session, transaction: SessionTransaction) -> None:
    time_limit = session.info.get(TIME_LIMIT)
    if time_limit is not None and transaction.parent is None:
        time_limit.end()


@asynccontextmanager
async def limited_session(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Yield a new session that holds no connection yet.

    Raises:
        TimeoutError: its transactions took longer than ``DATABASE_SECONDS`` in all.
    """
    async with (
        asyncio.timeout(None) as limit,
        sessions(info={TIME_LIMIT: TimeLimit(limit)}) as session,
    ):
        yield session


class Prepared(NamedTuple):
    """A statement as asyncpg takes it, and the names of its parameters, in order."""

    text: str
    names: tuple[str, ...]


def prepared(statement: ClauseElement) -> Prepared:
    """Return a statement ready to be sent: building one costs more than running it."""
    compiled = statement.compile(dialect=AsyncpgDialect())  # type: ignore[no-untyped-call]
    return Prepared(str(compiled), tuple(getattr(compiled, "positiontup", None) or ()))


class DatabaseServer(NamedTuple):
    """What a database says of itself; ``ahead_seconds``: of our clock."""

    version: str
    is_primary: bool
    milliseconds: float
    ahead_seconds: float


async def server_of(db: AsyncSession) -> DatabaseServer:
    """Ask the database who it is; ``milliseconds`` is how long the answer to one question took."""
    async with db.begin():
        await db.scalar(text("SELECT 1"))
        asked, begun = time.time(), time.perf_counter()
        version, is_primary, its = (
            await db.execute(
                text("SELECT current_setting('server_version'), NOT pg_is_in_recovery(), "
                     "extract(epoch FROM clock_timestamp())")
            )
        ).one()  # fmt: skip
        took = time.perf_counter() - begun
    return DatabaseServer(version, is_primary, took * 1000, float(its) - asked - took / 2)


async def connections_allowed(db: AsyncSession) -> int:
    """Return how many connections PostgreSQL takes in all, less ten for others."""
    async with db.begin():
        found: int = await db.scalar(text("SELECT current_setting('max_connections')::int"))
    return found - CONNECTIONS_FOR_OTHERS


@asynccontextmanager
async def autocommit(db: AsyncSession) -> AsyncIterator[None]:
    """Run each statement for itself, where there is one or they need not stand or fall together.

    Saves the round trips of BEGIN and COMMIT: most of a page's time when the database is far. Not
    through a pool that hands connections round: outside a transaction it may give the two messages
    of one statement, to prepare it and to run it, to different servers.
    """
    async with db.begin():
        if not db.get_bind().get_execution_options().get(POOLED):
            await db.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        yield
