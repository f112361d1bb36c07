"""What the commands share: the settings, a database, and one question to it."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, TypeVar

import click
from sqlalchemy import URL, make_url

from app import config as settings
from app import embedded, schema
from app.complaints import complaint
from app.config import Config
from app.context import Context, opened_for_operator
from app.db import COMMAND_SECONDS, connections_allowed, database_url
from app.db_errors import is_away
from app.kit import logs
from app.runtime import laptop
from app.site import Site, load

log = logging.getLogger(__name__)

R = TypeVar("R")
Query = Callable[[Context], Awaitable[R]]


class Deployment(NamedTuple):
    """The settings, and where the database is."""

    config: Config
    url: URL

    @property
    def site(self) -> Site:
        """What the owner's package adds."""
        return load(self.config.site)

    def ask(self, query: Query[R], *, seconds: float | None = COMMAND_SECONDS) -> R:
        """Ask the database one thing, on a connection of its own, in the operator's context.

        ``seconds``: how long each statement may take, None for as long as it needs.
        """

        async def ask() -> R:
            async with opened_for_operator(self.config, self.url, command_seconds=seconds) as ctx:
                return await query(ctx)

        return asyncio.run(ask())


def read_config() -> Config:
    """Read the settings and begin to log as they say."""
    config = settings.load()
    by_itself = config.is_laptop or sys.stderr.isatty()
    logs.configure(
        readable=by_itself if config.log_format == "auto" else config.log_format == "text"
    )
    return laptop.at_home(config) if config.is_laptop else config


def running_database(config: Config) -> URL:
    """Return the address of the database that runs already."""
    if config.is_laptop:
        return make_url(embedded.running_url(config.data_dir))
    return database_url(config)


NO_DATABASE = (
    "There is no database in DATA_DIR={place}. If the site runs with another DATA_DIR, give it "
    "here too. To create a new one here: make run, or python -m app migrate"
)


@contextmanager
def database(*, creating: bool = False) -> Iterator[Deployment]:
    """Yield the settings and a database, started for the while if it is a private one at rest.

    Raises:
        NoDatabase: there is none, unless ``creating``: a mistyped place shall not become a second.
    """
    is_new = _is_new(settings.load())
    if is_new and not creating:
        raise embedded.NoDatabase(NO_DATABASE.format(place=settings.load().data_dir))
    config = read_config()
    if not config.is_laptop:
        yield Deployment(config, database_url(config))
        return
    if is_new:
        click.echo(f"Creating a new database in {config.data_dir}.", err=True)
    with embedded.served(config.data_dir) as url:
        deployment = Deployment(config, make_url(url))
        schema.migrate(deployment.url, deployment.site)
        yield deployment


def _is_new(config: Config) -> bool:
    """Whether a private database would have to be made."""
    if not config.is_laptop:
        return False
    with embedded.usable(config.data_dir), suppress(FileNotFoundError):
        os.scandir(config.data_dir).close()  # a file in its place is told as such
    return not embedded.exists(config.data_dir)


def connections_of(deployment: Deployment) -> int | None:
    """Return how many connections the database allows us, None if it does not answer yet.

    Raises:
        WrongDatabase: it is none that we can use.
    """

    async def look(ctx: Context) -> int:
        await schema.check_encoding(ctx.db)
        return await connections_allowed(ctx.db)

    try:
        return deployment.ask(look)
    except Exception as error:
        if not is_away(error):
            raise
        log.warning(
            "the database doesn't answer, so pages return 503 until it does: %s",
            complaint(error, deployment.url),
        )
        return None


def tell_unmigrated(url: URL, site: Site) -> None:
    """Say what of a site's models no migration makes: a page that uses it would fail."""
    sentence = asyncio.run(schema.unmigrated(url, site)) if site.name else None
    if sentence:
        click.echo(sentence, err=True)
