"""One server process, on a socket that the supervisor opened."""

import asyncio
import logging
import signal
import socket

import uvloop
from quart import Quart
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from app import create_app
from app.config import Config
from app.kit.collector import spare_the_collector
from app.kit.metrics import POOL_IN_USE, POOL_SIZE
from app.kit.reports import Reporter
from app.kit.shares import Share
from app.kit.stopping import stop_event
from app.runtime.server import Server
from app.services import DOCTOR, EXTENSION, Doctor, Services, drain

log = logging.getLogger(__name__)

FIRST_TEMPLATES = ("login.html", "home.html", "secret.html", "error.html", "account/overview.html")


def run(config: Config, url: URL, *, socket_fd: int, share: Share, doctor: Doctor) -> None:
    """Serve until the supervisor says stop or is gone; requests in flight finish.

    SIGTERM: others shall look elsewhere first, so new connections are still taken for
    ``DRAIN_SECONDS`` while readiness says no. SIGINT: at once.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, url, socket.socket(fileno=socket_fd), share, doctor))


async def _serve(
    config: Config, url: URL, listener: socket.socket, share: Share, doctor: Doctor
) -> None:
    stop = stop_event(watch_stdin=True)
    app = create_app(config, url, share)
    app.extensions[DOCTOR] = doctor
    server = Server(app, most_connections=config.worker_connections, share=share)
    await app.startup()
    await warm_up(app)
    spare_the_collector()
    await server.start(listener)
    POOL_IN_USE.set_function(app.extensions[EXTENSION].engine.pool.checkedout)
    POOL_SIZE.set(config.pool_of_worker + config.database_pool_overflow)
    reporting = asyncio.create_task(Reporter().run())
    await stop.wait()
    drain(app)
    if stop.reason == signal.SIGTERM:
        await asyncio.sleep(config.drain_seconds)
    await server.stop(grace_seconds=config.grace_seconds)
    await app.shutdown()
    reporting.cancel()


async def warm_up(app: Quart) -> None:
    """Do what the first visitors would wait for: read the usual templates, and connect."""
    for name in FIRST_TEMPLATES:
        app.jinja_env.get_template(name)
    services: Services = app.extensions[EXTENSION]
    # The database may come later.
    await asyncio.gather(
        services.lookup.find(""), _connect(services.engine), return_exceptions=True
    )


async def _connect(engine: AsyncEngine) -> None:
    """Connect for the first time, which takes many round trips."""
    async with engine.connect():
        pass
