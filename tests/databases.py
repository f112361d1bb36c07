"""Databases of their own for test workers."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app import schema
from app.models import Base

EMPTY = "TRUNCATE " + ", ".join(
    table.name for table in Base.metadata.sorted_tables if table.name != "roles"
)

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do something that runs an event loop of its own where there is one already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work, *args, **kwargs).result()


@contextmanager
def migrated(server: URL) -> Iterator[URL]:
    """Make a database with all tables, and drop it at the end."""
    with fresh(server) as url:
        in_thread(schema.migrate, url)
        yield url


@contextmanager
def fresh(server: URL) -> Iterator[URL]:
    """Make an empty database on a server, and drop it at the end."""
    name = f"test_{uuid.uuid4().hex}"
    _run(_execute(server, f"CREATE DATABASE {name}"))
    try:
        yield server.set(database=name)
    finally:
        _run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


def execute(database: URL, statement: str) -> None:
    """Run a statement, from where no event loop runs or from where one does."""
    _run(_execute(database, statement))


def _run(work: Coroutine[None, None, None]) -> None:
    in_thread(asyncio.run, work)


async def _execute(server: URL, statement: str) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
