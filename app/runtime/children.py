"""The processes of a supervisor: one child after the other fills a post."""

import asyncio
import json
import logging
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence

from app.kit.counts import Snapshot, merged, read
from app.kit.shares import Shares
from app.kit.stopping import Stop, wait_for

log = logging.getLogger(__name__)

LONGEST_REPORT_BYTES = 4 * 1024 * 1024
EARLY_DEATH_SECONDS = 3
EARLY_DEATHS_AT_MOST = 5
LONGEST_PAUSE_SECONDS = 5
NOT_STARTED = -1
START_SECONDS = 60
SILENCE_SECONDS = 30  # a worker reports every second; one that is silent for so long hangs


class CannotServe(Exception):
    """The server cannot go on; the message says why and what to do."""


def pause_after(early_deaths: int) -> float:
    """Return for how many seconds to wait after so many early deaths in a row: 0, ½, 1, 2 … 5."""
    return min(2.0 ** (min(early_deaths, 10) - 2), LONGEST_PAUSE_SECONDS) if early_deaths else 0


class Child:
    """A process of ours. ``heard`` is set at its first report: it works from then on.

    ``slot`` is where a worker tells how many connections it has.
    """

    def __init__(self, process: Process, slot: int | None) -> None:
        self.process = process
        self.slot = slot
        self.heard = asyncio.Event()
        self.last_heard = time.monotonic()
        self.counted: Snapshot = {}
        self.reading = asyncio.create_task(self._read())

    async def ended(self) -> int:
        """Wait for its end and its last report; return its exit status."""
        status = await self.process.wait()
        await asyncio.shield(self.reading)
        return status

    def end(self, number: signal.Signals) -> None:
        """Ask it to stop, if it still lives."""
        if self.process.returncode is None:
            self.process.send_signal(number)

    async def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        while line := await self._line(self.process.stdout):
            self.last_heard = time.monotonic()
            self.heard.set()
            try:
                self.counted = read(json.loads(line))
            except ValueError:  # cut off by a kill
                continue

    async def _line(self, stream: asyncio.StreamReader) -> bytes:
        try:
            return await stream.readline()
        except ValueError:  # longer than any report
            return b"\n"


class Post:
    """A place that one child after the other fills; they all run the same command."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        inherits: Sequence[int],
        shares: Shares | None,
        stop: Stop,
        is_served: Callable[[], bool],
    ) -> None:
        self.name = name
        self.restarts = 0
        self.child: Child | None = None  # who fills it
        self.living: set[Child] = set()  # also a successor, and who leaves
        self._past: Snapshot = {}
        self._command = command
        self._inherits = inherits
        self._shares = shares
        self._stop = stop
        self._is_served = is_served

    async def keep(self) -> None:
        """Keep it filled; after an early death wait longer each time.

        Raises:
            CannotServe: five children in a row died as soon as they were born, and nobody else
                answers visitors.
        """
        early_deaths = 0
        while not self._stop.is_set():
            born = time.monotonic()
            status = await self._fill()
            if self._stop.is_set():
                return
            self.restarts += 1
            early = time.monotonic() - born < EARLY_DEATH_SECONDS
            early_deaths = early_deaths + 1 if early else 0
            log.error("%s ended with status %d and will be restarted", self.name, status)
            if early_deaths >= EARLY_DEATHS_AT_MOST and not self._is_served():
                self._stop.set()
                raise CannotServe(
                    f"{self.name} stops as soon as it starts. See its last messages above."
                )
            await wait_for(self._stop, pause_after(early_deaths))

    async def replace(self, *, kill_after: float) -> bool:
        """Let a new child work before the old one is stopped; False if the new one does not."""
        old = self.child
        try:
            new = await self._start()
        except OSError:
            return False
        await first_of(new.heard.wait(), new.ended(), self._stop.wait(), seconds=START_SECONDS)
        if not new.heard.is_set() or self._stop.is_set() or self.child is not old or old is None:
            new.end(signal.SIGTERM if new.heard.is_set() else signal.SIGKILL)
            return self.child is not old
        self.child = new
        old.end(signal.SIGINT)  # without drain: its successor is there
        await first_of(old.ended(), seconds=kill_after)
        if old in self.living:
            log.error("the old %s didn't stop in time and was killed", self.name)
            old.end(signal.SIGKILL)
        return True

    def end_if_silent(self) -> None:
        """Kill a child that hangs."""
        child = self.child
        if child is None:
            return
        silent = time.monotonic() - child.last_heard
        if silent > (SILENCE_SECONDS if child.heard.is_set() else START_SECONDS):
            log.error("%s hasn't responded for %d s and was killed", self.name, silent)
            child.end(signal.SIGKILL)

    def counted(self) -> Snapshot:
        """Return what all its children have counted; of the dead ones no gauges."""
        return merged([self._past, *(child.counted for child in self.living)])

    async def _fill(self) -> int:
        """Start a child; return the status of the one that is here at the end."""
        try:
            child = self.child = await self._start()
        except OSError as error:  # no memory, no process, no descriptor left
            log.error("%s couldn't start: %s", self.name, error.strerror)  # noqa: TRY400
            return NOT_STARTED
        while True:
            status = await child.ended()
            if child is self.child:
                self.child = None
                return status
            child = self.child  # it was replaced

    async def _start(self) -> Child:
        command, inherits, slot = [*self._command], [*self._inherits], None
        if self._shares is not None:
            slot = self._shares.take()
            command += ["--shares-fd", str(self._shares.fd), "--slot", str(slot)]
            inherits += [self._shares.fd]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", *command,
            stdin=PIPE, stdout=PIPE, pass_fds=inherits, start_new_session=True,
            limit=LONGEST_REPORT_BYTES,
        )  # fmt: skip
        child = Child(process, slot)
        self.living.add(child)
        child.reading.add_done_callback(lambda _: self._bury(child))
        if self._stop.is_set():
            child.end(signal.SIGTERM)
        return child

    def _bury(self, child: Child) -> None:
        self.living.discard(child)
        if self._shares is not None and child.slot is not None:
            self._shares.give_back(child.slot)
        self._past = merged([self._past, child.counted], keep_gauges=False)


async def first_of(*awaitables: Awaitable[object], seconds: float) -> None:
    """Wait until the first of them is done, or that long; give the others up."""
    waits = [asyncio.ensure_future(each) for each in awaitables]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
