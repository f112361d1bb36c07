"""A backup is made while visitors come; what was acknowledged before stands in it."""

import asyncio
import time

import pytest

from app import schema
from app.kit.keys import new_key
from tests import databases
from tests.faults.cluster import Cluster, cluster
from tests.faults.conftest import Figure
from tests.faults.servers import everywhere, sign_in
from tests.load import Journal, kept, registered, under_load
from tests.server import environment, serving
from tests.visitors import Visitor, execute

pytestmark = pytest.mark.slow

SITE = "http://localhost:8000"  # cookies are named by its port
USERS = 20_000
MANY_USERS = """
    INSERT INTO users (email, email_key, username, username_key, role_id, confirmed_at)
    SELECT they || '@example.com', they || '@example.com', they, they, id, now()
    FROM roles, (SELECT 'somebody' || generate_series(1, 20000) AS they) AS people
    WHERE is_default
"""
THEIR_SESSIONS = """
    INSERT INTO login_sessions (user_id, digest, credential_version, remembered, expires_at, ip,
                                user_agent)
    SELECT id, sha256(id::text::bytea), 1, true, now() + interval '30 days', '127.0.0.1', 'Mozilla'
    FROM users
"""


async def test_ft_20_a_backup_under_load_is_restored(own_cluster: Cluster, figure: Figure) -> None:
    url = own_cluster.url
    for statement in (MANY_USERS, THEIR_SESSIONS):
        await asyncio.to_thread(execute, url, statement)
    with serving(environment(url, WORKERS="2", PUBLIC_URL=SITE)) as server:
        keeper = await asyncio.to_thread(Visitor(server).create_user, "keeper")
        leaver = await asyncio.to_thread(Visitor(server).create_user, "leaver")
        stolen = leaver.cookies.copy()
        await asyncio.to_thread(leaver.ask, "POST", "/logout")
        leaver.cookies = stolen
        async with under_load(server.url, rate=20) as journal:
            await registered(journal, 8)
            before = Journal(registered=journal.registered.copy())
            begun = time.monotonic()
            dump = await asyncio.to_thread(own_cluster.dump)
            dumped = time.monotonic() - begun
    assert journal.failures() == []
    assert len(before.registered) >= 8
    size = dump.stat().st_size / 1e6
    with cluster(migrated=False) as fresh:
        begun = time.monotonic()
        await asyncio.to_thread(fresh.restore, dump)
        restored = time.monotonic() - begun
        databases.in_thread(schema.migrate, fresh.url)  # an upgrade may come with it
        await kept(fresh.url, before)
        users = await asyncio.to_thread(execute, fresh.url, "SELECT count(*) FROM users")
        assert users == USERS + 2
        with serving(environment(fresh.url, WORKERS="2", PUBLIC_URL=SITE)) as server:
            keeper.server = leaver.server = server
            assert await everywhere(keeper) == {True}
            assert await everywhere(leaver) == {False}
            assert sign_in(leaver, "leaver") == 303
        with serving(environment(fresh.url, WORKERS="2", SECRET_KEY=new_key())) as server:
            keeper.server = leaver.server = server
            assert await everywhere(keeper) == await everywhere(leaver) == {False}
            assert sign_in(keeper, "keeper") == 303
            assert await everywhere(keeper) == {True}
    figure(
        f"FT-20: {USERS} people and their sessions dumped in {dumped:.1f} s under "
        f"{len(journal.answers)} requests, 0 failed ({size:.1f} MB), restored in {restored:.1f} s: "
        f"all {len(before.registered)} registrations acknowledged before are there"
    )
