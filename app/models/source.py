"""The table of people of another application: not ours, and only read.

In PostgreSQL, or in a file of SQLite by Python's own module.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    RowMapping,
    Select,
    Table,
    create_engine,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from app.transfer.columns import Reading
from app.transfer.rows import Row

USUAL_TABLES = ("user", "users", "auth_user")
ROLES = "roles"
AT_ONCE = 1000


class Found(NamedTuple):
    """A table of people. ``columns`` are those that are read, ``all_columns`` what there is."""

    users: Table
    roles: Table | None
    columns: Sequence[str]
    all_columns: Sequence[str]


async def lift_limits(connection: AsyncConnection) -> None:
    """Let this transaction take its time."""
    await connection.execute(text("SET LOCAL statement_timeout = 0"))
    await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def find(connection: Connection, name: str | None, reading: Reading) -> Found | None:
    """Return the table of this name, by default ``user`` or else ``users``; None if there is none.

    A table of people has at least a column for addresses.
    """
    inspector = inspect(connection)
    for each in (name,) if name else USUAL_TABLES:
        if not inspector.has_table(each):
            continue
        columns = [str(column["name"]) for column in inspector.get_columns(each)]
        own = {reading.own(column.lower()) for column in columns}
        if "email" not in own:
            continue
        has_roles = "role_id" in columns and "role" not in own and inspector.has_table(ROLES)
        return Found(
            _table(each, columns),
            _table(ROLES, ["id", "name"]) if has_roles else None,
            [column for column in columns if reading.wants(column.lower())],
            columns,
        )
    return None


def count(connection: Connection, found: Found) -> int:
    """Return how many people the table has."""
    return connection.execute(select(func.count()).select_from(found.users)).scalar_one()


async def rows(connection: AsyncConnection, found: Found) -> AsyncIterator[Row]:
    """Return the people, by their ids, a thousand at a time."""
    streamed = await connection.stream(_statement(found), execution_options={"yield_per": AT_ONCE})
    number = 0
    async for row in streamed.mappings():
        number += 1
        yield _row(row, number)


def rows_now(connection: Connection, found: Found) -> Iterator[Row]:
    """Return the people of a file, by their ids, a thousand at a time."""
    streamed = connection.execute(_statement(found), execution_options={"yield_per": AT_ONCE})
    for number, row in enumerate(streamed.mappings(), 1):
        yield _row(row, number)


@contextmanager
def opened_file(path: str) -> Iterator[Connection]:
    """Open a file of SQLite, to be read only."""
    engine = create_engine("sqlite+pysqlite://", creator=lambda: _connect(path), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True)
    # Text that is none is told with its line, it does not end the import.
    connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
    return connection


def _row(row: RowMapping, number: int) -> Row:
    values = {name.lower(): value for name, value in row.items()}
    user_id = values.pop("person_id", None)
    return Row(user_id if isinstance(user_id, int) else number, values)


def _statement(found: Found) -> Select[*tuple[object, ...]]:
    users, roles = found.users, found.roles
    columns = [users.c[name] for name in found.columns]
    statement: Select[*tuple[object, ...]] = select(*columns)
    if "id" in users.c:
        statement = statement.add_columns(users.c.id.label("person_id")).order_by(users.c.id)
    if roles is not None:
        statement = statement.add_columns(roles.c.name.label("role"))
        statement = statement.outerjoin_from(users, roles, users.c.role_id == roles.c.id)
    return statement


def _table(name: str, columns: Sequence[str]) -> Table:
    return Table(name, MetaData(), *(Column(column) for column in columns))
