"""Taking turns at something costly: few at once, and no crowd before everybody else."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from app.kit.errors import TooBusy

RETRY_SECONDS = 2


class Common(Protocol):
    """What several processes have of the same thing."""

    def put_busy(self, number: int) -> None:
        """Tell how many places are taken here."""

    def is_spare(self, each: int) -> bool:
        """Whether others leave a place free that may be taken beyond one's own, ``each``."""


class Turns:
    """Places that are given to groups in turn, so that one who sends many waits behind themselves.

    Where all waiting room is taken, the largest group makes room for a smaller one.
    """

    def __init__(
        self, *, at_once: int, waiting: int, longest_seconds: float, common: Common | None = None
    ) -> None:
        """``waiting``: how many may wait, each for at most ``longest_seconds``."""
        self._own = at_once
        self._taken = 0
        self._common = common
        self._room = waiting
        self._longest = longest_seconds
        self._groups: OrderedDict[str, list[asyncio.Future[None]]] = OrderedDict()
        self._number = 0

    def refuse_if_full(self, group: str) -> None:
        """Refuse at once who would find no place to wait.

        Raises:
            TooBusy: with the time to wait.
        """
        is_full = self._number >= self._room and self._largest(group) is None
        if is_full and not self._may_begin():
            raise TooBusy(RETRY_SECONDS)

    @asynccontextmanager
    async def place(self, group: str) -> AsyncIterator[None]:
        """Hold a place; wait for it if all are taken.

        Raises:
            TooBusy: too many wait already, or it took too long; nothing was done.
        """
        if self._may_begin():
            self._count(1)
        else:
            await self._wait(group)
        try:
            yield
        finally:
            self._give_back()

    def _may_begin(self) -> bool:
        """Whether a place is free: one of our own, or one that others leave."""
        if self._taken < self._own:
            return True
        return self._common is not None and self._common.is_spare(self._own)

    def _count(self, change: int) -> None:
        self._taken += change
        if self._common is not None:
            self._common.put_busy(self._taken)

    async def _wait(self, group: str) -> None:
        self._make_room(group)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._groups.setdefault(group, []).append(turn)
        self._number += 1
        try:
            async with asyncio.timeout(self._longest):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back()  # it came too late for who waited
            else:
                self._forget(group, turn)
            if isinstance(error, TimeoutError):
                raise TooBusy(RETRY_SECONDS) from None
            raise

    def _make_room(self, group: str) -> None:
        if self._number < self._room:
            return
        largest = self._largest(group)
        if largest is None:
            raise TooBusy(RETRY_SECONDS)
        self._groups[largest][-1].set_exception(TooBusy(RETRY_SECONDS))
        self._forget(largest, self._groups[largest][-1])

    def _largest(self, group: str) -> str | None:
        """Return the group that can spare a place for one of this group, if there is one."""
        largest = max(self._groups, key=self._size, default=group)
        return largest if self._size(largest) > self._size(group) + 1 else None

    def _size(self, group: str) -> int:
        return len(self._groups.get(group, ()))

    def _forget(self, group: str, turn: asyncio.Future[None]) -> None:
        turns = self._groups.get(group, [])
        if turn in turns:
            turns.remove(turn)
            self._number -= 1
        if not turns:
            self._groups.pop(group, None)

    def _give_back(self) -> None:
        """Let the first of the next groups in, as many as there is room for now."""
        self._count(-1)
        while self._groups and self._may_begin():
            group, turns = next(iter(self._groups.items()))
            self._groups.move_to_end(group)
            turn = turns[0]
            self._forget(group, turn)
            if not turn.done():  # or they have just gone
                self._count(1)
                turn.set_result(None)
