"""The table of people of a Flask application: not ours, and only read."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, MetaData, Select, Table, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.newcomers import ALIASES, PARSERS
from app.kit.rows import Row

USUAL_TABLES = ("user", "users")
ROLES = "roles"
AT_ONCE = 1000


class Found(NamedTuple):
    """A table of people. ``columns`` are those that are read."""

    people: Table
    roles: Table | None
    columns: Sequence[str]


async def be_patient(connection: AsyncConnection) -> None:
    """Let this transaction take its time."""
    await connection.execute(text("SET LOCAL statement_timeout = 0"))
    await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


async def find(connection: AsyncConnection, name: str | None) -> Found | None:
    """Return the table of this name, by default ``user`` or else ``users``; None if there is none.

    A table of people has at least a column ``email``.
    """
    return await connection.run_sync(_find, (name,) if name else USUAL_TABLES)


async def count(connection: AsyncConnection, found: Found) -> int:
    """Return how many people the table has."""
    statement = select(func.count()).select_from(found.people)
    return (await connection.execute(statement)).scalar_one()


async def rows(connection: AsyncConnection, found: Found) -> AsyncIterator[Row]:
    """Return the people, by their ids, a thousand at a time."""
    streamed = await connection.stream(_statement(found), execution_options={"yield_per": AT_ONCE})
    number = 0
    async for row in streamed.mappings():
        values = dict(row)
        person_id = values.pop("person_id", None)
        number += 1
        yield Row(person_id if isinstance(person_id, int) else number, values)


def _statement(found: Found) -> Select[*tuple[object, ...]]:
    people, roles = found.people, found.roles
    columns = [people.c[name] for name in found.columns]
    statement: Select[*tuple[object, ...]] = select(*columns)
    if "id" in people.c:
        statement = statement.add_columns(people.c.id.label("person_id")).order_by(people.c.id)
    if roles is not None:
        statement = statement.add_columns(roles.c.name.label("role"))
        statement = statement.outerjoin_from(people, roles, people.c.role_id == roles.c.id)
    return statement


def _find(connection: Connection, names: Sequence[str]) -> Found | None:
    inspector = inspect(connection)
    for name in names:
        if not inspector.has_table(name):
            continue
        columns = [str(column["name"]) for column in inspector.get_columns(name)]
        if "email" not in columns:
            continue
        has_roles = "role_id" in columns and "role" not in columns and inspector.has_table(ROLES)
        return Found(
            _table(name, columns),
            _table(ROLES, ["id", "name"]) if has_roles else None,
            [column for column in columns if column in PARSERS or column in ALIASES],
        )
    return None


def _table(name: str, columns: Sequence[str]) -> Table:
    return Table(name, MetaData(), *(Column(column) for column in columns))
