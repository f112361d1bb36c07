"""``python -m app users import``, ``export`` and ``hashes``: importing and exporting users."""

import csv
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

import click
from sqlalchemy import URL, make_url

from app.cli.shared import database
from app.context import Context
from app.flows import transfer
from app.flows.transfer import Exported, HashKind, Imported
from app.kit.addresses import meant
from app.kit.errors import CannotRead
from app.kit.urls import asyncpg_url
from app.transfer import rows
from app.transfer.columns import CONFIRMATIONS, OWN, Reading
from app.transfer.rows import FileFormat, Problem, Row, Tick

SHOWN = 50
ENDINGS = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".json": FileFormat.JSONL,
}
STANDARD = "-"
FORMATS = click.Choice([form.value for form in FileFormat])
PRIVATE = 0o600
SQLITE = (".db", ".sqlite", ".sqlite3", ".db3")
SQLITE_BEGINS = b"SQLite format 3\0"
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
    last_login_at, otpauth (the address of an authenticator app). Only email is required. Use - for
    standard input.

    Either all come in or nobody. Users who are here already stay as they are: run it again freely.
    The exit status is 1 if there were problems. docs/coming-from-flask.md tells the rest.
    """
    opened = _opened(source, form, table)
    reading = Reading(_mapped(mapped), {_column(name) for name in ignored}, flask_security_salt)
    with database() as deployment, _told(report) as tell:
        reading = reading._replace(special_domains=deployment.config.allowed_special_domains)
        imported, columns = deployment.ask(
            lambda ctx: _import_users(
                ctx, opened, tell, reading, dry_run=dry_run, skip_bad=skip_bad
            ),
            seconds=None,
        )
        kinds = deployment.ask(
            lambda ctx: transfer.hash_kinds(ctx, rounds=deployment.config.bcrypt_rounds),
            seconds=None,
        )
    for sentence in [
        *_about_columns(columns, reading),
        *_summary(imported, kinds, dry_run=dry_run),
    ]:
        click.echo(sentence)
    if imported.problems:
        sys.exit(1)


@click.command("export")
@click.argument("file", default=STANDARD, type=click.Path(dir_okay=False))
@click.option("--format", "form", type=FORMATS, help="Default: taken from the file extension.")
def export_users(*, file: str, form: str | None) -> None:
    """Export all users with password hashes and authenticator apps, as import reads them.

    Creates FILE, readable only by you. Without FILE, prints to standard output.
    """
    written = _format(file, form or (FileFormat.CSV if file == STANDARD else None))
    with _exclusive(file) as output, database() as deployment:
        users = deployment.ask(lambda ctx: _export(ctx, output, written), seconds=None)
    click.echo(
        f"Exported {_users(users)} with their password hashes and authenticator apps. Keep the "
        "file private.",
        err=True,
    )


@click.command("hashes")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def show_hashes(*, as_json: bool) -> None:
    """Count the kinds of password hashes."""
    with database() as deployment:
        kinds = deployment.ask(
            lambda ctx: transfer.hash_kinds(ctx, rounds=deployment.config.bcrypt_rounds),
            seconds=None,
        )
    if as_json:
        click.echo(json.dumps([kind._asdict() for kind in kinds], indent=2))
        return
    width = max((len(kind.name) for kind in kinds), default=0)
    for kind in kinds:
        remark = "  outdated: replaced at the next sign-in" if kind.is_old else ""
        click.echo(f"{kind.name:{width}}  {kind.users:>9,}{remark}")
    if not kinds:
        click.echo("No user has a password yet.")


Source = tuple[AsyncIterator[Row | Problem], Collection[str]]
Opened = Callable[[Reading], AbstractAsyncContextManager[Source]]


def _opened(source: str, form: str | None, table: str | None) -> Opened:
    """Return how to open what people are read from; what is wrong with it is told now."""
    if "://" in source:
        if form:
            raise click.UsageError("--format only works with files.")
        try:
            url = make_url(asyncpg_url(source))
        except ValueError as error:
            raise click.BadParameter(f"SOURCE {error}.", param_hint="SOURCE") from None
        return partial(_database_rows, url, table)
    if source != STANDARD and not form and _is_sqlite(source):
        return partial(_sqlite_rows, source, table)
    if table:
        raise click.UsageError("--table only works with databases.")
    found = _format(source, form)
    if source != STANDARD and not Path(source).is_file():
        raise click.BadParameter(f"File {source} doesn't exist.", param_hint="SOURCE")
    return partial(_file_rows, source, found)


def _is_sqlite(name: str) -> bool:
    path = Path(name)
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            begins = file.read(len(SQLITE_BEGINS))
    except OSError:
        return False  # told when it is opened to be read
    return begins == SQLITE_BEGINS or path.suffix.lower() in SQLITE


def _mapped(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        column, _, own = each.rpartition("=")
        if not column or own not in OWN:
            raise click.BadParameter(
                f"“{each}” must be COLUMN=NAME. NAME is one of {', '.join(OWN)}.",
                param_hint="--map",
            )
        found[_column(column)] = own
    return found


def _column(name: str) -> str:
    return meant(name).lower()


def _format(name: str, form: str | None) -> FileFormat:
    found = form or ENDINGS.get(Path(name).suffix.lower())
    if found is None:
        raise click.UsageError(
            "Unknown format. Add --format csv or --format jsonl. Restore a dump (.sql) "
            "into a database first."
        )
    return FileFormat(found)


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
        imported = await transfer.import_users(
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


@asynccontextmanager
async def _database_rows(url: URL, table: str | None, reading: Reading) -> AsyncIterator[Source]:
    async with transfer.users_of(url, table=table, reading=reading) as users:
        with _bar(users.number) as tick:
            yield _ticking(users.rows, tick), users.columns


@asynccontextmanager
async def _sqlite_rows(name: str, table: str | None, reading: Reading) -> AsyncIterator[Source]:
    opened = transfer.users_of_file(name, table=table, reading=reading)
    with opened as users, _bar(users.number) as tick:
        yield _ticking(users.rows, tick), users.columns


async def _ticking(users: AsyncIterator[Row], tick: Tick) -> AsyncIterator[Row]:
    async for row in users:
        tick(1)
        yield row


@asynccontextmanager
async def _file_rows(name: str, form: FileFormat, reading: Reading) -> AsyncIterator[Source]:
    with _input(name) as file, _bar(os.fstat(file.fileno()).st_size) as tick:
        yield _one_by_one(rows.rows(file, form, tick, reading)), ()


async def _one_by_one(found: Iterator[Row | Problem]) -> AsyncIterator[Row | Problem]:
    for row in found:
        yield row


@contextmanager
def _input(name: str) -> Iterator[BinaryIO]:
    if name == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only its opening is refused
    except OSError as error:
        raise CannotRead(f"Couldn't read {name}: {error.strerror}.") from error
    with file:
        yield file


@contextmanager
def _bar(length: int) -> Iterator[Tick]:
    """Yield what moves a progress bar, if somebody looks."""
    if not length or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label="Reading", file=sys.stderr) as bar:
        yield bar.update


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
    with _private(name, os.O_TRUNC) as file:
        yield file


@contextmanager
def _exclusive(name: str) -> Iterator[TextIO]:
    """Yield a new file for people, which goes away again if they cannot all be written."""
    if name == STANDARD:
        yield sys.stdout
        return
    with _private(name, os.O_EXCL) as file:
        try:
            yield file
        except BaseException:
            Path(name).unlink()
            raise


def _private(name: str, flag: int) -> TextIO:
    try:
        number = os.open(name, os.O_WRONLY | os.O_CREAT | flag, PRIVATE)
    except FileExistsError:
        raise click.UsageError(f"{name} already exists. Choose another name.") from None
    except OSError as error:
        raise click.UsageError(f"Couldn't write {name}: {error.strerror}.") from None
    return os.fdopen(number, "w", encoding="utf-8", newline="")


async def _export(ctx: Context, output: TextIO, form: FileFormat) -> int:
    number = 0
    write = _csv_writer(output) if form is FileFormat.CSV else _json_writer(output)
    async for user in transfer.exported(ctx):
        _or_refuse(write, user, output)
        number += 1
    _or_refuse(lambda _: output.flush(), None, output)
    return number


W = TypeVar("W")


def _or_refuse(write: Callable[[W], object], what: W, output: TextIO) -> None:
    """Write, and refuse in a sentence if the disk is full or nobody reads on."""
    try:
        write(what)
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # what is left would be tried again at the exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        raise CannotRead(f"Couldn't write the users: {error.strerror}.") from error


def _csv_writer(output: TextIO) -> Callable[[Exported], object]:
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(Exported._fields)
    return lambda user: writer.writerow([rows.guarded(_cell(value)) for value in user])


def _json_writer(output: TextIO) -> Callable[[Exported], object]:
    return lambda user: output.write(
        json.dumps(user._asdict(), default=_cell, ensure_ascii=False) + "\n"
    )


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def _about_columns(columns: set[str], reading: Reading) -> Iterable[str]:
    unread = reading.unread(columns - {"id", "role_id"})
    if unread:
        yield f"Ignored columns: {', '.join(unread)}."
    if columns and CONFIRMATIONS.isdisjoint(map(reading.own, columns)):
        yield "No column says which email addresses are confirmed, so all count as confirmed."


def _summary(imported: Imported, kinds: list[HashKind], *, dry_run: bool) -> Iterable[str]:
    if imported.is_done or dry_run:
        yield f"{'Would import' if dry_run else 'Imported'} {_users(imported.users)}."
        yield from _hindered(imported)
    else:
        yield "No users imported."
    if imported.present:
        yield f"Already here, unchanged: {_users(imported.present)}."
    if imported.problems:
        hint = "" if imported.is_done else " To import the others, use --skip-bad."
        yield f"Problems: {imported.problems:,}.{hint}"
    old = sum(kind.users for kind in kinds if kind.is_old)
    if old:
        yield f"{_users(old)} with an outdated hash. Each is replaced at the next sign-in."


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


def _users(number: int) -> str:
    return "1 user" if number == 1 else f"{number:,} users"
