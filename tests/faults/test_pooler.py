"""The database stands behind pgbouncer, which goes away and comes back under load."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

from app import embedded
from tests.faults.cluster import Cluster, is_root
from tests.faults.conftest import Figure
from tests.faults.servers import only_503, until_ready
from tests.load import kept, registered, under_load
from tests.server import ROOT, environment, free_port, serving
from tests.visitors import Visitor, execute

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
]

# The lines that docs/operations.md asks for, and a pool that is smaller than the server's own.
SETTINGS = """
[databases]
vestibule = host={socket} user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 500
"""
FOR_SESSIONS = (
    "ignore_startup_parameters = "
    "statement_timeout,lock_timeout,idle_in_transaction_session_timeout,"
    "default_transaction_isolation,search_path\n"
)
OF_THE_ROLE = {
    "statement_timeout": "2500ms",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
}


class Pooler:
    """A pgbouncer before a cluster."""

    def __init__(self, cluster: Cluster, *, mode: str, size: int) -> None:
        self.port = free_port()
        home = Path(cluster.socket).parent.parent
        self._settings = home / "pgbouncer.ini"
        self._log = home / "pgbouncer.log"
        socket = str(Path(cluster.socket).parent)
        settings = SETTINGS.format(socket=socket, port=self.port, mode=mode, size=size)
        self._settings.write_text(settings + (FOR_SESSIONS if mode == "session" else ""))

    @property
    def url(self) -> URL:
        return URL.create(
            "postgresql+asyncpg", "postgres", host="127.0.0.1", port=self.port,
            database="vestibule", query={"ssl": "disable"},
        )  # fmt: skip

    def start(self) -> None:
        assert PROGRAM
        user = embedded.UNPRIVILEGED if is_root() else None
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [PROGRAM, str(self._settings)], stdout=log, stderr=log, user=user,
                group="nogroup" if is_root() else None, extra_groups=[] if is_root() else None,
            )  # fmt: skip

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)
        self._process.wait(10)


@contextmanager
def pooler(cluster: Cluster, *, mode: str, size: int) -> Iterator[Pooler]:
    """Have a pgbouncer before a cluster whose role has the settings that pgbouncer drops."""
    for name, value in OF_THE_ROLE.items():
        cluster._psql(f"ALTER ROLE postgres SET {name} = '{value}'")
    made = Pooler(cluster, mode=mode, size=size)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def run(*command: str, environ: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "app", *command], cwd=ROOT, env=environ, check=True)


@pytest.fixture(params=["transaction", "session"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_server_works_through_pgbouncer_and_survives_its_restart(
    own_cluster: Cluster, figure: Figure, mode: str
) -> None:
    by_transaction = mode == "transaction"
    with pooler(own_cluster, mode=mode, size=5 if by_transaction else 40) as way:
        environ = environment(
            way.url, WORKERS="2", DATABASE_POOLED="true" if by_transaction else "false"
        )
        for command in (["migrate"], ["migrate"], ["users", "list"], ["users", "list"]):
            await asyncio.to_thread(run, *command, environ=environ)
        with serving(environ) as server:
            walker = await asyncio.to_thread(Visitor(server).create_user, "walker")
            assert await asyncio.to_thread(walker.is_in) == {True}
            async with under_load(server.url, rate=40, seconds=3) as journal:
                await asyncio.to_thread(Visitor(server).create_user, "other")
            assert journal.failures() == []
            async with under_load(server.url, rate=20) as broken:
                await registered(broken, 4)
                await asyncio.to_thread(way.stop)
                await asyncio.sleep(1)
                way.start()
                back = time.monotonic()
                await until_ready(server, seconds=20)
                await registered(broken, len(broken.registered) + 4)
            assert await asyncio.to_thread(walker.is_in) == {True}
            assert walker.ask("POST", "/logout").status == 303
            assert await asyncio.to_thread(walker.is_in) == {False}
            shown = await asyncio.to_thread(execute, way.url, "SHOW statement_timeout")
        only_503(broken, server)
        assert "Traceback" not in server.log
    assert shown == "2500ms"
    journal.registered += broken.registered
    await kept(own_cluster.url, journal)
    last = max((failure.sent_at for failure in broken.failures()), default=back) - back
    figure(
        f"pgbouncer, {mode} mode: {dict(journal.statuses())} before, {dict(broken.statuses())} "
        f"with a restart of 1 s, last 503 asked {max(0, last):.1f} s after it, "
        f"{len(journal.registered)} registrations acknowledged, 0 lost"
    )
