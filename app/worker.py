"""One server process: hypercorn on uvloop, on a socket that the supervisor opened."""

import asyncio
import logging

import uvloop
from h11 import Request
from hypercorn.asyncio import serve
from hypercorn.config import Config as ServerConfig
from hypercorn.protocol.h11 import H11Protocol
from sqlalchemy import URL

from app import create_app
from app.config import Config
from app.kit.stopping import stop_event

GRACE_SECONDS = 25
BACKLOG = 1024
KEEP_ALIVE_SECONDS = 10
READ_SECONDS = 60


def run(config: Config, url: URL, *, socket_fd: int) -> None:
    """Serve until the supervisor says stop or is gone; in-flight requests finish."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, url, socket_fd))


async def _no_http2_on_cleartext(self: H11Protocol, event: Request) -> None:
    """Stand in for hypercorn's check, which would switch to h2c and has no setting (L9, PX-04)."""


H11Protocol._check_protocol = _no_http2_on_cleartext  # type: ignore[method-assign]  # noqa: SLF001


async def _serve(config: Config, url: URL, socket_fd: int) -> None:
    stop = stop_event(watch_stdin=True)
    await serve(create_app(config, url), _server_config(socket_fd), shutdown_trigger=stop.wait)


def _server_config(socket_fd: int) -> ServerConfig:
    server = ServerConfig()
    server.bind = [f"fd://{socket_fd}"]
    server.backlog = BACKLOG
    server.graceful_timeout = GRACE_SECONDS
    server.keep_alive_timeout = KEEP_ALIVE_SECONDS
    server.read_timeout = READ_SECONDS
    server.include_server_header = False
    server.accesslog = None  # its lines can be forged (L8)
    server.errorlog = logging.getLogger("hypercorn.error")
    server.errorlog.setLevel(logging.WARNING)
    return server
