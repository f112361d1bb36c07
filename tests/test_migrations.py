"""People sign in while a new version's indexes are built."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app import schema
from app.kit.passwords import hash_now
from tests import databases
from tests.users import ALICE

USERS = """
INSERT INTO users (email, email_key, username, username_key, password_hash, role_id, confirmed_at)
VALUES ('bob@example.com', 'bob@example.com', 'bob', 'bob', 'x', 1, now()),
    (:email, :email, :username, :username, :hash, 1, now())
"""
SIGN_IN = """
WITH alice AS (UPDATE users SET last_login_at = now() WHERE username = :username RETURNING id)
INSERT INTO login_sessions (digest, user_id, credential_version, remembered, expires_at, ip,
    user_agent)
SELECT sha256('secret'), id, 1, false, now() + interval '1 h', '192.0.2.7', 'a browser' FROM alice
"""  # what a program of that release writes
WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INDEX%'
"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid FROM pg_index
JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'public'::regnamespace ORDER BY 1
"""


@pytest.fixture
async def old(worker_database: URL) -> AsyncIterator[URL]:
    """Yield a database of the first release, with two people."""
    with databases.fresh(worker_database) as url:
        databases.in_thread(schema.migrate, url, revision="0003")
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.begin() as connection:
            someone = {"email": ALICE.email, "username": ALICE.username}
            password_hash = hash_now(ALICE.password, rounds=4)
            await connection.execute(text(USERS), {**someone, "hash": password_hash})
        await engine.dispose()
        yield url


async def indexes(url: URL) -> list[tuple[object, ...]]:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        found = [tuple(row) for row in await connection.execute(text(INDEXES))]
    await engine.dispose()
    return found


async def until_it_waits(connection: AsyncConnection) -> None:
    while not await connection.scalar(text(WAITS)):  # noqa: ASYNC110 - another process'
        await asyncio.sleep(0.02)


async def test_people_sign_in_while_indexes_are_built(old: URL) -> None:
    """Somebody's transaction holds the build up, so that it surely runs while another enters.

    A build in one transaction would ask for a lock behind which all others wait.
    """
    slow = create_async_engine(old, poolclass=NullPool)
    async with slow.connect() as bob, slow.connect() as watch:
        autocommit = await watch.execution_options(isolation_level="AUTOCOMMIT")
        await bob.execute(text("UPDATE users SET failures = 1 WHERE username = 'bob'"))
        migration = asyncio.create_task(asyncio.to_thread(schema.migrate, old))
        async with asyncio.timeout(20):
            await until_it_waits(autocommit)
        async with slow.begin() as alice:
            await alice.execute(text("SET LOCAL lock_timeout = '2s'"))
            await alice.execute(text(SIGN_IN), {"username": ALICE.username})
        assert not migration.done()
        await bob.rollback()
        await migration
    await slow.dispose()
    assert {valid for _, _, valid in await indexes(old)} == {True}


async def test_a_build_that_was_broken_off_is_done_again(old: URL, worker_database: URL) -> None:
    """Built in a database with people or in an empty one: the indexes are the same."""
    databases.execute(
        old,
        'CREATE UNIQUE INDEX ix_users_invited ON users (username_key COLLATE "C")'
        " WHERE password_hash IS NULL",
    )
    databases.execute(
        old,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_users_invited'::regclass",
    )
    await asyncio.to_thread(schema.migrate, old)
    assert await indexes(old) == await indexes(worker_database)
