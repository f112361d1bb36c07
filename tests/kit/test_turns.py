"""Turns: few at once, crowds wait behind themselves (DO-01, point 18 of what an attack found)."""

import asyncio
from collections.abc import Callable

import pytest

from app.kit.errors import TooBusy
from app.kit.turns import Turns


class Crowd:
    """Visitors of some turns; ``served`` has their groups in the order in which they came in."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.served: list[str] = []
        self.refused: list[str] = []
        self.gate = asyncio.Event()

    async def visit(self, group: str) -> None:
        try:
            async with self.turns.place(group):
                self.served.append(group)
                await self.gate.wait()
        except TooBusy:
            self.refused.append(group)

    async def come(self, *groups: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.visit(group)) for group in groups]
        await asyncio.sleep(0)
        return tasks


def turns(*, waiting: int = 100, seconds: float = 30) -> Turns:
    return Turns(at_once=1, waiting=waiting, longest_seconds=seconds)


async def test_past_the_room_people_are_sent_away_at_once() -> None:
    crowd = Crowd(turns(waiting=2))
    tasks = await crowd.come("a", "a", "a")
    with pytest.raises(TooBusy) as refusal:
        crowd.turns.refuse_if_full("a")
    assert refusal.value.retry_after >= 1
    tasks += await crowd.come("a")
    assert crowd.refused == ["a"]
    crowd.gate.set()
    await asyncio.gather(*tasks)
    assert crowd.served == ["a"] * 3
    crowd.turns.refuse_if_full("a")


async def test_a_small_group_is_served_before_a_crowd_that_came_first() -> None:
    crowd = Crowd(turns())
    tasks = await crowd.come(*["many"] * 20, "few", "other", "few")
    crowd.gate.set()
    await asyncio.gather(*tasks)
    assert max(place for place, group in enumerate(crowd.served) if group != "many") <= 6
    assert crowd.served.count("many") == 20


async def test_where_the_room_is_full_the_largest_group_makes_way() -> None:
    crowd = Crowd(turns(waiting=3))
    tasks = await crowd.come("many", "many", "many", "many")
    crowd.turns.refuse_if_full("few")
    tasks += await crowd.come("few")
    await asyncio.sleep(0)
    assert crowd.refused == ["many"]
    crowd.gate.set()
    await asyncio.gather(*tasks)
    assert sorted(crowd.served) == ["few", "many", "many", "many"]


async def test_nobody_waits_for_ever() -> None:
    crowd = Crowd(turns(seconds=0.01))
    tasks = await crowd.come("a", "a")
    await asyncio.wait(tasks, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert crowd.refused == ["a"]
    crowd.gate.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("leave", [lambda tasks: tasks[1:3], lambda tasks: tasks[:2]])
async def test_who_goes_takes_no_place_along(
    leave: Callable[[list[asyncio.Task[None]]], list[asyncio.Task[None]]],
) -> None:
    crowd = Crowd(turns())
    tasks = await crowd.come("a", "a", "b", "b")
    for each in leave(tasks):
        each.cancel()
    crowd.gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await asyncio.wait_for(_enters(crowd.turns), 1)
    assert len(crowd.served) >= 2


async def _enters(turns: Turns) -> bool:
    async with turns.place("c"):
        return True


class Others:
    """What other processes have of the same places."""

    def __init__(self, *, leave: int) -> None:
        self.leave = leave
        self.told = 0
        self.most = 0

    def put_busy(self, number: int) -> None:
        self.told = number
        self.most = max(self.most, number)

    def is_spare(self, each: int) -> bool:
        return self.told < each + self.leave


async def test_what_others_leave_is_taken_and_given_back_when_they_want_it() -> None:
    others = Others(leave=2)
    common = Turns(at_once=1, waiting=100, longest_seconds=30, common=others)
    crowd = Crowd(common)
    tasks = await crowd.come(*"aaaaa")
    assert others.told == len(crowd.served) == 3
    tasks.pop(0).cancel()
    await asyncio.sleep(0.01)
    assert others.told == 3  # the next is let in
    others.leave = others.most = 0
    crowd.gate.set()
    await asyncio.gather(*tasks)
    assert len(crowd.served) == 5
    assert others.most == 2  # while these end, nobody is let in but by our own place
    assert others.told == 0


async def test_ones_own_place_is_never_others() -> None:
    others = Others(leave=-1)
    crowd = Crowd(Turns(at_once=1, waiting=100, longest_seconds=30, common=others))
    tasks = await crowd.come("a", "a")
    assert others.told == len(crowd.served) == 1
    crowd.gate.set()
    await asyncio.gather(*tasks)
    assert len(crowd.served) == 2
