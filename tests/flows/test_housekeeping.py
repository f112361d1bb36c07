"""What has expired goes, in small pieces; what lives stays, and nobody waits."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.flows import housekeeping
from app.flows.housekeeping import Pruned, Rest, prune
from app.models import pruning
from app.services import House
from tests.contexts import context
from tests.mailbox import letters
from tests.models.test_pruning import ROWS, fill
from tests.people import (
    ALICE,
    BOB,
    ROOT,
    Someone,
    block,
    count,
    events,
    settle,
    sign_in,
    signed_in,
    who,
)


async def on() -> bool:
    return False


async def sweep(house: House, rest: Rest = on) -> Pruned:
    """Prune, and tell what went."""
    pruned = Pruned()
    async with context(house) as ctx:
        await prune(ctx, rest=rest, pruned=pruned)
    return pruned


async def settle_all(house: House, *people: Someone, role: str | None = None) -> None:
    """Settle people, and forget what that has cost them."""
    for someone in people:
        await settle(house, someone, role=role)
    async with house.engine.begin() as connection:
        await connection.execute(text("TRUNCATE throttle_buckets"))


async def leave(house: House, someone: Someone, when: str = "now()") -> None:
    """Ask for somebody's account to be erased."""
    async with house.engine.begin() as connection:
        await connection.execute(
            text(f"UPDATE users SET delete_at = {when} WHERE username = :name"),  # noqa: S608
            {"name": someone.username},
        )


async def names(house: House) -> set[str]:
    """Return who is left."""
    async with house.engine.connect() as connection:
        return set(await connection.scalars(text("SELECT username FROM users")))


async def test_nothing_that_lives_is_touched(house: House) -> None:
    await settle_all(house, ALICE, BOB)
    secrets = [await signed_in(house, ALICE), await signed_in(house, BOB, remember=True)]
    async with house.engine.begin() as connection:
        await connection.execute(text("TRUNCATE throttle_buckets"))
    await fill(house, 1, "now() + interval '1 h'")
    tables = ("outbox", "audit_events", "users", "throttle_buckets")
    before = {table: await count(house, table) for table in tables}
    pruned = await sweep(house)
    assert pruned.is_whole
    assert not any(pruned.rows.values())
    assert before == {table: await count(house, table) for table in before}
    assert [await who(house, secret) for secret in secrets] == ["alice", "bob"]


async def test_all_tables_are_pruned_and_counted(house: House) -> None:
    await settle_all(house, ALICE)
    async with house.engine.begin() as connection:
        for _, insert in ROWS.values():
            await connection.execute(text(insert.format(end="now() - interval '900 d'")))
    async with context(house) as ctx:
        counted = await housekeeping.count(ctx)
    pruned = await sweep(house)
    assert pruned == counted
    assert pruned.rows == {
        "users": 0, "login_sessions": 2, "registrations": 1, "one_time_tokens": 1,
        "letters' texts": 0, "throttle_buckets": 1, "outbox": 2, "devices": 1, "audit_events": 1,
    }  # fmt: skip


class TestAuditForEver:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"audit_days": 0}

    async def test_nothing_of_the_audit_goes(self, house: House) -> None:
        async with house.engine.begin() as connection:
            insert = ROWS["audit's lines"][1].format(end="now() - interval '9000 d'")
            await connection.execute(text(insert))
        assert "audit_events" not in (await sweep(house)).rows
        assert await count(house, "audit_events") == 1


async def test_whoever_finds_another_at_work_leaves_it_to_him(house: House) -> None:
    await settle_all(house, ALICE)
    await fill(house, 10)
    await leave(house, ALICE)
    async with house.session() as session, session.begin():
        await pruning.take_turn(session)
        pruned = await sweep(house)
        assert pruned == Pruned()
    assert await count(house, "throttle_buckets") == 10
    assert await names(house) == {"alice"}
    assert (await sweep(house)).is_whole


async def test_several_at_once_prune_each_row_once(house: House) -> None:
    await fill(house, 4500)
    found = await asyncio.gather(*(sweep(house) for _ in range(4)))
    assert sum(pruned.rows.get("throttle_buckets", 0) for pruned in found) == 4500
    assert await count(house, "throttle_buckets") == 0
    assert any(pruned.is_whole for pruned in found)


async def test_a_stop_is_heard_after_each_transaction(house: House) -> None:
    await fill(house, 2500)

    async def stop() -> bool:
        return True

    pruned = await sweep(house, stop)
    assert pruned.rows["throttle_buckets"] == housekeeping.ROWS_AT_ONCE
    assert not pruned.is_whole
    assert await count(house, "throttle_buckets") == 1500


async def test_what_was_done_before_an_error_is_told(house: House) -> None:
    await fill(house, 2500)

    async def fail() -> bool:
        raise ConnectionResetError

    pruned = Pruned()
    async with context(house) as ctx:
        with pytest.raises(ConnectionResetError):
            await prune(ctx, rest=fail, pruned=pruned)
    assert pruned.rows["throttle_buckets"] == 1000


async def test_pages_are_answered_meanwhile(house: House) -> None:
    """The rows that a sign-in writes are of the tables that are being pruned."""
    people = [ALICE, BOB, ROOT]
    await settle_all(house, *people)
    await fill(house, 20_000)
    sweeping = asyncio.create_task(sweep(house))
    visits = 0
    while not sweeping.done():
        someone = people[visits % 3]
        assert await who(house, await signed_in(house, someone)) == someone.username
        visits += 1
    assert (await sweeping).rows["throttle_buckets"] >= 20_000
    assert visits > 1


async def test_a_hundred_thousand_buckets_leave_a_small_table(
    house: House, record_property: Callable[[str, object], None]
) -> None:
    """BF-11; VACUUM is what PostgreSQL does by itself, a minute later."""
    for _ in range(20):
        await fill(house, 5000)  # a statement has few seconds
    pruned = await sweep(house)
    assert pruned.rows["throttle_buckets"] == 100_000
    async with house.engine.connect() as connection:
        by_itself = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await by_itself.execute(text("VACUUM throttle_buckets"))
        size = await connection.scalar(text("SELECT pg_total_relation_size('throttle_buckets')"))
    assert size is not None
    record_property("figure", f"100,000 throttle buckets leave {size / 1024:,.0f} kB")
    assert size < 10 * 1024 * 1024


async def test_a_person_whose_time_has_come_is_gone(house: House) -> None:
    for someone in (ALICE, BOB, ROOT):
        await settle(house, someone)
    secret = await signed_in(house, ALICE)
    await leave(house, ALICE)
    await leave(house, BOB, "now() + interval '1 h'")
    pruned = await sweep(house)
    assert pruned.rows["users"] == 1
    assert await names(house) == {"bob", "root"}
    assert await who(house, secret) is None
    assert (await events(house))[-1] == "account.erased"
    last = (await letters(house, ALICE.email))[-1]
    assert last.subject == "Your account at Vestibule is gone"
    assert "/register" in last.text


async def test_the_last_administrator_stays(house: House) -> None:
    await settle_all(house, ROOT, BOB, role="Administrator")
    await block(house, BOB)
    await settle(house, ALICE)
    for someone in (ROOT, ALICE):
        await leave(house, someone)
    pruned = await sweep(house)
    assert pruned.keeps_administrator
    assert pruned.is_whole
    assert await names(house) == {"root", "bob"}


async def test_of_two_administrators_who_leave_one_stays(house: House) -> None:
    for someone in (ROOT, BOB):
        await settle(house, someone, role="Administrator")
        await leave(house, someone)
    assert (await sweep(house)).keeps_administrator
    assert len(await names(house)) == 1


async def test_an_administrator_goes_where_there_is_another(house: House) -> None:
    for someone in (ROOT, BOB):
        await settle(house, someone, role="Administrator")
    await leave(house, ROOT)
    pruned = await sweep(house)
    assert not pruned.keeps_administrator
    assert await names(house) == {"bob"}


async def test_somebody_who_signs_in_again_and_again_is_never_pruned(house: House) -> None:
    await settle(house, ALICE)
    for _ in range(3):
        await sign_in(house, ALICE)
        await sweep(house)
    assert await count(house, "login_sessions") == 3
