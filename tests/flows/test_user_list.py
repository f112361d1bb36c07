"""Users in any order: pages forwards and back, filters by dates, counts."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import user_search
from app.flows.user_search import Order, UserFilter, UserState
from app.models import user_list
from app.services import Services
from tests.flows.test_user_search import CROWD

DAYS = """
UPDATE users SET created_at = now() - interval '1 day' * (length(email_key) % 40)
        - interval '1 hour' * (ascii(username_key) % 7),
    last_login_at = CASE WHEN length(username_key) % 3 > 0
        THEN now() - interval '1 day' * (ascii(substr(username_key, 2)) % 9) END,
    blocked_at = CASE WHEN length(email_key) % 5 = 0 THEN now() END
"""
ORDERS = {
    Order.NAME: 'username_key COLLATE "C"',
    Order.NEWEST: "created_at DESC, id DESC",
    Order.OLDEST: "created_at, id",
    Order.SEEN: "last_login_at DESC NULLS LAST, id DESC",
    Order.UNSEEN: "last_login_at NULLS FIRST, id",
}
NOW = datetime.now(UTC)
FILTERS = {
    "true": UserFilter(),
    "blocked_at IS NOT NULL": UserFilter(state=UserState.BLOCKED),
    "last_login_at IS NULL": UserFilter(never_seen=True),
    "created_at < now() - interval '15 days'": UserFilter(created_before=NOW - timedelta(days=15)),
    "last_login_at >= now() - interval '85 hours'": UserFilter(
        seen_since=NOW - timedelta(hours=85)
    ),
    "coalesce(last_login_at < now() - interval '85 hours', true) AND blocked_at IS NOT NULL": (
        UserFilter(state=UserState.BLOCKED, seen_before=NOW - timedelta(hours=85))
    ),
    "position('mail7' IN email_key) > 0 AND last_login_at IS NULL": UserFilter(
        "mail7", never_seen=True
    ),
    "username_key LIKE 'p%' AND blocked_at IS NOT NULL": UserFilter("p", UserState.BLOCKED),
}


@pytest.fixture
async def crowd(services: Services) -> None:
    async with services.engine.begin() as connection:
        await connection.execute(text(CROWD))
        await connection.execute(text(DAYS))


async def expected(services: Services, condition: str, order: str) -> list[str]:
    async with services.engine.connect() as connection:
        statement = f"SELECT username FROM users WHERE {condition} ORDER BY {order}"  # noqa: S608
        return list(await connection.scalars(text(statement)))


async def forwards(ctx: Context, wanted: UserFilter, order: Order) -> tuple[list[str], str]:
    """Return all names, and the mark of the last page's first user."""
    names: list[str] = []
    after, last = "", ""
    while True:
        page = await user_search.find(ctx, wanted, order=order, after=after, size=60)
        names += [user.username for user in page.users]
        last = page.previous or last
        if page.next is None:
            return names, last
        assert page.users or page.is_cut
        after = page.next


async def backwards(ctx: Context, wanted: UserFilter, order: Order, mark: str) -> list[str]:
    names: list[str] = []
    while mark:
        page = await user_search.find(ctx, wanted, order=order, before=mark, size=60)
        names = [user.username for user in page.users] + names
        mark = page.previous or ""
    return names


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(("few", "walked"), [(2000, 20_000), (3, 100)])
@pytest.mark.parametrize("order", list(Order))
async def test_all_pages_there_and_back_are_all_who_match(
    services: Services,
    ctx: Context,
    monkeypatch: pytest.MonkeyPatch,
    order: Order,
    few: int,
    walked: int,
) -> None:
    monkeypatch.setattr(user_list, "FEW", few)
    monkeypatch.setattr(user_list, "WALKED", walked)
    for condition, wanted in FILTERS.items():
        names = await expected(services, condition, ORDERS[order])
        found, last = await forwards(ctx, wanted, order)
        assert found == names, condition
        before = await backwards(ctx, wanted, order, last)
        assert before == names[: len(before)], condition
        assert len(before) > len(names) - 61, condition
        total = await user_search.count(ctx, wanted)
        assert total.number == len(names) if total.is_exact else total.number <= len(names)


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(
    "mark", ["", "x", "never_x", "1_2", "never_0e5b2b6a-4f0d-4d51-9d3e-0a2c5c1fbb11", "9" * 30]
)
async def test_a_garbled_mark_is_no_fault(ctx: Context, mark: str) -> None:
    for order in Order:
        await user_search.find(ctx, UserFilter(never_seen=True), order=order, after=mark)
        await user_search.find(ctx, UserFilter(), order=order, before=mark)


@pytest.mark.usefixtures("crowd")
async def test_the_file_has_all_who_match(ctx: Context) -> None:
    pieces = [piece async for piece in user_search.export(ctx, UserFilter(never_seen=True))]
    lines = "".join(pieces).splitlines()
    total = await user_search.count(ctx, UserFilter(never_seen=True))
    assert len(lines) == total.number + 1
    assert lines[0].startswith("username,email,role,states,")
