"""The database's schema: how far a database has come, and bringing it to head."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from app import own_migrations
from app.db import SERVER_SETTINGS
from app.site import Site

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

ROOT = Path(__file__).parent.parent
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


class Branch(NamedTuple):
    """A line of migrations: ours, or the site's, whose revisions begin with its name."""

    folder: Path
    prefix: str = ""

    @property
    def revisions(self) -> list[str]:
        """The revisions, in order, by the names of their files: ``0001_words.py``."""
        pattern = re.compile(rf"({self.prefix}[0-9]{{4}})_\w+\.py")
        found = (pattern.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(match[1] for match in found if match)

    @property
    def head(self) -> str | None:
        """The newest revision that this program knows."""
        return max(self.revisions, default=None)

    def is_behind(self, found: Collection[str]) -> bool:
        """Whether a database that is at some revisions lacks one of this line.

        One that the program does not know was made by a newer program, and is well.
        """
        at = next((each for each in found if self._is_own(each)), None)
        return self.head is not None and (at is None or (at != self.head and at in self.revisions))

    def _is_own(self, revision: str) -> bool:
        of_site = re.fullmatch(r"([a-z]\w*_)[0-9]{4}", revision)
        return (of_site[1] if of_site else "") == self.prefix


OURS = Branch(ROOT / "alembic" / "versions")


def branches(site: Site) -> list[Branch]:
    """Return our line of migrations, and the site's if it has one."""
    own = site.folder("migrations")
    return [OURS, *([Branch(own, f"{site.name}_")] if own else [])]


def is_behind(found: Collection[str], site: Site) -> bool:
    """Whether a database that is at these revisions has to be migrated."""
    return any(branch.is_behind(found) for branch in branches(site))


def alembic_config(url: URL | None = None, site: Site | None = None) -> "AlembicConfig":
    """Return alembic's settings; with ``url`` its ``env.py`` asks nobody else for the database."""
    from alembic.config import Config as AlembicConfig  # noqa: PLC0415 - workers need none of it

    config = AlembicConfig(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "alembic"))
    folders = [str(branch.folder) for branch in branches(site or Site())]
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(folders))
    config.attributes["url"] = url
    return config


def migrate(url: URL, site: Site | None = None, *, revision: str | None = None) -> None:
    """Bring a database to a revision of ours, by itself to the newest of ours and of the site's.

    Any number at once: they take turns by an advisory lock. Ours come first, so that a site's may
    refer to our tables without saying so: alembic forgets what another revision depends on.

    Raises:
        WrongDatabase: it has migrations of a site that is not here.
        WrongSite: the site's own are no line, or one of them fails.
    """
    from alembic import command  # noqa: PLC0415 - likewise
    from alembic.util import CommandError  # noqa: PLC0415 - likewise

    own_migrations.check(site or Site())
    config = alembic_config(url, site)
    wanted = [revision] if revision else [each.head for each in branches(site or Site())]
    try:
        for each in filter(None, wanted):
            command.upgrade(config, each)
    except CommandError as error:
        raise WrongDatabase(f"Can't migrate: {error}. {_why_unknown(str(error), site)}") from error
    except Exception as error:
        wrong = own_migrations.broken(site or Site(), error)
        if wrong is None:
            raise
        raise wrong from error


def _why_unknown(said: str, site: Site | None) -> str:
    """Say why a database may have a revision that nobody here knows."""
    found = re.search(r"'(([a-z]\w*)_[0-9]{4})'", said)
    if found is None:
        return "A newer version of Vestibule was here before."
    if site is not None and site.name == found[2]:
        return f"{site.name}/migrations/ lacks {found[1]}: bring its file back."
    return f"The database has tables of the site “{found[2]}”: set SITE={found[2]}."


async def unmigrated(url: URL, site: Site) -> str | None:
    """Return what of a site's models a migrated database lacks, as a sentence."""
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(own_migrations.unmigrated, site)
    await engine.dispose()
    return found


async def revisions(engine: AsyncEngine) -> frozenset[str]:
    """Return the revisions that the database is at, none before the first migration."""
    async with engine.connect() as connection:
        exists = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
        if exists is None:
            return frozenset()
        return frozenset(await connection.scalars(text("SELECT version_num FROM alembic_version")))
