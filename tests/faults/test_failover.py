"""The primary dies; its standby is promoted; the server follows by itself."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from app.kit.urls import asyncpg_url
from tests.faults.cluster import Cluster, pipe
from tests.faults.conftest import Figure
from tests.faults.servers import only_503, until_ready
from tests.load import kept, registered, under_load
from tests.server import environment, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def standby(own_cluster: Cluster) -> Iterator[Cluster]:
    home = Path(tempfile.mkdtemp(prefix="vf-", dir="/tmp"))
    home.chmod(0o755)
    made = own_cluster.standby(home)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(home, ignore_errors=True)


def both(first: URL, second: URL) -> URL:
    """Return the address that names two hosts."""
    hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
    return make_url(asyncpg_url(f"postgresql://postgres@{hosts}/vestibule?ssl=disable"))


@pytest.mark.parametrize("how", ["dead", "silent"])
async def test_the_server_follows_the_primary(
    own_cluster: Cluster, standby: Cluster, figure: Figure, how: str
) -> None:
    with pipe(own_cluster) as (way, one), pipe(standby) as (_, two):
        with serving(environment(both(one, two), WORKERS="2")) as server:
            async with under_load(server.url, rate=20) as journal:
                await registered(journal, 5)
                if how == "silent":
                    way.silent = True
                await asyncio.to_thread(own_cluster.kill)
                await asyncio.to_thread(standby.promote)
                promoted = time.monotonic()
                ready = await until_ready(server, seconds=20)
                await registered(journal, len(journal.registered) + 5)
            async with under_load(server.url, rate=20, seconds=1) as after:
                pass
        only_503(journal, server)
        assert after.failures() == []
        assert len(journal.registered) >= 10
        await kept(standby.url, journal)
    last = max(failure.sent_at for failure in journal.failures()) - promoted
    figure(
        f"Failover (old primary {how}): {dict(journal.statuses())}, {len(journal.registered)} "
        f"registrations acknowledged, 0 lost; last 503 asked {max(0, last):.1f} s after the "
        f"promotion, slowest answer {journal.slowest():.1f} s, ready asked after {ready:.2f} s"
    )
