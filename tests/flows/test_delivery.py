"""Letters leave the outbox once, and none is lost."""

import asyncio

import pytest

from app.flows.delivery import deliver_next
from app.house import House
from app.kit.letter import Letter
from tests.mailbox import letters
from tests.people import ALICE, Someone, move_time, register


async def test_an_empty_outbox_has_nothing_to_deliver(house: House) -> None:
    async def send(letter: Letter) -> None:
        pytest.fail(f"there is no letter, but {letter}")

    async with house.session() as session:
        assert not await deliver_next(session, send)


async def test_a_letter_that_cannot_be_sent_is_due_again_after_its_lease(house: House) -> None:
    async def fail(_: Letter) -> None:
        raise OSError("no way through")

    sent: list[Letter] = []

    async def send(letter: Letter) -> None:
        sent.append(letter)

    await register(house, ALICE)
    async with house.session() as session:
        with pytest.raises(OSError, match="no way"):
            await deliver_next(session, fail)
        assert not await deliver_next(session, send)
        await move_time(house, "outbox", "due_at", "2 minutes")
        assert await deliver_next(session, send)
    assert [letter.to for letter in sent] == [ALICE.email]


async def test_a_sent_letters_text_is_wiped(house: House) -> None:
    async def send(letter: Letter) -> None:
        assert "/confirm/" in letter.text
        assert "/confirm/" in letter.html

    await register(house, ALICE)
    async with house.session() as session:
        assert await deliver_next(session, send)
        assert not await deliver_next(session, send)
    (letter,) = await letters(house)
    assert not letter.text
    assert not letter.html


async def test_many_postmen_send_each_letter_once(house: House) -> None:
    for number in range(12):
        await register(house, Someone(f"bob{number}", f"b{number}@example.com", ALICE.password))
    sent: list[str] = []

    async def send(letter: Letter) -> None:
        await asyncio.sleep(0.01)
        sent.append(letter.to)

    async def postman() -> None:
        async with house.session() as session:
            while await deliver_next(session, send):
                pass

    await asyncio.gather(*(postman() for _ in range(6)))
    assert sorted(sent) == sorted(f"b{number}@example.com" for number in range(12))
