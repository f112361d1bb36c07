"""The users of another application's database, each of them once."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import NamedTuple

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import make_engine
from app.db_errors import is_away
from app.kit.errors import CannotRead
from app.models import source
from app.models.source import Found
from app.transfer.columns import AS_IT_IS, Reading
from app.transfer.rows import Row

READ_ONLY = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class People(NamedTuple):
    """The people of another application's database: how many, and each of them once."""

    number: int
    rows: AsyncIterator[Row]
    columns: Sequence[str]


@asynccontextmanager
async def users_of(
    url: URL, *, table: str | None, reading: Reading = AS_IT_IS
) -> AsyncIterator[People]:
    """Open the database of a Flask application, to read its people as of now.

    Raises:
        CannotRead: it is away, or there is no such table, or it may not be read, or its columns
            may mean something for safety that is not read; also later, by the rows.
    """
    engine = make_engine(url, pool_size=1, overflow=0, pooled=True, command_seconds=None)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        with _refusals():
            connection = await stack.enter_async_context(engine.connect())
            await connection.execution_options(**READ_ONLY)
            await source.lift_limits(connection)
            found = await connection.run_sync(source.find, table, reading)
            found = _understood(found, table, reading)
            count = await connection.run_sync(source.count, found)
        yield People(count, _users(connection, found), found.all_columns)


@contextmanager
def users_of_file(path: str, *, table: str | None, reading: Reading = AS_IT_IS) -> Iterator[People]:
    """Open a file of SQLite, as ``users_of`` opens a database.

    Raises:
        CannotRead: as there.
    """
    with ExitStack() as stack:
        with _refusals():
            connection = stack.enter_context(source.opened_file(path))
            found = _understood(source.find(connection, table, reading), table, reading)
            count = source.count(connection, found)
        yield People(count, _users_now(connection, found), found.all_columns)


async def _users(connection: AsyncConnection, found: Found) -> AsyncIterator[Row]:
    with _refusals():
        async for row in source.rows(connection, found):
            yield row


async def _users_now(connection: Connection, found: Found) -> AsyncIterator[Row]:
    with _refusals():
        for row in source.rows_now(connection, found):
            yield row


def _understood(found: Found | None, table: str | None, reading: Reading) -> Found:
    if found is None:
        raise CannotRead("no_table", table=table)
    reading.check({column.lower() for column in found.all_columns})
    return found


@contextmanager
def _refusals() -> Iterator[None]:
    """Make refusals of what the other application's database does not let us do."""
    try:
        yield
    except DBAPIError as error:
        raise CannotRead("database_says", what=str(error.orig)) from error
    except Exception as error:
        if not is_away(error):
            raise
        raise CannotRead("database_away", name=type(error).__name__) from error
