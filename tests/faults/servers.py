"""What servers say, and what they answer while the database is away."""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from tests.load import Journal
from tests.server import Server
from tests.visitors import PASSWORD, Visitor


async def until(is_so: Callable[[], bool], server: Server) -> None:
    """Wait until something is so."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < 30, server.log
        await asyncio.sleep(0.05)


async def said(server: Server, words: str) -> None:
    """Wait until the server has said this."""
    await until(lambda: words in server.log, server)


async def everywhere(visitor: Visitor) -> set[bool]:
    return await asyncio.to_thread(visitor.is_in)


def sign_in(visitor: Visitor, name: str) -> int:
    return visitor.ask("POST", "/login", email_or_user=name, password=PASSWORD).status


def status(server: Server, path: str) -> int:
    try:
        with urllib.request.urlopen(server.url + path, timeout=20) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


async def until_ready(server: Server, *, seconds: float) -> float:
    """Wait until readiness says yes; return for how long."""
    begun = time.monotonic()
    while await asyncio.to_thread(status, server, "/health/ready") != 200:
        assert time.monotonic() - begun < seconds, "not ready in time"
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


def only_503(journal: Journal, server: Server) -> None:
    """Check that whatever failed failed as 503 with Retry-After, and liveness never."""
    for failure in journal.failures():
        assert failure.status == 503, f"{failure}\n{server.log.partition('Traceback')[2]}"
        assert failure.retry_after, failure
        assert failure.what != "GET /health/live"
