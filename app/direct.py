"""A connection that a worker keeps for its hottest statement: asyncpg, past pool and ORM.

It is opened as the pool opens its own (hosts, TLS, settings), and opened anew when it is lost.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import asyncpg
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.db import COMMAND_SECONDS, POOLED, Prepared
from app.db_errors import is_read_only, is_severed


class DirectConnection:
    """Runs one prepared statement after the other; never two at once: they take turns."""

    def __init__(self, engine: AsyncEngine, *, beside: AsyncEngine) -> None:
        """``engine`` opens it; what another one, ``beside`` it, learns of a failover counts too."""
        self._engine = engine
        self._is_pooled = bool(engine.get_execution_options().get(POOLED))
        self._connection: AsyncConnection | None = None
        self._driver: asyncpg.Connection | None = None
        self._is_doubted = False
        self._turn = asyncio.Lock()
        listen(beside.sync_engine, "handle_error", self._doubt)

    async def fetch(self, statement: Prepared, **values: object) -> Sequence[asyncpg.Record]:
        """Return the rows of a statement that may run twice; bounded in time.

        A connection that was severed while it rested is opened anew, once.

        Raises:
            TimeoutError: the database is silent.
            Exception: whatever the driver says; ``db.is_away`` knows what it means.
        """
        async with asyncio.timeout(COMMAND_SECONDS), self._turn:
            if self._is_doubted:
                await self.close()
            was_open = self._driver is not None
            try:
                return await self._fetch_once(statement, values)
            except Exception as error:
                if not (was_open and is_severed(error)):
                    raise
            return await self._fetch_once(statement, values)

    async def open(self) -> asyncpg.Connection:
        """Connect, unless it is connected."""
        if self._driver is None:
            self._connection = await self._engine.connect()
            raw = await self._connection.get_raw_connection()
            self._driver = raw.driver_connection
            self._is_doubted = False
        return self._driver

    async def close(self) -> None:
        """Disconnect; the next statement connects again."""
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()

    async def _fetch_once(
        self, statement: Prepared, values: dict[str, Any]
    ) -> Sequence[asyncpg.Record]:
        try:
            driver = await self.open()
            async with driver.transaction() if self._is_pooled else nullcontext():
                rows: Sequence[asyncpg.Record] = await driver.fetch(
                    statement.text, *(values[name] for name in statement.names)
                )
                return rows
        except BaseException:  # also when it is given up: nobody knows what comes over it now
            await self.close()
            raise

    def _doubt(self, context: ExceptionContext) -> None:
        """Connect anew when the server that we know is the primary no longer."""
        if is_read_only(context.original_exception):
            self._is_doubted = True


@asynccontextmanager
async def direct_connection(
    engine: AsyncEngine, *, beside: AsyncEngine
) -> AsyncIterator[DirectConnection]:
    """Yield a connection that is closed at the end; it is not open yet."""
    connection = DirectConnection(engine, beside=beside)
    try:
        yield connection
    finally:
        await connection.close()
        await engine.dispose()
