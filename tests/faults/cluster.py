"""A PostgreSQL of its own for a fault, and a pipe to it that can be slow or silent."""

import asyncio
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from sqlalchemy import URL, make_url

from app import embedded, schema
from tests import databases

ACCEPTS_SECONDS = 30


class Cluster:
    """A durable PostgreSQL that can be restarted, killed and frozen."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._database = embedded._PrivateDatabase(home)

    @property
    def url(self) -> URL:
        """Where its database is; the same after every start."""
        host = str(self._home / embedded.CLUSTER)
        return make_url("postgresql+asyncpg://postgres@/vestibule").set(query={"host": host})

    @property
    def socket(self) -> str:
        return str(self._home / embedded.CLUSTER / ".s.PGSQL.5432")

    def start(self) -> float:
        """Start it; return when it took connections again."""
        self._database.start(durable=True)
        return time.monotonic()

    def standby(self, home: Path) -> "Cluster":
        """Start a standby of it elsewhere; from then on no commit is acknowledged without it."""
        hba = self._home / embedded.CLUSTER / "pg_hba.conf"
        hba.write_text(hba.read_text() + "local replication postgres trust\n")
        self._database._pg_ctl("reload")
        made = Cluster(home)
        target = home / embedded.CLUSTER
        made._database._open_to_user()
        made._database._make_own_dir(target)
        self._database._run(
            "pg_basebackup", "-h", str(self._home / embedded.CLUSTER), "-U", "postgres",
            "-D", str(target), "-R", "-X", "stream", "--checkpoint=fast",
        )  # fmt: skip
        (target / ".s.PGSQL.5432.lock").unlink()  # the copy of the primary's
        made._database.start(durable=True)
        for setting in ("synchronous_standby_names = '*'", "synchronous_commit = remote_apply"):
            self._psql(f"ALTER SYSTEM SET {setting}")
        self._database._pg_ctl("reload")
        return made

    def promote(self) -> None:
        """Make a standby the primary."""
        self._database._pg_ctl("promote", "-w")

    def ask_for_passwords(self, role: str, password: str) -> None:
        """Make a role that has to say its password."""
        hba = self._home / embedded.CLUSTER / "pg_hba.conf"
        hba.write_text(f"local all {role} scram-sha-256\n{hba.read_text()}")
        self._psql(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{password}'")
        self._database._pg_ctl("reload")

    def dump(self) -> Path:
        """Write a backup of its database to a file, and return that."""
        place = self._home / "backup"
        self._database._make_own_dir(place)
        self._database._run(
            "pg_dump", "-h", str(self._home / embedded.CLUSTER), "-U", "postgres",
            "--format=custom", "--file", str(place / "dump"), embedded.DATABASE,
        )  # fmt: skip
        return place / "dump"

    def restore(self, dump: Path) -> None:
        """Fill its empty database from a backup."""
        self._database._run(
            "pg_restore", "-h", str(self._home / embedded.CLUSTER), "-U", "postgres",
            "--exit-on-error", "--dbname", embedded.DATABASE, str(dump),
        )  # fmt: skip

    def _psql(self, statement: str) -> None:
        self._database._run("psql", "-h", str(self._home / embedded.CLUSTER), "-c", statement)

    def stop(self) -> None:
        """Stop it as ``pg_ctl -m fast`` does."""
        if self._database.is_running():
            self._database.stop()

    def kill(self) -> None:
        """Kill all of its processes at once, as a power cut would."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.wait(10)

    def freeze(self) -> None:
        for process in self.processes():
            process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self.processes():
            process.send_signal(signal.SIGCONT)

    def backends(self) -> int:
        """Return how many connections it serves."""
        names = [" ".join(process.cmdline()) for process in self.processes()]
        return sum("postgres vestibule" in name for name in names)

    def processes(self) -> list[psutil.Process]:
        """Return the postmaster and its children."""
        pid_file = self._home / embedded.CLUSTER / "postmaster.pid"
        try:
            postmaster = psutil.Process(int(pid_file.read_text().splitlines()[0]))
            return [postmaster, *postmaster.children(recursive=True)]
        except (psutil.NoSuchProcess, FileNotFoundError):
            return []


@contextmanager
def cluster(*, migrated: bool = True) -> Iterator[Cluster]:
    """Have a PostgreSQL of its own, with all tables."""
    home = Path(tempfile.mkdtemp(prefix="vf-", dir="/tmp"))
    home.chmod(0o755)
    made = Cluster(home)
    try:
        made.start()
        if migrated:
            databases.in_thread(schema.migrate, made.url)
        yield made
    finally:
        made.thaw()
        made.stop()
        shutil.rmtree(home, ignore_errors=True)


class Pipe:
    """A TCP port that leads to a Unix socket: ``delay`` seconds late, or ``silent``."""

    def __init__(self, to: str) -> None:
        self.delay = 0.0
        self.silent = False
        self._to = to
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> int:
        """Begin to listen; return the port."""
        self._thread.start()
        future = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        return future.result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_unix_connection(self._to)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass on, half of the delay in each direction; while silent, keep what comes."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                while self.silent:  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(0.05)
                if not data:
                    break
                sink.write(data)
                with suppress(ConnectionError):
                    await sink.drain()
            sink.close()

        delivering = asyncio.create_task(deliver())
        try:
            while True:
                try:
                    data = await source.read(65536)
                except ConnectionError:
                    data = b""
                waiting.put_nowait((loop.time() + self.delay / 2, data))
                if not data:
                    break
            await delivering
        finally:
            delivering.cancel()
            sink.close()


@contextmanager
def pipe(cluster: Cluster) -> Iterator[tuple[Pipe, URL]]:
    """Have a TCP way to a cluster; yield it and the database's address by it."""
    made = Pipe(cluster.socket)
    port = made.open()
    try:
        yield (
            made,
            make_url(f"postgresql+asyncpg://postgres@127.0.0.1:{port}/vestibule?ssl=disable"),
        )
    finally:
        made.close()


def is_root() -> bool:
    return os.geteuid() == 0
