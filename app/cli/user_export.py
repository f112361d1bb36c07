"""``python -m app users export`` and ``hashes``: exporting users, and what their hashes are."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO, TypeVar

import click

from app.cli.files import FORMATS, STANDARD, format_of, private, users_in_words
from app.cli.shared import database
from app.context import Context
from app.flows import user_export
from app.flows.user_export import Exported
from app.kit.errors import CannotRead
from app.transfer import rows
from app.transfer.rows import FileFormat


@click.command("export")
@click.argument("file", default=STANDARD, type=click.Path(dir_okay=False))
@click.option("--format", "form", type=FORMATS, help="Default: taken from the file extension.")
def export_users(*, file: str, form: str | None) -> None:
    """Export all users with their password hashes, in the format that import reads.

    Creates FILE, readable only by you. Without FILE, prints to standard output.
    """
    written = format_of(file, form or (FileFormat.CSV if file == STANDARD else None))
    with _exclusive(file) as output, database() as deployment:
        users = deployment.ask(lambda ctx: _export(ctx, output, written), seconds=None)
    click.echo(
        f"Exported {users_in_words(users)} with their password hashes. Keep the file private.",
        err=True,
    )


@click.command("hashes")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def show_hashes(*, as_json: bool) -> None:
    """Count the kinds of password hashes."""
    with database() as deployment:
        kinds = deployment.ask(
            lambda ctx: user_export.hash_kinds(ctx, rounds=deployment.config.bcrypt_rounds),
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


@contextmanager
def _exclusive(name: str) -> Iterator[TextIO]:
    """Yield a new file for people, which goes away again if they cannot all be written."""
    if name == STANDARD:
        yield sys.stdout
        return
    with private(name, os.O_EXCL) as file:
        try:
            yield file
        except BaseException:
            Path(name).unlink()
            raise


async def _export(ctx: Context, output: TextIO, form: FileFormat) -> int:
    number = 0
    names = [each.name for each in ctx.site.profile]
    write = _csv_writer(output, names) if form is FileFormat.CSV else _json_writer(output, names)
    async for user in user_export.exported(ctx):
        _or_refuse(write, user, output)
        number += 1
    _or_refuse(lambda _: output.flush(), None, output)
    return number


W = TypeVar("W")
OWN_COLUMNS = [name for name in Exported._fields if name != "profile"]


def _or_refuse(write: Callable[[W], object], what: W, output: TextIO) -> None:
    """Write, and refuse in a sentence if the disk is full or nobody reads on."""
    try:
        write(what)
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # what is left would be tried again at the exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        raise CannotRead("unwritable", why=error.strerror) from error


def _csv_writer(output: TextIO, names: Sequence[str]) -> Callable[[Exported], object]:
    writer = csv.DictWriter(output, [*OWN_COLUMNS, *names], lineterminator="\n")
    writer.writeheader()
    return lambda user: writer.writerow(
        {column: rows.guarded(_cell(value)) for column, value in _columns(user, names).items()}
    )


def _json_writer(output: TextIO, names: Sequence[str]) -> Callable[[Exported], object]:
    return lambda user: output.write(
        json.dumps(_columns(user, names), default=_cell, ensure_ascii=False) + "\n"
    )


def _columns(user: Exported, names: Sequence[str]) -> dict[str, object]:
    """Return what is written of a user: the site's own fields are columns like any other."""
    profile = user.profile or {}
    own = {column: getattr(user, column) for column in OWN_COLUMNS}
    return own | {name: profile.get(name) for name in names}


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)
