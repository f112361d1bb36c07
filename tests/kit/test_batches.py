"""Many questions answered by few, and none by an answer that is older than it."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from app.kit.batches import Batches


class Source:
    """Answers when it is let; ``asked`` has what each question was about."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.known: dict[str, int] = {}
        self.gate = asyncio.Event()
        self.fails = False

    async def ask(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(sorted(keys))
        await self.gate.wait()
        self.gate.clear()
        if self.fails:
            self.fails = False
            raise OSError("away")
        return dict(self.known)


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_come_meanwhile_share_the_next_question() -> None:
    source = Source()
    batches = Batches(source.ask)
    waiting = [asyncio.create_task(batches.get(key)) for key in ("a",)]
    await turn()
    waiting += [asyncio.create_task(batches.get(key)) for key in ("b", "c", "b")]
    await turn()
    assert source.asked == [["a"]]
    source.known = {"a": 1, "b": 2}
    source.gate.set()
    await turn()
    assert source.asked == [["a"], ["b", "c"]]
    source.gate.set()
    assert await asyncio.gather(*waiting) == [1, 2, None, 2]


async def test_nobody_is_answered_by_a_question_that_began_before_he_came() -> None:
    source = Source()
    batches = Batches(source.ask)
    source.known = {"a": 1}
    first = asyncio.create_task(batches.get("a"))
    await turn()
    late = asyncio.create_task(batches.get("a"))
    await turn()
    source.gate.set()
    assert await first == 1
    source.known = {}  # it ended meanwhile
    await turn()
    source.gate.set()
    assert await late is None


async def test_a_question_that_fails_fails_for_those_who_shared_it_alone() -> None:
    source = Source()
    batches = Batches(source.ask)
    source.fails = True
    shared = [asyncio.create_task(batches.get(key)) for key in ("a", "b")]
    await turn()
    late = asyncio.create_task(batches.get("a"))
    await turn()
    source.known = {"a": 1}
    source.gate.set()
    for each in shared:
        with pytest.raises(OSError, match="away"):
            await each
    source.gate.set()
    assert await late == 1


async def test_who_goes_away_takes_nobodys_answer_along() -> None:
    source = Source()
    batches = Batches(source.ask)
    source.known = {"a": 1}
    hasty, patient = (asyncio.create_task(batches.get("a")) for _ in range(2))
    await turn()
    hasty.cancel()
    await turn()
    source.gate.set()
    assert await patient == 1
    assert hasty.cancelled()
    again = asyncio.create_task(batches.get("a"))
    await turn()
    source.gate.set()
    assert await again == 1


async def test_at_the_end_nobody_is_left_waiting() -> None:
    source = Source()
    batches = Batches(source.ask)
    waiting = []
    for key in ("a", "b"):  # the second waits for the next question
        waiting.append(asyncio.create_task(batches.get(key)))
        await turn()
    await asyncio.wait_for(batches.close(), 1)
    for each in waiting:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(each, 1)
