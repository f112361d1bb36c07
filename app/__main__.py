"""The command line: ``python -m app …``."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import click
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncSession

from app import config as settings
from app import embedded, laptop, schema, serve, worker
from app.config import Config
from app.db import connections_allowed, database_url, is_away, make_engine, make_sessions
from app.flows import access, invitation
from app.kit import logs
from app.kit.addresses import WrongAddress, is_username, normal_email
from app.kit.client import OPERATOR
from app.kit.errors import Refusal
from app.kit.keys import new_key
from app.kit.links import INVITE_VALID_HOURS

log = logging.getLogger(__name__)

R = TypeVar("R")
Query = Callable[[AsyncSession], Awaitable[R]]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Vestibule, the login of your site."""


@commands.command("serve")
@click.option("--postman", "with_postman", is_flag=True, help="Deliver letters too.")
def serve_command(*, with_postman: bool) -> None:
    """Serve the site until Ctrl+C or SIGTERM; SIGHUP replaces the workers one by one.

    Without DATABASE_URL a private PostgreSQL is started under DATA_DIR, brought up to date, and
    letters are delivered too.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the supervisor takes it
    config = _config()
    sockets = serve.listeners(config)
    if not config.is_laptop:
        url = database_url(config)
        workers = serve.worker_count(config, _connections_allowed(url))
        welcome = [f"{config.site_name} is at {config.public_url}"]
        serve.run(config, url, sockets, workers=workers, with_postman=with_postman, welcome=welcome)
        return
    with embedded.claimed(config.data_dir):
        embedded.stop_leftover(config.data_dir)
        with embedded.served(config.data_dir) as text:
            url = make_url(text)
            schema.migrate(url)
            workers = serve.worker_count(config, _connections_allowed(url))
            has_administrator = _ask(url, access.has_administrator)
            words = laptop.welcome(config, workers=workers, has_administrator=has_administrator)
            serve.run(config, url, sockets, workers=workers, with_postman=True, welcome=words)


@commands.command()
def migrate() -> None:
    """Bring the database's schema up to date. Any number at once take turns."""
    with _database() as (_, url):
        schema.migrate(url)
    click.echo("The database is up to date.")


@commands.command("secret-key")
def secret_key() -> None:
    """Print a new secret key, for SECRET_KEY."""
    click.echo(new_key())


@commands.command("postman")
@click.option("--watch-stdin", is_flag=True, hidden=True)
def postman_command(*, watch_stdin: bool) -> None:
    """Deliver the letters of the outbox until Ctrl+C or SIGTERM.

    They go to the mail server of SMTP_URL; without one, to the log.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # meant for workers: it has nothing to replace
    config = _config()
    serve.run_postman(config, _running_database(config), watch_stdin=watch_stdin)


@commands.command("worker", hidden=True)
@click.option("--socket-fd", type=int, required=True)
def worker_command(*, socket_fd: int) -> None:
    """Be one server process of ``serve``."""
    config = _config()
    worker.run(config, _running_database(config), socket_fd=socket_fd)


@commands.group()
def users() -> None:
    """Look after people."""


@users.command("create")
@click.argument("email")
@click.option("--username", help="Default: what stands before the @ of the address.")
@click.option("--admin", is_flag=True, help="Make this person an administrator.")
@click.option("--role", "role_name", help="The person's role. Default: User.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(
    *, email: str, username: str | None, admin: bool, role_name: str | None, as_json: bool
) -> None:
    """Let somebody in: prints a one-time link on which they choose a password.

    Run it again for the same person to get a new link, as long as no password is set.
    """
    if admin and role_name:
        raise click.UsageError("--admin is a role already: give --admin or --role, not both.")
    try:
        email = normal_email(email)
    except WrongAddress as error:
        raise click.BadParameter(str(error), param_hint="EMAIL") from None
    username = username or email.split("@")[0]
    if not is_username(username):
        raise click.BadParameter(
            "3 to 64 letters, digits, dots and underscores, beginning with a letter.",
            param_hint="--username",
        )
    with _database() as (config, url):
        invited = _ask(
            url,
            lambda session: invitation.invite(
                session,
                config=config,
                username=username,
                email=email,
                role_name="Administrator" if admin else role_name,
                client=OPERATOR,
            ),
        )
    if as_json:
        click.echo(json.dumps(invited._asdict()))
        return
    hours = f"{INVITE_VALID_HOURS} hours"
    click.echo(f"{invited.username} can choose a password at this address, once, within {hours}:")
    click.echo(invited.url)


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_users(*, as_json: bool) -> None:
    """List all people, the newest last."""
    with _database() as (_, url):
        people = _ask(url, access.everybody)
    if as_json:
        click.echo(json.dumps([person._asdict() for person in people], default=str, indent=2))
        return
    if not people:
        click.echo(
            "Nobody has an account yet. Make the first: python -m app users create --admin …"
        )
        return
    rows = [("USER NAME", "ADDRESS", "ROLE", "STATE"), *[_row(person) for person in people]]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        click.echo(
            "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _row(person: access.Listed) -> tuple[str, str, str, str]:
    state = "confirmed" if person.has_password else "invited"
    if person.blocked_at:
        state = "blocked"
    return person.username, person.email, person.role, state


@users.command()
@click.argument("name")
def block(name: str) -> None:
    """Block a person, by address or user name: all their sessions end."""
    with _database() as (_, url):
        _ask(url, lambda session: access.block(session, name=name, client=OPERATOR))
    click.echo(f"{name} is blocked.")


@users.command()
@click.argument("name")
def unblock(name: str) -> None:
    """Let a blocked person in again."""
    with _database() as (_, url):
        _ask(url, lambda session: access.unblock(session, name=name, client=OPERATOR))
    click.echo(f"{name} may sign in again.")


@users.command("set-role")
@click.argument("name")
@click.argument("role")
def set_role(name: str, role: str) -> None:
    """Give a person a role: User, Moderator, Administrator."""
    with _database() as (_, url):
        known = _ask(
            url,
            lambda session: access.set_role(session, name=name, role_name=role, client=OPERATOR),
        )
    click.echo(f"{name} has the role {known}.")


def _config() -> Config:
    config = settings.load()
    by_itself = config.is_laptop or sys.stderr.isatty()
    logs.configure(
        readable=by_itself if config.log_format == "auto" else config.log_format == "text"
    )
    return laptop.with_own_key(config) if config.is_laptop else config


def _running_database(config: Config) -> URL:
    if config.is_laptop:
        return make_url(embedded.running_url(config.data_dir))
    return database_url(config)


@contextmanager
def _database() -> Iterator[tuple[Config, URL]]:
    """Yield the settings and a database, started for the while if it is a private one at rest."""
    config = _config()
    if not config.is_laptop:
        yield config, database_url(config)
        return
    if not embedded.exists(config.data_dir):
        click.echo(f"Making a new database in {config.data_dir}.", err=True)
    with embedded.served(config.data_dir) as url:
        schema.migrate(make_url(url))
        yield config, make_url(url)


def _connections_allowed(url: URL) -> int | None:
    """Return how many connections the database allows us, None if it does not answer yet."""
    try:
        return _ask(url, connections_allowed)
    except Exception as error:
        if not is_away(error):
            raise
        log.warning(
            "the database does not answer (%s): pages say 503 until it does", type(error).__name__
        )
        return None


def _ask(url: URL, query: Query[R]) -> R:
    async def ask() -> R:
        engine = make_engine(url, pool_size=1, overflow=0, pooled=True)  # works without one too
        try:
            async with make_sessions(engine)() as session:
                return await query(session)
        finally:
            await engine.dispose()

    return asyncio.run(ask())


def main() -> NoReturn:
    """Run a command; what is expected to go wrong ends with a sentence and status 1."""
    try:
        commands(prog_name="python -m app")
    except settings.WrongSettings as wrong:
        _fail(f"These settings are wrong:\n{wrong}", status=2)
    except (Refusal, embedded.NoDatabase, serve.CannotServe) as error:
        _fail(str(error))
    except Exception as error:
        if not is_away(error):
            raise
        _fail(f"The database cannot be reached ({type(error).__name__}). Is DATABASE_URL right?")
    sys.exit(0)


def _fail(message: str, status: int = 1) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
