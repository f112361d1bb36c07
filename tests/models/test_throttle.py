"""Several rates at once: all give a token, or none does."""

from datetime import timedelta

from app.limits import Rate
from app.models import rate_limit
from app.services import House
from tests.people import move_time

RATES = {"somebody": (Rate(3, timedelta(minutes=5)), Rate(4, timedelta(hours=1)))}


async def take(house: House) -> float:
    async with house.session() as session, session.begin():
        return await rate_limit.take_all(session, RATES)


async def look(house: House) -> float:
    async with house.session() as session, session.begin():
        return await rate_limit.look(session, RATES)


async def test_a_try_that_one_rate_refuses_takes_nothing_from_the_other(house: House) -> None:
    assert [await take(house) for _ in range(3)] == [0, 0, 0]
    await move_time(house, "throttle_buckets", "free_at", "5 minutes")
    assert await take(house) == 0
    waits = [await take(house) for _ in range(10)]
    assert all(wait > 300 for wait in waits), "only the hour's rate refuses"


async def test_a_look_takes_nothing_and_says_what_a_try_would(house: House) -> None:
    assert [await look(house) for _ in range(20)] == [0] * 20
    for _ in range(3):
        await take(house)
    assert abs(await look(house) - await take(house)) < 5
    assert await look(house) > 0
