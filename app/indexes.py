"""Indexes of large tables, built by migrations while people use the tables."""

from collections.abc import Mapping
from typing import Any

from alembic import op
from sqlalchemy import text

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"
INVALID = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid"


def build_indexes(table: str, indexes: Mapping[str, str]) -> None:
    """Build a table's indexes, in a migration, while people use it: nobody waits for them.

    Each is what ``CREATE INDEX name ON table`` is followed by. What the migration did before is
    committed; one that is broken off is run again from its beginning, and keeps what it has built.
    An empty table's are built at once, so that the first migration of all is whole or nothing.
    """
    if _is_empty(table):
        for name, definition in indexes.items():
            op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} {definition}")
        return
    for name, definition in indexes.items():
        broken_off = op.get_bind().scalar(text(INVALID), {"name": name})
        if broken_off:
            _outside(f"DROP INDEX CONCURRENTLY {name}")
        _outside(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} {definition}")


def drop_index(table: str, name: str) -> None:
    """Drop an index, in a migration, as ``build_indexes`` builds them."""
    if _is_empty(table):
        op.execute(f"DROP INDEX IF EXISTS {name}")
        return
    _outside(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _outside(statement: str) -> None:
    """Run a statement outside of any transaction.

    As one message: a pool that hands connections round may send the second to another server.
    """
    with op.get_context().autocommit_block():
        connection: Any = op.get_bind().connection.dbapi_connection
        connection.run_async(lambda driver: driver.execute(statement))
    op.execute(LOCK_TIMEOUT)


def _is_empty(table: str) -> bool:
    return not op.get_bind().scalar(text(f"SELECT EXISTS (SELECT FROM {table})"))  # noqa: S608
