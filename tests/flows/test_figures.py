"""The numbers of the overview: what is over is counted once, what is not, each time."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import figures, housekeeping
from app.flows.housekeeping import Pruned
from app.kit.errors import WrongCredentials
from app.services import Services
from tests.users import ALICE, block, create_user, move_time, sign_in, signed_in


async def prune(ctx: Context) -> None:
    async def rest() -> bool:
        return False

    await housekeeping.prune(ctx, rest=rest, pruned=Pruned())


async def kept(services: Services) -> int:
    async with services.engine.connect() as connection:
        found = await connection.scalar(text("SELECT sum(number) FROM daily_counts"))
        return int(found or 0)


async def fail(services: Services) -> None:
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, password="wrong")


async def test_nothing_is_nothing(ctx: Context) -> None:
    found = await figures.look(ctx)
    assert (found.users.number, found.pending, found.with_factor) == (0, 0, 0)
    assert len(found.days) == 30
    assert {(day.signed_in, day.failed) for day in found.days} == {(0, 0)}


async def test_today_and_the_days_before_are_counted(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    await signed_in(services, ALICE)
    await fail(services)
    await move_time(services, "audit_events", "at", "3 days")
    await signed_in(services, ALICE)
    await block(services, ALICE)
    days = (await figures.look(ctx)).days
    today = datetime.now(UTC).date()
    told = {day.day: (day.signed_in, day.failed) for day in days if day.signed_in or day.failed}
    assert told == {today: (1, 0), today - timedelta(days=3): (1, 1)}
    assert (await figures.look(ctx)).blocked.number == 1


async def test_a_day_that_is_over_is_counted_once_for_good(
    services: Services, ctx: Context
) -> None:
    await create_user(services, ALICE)
    await signed_in(services, ALICE)
    await move_time(services, "audit_events", "at", "3 days")
    await prune(ctx)
    assert await kept(services) == 1
    async with services.engine.begin() as connection:
        await connection.execute(text("DELETE FROM audit_events"))
    await prune(ctx)
    assert await kept(services) == 1
    days = (await figures.look(ctx)).days
    assert sum(day.signed_in for day in days) == 1


async def test_today_is_not_kept(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    await signed_in(services, ALICE)
    await prune(ctx)
    assert await kept(services) == 0
    assert (await figures.look(ctx)).days[-1].signed_in == 1
