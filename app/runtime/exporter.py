"""Metrics in Prometheus' format, on a port of their own: of all children, and of the database."""

import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Protocol

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import URL

from app.config import Config
from app.context import operator_context
from app.db import Sessions, make_engine, make_sessions
from app.db_errors import is_away
from app.flows import delivery, factor_keys, login
from app.kit.counts import Snapshot, read
from app.kit.metrics import as_metrics, snapshot
from app.runtime.server import Server

CONNECTIONS_AT_MOST = 50
ASK_DATABASE_EVERY_SECONDS = 5


class Watcher(Protocol):
    """Who knows the processes that count."""

    def counted(self) -> Snapshot:
        """Return what all of them have counted."""

    def restarts(self) -> dict[str, int]:
        """Return how often each child was replaced because it died."""

    def working(self) -> int | None:
        """Return how many workers answer, None where there are none to answer."""


class Alone:
    """A process that has no children and counts for itself."""

    def counted(self) -> Snapshot:
        """Return what it has counted."""
        return read(snapshot())

    def restarts(self) -> dict[str, int]:
        """Return nothing: there is nobody to be replaced."""
        return {}

    def working(self) -> None:
        """Return None: it serves no pages."""


@asynccontextmanager
async def exporting(
    config: Config, url: URL, listener: socket.socket | None, watcher: Watcher
) -> AsyncIterator[None]:
    """Serve ``/metrics`` on the listener, if there is one, for as long as the block lasts."""
    if listener is None:
        yield
        return
    engine = make_engine(url, pool_size=1, overflow=0, pooled=config.database_pooled)
    server = Server(
        Exporter(watcher, config, make_sessions(engine)), most_connections=CONNECTIONS_AT_MOST
    )
    await server.start(listener)
    try:
        yield
    finally:
        await server.stop(grace_seconds=1)
        await engine.dispose()


class Exporter(Collector):
    """Answers ``GET /metrics``, and nothing else."""

    def __init__(self, watcher: Watcher, config: Config, sessions: Sessions) -> None:
        self._watcher = watcher
        self._config = config
        self._sessions = sessions
        self._asked = float(-ASK_DATABASE_EVERY_SECONDS)
        self._database: dict[str, float] = {}

    async def __call__(
        self,
        scope: Scope,
        receive: ASGIReceiveCallable,  # noqa: ARG002 - the protocol
        send: ASGISendCallable,
    ) -> None:
        """Be the ASGI application."""
        if scope["type"] != "http":
            return
        found = scope["path"] == "/metrics" and scope["method"] in {"GET", "HEAD"}
        if found:
            await self._ask_database()
        body = generate_latest(self) if found else b"Metrics are at /metrics.\n"
        kind = CONTENT_TYPE_LATEST if found else "text/plain; charset=utf-8"
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        status = 200 if found else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def collect(self) -> Iterator[Metric]:
        """Return all metrics."""
        yield from as_metrics(self._watcher.counted())
        working = self._watcher.working()
        if working is not None:
            yield GaugeMetricFamily("vestibule_workers", "Workers that respond", value=working)
        restarts = CounterMetricFamily(
            "vestibule_restarts", "Processes restarted because they died", labels=["child"]
        )
        for child, times in self._watcher.restarts().items():
            restarts.add_metric([child], times)
        yield restarts
        for name, value in self._database.items():
            yield GaugeMetricFamily(f"vestibule_{name}", _WORDS[name], value=value)

    async def _ask_database(self) -> None:
        if time.monotonic() - self._asked < ASK_DATABASE_EVERY_SECONDS:
            return
        self._asked = time.monotonic()
        try:
            async with self._sessions() as db:
                ctx = operator_context(db, self._config)
                waiting = await delivery.waiting(ctx)
                live = await login.live_sessions(ctx)
                with_factor = await factor_keys.count_people(ctx)
            self._database = {
                "database_up": 1,
                "login_sessions": live,
                "users_with_factor": with_factor,
                "emails_waiting": waiting.count,
                "emails_oldest_seconds": waiting.oldest_seconds,
            }
        except Exception as error:
            if not is_away(error):
                raise
            self._database = {"database_up": 0}


_WORDS = {
    "database_up": "Whether the database answers",
    "login_sessions": "Active sessions",
    "users_with_factor": "Users with a second factor",
    "emails_waiting": "Emails waiting to be sent",
    "emails_oldest_seconds": "How long the oldest of them has been waiting",
}
