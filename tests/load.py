"""Load for tests: many visitors at a steady rate, and a journal of what the server acknowledged."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import aiohttp
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "tall trees along the river"
LONGEST_ANSWER_SECONDS = 30


@dataclass
class Answer:
    """What came back, or ``status`` 0 and why nothing did."""

    what: str
    status: int
    sent_at: float
    seconds: float
    retry_after: str | None = None
    error: str = ""


@dataclass
class Journal:
    """Everything that was asked, and the effects that the server has acknowledged."""

    answers: list[Answer] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)

    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    def failures(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status == 0 or answer.status >= 500]

    def slowest(self) -> float:
        return max(answer.seconds for answer in self.answers)


class Crowd:
    """Mixed visitors: half look at pages, others register, sign in wrongly, look at health."""

    _crowds = count()

    def __init__(self, url: str, journal: Journal) -> None:
        self.url = url
        self.journal = journal
        self._seed = f"guest{next(self._crowds)}of"
        self._numbers = count()
        self._ask: list[Callable[[aiohttp.ClientSession, int], Coroutine[None, None, None]]] = [
            self._look, self._register, self._look, self._sign_in, self._live,
        ]  # fmt: skip

    async def come(self, *, rate: float, seconds: float, enough: asyncio.Event) -> None:
        """Let visitors come at a rate a second, each on a connection of their own.

        They come for so long, and until it is ``enough``.
        """
        begun = time.monotonic()
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        timeout = aiohttp.ClientTimeout(total=LONGEST_ANSWER_SECONDS)
        async with (
            aiohttp.ClientSession(self.url, connector=connector, timeout=timeout) as session,
            asyncio.TaskGroup() as group,
        ):
            while (turn := next(self._numbers)) < int(rate * seconds) or not enough.is_set():
                await asyncio.sleep(max(0.0, begun + turn / rate - time.monotonic()))
                group.create_task(self._ask[turn % len(self._ask)](session, turn))

    async def _look(self, session: aiohttp.ClientSession, _: int) -> None:
        await self._send(session, "GET", "/login", {})

    async def _live(self, session: aiohttp.ClientSession, _: int) -> None:
        await self._send(session, "GET", "/health/live", {})

    async def _sign_in(self, session: aiohttp.ClientSession, number: int) -> None:
        fields = {"email_or_user": f"nobody{number}", "password": "wrong"}
        await self._send(session, "POST", "/login", fields)

    async def _register(self, session: aiohttp.ClientSession, number: int) -> None:
        name = f"{self._seed}{number}"
        fields = {
            "username": name,
            "email": f"{name}@example.com",
            "password": PASSWORD,
            "confirm": PASSWORD,
        }
        status = await self._send(session, "POST", "/register", fields)
        if status in {200, 303}:
            self.journal.registered.append(name)

    async def _send(
        self, session: aiohttp.ClientSession, method: str, path: str, fields: dict[str, str]
    ) -> int:
        sent_at, status, retry_after, error = time.monotonic(), 0, None, ""
        try:
            async with session.request(
                method, path, data=fields or None, headers=SAME_ORIGIN, allow_redirects=False
            ) as response:
                await response.read()
                status, retry_after = response.status, response.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError) as failure:
            error = type(failure).__name__
        seconds = time.monotonic() - sent_at
        what = f"{method} {path}"
        self.journal.answers.append(Answer(what, status, sent_at, seconds, retry_after, error))
        return status


@asynccontextmanager
async def under_load(url: str, *, rate: float, seconds: float = 0) -> AsyncIterator[Journal]:
    """Do something while visitors come: as long as it takes, and at least so many seconds.

    The journal is complete when the block is left.
    """
    journal, enough = Journal(), asyncio.Event()
    coming = asyncio.create_task(
        Crowd(url, journal).come(rate=rate, seconds=seconds, enough=enough)
    )
    try:
        yield journal
    finally:
        enough.set()
        await coming


async def registered(journal: Journal, number: int) -> None:
    """Wait until so many registrations are acknowledged."""
    async with asyncio.timeout(LONGEST_ANSWER_SECONDS):
        while len(journal.registered) < number:  # noqa: ASYNC110 - another task's
            await asyncio.sleep(0.05)


async def kept(database: URL, journal: Journal) -> None:
    """Check that every acknowledged registration is there once, with its email; no half ones."""
    rows = await _query(database, "SELECT username, count(*) FROM registrations GROUP BY username")
    kept = {name: number for name, number in rows if name.startswith("guest")}
    lost = [name for name in journal.registered if name not in kept]
    assert not lost, f"acknowledged and lost: {lost}"
    assert set(kept.values()) <= {1}, "registered more than once"
    messages = await _query(database, "SELECT recipient, count(*) FROM outbox GROUP BY recipient")
    written = {to.split("@")[0]: number for to, number in messages if to.startswith("guest")}
    assert written == kept, "a registration without its email, or the other way round"


async def _query(database: URL, statement: str) -> list[tuple[str, int]]:
    engine = create_async_engine(database, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return [(row[0], row[1]) for row in await connection.execute(text(statement))]
    finally:
        await engine.dispose()
