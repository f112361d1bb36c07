"""The supervisor: keeps the workers and the mailer alive, replaces and stops them in order.

hypercorn's own parent stops everything when one worker dies (L1): ours does not.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence

from app.kit.counts import Snapshot, merged
from app.kit.shares import Shares
from app.kit.stopping import stop_event, wait_for
from app.runtime.children import CannotServe, Child, Post, first_of
from app.runtime.launcher import Launcher

log = logging.getLogger(__name__)

MAILER = "mailer"
ROUNDS_AT_MOST = 1  # that wait while one is under way
LOOK_EVERY_SECONDS = 1
KILL_AFTER_SECONDS = 2  # after drain and grace


class Supervisor:
    """Looks after the workers, and the mailer if there is one inside."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        workers: int,
        with_mailer: bool,
        stop_seconds: float,
        launcher: Launcher,
    ) -> None:
        """``stop_seconds``: how long the children may take to stop, before they are killed."""
        self._time_limit = stop_seconds + KILL_AFTER_SECONDS
        self._listener = listener
        self._workers = workers
        self._with_mailer = with_mailer
        self._launcher = launcher
        self.posts: list[Post] = []

    async def run(self, welcome: Sequence[str]) -> None:
        """Work until told to stop, and see all children off.

        Raises:
            CannotServe: a child dies at once, again and again.
        """
        self._stop = stop_event()
        self._replacing = asyncio.Lock()
        self._rounds_wanted = 0
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as self._group:
                loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
                fd, shares = self._listener.fileno(), Shares(self._workers)
                for number in range(1, self._workers + 1):
                    self._keep(f"worker {number}", ["worker", "--socket-fd", str(fd)], [fd], shares)
                self._group.create_task(self._open_up(welcome))
                self._group.create_task(self._look_round())
                self._group.create_task(self._end_children())
        except* CannotServe as errors:
            await self._end_children()
            raise CannotServe(str(errors.exceptions[0])) from None
        finally:
            self._launcher.close()

    def counted(self) -> Snapshot:
        """Return what all children have counted, the dead ones included."""
        return merged(post.counted() for post in self.posts)

    def restarts(self) -> dict[str, int]:
        """Return how often each child was replaced because it died."""
        return {post.name: post.restarts for post in self.posts}

    def working(self) -> int:
        """Return how many workers answer."""
        children = [post.child for post in self.posts if post.name != MAILER]
        return sum(child is not None and child.heard.is_set() for child in children)

    def _keep(
        self,
        name: str,
        command: Sequence[str],
        inherits: Sequence[int] = (),
        shares: Shares | None = None,
    ) -> None:
        post = Post(
            name, command, inherits=inherits, shares=shares, stop=self._stop,
            is_served=lambda: self.working() > 0, launcher=self._launcher,
        )  # fmt: skip
        self.posts.append(post)
        self._group.create_task(post.keep())

    async def _open_up(self, welcome: Sequence[str]) -> None:
        """Greet when the first page can be had; the mailer starts after that, not to delay it."""
        while not any(post.child and post.child.heard.is_set() for post in self.posts):
            if await wait_for(self._stop, 0.05):
                return
        sys.stdout.write("\n".join(welcome) + "\n")
        sys.stdout.flush()
        if self._with_mailer:
            self._keep(MAILER, ["mailer", "--watch-stdin"])

    async def _look_round(self) -> None:
        while not await wait_for(self._stop, LOOK_EVERY_SECONDS):
            for post in self.posts:
                post.end_if_silent()

    def _on_hangup(self) -> None:
        """Replace all, or stop when it was the terminal that went; one round waits at most."""
        if sys.stdin is not None and sys.stdin.isatty():
            self._stop.because(signal.SIGHUP)
        elif self._rounds_wanted < ROUNDS_AT_MOST:
            self._rounds_wanted += 1
            self._group.create_task(self._replace_all())

    async def _replace_all(self) -> None:
        """Replace the children one by one; stop at the first whose successor does not work."""
        async with self._replacing:
            self._rounds_wanted -= 1
            for post in list(self.posts):
                if self._stop.is_set():
                    return
                if not await post.replace(kill_after=self._time_limit):
                    log.error("the new %s didn't start, so the old one keeps running", post.name)
                    return
            log.info("all workers replaced")

    async def _end_children(self) -> None:
        """See all off: in order, after a while by force, and at once if told to stop again."""
        await self._stop.wait()
        number = signal.SIGTERM if self._stop.reason == signal.SIGTERM else signal.SIGINT
        for child in self._living():
            child.end(number)
        self._listener.close()
        gone = asyncio.gather(*(child.ended() for child in self._living()))
        await first_of(gone, self._stop.urgent.wait(), seconds=self._time_limit)
        for child in self._living():
            log.error("process %d didn't stop in time and was killed", child.process.pid)
            child.end(signal.SIGKILL)

    def _living(self) -> list[Child]:
        return [child for post in self.posts for child in post.living]
