"""Opening the listening socket, and handing it to the supervisor."""

import asyncio
import errno
import json
import logging
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

from sqlalchemy import URL

from app.config import Config
from app.kit import logs
from app.kit.cpus import usable_cpus
from app.kit.urls import split_address
from app.runtime.children import CannotServe
from app.runtime.supervisor import Supervisor

__all__ = ["CannotServe", "listen", "listeners", "run", "run_mailer", "worker_count"]

log = logging.getLogger(__name__)

WORKERS_AT_LEAST = 2
CONNECTIONS_OF_A_REPLICA = 4  # its mailer's two, housekeeping's, its metrics'


def listen(bind: str, setting: str = "BIND") -> socket.socket:
    """Take an address; ``setting`` is the name under which it was asked for.

    The first worker that can answer begins to listen: a proxy shall not wait for a server that is
    still starting.

    Raises:
        CannotServe: the port is taken, or is not ours to take.
    """
    host, port = split_address(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotServe(_why_not(bind, setting, error)) from None
    return listener


class Listeners(NamedTuple):
    """The sockets of a server: for everybody, and for Prometheus if wanted."""

    public: socket.socket
    metrics: socket.socket | None


def listeners(config: Config) -> Listeners:
    """Open all sockets that the settings ask for.

    Raises:
        CannotServe: as ``listen``.
    """
    metrics = listen(config.metrics_bind, "METRICS_BIND") if config.metrics_bind else None
    return Listeners(listen(config.bind), metrics)


def run(
    config: Config,
    url: URL,
    sockets: Listeners,
    *,
    workers: int,
    with_mailer: bool,
    welcome: Sequence[str],
) -> None:
    """Serve until SIGTERM or Ctrl+C; print ``welcome`` once the first page can be had.

    Raises:
        CannotServe: a child dies at once, again and again.
    """
    stop_seconds = config.drain_seconds + config.grace_seconds
    if sockets.metrics is None and _is_a_program() and not config.is_laptop:
        told = {"workers": workers, "with_mailer": with_mailer, "welcome": welcome}
        _become_supervisor(sockets.public, {**told, "stop_seconds": stop_seconds})

    async def supervise() -> None:
        from app.runtime.exporter import exporting  # noqa: PLC0415 - few want it, and it is large

        supervisor = Supervisor(
            sockets.public, workers=workers, with_mailer=with_mailer, stop_seconds=stop_seconds
        )
        async with exporting(config, url, sockets.metrics, supervisor):
            await supervisor.run(welcome)

    asyncio.run(supervise())


def run_mailer(config: Config, url: URL, *, watch_stdin: bool) -> None:
    """Deliver emails and keep house until told to stop; alone it has metrics of its own.

    Raises:
        CannotServe: as ``listen``.
    """
    from app.runtime import background  # noqa: PLC0415 - the others need none of it
    from app.runtime.exporter import Alone, exporting  # noqa: PLC0415

    by_itself = config.metrics_bind is not None and not watch_stdin
    metrics = listen(config.metrics_bind or "", "METRICS_BIND") if by_itself else None

    async def work() -> None:
        async with exporting(config, url, metrics, Alone()):
            await background.run(config, url, watch_stdin=watch_stdin)

    asyncio.run(work())


def worker_count(config: Config, connections: int | None) -> int:
    """Return how many server processes there shall be, with ``connections`` to the database.

    None: it is not known yet how many the database allows.

    Raises:
        CannotServe: the workers asked for, on all replicas, need more.
    """
    wanted = config.workers or max(WORKERS_AT_LEAST, usable_cpus())
    if connections is None or config.database_pooled:
        return wanted
    each = config.connections_of_worker
    fitting = (connections // config.replicas - CONNECTIONS_OF_A_REPLICA) // each
    if wanted <= fitting:
        return wanted
    if config.workers or fitting < 1:
        raise CannotServe(
            f"{wanted} workers × {each} connections × {config.replicas} replicas (and a few more) "
            f"exceed the {connections} connections the database allows. Lower WORKERS, "
            "DATABASE_POOL_SIZE or DATABASE_POOL_OVERFLOW, or raise PostgreSQL's max_connections."
        )
    log.warning(
        "%d workers instead of %d: the database doesn't allow more connections", fitting, wanted
    )
    return fitting


def _is_a_program() -> bool:
    """Whether this is ``python -m app``: who imports us gets their own process back."""
    spec = sys.modules["__main__"].__spec__
    return spec is not None and spec.name == "app.__main__"


def _become_supervisor(listener: socket.socket, told: Mapping[str, object]) -> NoReturn:
    """Go on as a process that has read nothing of the application: a fifth of the memory."""
    listener.set_inheritable(True)
    told = {**told, "fd": listener.fileno(), "readable": logs.is_readable()}
    logs.finish()
    sys.stdout.flush()
    command = [sys.executable, "-m", "app.runtime.supervisor", json.dumps(told)]
    os.execv(sys.executable, command)  # noqa: S606 - our own program


def _why_not(bind: str, setting: str, error: OSError) -> str:
    host, port = split_address(bind)
    if error.errno == errno.EADDRINUSE:
        other = f"{host}:{port + 1000}"
        return f"{bind} is already in use. Stop the other program or use {setting}={other}"
    if error.errno == errno.EACCES:
        return f"{bind}: only root can use this port. Use one above 1023: {setting}={host}:8000"
    return f"Can't listen on {bind}: {error.strerror}"
