"""Many questions answered by few: those that are asked while one is under way share the next."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Batches(Generic[K, V]):
    """Asks for several keys at once; nothing is remembered.

    An answer is always from a question that began after its key was asked for. One that fails
    fails for those who shared it, and for nobody else; who goes away takes nobody's answer along.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        """``ask`` answers for several keys; a key that it leaves out has no value."""
        self._ask = ask
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """Return the value of a key, None if it has none.

        Raises:
            Exception: whatever ``ask`` raised.
        """
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(answer)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all())
        return await answer

    async def close(self) -> None:
        """Give up the question that is under way, and those who wait for the next."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        _tell(self._waiting, None)

    async def _ask_for_all(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                try:
                    found = await self._ask(list(waiting))
                except asyncio.CancelledError:
                    _tell(waiting, None)
                    raise
                except Exception as error:  # noqa: BLE001 - told to those who asked
                    _tell(waiting, error)
                else:
                    for key, answers in waiting.items():
                        for answer in answers:
                            if not answer.done():
                                answer.set_result(found.get(key))
        finally:
            self._asking = None


def _tell(
    waiting: Mapping[K, Sequence["asyncio.Future[V | None]"]], error: Exception | None
) -> None:
    """Give up what waits, for an error or because all ends."""
    for answers in waiting.values():
        for answer in answers:
            if error is None:
                answer.cancel()
            elif not answer.done():
                answer.set_exception(error)
