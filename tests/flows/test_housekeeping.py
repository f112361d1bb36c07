"""What has expired goes, in small pieces; what lives stays, and nobody waits."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.flows import housekeeping
from app.flows.housekeeping import Pruned, prune
from app.models import pruning
from app.services import Services
from tests.contexts import context
from tests.deletions import leave, names, sweep
from tests.mailbox import messages
from tests.rows import ROWS, fill
from tests.users import (
    ALICE,
    BOB,
    ROOT,
    Someone,
    block,
    count,
    create_user,
    events,
    sign_in,
    signed_in,
    who,
)


async def settle_all(services: Services, *users: Someone, role: str | None = None) -> None:
    """Settle people, and forget what that has cost them."""
    for someone in users:
        await create_user(services, someone, role=role)
    async with services.engine.begin() as connection:
        await connection.execute(text("TRUNCATE rate_limit_buckets"))


async def test_nothing_that_lives_is_touched(services: Services) -> None:
    await settle_all(services, ALICE, BOB)
    secrets = [await signed_in(services, ALICE), await signed_in(services, BOB, remember=True)]
    async with services.engine.begin() as connection:
        await connection.execute(text("TRUNCATE rate_limit_buckets"))
    await fill(services, 1, "now() + interval '1 h'")
    tables = ("outbox", "audit_events", "users", "rate_limit_buckets")
    before = {table: await count(services, table) for table in tables}
    pruned = await sweep(services)
    assert pruned.is_whole
    assert not any(pruned.rows.values())
    assert before == {table: await count(services, table) for table in before}
    assert [await who(services, secret) for secret in secrets] == ["alice", "bob"]


async def test_all_tables_are_pruned_and_counted(services: Services) -> None:
    await settle_all(services, ALICE)
    async with services.engine.begin() as connection:
        for _, insert in ROWS.values():
            await connection.execute(text(insert.format(end="now() - interval '900 d'")))
    async with context(services) as ctx:
        counted = await housekeeping.count(ctx)
    pruned = await sweep(services)
    assert pruned == counted
    assert pruned.rows == {
        "users": 0, "login_sessions": 2, "registrations": 1, "one_time_tokens": 1,
        "emails' texts": 0, "rate_limit_buckets": 1, "outbox": 2, "known_browsers": 1,
        "audit_events": 1, "pending_logins": 1, "challenges": 0, "spent_challenges": 1,
        "app_secrets": 1, "passkeys": 1, "recovery_codes": 1,
        "gate_tickets": 1, "api_tokens": 1,
    }  # fmt: skip


class TestAuditForEver:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"audit_days": 0}

    async def test_nothing_of_the_audit_goes(self, services: Services) -> None:
        async with services.engine.begin() as connection:
            insert = ROWS["audit's lines"][1].format(end="now() - interval '9000 d'")
            await connection.execute(text(insert))
        assert "audit_events" not in (await sweep(services)).rows
        assert await count(services, "audit_events") == 1


async def test_whoever_finds_another_at_work_leaves_it_to_him(services: Services) -> None:
    await settle_all(services, ALICE)
    await fill(services, 10)
    await leave(services, ALICE)
    async with services.session() as session, session.begin():
        await pruning.take_turn(session)
        pruned = await sweep(services)
        assert pruned == Pruned()
    assert await count(services, "rate_limit_buckets") == 10
    assert await names(services) == {"alice"}
    assert (await sweep(services)).is_whole


async def test_several_at_once_prune_each_row_once(services: Services) -> None:
    await fill(services, 4500)
    found = await asyncio.gather(*(sweep(services) for _ in range(4)))
    assert sum(pruned.rows.get("rate_limit_buckets", 0) for pruned in found) == 4500
    assert await count(services, "rate_limit_buckets") == 0
    assert any(pruned.is_whole for pruned in found)


async def test_a_stop_is_heard_after_each_transaction(services: Services) -> None:
    await fill(services, 2500)

    async def stop() -> bool:
        return True

    pruned = await sweep(services, stop)
    assert pruned.rows["rate_limit_buckets"] == housekeeping.ROWS_AT_ONCE
    assert not pruned.is_whole
    assert await count(services, "rate_limit_buckets") == 1500


async def test_what_was_done_before_an_error_is_told(services: Services) -> None:
    await fill(services, 2500)

    async def fail() -> bool:
        raise ConnectionResetError

    pruned = Pruned()
    async with context(services) as ctx:
        with pytest.raises(ConnectionResetError):
            await prune(ctx, rest=fail, pruned=pruned)
    assert pruned.rows["rate_limit_buckets"] == 1000


async def test_pages_are_answered_meanwhile(services: Services) -> None:
    """The rows that a sign-in writes are of the tables that are being pruned."""
    users = [ALICE, BOB, ROOT]
    await settle_all(services, *users)
    await fill(services, 20_000)
    sweeping = asyncio.create_task(sweep(services))
    visits = 0
    while not sweeping.done():
        someone = users[visits % 3]
        assert await who(services, await signed_in(services, someone)) == someone.username
        visits += 1
    assert (await sweeping).rows["rate_limit_buckets"] >= 20_000
    assert visits > 1


async def test_a_hundred_thousand_buckets_leave_a_small_table(
    services: Services, record_property: Callable[[str, object], None]
) -> None:
    """BF-11; VACUUM is what PostgreSQL does by itself, a minute later."""
    for _ in range(20):
        await fill(services, 5000)  # a statement has few seconds
    pruned = await sweep(services)
    assert pruned.rows["rate_limit_buckets"] == 100_000
    async with services.engine.connect() as connection:
        by_itself = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await by_itself.execute(text("VACUUM rate_limit_buckets"))
        size = await connection.scalar(text("SELECT pg_total_relation_size('rate_limit_buckets')"))
    assert size is not None
    record_property("figure", f"100,000 throttle buckets leave {size / 1024:,.0f} kB")
    assert size < 10 * 1024 * 1024


async def test_a_person_whose_time_has_come_is_gone(services: Services) -> None:
    for someone in (ALICE, BOB, ROOT):
        await create_user(services, someone)
    secret = await signed_in(services, ALICE)
    await leave(services, ALICE)
    await leave(services, BOB, "now() + interval '1 h'")
    pruned = await sweep(services)
    assert pruned.rows["users"] == 1
    assert await names(services) == {"bob", "root"}
    assert await who(services, secret) is None
    assert (await events(services))[-1] == "account.deleted"
    last = (await messages(services, ALICE.email))[-1]
    assert last.subject == "Your account at Vestibule has been deleted"
    assert "/register" in last.text


async def test_the_last_administrator_stays(services: Services) -> None:
    await settle_all(services, ROOT, BOB, role="Administrator")
    await block(services, BOB)
    await create_user(services, ALICE)
    for someone in (ROOT, ALICE):
        await leave(services, someone)
    pruned = await sweep(services)
    assert pruned.keeps_administrator
    assert pruned.is_whole
    assert await names(services) == {"root", "bob"}


async def test_of_two_administrators_who_leave_one_stays(services: Services) -> None:
    for someone in (ROOT, BOB):
        await create_user(services, someone, role="Administrator")
        await leave(services, someone)
    assert (await sweep(services)).keeps_administrator
    assert len(await names(services)) == 1


async def test_an_administrator_goes_where_there_is_another(services: Services) -> None:
    for someone in (ROOT, BOB):
        await create_user(services, someone, role="Administrator")
    await leave(services, ROOT)
    pruned = await sweep(services)
    assert not pruned.keeps_administrator
    assert await names(services) == {"bob"}


async def test_somebody_who_signs_in_again_and_again_is_never_pruned(services: Services) -> None:
    await create_user(services, ALICE)
    for _ in range(3):
        await sign_in(services, ALICE)
        await sweep(services)
    assert await count(services, "login_sessions") == 3
