"""What is stale, to the microsecond, and deleting some of it."""

import asyncio

import pytest
from sqlalchemy import text

from app.models import (
    audit,
    outbox_retention,
    pruning,
    rate_limit,
)
from app.models import session as sessions
from app.models.pruning import Stale
from app.services import Services
from tests.rows import DAY, DIGEST, ROWS, SESSION, fill
from tests.statements import ALL_BUT_NESTED_LOOPS
from tests.users import ALICE, count, create_user

BUCKETS = rate_limit.forgotten()


async def delete(services: Services, stale: Stale = BUCKETS, *, limit: int = 10) -> int:
    async with services.session() as session, session.begin():
        return await pruning.delete_some(session, stale, limit=limit)


@pytest.mark.parametrize("kind", ROWS)
async def test_what_is_at_its_end_goes_and_nothing_else(services: Services, kind: str) -> None:
    stale, insert = ROWS[kind]
    await create_user(services, ALICE)
    async with services.session() as session, session.begin():
        await session.execute(text("TRUNCATE rate_limit_buckets"))
        for moment in ("now() - interval '1 us'", "now()", "now() + interval '1 us'"):
            await session.execute(text(insert.format(end=moment)))
        assert await pruning.count(session, stale) == 2
        assert await pruning.delete_some(session, stale, limit=10) == 2
        assert await pruning.count(session, stale) == 0
        assert await pruning.delete_some(session, stale, limit=10) == 0


async def test_an_email_that_waits_stays_for_ever(services: Services) -> None:
    async with services.engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO outbox (recipient, subject, created_at, due_at) "
                 "SELECT '', '', now() - interval '9 y', now() - interval '9 y'")
        )  # fmt: skip
    assert await delete(services, outbox_retention.sent_before(DAY)) == 0
    assert await delete(services, outbox_retention.given_up_before(DAY)) == 0


async def test_a_remembered_session_may_idle(services: Services) -> None:
    await create_user(services, ALICE)
    async with services.engine.begin() as connection:
        statement = SESSION.format(
            remembered="true", seen="now() - interval '9 d'", expires="now() + interval '9 d'"
        )
        await connection.execute(text(statement))
    assert await delete(services, sessions.idle(DAY)) == 0
    assert await count(services, "login_sessions") == 1


async def test_the_links_of_a_registration_go_with_it(services: Services) -> None:
    stale, insert = ROWS["registrations"]
    async with services.engine.begin() as connection:
        await connection.execute(text(insert.format(end="now()")))
        await connection.execute(
            text("INSERT INTO one_time_tokens (digest, purpose, registration_id, expires_at) "  # noqa: S608
                 f"SELECT {DIGEST}, 'confirm', id, now() + interval '1 h' FROM registrations")
        )  # fmt: skip
    assert await delete(services, stale) == 1
    assert await count(services, "one_time_tokens") == 0


@pytest.mark.parametrize("forbidden", [[], ALL_BUT_NESTED_LOOPS, ["tidscan"]])
async def test_a_batch_is_bounded_whatever_the_planner_does(
    services: Services, forbidden: list[str]
) -> None:
    await fill(services, 30)
    async with services.session() as session, session.begin():
        for way in forbidden:
            await session.execute(text(f"SET LOCAL enable_{way} = off"))
        assert await pruning.delete_some(session, BUCKETS, limit=7) == 7
    assert await count(services, "rate_limit_buckets") == 23


async def test_the_oldest_go_first(services: Services) -> None:
    for hours in (2, 3, 1):
        await fill(services, 1, f"now() - interval '{hours} h'")
    await delete(services, limit=2)
    async with services.engine.connect() as connection:
        left = text("SELECT now() - forget_at < interval '90 min' FROM rate_limit_buckets")
        assert list(await connection.scalars(left)) == [True]


async def test_a_row_in_somebodys_hands_is_passed_by(services: Services) -> None:
    await fill(services, 3)
    async with services.engine.begin() as connection:
        await connection.execute(text("SELECT 1 FROM rate_limit_buckets LIMIT 1 FOR UPDATE"))
        async with asyncio.timeout(2):
            assert await delete(services) == 2
    assert await delete(services) == 1


async def test_a_deletion_of_audit_lines_looks_at_the_lowest_ids_only(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "IDS_LOOKED_AT", 2)
    _, insert = ROWS["audit's lines"]
    async with services.engine.begin() as connection:
        for moment in ("now()", "now() + interval '1 d'", "now()", "now()"):
            await connection.execute(text(insert.format(end=moment)))
    assert [await delete(services, audit.past(DAY)) for _ in range(2)] == [1, 1]
    assert await delete(services, audit.past(DAY)) == 0, "behind a line that stays"


async def test_one_at_a_time_has_the_turn(services: Services) -> None:
    async with services.session() as one, services.session() as other:
        async with one.begin():
            assert await pruning.take_turn(one)
            async with other.begin():
                assert not await pruning.take_turn(other)
        async with other.begin():
            assert await pruning.take_turn(other)
