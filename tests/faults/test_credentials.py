"""The database's password is changed while visitors come."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.faults.conftest import Figure
from tests.faults.servers import only_503, said, status, until_ready
from tests.load import under_load
from tests.server import environment, serving
from tests.visitors import execute

pytestmark = pytest.mark.slow

HANG_UP = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'house'"


async def test_a_refused_password_is_a_503_until_the_new_one_is_known(
    own_cluster: Cluster, tmp_path: Path, figure: Figure
) -> None:
    await asyncio.to_thread(own_cluster.ask_for_passwords, "house", "first")
    password = tmp_path / "database_password"
    password.write_text("first")
    url = own_cluster.url.set(username="house")
    with serving(environment(url, WORKERS="2", DATABASE_PASSWORD_FILE=str(password))) as server:
        await said(server, "SMTP_URL isn't set")
        async with under_load(server.url, rate=20) as journal:
            for statement in ("ALTER ROLE house PASSWORD 'second'", HANG_UP):
                await asyncio.to_thread(execute, own_cluster.url, statement)
            await asyncio.sleep(1)
            assert await asyncio.to_thread(status, server, "/health/ready") == 503
            password.write_text("second")
            server.process.send_signal(signal.SIGHUP)
            await said(server, "all workers replaced")
            await until_ready(server, seconds=10)
        async with under_load(server.url, rate=20, seconds=1) as after:
            pass
        only_503(journal, server)
        assert "Traceback" not in server.log
    assert journal.failures() != []
    assert after.failures() == []
    figure(f"Another database password: {dict(journal.statuses())} while it changes, then no 503")
