"""The database's schema: how far a database has come, and bringing it to head."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

ROOT = Path(__file__).parent.parent


def alembic_config(url: URL | None = None) -> AlembicConfig:
    """Return alembic's settings; with ``url`` its ``env.py`` asks nobody else for the database."""
    config = AlembicConfig(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = url
    return config


def migrate(url: URL, revision: str = "head") -> None:
    """Bring a database to a revision. Any number at once: they take turns by an advisory lock."""
    command.upgrade(alembic_config(url), revision)


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
