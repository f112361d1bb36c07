"""The database's schema: how far a database has come, and bringing it to head."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic import command, op
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.db import SERVER_SETTINGS

ROOT = Path(__file__).parent.parent
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"
INVALID = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid"
ENCODING = "UTF8"
# What we leave to whoever looks after the database: a freeze is meant, a safer commit too.
OF_THE_OPERATOR = ("default_transaction_read_only", "synchronous_commit", "server_encoding")


class WrongDatabase(Exception):
    """A database that cannot hold what we write; the message says why and what to do."""


async def defaults(session: AsyncSession) -> dict[str, str]:
    """Return the settings under which our statements run: those we set, and those that matter."""
    names = [*SERVER_SETTINGS, *OF_THE_OPERATOR]
    async with session.begin():
        found = await session.execute(
            text("SELECT name, setting FROM pg_settings WHERE lower(name) = ANY(:names)"),
            {"names": [name.lower() for name in names]},
        )
        return {row.name: row.setting for row in found}


async def check_encoding(session: AsyncSession) -> None:
    """Refuse a database that does not know all letters.

    Raises:
        WrongDatabase: its encoding is another than UTF-8.
    """
    async with session.begin():
        found = await session.scalar(text("SELECT current_setting('server_encoding')"))
    if found != ENCODING:
        raise WrongDatabase(f"The database {other_encoding(found)}.")


def other_encoding(encoding: str) -> str:
    """Say what is wrong with a database of another encoding, and what to do."""
    return (
        f"is encoded in {encoding} and cannot hold all names. Make one that can, and move there "
        "with pg_dump: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
    )


def alembic_config(url: URL | None = None) -> AlembicConfig:
    """Return alembic's settings; with ``url`` its ``env.py`` asks nobody else for the database."""
    config = AlembicConfig(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = url
    return config


def migrate(url: URL, revision: str = "head") -> None:
    """Bring a database to a revision. Any number at once: they take turns by an advisory lock."""
    command.upgrade(alembic_config(url), revision)


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


def head() -> str | None:
    """Return the newest revision that this program knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether a revision is this program's. One that is not was made by a newer program."""
    scripts = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return any(script.revision == revision for script in scripts)


async def revision(engine: AsyncEngine) -> str | None:
    """Return the revision that the database is at, None before the first migration."""
    async with engine.connect() as connection:
        exists = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
        if exists is None:
            return None
        found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found
