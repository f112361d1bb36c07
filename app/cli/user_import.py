"""``python -m app users import``: importing users."""

import csv
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

from app.cli.files import FORMATS, private, users_in_words
from app.cli.import_source import Opened, opener
from app.cli.shared import database
from app.context import Context
from app.flows import user_export, user_import
from app.flows.user_export import HashKind
from app.flows.user_import import Imported
from app.kit.addresses import meant
from app.transfer import rows
from app.transfer.columns import CONFIRMATIONS, OWN, Reading
from app.transfer.rows import Problem, Row

SHOWN = 50
MAP_HELP = "Rename a column: --map verified_flag=confirmed. Can be repeated."
IGNORE_HELP = "Skip a column that looks important. Can be repeated."
SALT_HELP = "Flask-Security's SECURITY_PASSWORD_SALT. Without it, no imported user could sign in."


@click.command("import")
@click.argument("source")
@click.option("--format", "form", type=FORMATS, help="Default: taken from the file extension.")
@click.option("--table", help="The database table. Default: user, users or auth_user.")
@click.option("--map", "mapped", multiple=True, metavar="COLUMN=NAME", help=MAP_HELP)
@click.option("--ignore", "ignored", multiple=True, metavar="COLUMN", help=IGNORE_HELP)
@click.option("--flask-security-salt", help=SALT_HELP)
@click.option("--dry-run", is_flag=True, help="Show what would happen, without changing anything.")
@click.option("--skip-bad", is_flag=True, help="Skip users with problems and import the others.")
@click.option(
    "--report", type=click.Path(dir_okay=False), help="Write the problems to this file, as CSV."
)
def import_users(
    *,
    source: str,
    form: str | None,
    table: str | None,
    mapped: tuple[str, ...],
    ignored: tuple[str, ...],
    flask_security_salt: str | None,
    dry_run: bool,
    skip_bad: bool,
    report: str | None,
) -> None:
    """Import users with their passwords.

    SOURCE is the PostgreSQL database of a Flask application (postgresql://user@host/name; its
    password can come from PGPASSWORD), an SQLite file, or a file with the columns email,
    username, password_hash, role, confirmed or confirmed_at, blocked or blocked_at, created_at,
    last_login_at. Only email is required. Use - for standard input.

    Either all come in or nobody. Users who are here already stay as they are: run it again freely.
    The exit status is 1 if there were problems. docs/coming-from-flask.md tells the rest.
    """
    opened = opener(source, form, table)
    with database() as deployment, _told(report) as tell:
        profile = deployment.site.profile
        reading = Reading(
            _mapped(mapped, [*OWN, *(each.name for each in profile)]),
            {_column(name) for name in ignored},
            flask_security_salt,
            deployment.config.allowed_special_domains,
            profile,
        )
        imported, columns = deployment.ask(
            lambda ctx: _import_users(
                ctx, opened, tell, reading, dry_run=dry_run, skip_bad=skip_bad
            ),
            seconds=None,
        )
        kinds = deployment.ask(
            lambda ctx: user_export.hash_kinds(ctx, rounds=deployment.config.bcrypt_rounds),
            seconds=None,
        )
    for sentence in [
        *_about_columns(columns, reading),
        *_summary(imported, kinds, dry_run=dry_run),
    ]:
        click.echo(sentence)
    if imported.problems:
        sys.exit(1)


def _mapped(given: tuple[str, ...], names: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        column, _, own = each.rpartition("=")
        if not column or own not in names:
            raise click.BadParameter(
                f"“{each}” must be COLUMN=NAME. NAME is one of {', '.join(names)}.",
                param_hint="--map",
            )
        found[_column(column)] = own
    return found


def _column(name: str) -> str:
    return meant(name).lower()


async def _import_users(
    ctx: Context,
    opened: Opened,
    tell: Callable[[Problem], None],
    reading: Reading,
    *,
    dry_run: bool,
    skip_bad: bool,
) -> tuple[Imported, set[str]]:
    async with opened(reading) as (source, known):
        columns = {column.lower() for column in known}
        imported = await user_import.import_users(
            ctx,
            rows=_noting(source, columns, reading),
            tell=tell,
            dry_run=dry_run,
            skip_bad=skip_bad,
            reading=reading,
        )
    return imported, columns


async def _noting(
    source: AsyncIterator[Row | Problem], columns: set[str], reading: Reading
) -> AsyncIterator[Row | Problem]:
    async for row in source:
        if isinstance(row, Row):
            columns.update(row.values)
        yield row
    reading.check_named(columns)  # of JSON lines the last may have another one


@contextmanager
def _told(report: str | None) -> Iterator[Callable[[Problem], None]]:
    """Yield what writes a problem down: the first ones for who looks, all into the report."""
    shown = 0
    with _report(report) as file:
        writer = csv.writer(file) if file else None
        if writer:
            writer.writerow(["line", "address", "column", "problem"])

        def tell(problem: Problem) -> None:
            nonlocal shown
            shown += 1
            if shown <= SHOWN:
                click.echo(_sentence(problem), err=True)
            elif shown == SHOWN + 1:
                click.echo("… and more. To get all of them, use --report FILE.", err=True)
            if writer:
                writer.writerow([problem.line, *map(rows.guarded, problem[1:])])

        yield tell


def _sentence(problem: Problem) -> str:
    about = [f"line {problem.line}", problem.address, problem.column]
    return f"{', '.join(part for part in about if part)}: {problem.sentence}"


@contextmanager
def _report(name: str | None) -> Iterator[TextIO | None]:
    if name is None:
        yield None
        return
    with private(name, os.O_TRUNC) as file:
        yield file


def _about_columns(columns: set[str], reading: Reading) -> Iterable[str]:
    unread = reading.unread(columns - {"id", "role_id"})
    if unread:
        yield f"Ignored columns: {', '.join(unread)}."
    if columns and CONFIRMATIONS.isdisjoint(map(reading.own, columns)):
        yield "No column says which email addresses are confirmed, so all count as confirmed."


def _summary(imported: Imported, kinds: list[HashKind], *, dry_run: bool) -> Iterable[str]:
    if imported.is_done or dry_run:
        yield f"{'Would import' if dry_run else 'Imported'} {users_in_words(imported.users)}."
        yield from _hindered(imported)
    else:
        yield "No users imported."
    if imported.present:
        yield f"Already here, unchanged: {users_in_words(imported.present)}."
    if imported.problems:
        hint = "" if imported.is_done else " To import the others, use --skip-bad."
        yield f"Problems: {imported.problems:,}.{hint}"
    old = sum(kind.users for kind in kinds if kind.is_old)
    if old:
        yield f"{users_in_words(old)} with an outdated hash. Each is replaced at the next sign-in."


def _hindered(imported: Imported) -> Iterable[str]:
    if imported.unconfirmed:
        yield (
            f"Not confirmed: {imported.unconfirmed:,} of them. They must choose a new password. To "
            "get the email for it, they sign in with the old one or use “Forgot your password?”."
        )
    if imported.without_password:
        yield (
            f"Without a password: {imported.without_password:,} of them. They can use “Forgot your "
            "password?” to choose one. Or create a link for them with “users create”."
            "username."
        )
