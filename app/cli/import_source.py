"""Opening what users are imported from: a database, an SQLite file, a file or a pipe."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click
from sqlalchemy import URL, make_url

from app.cli.files import STANDARD, format_of
from app.flows import import_source
from app.kit.errors import CannotRead
from app.kit.urls import asyncpg_url
from app.transfer import rows
from app.transfer.columns import Reading
from app.transfer.rows import FileFormat, Problem, Row, Tick

SQLITE = (".db", ".sqlite", ".sqlite3", ".db3")
SQLITE_BEGINS = b"SQLite format 3\0"
Source = tuple[AsyncIterator[Row | Problem], Collection[str]]
Opened = Callable[[Reading], AbstractAsyncContextManager[Source]]


def opener(source: str, form: str | None, table: str | None) -> Opened:
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
    found = format_of(source, form)
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


@asynccontextmanager
async def _database_rows(url: URL, table: str | None, reading: Reading) -> AsyncIterator[Source]:
    async with import_source.users_of(url, table=table, reading=reading) as users:
        with _bar(users.number) as tick:
            yield _ticking(users.rows, tick), users.columns


@asynccontextmanager
async def _sqlite_rows(name: str, table: str | None, reading: Reading) -> AsyncIterator[Source]:
    opened = import_source.users_of_file(name, table=table, reading=reading)
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
        raise CannotRead("file", name=name, why=error.strerror) from error
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
