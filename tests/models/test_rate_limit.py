"""Several rates at once: all give a token, or none does."""

from datetime import timedelta

from sqlalchemy import text

from app.limits import Delay, Rate
from app.models import rate_limit
from app.services import Services
from tests.users import move_time

RATES = {"somebody": (Rate(3, timedelta(minutes=5)), Rate(4, timedelta(hours=1)))}


async def take(services: Services) -> float:
    async with services.session() as session, session.begin():
        return await rate_limit.take_all(session, RATES)


async def look(services: Services) -> float:
    async with services.session() as session, session.begin():
        return await rate_limit.look(session, RATES)


async def test_a_try_that_one_rate_refuses_takes_nothing_from_the_other(services: Services) -> None:
    assert [await take(services) for _ in range(3)] == [0, 0, 0]
    await move_time(services, "rate_limit_buckets", "free_at", "5 minutes")
    assert await take(services) == 0
    waits = [await take(services) for _ in range(10)]
    assert all(wait > 300 for wait in waits), "only the hour's rate refuses"


async def test_a_look_takes_nothing_and_says_what_a_try_would(services: Services) -> None:
    assert [await look(services) for _ in range(20)] == [0] * 20
    for _ in range(3):
        await take(services)
    assert abs(await look(services) - await take(services)) < 5
    assert await look(services) > 0


async def test_a_free_try_is_not_turned_away_by_one_that_began_later(services: Services) -> None:
    """Two at once: what the later one has written lies ahead of the earlier one's ``now()``."""
    delays = {"alice": Delay(2, timedelta(minutes=5))}
    waits = []
    for _ in range(2):
        async with services.session() as session, session.begin():
            await rate_limit.take_delayed(session, "alice", delays["alice"])
            await session.execute(text("UPDATE rate_limit_buckets SET free_at = now() + '5 s'"))
            waits.append(await rate_limit.look(session, {}, delayed=delays))
    assert waits == [0, 5]
