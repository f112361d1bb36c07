"""The command line: ``python -m app …``."""

import logging
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click
from sqlalchemy import URL, make_url

from app import config as settings
from app import embedded, schema, site
from app.cli.shared import (
    Deployment,
    connections_of,
    database,
    read_config,
    running_database,
    tell_unmigrated,
)
from app.complaints import complaint
from app.config import Config
from app.db import database_url
from app.kit.errors import Refusal
from app.kit.findings import Finding
from app.kit.keys import new_key
from app.kit.shares import Share
from app.runtime import preload, serve
from app.words.refusals import sentence as words_of

log = logging.getLogger(__name__)

# By the name of their module in ``app.cli``: each is imported when it is asked for.
LOOKING_AFTER = (
    "audit",
    "doctor",
    "housekeeping",
    "emails",
    "factors",
    "groups",
    "registrations",
    "roles",
    "sessions",
    "shell",
    "site",
    "sites",
    "tokens",
    "users",
)


class Commands(click.Group):
    """The commands, of which a process imports only its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, in order."""
        return sorted([*super().list_commands(ctx), *LOOKING_AFTER])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None if there is none of this name."""
        if cmd_name not in LOOKING_AFTER:
            return super().get_command(ctx, cmd_name)
        found: click.Command = getattr(import_module(f"app.cli.{cmd_name}"), cmd_name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Vestibule, the sign-in service for your site."""


@commands.command("serve")
@click.option("--mailer", "with_mailer", is_flag=True, help="Also send emails.")
@click.option("--reload", "with_reload", is_flag=True, help="Restart when a file changes.")
def serve_command(*, with_mailer: bool, with_reload: bool) -> None:
    """Serve the site until Ctrl+C or SIGTERM. SIGHUP replaces the workers one by one.

    They read settings anew; a new version of the program needs a restart.

    Without DATABASE_URL, this starts and migrates a private PostgreSQL under DATA_DIR, and also
    sends emails.
    """
    if with_reload:
        from app.runtime import reload  # noqa: PLC0415 - for whoever writes pages

        reload.run(read_config().site, ["--mailer"] if with_mailer else [])
        return
    if sys.stdin is None or not sys.stdin.isatty():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the supervisor takes it
    fork_server = preload.start(run)  # before there is a thread, a loop, a secret
    config = read_config()
    for sentence in settings.mistyped():
        log.warning(sentence)
    own = site.load(config.site)  # a mistake in it is told before anything starts
    if own.name:
        from app import wiring  # noqa: PLC0415 - without a site there is nothing to check

        wiring.check(config)
    sockets = serve.listeners(config)
    if not config.is_laptop:
        url = database_url(config)
        workers = serve.worker_count(config, connections_of(Deployment(config, url)))
        welcome = [f"{config.site_name} is running at {config.public_url}"]
        serve.run(
            config, url, sockets, workers=workers, with_mailer=with_mailer, welcome=welcome,
            fork_server=fork_server,
        )  # fmt: skip
        return
    from app.flows import access  # noqa: PLC0415
    from app.runtime import laptop  # noqa: PLC0415 - a deployment needs none of it

    with embedded.claimed(config.data_dir):
        embedded.stop_leftover(config.data_dir)
        with embedded.served(config.data_dir) as text:
            url = make_url(text)
            schema.migrate(url, own)
            tell_unmigrated(url, own)
            workers = serve.worker_count(config, connections_of(Deployment(config, url)))
            has_administrator = Deployment(config, url).ask(access.has_administrator)
            words = laptop.welcome(config, workers=workers, has_administrator=has_administrator)
            serve.run(
                config, url, sockets, workers=workers, with_mailer=True, welcome=words,
                fork_server=fork_server,
            )  # fmt: skip


@commands.command()
def migrate() -> None:
    """Update the database schema. Several at once take turns."""
    with database(creating=True) as deployment:
        deployment.ask(lambda ctx: schema.check_encoding(ctx.db))
        schema.migrate(deployment.url, deployment.site)
        tell_unmigrated(deployment.url, deployment.site)
    click.echo("Database is up to date.")


@commands.command("secret-key")
def secret_key() -> None:
    """Print a new secret key, for SECRET_KEY."""
    click.echo(new_key())


@commands.command("mailer")
@click.option("--watch-stdin", is_flag=True, hidden=True)
def mailer_command(*, watch_stdin: bool) -> None:
    """Send the emails in the outbox until Ctrl+C or SIGTERM.

    They go to the mail server in SMTP_URL or, without one, to the log.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # meant for workers: it has nothing to replace
    config = read_config()
    serve.run_mailer(config, running_database(config), watch_stdin=watch_stdin)


@commands.command("worker", hidden=True)
@click.option("--socket-fd", type=int, required=True)
@click.option("--shares-fd", type=int, required=True)
@click.option("--slot", type=int, required=True)
def worker_command(*, socket_fd: int, shares_fd: int, slot: int) -> None:
    """Be one server process of ``serve``."""
    config = read_config()
    from app.runtime import worker  # noqa: PLC0415 - the others need none of it

    share = Share(shares_fd, slot)
    url = running_database(config)
    worker.run(config, url, socket_fd=socket_fd, share=share, doctor=_examine)


async def _examine(config: Config, url: URL) -> list[Finding]:
    from app.doctor import page  # noqa: PLC0415 - few ask for it

    return await page.look(config, url)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command; what is expected to go wrong ends with a sentence and status 1."""
    try:
        commands(arguments, prog_name="python -m app")
    except settings.WrongSettings as wrong:
        _fail(f"Some settings are wrong:\n{wrong}", status=2)
    except site.WrongSite as wrong:
        _fail(str(wrong), status=2)
    except Refusal as refusal:
        _fail(words_of(refusal))
    except (embedded.NoDatabase, serve.CannotServe, schema.WrongDatabase) as error:
        _fail(str(error))
    except Exception as error:
        why = complaint(error, _given_database())
        if why is None:
            raise
        _fail(why)
    sys.exit(0)


def _given_database() -> URL | None:
    config = settings.load()
    return None if config.is_laptop else database_url(config)


def _fail(message: str, status: int = 1) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(status)
