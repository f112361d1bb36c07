"""Visits to the site, as a browser of nobody would make them. No redirect is followed."""

import asyncio
import http.client
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

VISIT_SECONDS = 5
BODY_LONGEST = 64 * 1024
DAY_SECONDS = 86400


class Answer(NamedTuple):
    """What came back. ``days_left``: of the certificate, None without TLS."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    days_left: float | None = None

    def all(self, name: str) -> list[str]:
        """Return all values of a header."""
        return [value for known, value in self.headers if known.lower() == name.lower()]


class NoAnswer(NamedTuple):
    """Why nothing came back, in words; ``is_certificate``: its certificate is not good."""

    why: str
    is_certificate: bool = False


Visit = Answer | NoAnswer


async def visit(
    origin: str, path: str, headers: Mapping[str, str] | None = None
) -> Answer | NoAnswer:
    """Ask for a page, for at most ``VISIT_SECONDS``."""
    try:
        async with asyncio.timeout(VISIT_SECONDS):
            return await _in_thread(lambda: _fetch(origin, path, headers or {}))
    except TimeoutError:
        return NoAnswer(f"no answer within {VISIT_SECONDS} s")


def _fetch(origin: str, path: str, headers: Mapping[str, str]) -> Answer | NoAnswer:
    try:
        connection = _connect(origin)
        try:
            connection.request("GET", path, headers={"Connection": "close", **headers})
            days_left = _days_left(connection)
            response = connection.getresponse()
            body = response.read(BODY_LONGEST)
            return Answer(response.status, response.getheaders(), body, days_left)
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        return NoAnswer(f"its certificate isn't valid: {error.verify_message}", is_certificate=True)
    except (OSError, HTTPException, ValueError) as error:
        return NoAnswer(_words(error))


def _connect(origin: str) -> HTTPConnection:
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port or 80, timeout=VISIT_SECONDS)
    context = ssl.create_default_context()
    return HTTPSConnection(host, parts.port or 443, timeout=VISIT_SECONDS, context=context)


def _days_left(connection: http.client.HTTPConnection) -> float | None:
    if not isinstance(connection.sock, ssl.SSLSocket):
        return None
    certificate: dict[str, Any] = connection.sock.getpeercert() or {}
    return (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / DAY_SECONDS


def _words(error: Exception) -> str:
    words = str(getattr(error, "strerror", "") or error or type(error).__name__)
    return words[0].lower() + words[1:]


async def _in_thread(work: Callable[[], T]) -> T:
    """Work in a thread that nobody waits for at the end: looking a name up cannot be cancelled."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def create_user(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as caught:  # noqa: BLE001 - raised where it is awaited
            error = caught
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(create_user, result, error)

    threading.Thread(target=run, name="visit", daemon=True).start()
    return await done
