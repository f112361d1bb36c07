"""A child's reports to its supervisor: a line a second, on standard output.

They say that it works, and what it has counted. A supervisor that does not read costs nothing.
"""

import asyncio
import json
import os
import sys
import time

from app.kit.metrics import LOOP_LAG_SECONDS, snapshot

REPORT_EVERY_SECONDS = 1.0


class Reporter:
    """Writes reports."""

    def __init__(self) -> None:
        self._unwritten = b""

    async def run(self) -> None:
        """Report until cancelled; one last time then, so that nothing counted is lost."""
        os.set_blocking(sys.stdout.fileno(), False)
        try:
            while True:
                self.report()
                due = time.monotonic() + REPORT_EVERY_SECONDS
                await asyncio.sleep(REPORT_EVERY_SECONDS)
                LOOP_LAG_SECONDS.observe(max(0.0, time.monotonic() - due))
        finally:
            self.report()

    def report(self) -> None:
        """Write a report, or leave it out while the one before is not read."""
        if not self._unwritten:
            self._unwritten = json.dumps(snapshot()).encode() + b"\n"
        try:
            written = os.write(sys.stdout.fileno(), self._unwritten)
        except BlockingIOError:
            return
        except OSError:
            written = len(self._unwritten)  # nobody there any more
        self._unwritten = self._unwritten[written:]
