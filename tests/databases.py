"""Databases of their own for test workers."""

import asyncio
import os
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app import schema
from app.models import Base
from app.testing import run_statement

TEMPLATE = "VESTIBULE_TEST_TEMPLATE"
MANY = 1000
_TABLES = ", ".join(
    table.name for table in reversed(Base.metadata.sorted_tables) if table.name != "roles"
)
# To delete few rows takes a hundredth of the time of TRUNCATE, which makes new files.
EMPTY = f"""
DO $$ DECLARE
    emptied text;
    gone bigint;
BEGIN
    FOREACH emptied IN ARRAY '{{{_TABLES}}}'::text[] LOOP
        EXECUTE 'DELETE FROM ' || emptied;
        GET DIAGNOSTICS gone = ROW_COUNT;
        IF gone > {MANY} THEN
            EXECUTE 'TRUNCATE ' || emptied || ' CASCADE';
        END IF;
    END LOOP;
END $$
"""  # noqa: S608 - our own names

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do something that runs an event loop of its own where there is one already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work, *args, **kwargs).result()


@contextmanager
def template(server: URL) -> Iterator[str]:
    """Make the database that all others are copied from; nobody may be connected to it."""
    with fresh(server) as url:
        schema.migrate(url)
        yield str(url.database)


@contextmanager
def migrated(server: URL) -> Iterator[URL]:
    """Make a database with all tables, and drop it at the end."""
    with fresh(server, like=f"TEMPLATE {os.environ[TEMPLATE]}") as url:
        yield url


@contextmanager
def fresh(server: URL, *, like: str = "") -> Iterator[URL]:
    """Make an empty database on a server, and drop it at the end."""
    name = f"test_{uuid.uuid4().hex}"
    _run(run_statement(server, f"CREATE DATABASE {name} {like}"))
    try:
        yield server.set(database=name)
    finally:
        _run(run_statement(server, f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def broom(database: URL) -> Iterator[Callable[[], None]]:
    """Yield what empties all tables but the roles, by a connection that stays open."""
    engine = create_async_engine(database, isolation_level="AUTOCOMMIT", pool_pre_ping=True)

    async def sweep() -> None:
        async with engine.connect() as connection:
            await connection.execute(text(EMPTY))

    runner = asyncio.Runner()
    with ThreadPoolExecutor(1) as thread:  # where no other event loop runs
        yield lambda: thread.submit(runner.run, sweep()).result()
        thread.submit(runner.run, engine.dispose()).result()
        thread.submit(runner.close).result()


def execute(database: URL, statement: str) -> None:
    """Run a statement, from where no event loop runs or from where one does."""
    _run(run_statement(database, statement))


def _run(work: Coroutine[None, None, None]) -> None:
    in_thread(asyncio.run, work)
