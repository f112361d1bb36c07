"""The database's schema: how far a database has come, and bringing it to head."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.db import SERVER_SETTINGS

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

ROOT = Path(__file__).parent.parent
VERSIONS = ROOT / "alembic" / "versions"
ENCODING = "UTF8"
# What we leave to whoever looks after the database: a freeze is meant, a safer commit too.
OF_THE_OPERATOR = ("default_transaction_read_only", "synchronous_commit", "server_encoding")


class WrongDatabase(Exception):
    """A database that cannot hold what we write; the message says why and what to do."""


async def defaults(db: AsyncSession) -> dict[str, str]:
    """Return the settings under which our statements run: those we set, and those that matter."""
    names = [*SERVER_SETTINGS, *OF_THE_OPERATOR]
    async with db.begin():
        found = await db.execute(
            text("SELECT name, setting FROM pg_settings WHERE lower(name) = ANY(:names)"),
            {"names": [name.lower() for name in names]},
        )
        return {row.name: row.setting for row in found}


async def check_encoding(db: AsyncSession) -> None:
    """Refuse a database that does not know all emails.

    Raises:
        WrongDatabase: its encoding is another than UTF-8.
    """
    async with db.begin():
        found = await db.scalar(text("SELECT current_setting('server_encoding')"))
    if found != ENCODING:
        raise WrongDatabase(f"The database {other_encoding(found)}.")


def other_encoding(encoding: str) -> str:
    """Say what is wrong with a database of another encoding, and what to do."""
    return (
        f"is encoded in {encoding}, which can't store all names. Create a UTF-8 database and move "
        "your data with pg_dump: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
    )


def alembic_config(url: URL | None = None) -> "AlembicConfig":
    """Return alembic's settings; with ``url`` its ``env.py`` asks nobody else for the database."""
    from alembic.config import Config as AlembicConfig  # noqa: PLC0415 - workers need none of it

    config = AlembicConfig(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = url
    return config


def migrate(url: URL, revision: str = "head") -> None:
    """Bring a database to a revision. Any number at once: they take turns by an advisory lock."""
    from alembic import command  # noqa: PLC0415 - likewise

    command.upgrade(alembic_config(url), revision)


def head() -> str | None:
    """Return the newest revision that this program knows."""
    return max(_revisions(), default=None)


def knows(revision: str) -> bool:
    """Whether a revision is this program's. One that is not was made by a newer program."""
    return revision in _revisions()


def _revisions() -> set[str]:
    """Return the revisions by the names of their files, which begin with them."""
    return {path.name.partition("_")[0] for path in VERSIONS.glob("*_*.py")}


async def revision(engine: AsyncEngine) -> str | None:
    """Return the revision that the database is at, None before the first migration."""
    async with engine.connect() as connection:
        exists = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
        if exists is None:
            return None
        found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found
