"""The housekeeper beside the mailer: when it comes, what it tells, how it stops."""

import asyncio
import time

import pytest

from app.flows.housekeeping import Pruned, prune
from app.kit.metrics import HOUSEKEEPING_AT, PRUNED
from app.runtime import cleaner
from app.services import Services
from tests.deletions import leave
from tests.mailers import post, settled, until, working
from tests.rows import fill
from tests.users import ROOT, count, create_user


@pytest.fixture(autouse=True)
def busy(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Have it come at once, and again and again."""
    caplog.set_level("INFO", "app")
    monkeypatch.setattr(cleaner, "FIRST_AFTER_SECONDS", 0)
    monkeypatch.setattr(cleaner, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(cleaner, "REST_SECONDS", 0)


def moment() -> float:
    found: float = HOUSEKEEPING_AT._value.get()
    return found


def buckets() -> float:
    found: float = PRUNED.labels("rate_limit_buckets")._value.get()
    return found


async def test_what_fails_is_told_and_tried_again_and_letters_go_on(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    errors = [ValueError("broken"), ConnectionRefusedError()]
    well = prune

    async def fail(*args: object, pruned: Pruned, **more: object) -> None:
        if errors:
            raise errors.pop(0)
        await well(*args, pruned=pruned, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(cleaner, "prune", fail)
    await fill(services, 1)
    await post(services)
    async with working(services, None):
        await settled(services)
        await until(lambda: any("pruned: " in line for line in caplog.messages))
    assert "housekeeping failed" in caplog.messages
    assert "housekeeping postponed: the database isn't available" in caplog.messages
    assert await count(services, "rate_limit_buckets") == 0


async def test_it_counts_and_tells_what_went_and_when(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    before, started = buckets(), time.time()
    await fill(services, 1500)
    async with working(services, None):
        await until(lambda: moment() >= started)
    assert buckets() == before + 1500
    assert "pruned: 1500 rate_limit_buckets" in caplog.messages
    assert sum("pruned" in line for line in caplog.messages) == 1


async def test_a_last_administrator_who_stays_is_told_once(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    await create_user(services, ROOT, role="Administrator")
    await leave(services, ROOT)
    async with working(services, None):
        await until(lambda: cleaner.KEPT in caplog.messages)
        for _ in range(2):
            seen = moment()
            await until(lambda seen=seen: moment() > seen)  # type: ignore[misc]
    assert caplog.messages.count(cleaner.KEPT) == 1


async def test_it_stops_between_two_batches(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaner, "REST_SECONDS", 60)
    await fill(services, 2500)
    async with asyncio.timeout(10):
        async with working(services, None):
            while await count(services, "rate_limit_buckets") > 1500:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert await count(services, "rate_limit_buckets") == 1500
