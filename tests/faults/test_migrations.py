"""Migrations run by many at once, one of them killed in the middle."""

import asyncio
import random
import subprocess
import sys
import time

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app import schema
from tests import databases
from tests.faults.conftest import Figure
from tests.server import ROOT, environment

pytestmark = pytest.mark.slow

SLOW_DDL = (
    """
    CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_sleep(0.05); END'
    """,
    "CREATE EVENT TRIGGER slow ON ddl_command_end EXECUTE FUNCTION slow()",
)
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


async def run(url: URL, *statements: str) -> object:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        for statement in statements:
            result = await connection.execute(text(statement))
        found: object = result.scalar() if result.returns_rows else None
    await engine.dispose()
    return found


def migrating(url: URL) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", "migrate"], cwd=ROOT, env=environment(url)
    )


async def test_ft_16_a_killed_migration_leaves_nothing_and_the_next_goes_on(
    worker_database: URL, figure: Figure
) -> None:
    found: list[object] = []
    with databases.fresh(worker_database) as url:
        await run(url, *SLOW_DDL)
        for _ in range(3):
            victim = migrating(url)
            busy = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            while await run(url, busy) == 0:  # noqa: ASYNC110 - another process'
                await asyncio.sleep(0.02)
            await asyncio.sleep(random.uniform(0, 1))  # noqa: S311
            victim.kill()
            victim.wait()
            found.append(await run(url, TABLES))
        begun = time.monotonic()
        others = [migrating(url) for _ in range(4)]
        others[2].kill()
        statuses = [await asyncio.to_thread(other.wait, 60) for other in others]
        seconds = time.monotonic() - begun
        engine = create_async_engine(url, poolclass=NullPool)
        at = await schema.revisions(engine)
        await engine.dispose()
    assert set(found) <= {0}, "half a schema"
    assert [status for number, status in enumerate(statuses) if number != 2] == [0] * 3
    assert at == {schema.OURS.head}
    figure(
        f"FT-16: 3 migrations killed in the middle: {found} tables left each time; then 4 at "
        f"once, one killed: the other 3 done in {seconds:.1f} s, at head"
    )
