"""A deed is on its way when what ends its actor is answered: it comes too late (15)."""

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.attacks.visitor import Site, Visitor

EVERYBODY_WAITS = """
SELECT pg_advisory_xact_lock(x'56455341'::int);
SELECT FROM roles FOR UPDATE;
SELECT FROM users FOR UPDATE;
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
ENDED = {
    "blocked": ["UPDATE users SET blocked_at = now() WHERE username = $1"],
    "signed out": [],
}
LINES = """
INSERT INTO audit_events (event, ip, user_agent, request_id)
SELECT 'test', '192.0.2.1', repeat('x', 300), n::text FROM generate_series(1, $1) n
"""
SESSIONS = "DELETE FROM login_sessions USING users WHERE users.id = user_id AND username = $1"


@asynccontextmanager
async def everybody_waits(site: Site) -> AsyncIterator[asyncpg.Connection]:
    """Hold all that deeds wait for, as the block does that is on its way."""
    connection = await site.connect()
    try:
        async with connection.transaction():
            await connection.execute(EVERYBODY_WAITS)
            yield connection
    finally:
        await connection.close()


async def wait_for(site: Site, number: int) -> None:
    """Wait until so many wait for a lock: they are past the door."""
    for _ in range(200):
        if (await site.sql(WAITING))[0][0] >= number:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("they do not wait")


async def too_late(
    site: Site, name: str, visitor: Visitor, forms: dict[str, dict[str, str]], how: str
) -> list[int]:
    """Send forms, end their sender while they wait behind the door; return what they are told."""
    async with asyncio.TaskGroup() as group, everybody_waits(site) as connection:
        sent = [group.create_task(visitor.post(path, **form)) for path, form in forms.items()]
        await wait_for(site, len(forms))
        for each in (*ENDED[how], SESSIONS):
            await connection.execute(each, name)
    return [task.result().status for task in sent]


async def users(site: Site, *names: str) -> list[tuple[str, str, bool]]:
    """Return whoever has one of these names, with the role, and whether blocked."""
    rows = await site.sql(
        "SELECT username, name, blocked_at IS NOT NULL FROM users "
        "JOIN roles ON roles.id = role_id WHERE username = ANY($1) ORDER BY 1",
        list(names),
    )
    return [tuple(row) for row in rows]


async def test_an_administrators_deeds_that_are_on_their_way(attacked: Site) -> None:
    administrator = await attacked.create_user("intruder", role="Administrator")
    for name in ("keeper", "accomplice"):
        await attacked.create_user(name, role="Administrator" if name == "keeper" else "User")
    ids = {row["username"]: row["id"] for row in await attacked.sql("SELECT * FROM users")}
    accomplice, keeper = (f"/admin/users/{ids[name]}" for name in ("accomplice", "keeper"))
    invited = {"username": "crony", "email": "crony@example.net", "role": "Administrator"}
    forms = {
        "/admin/invite": invited,
        f"{accomplice}/role": {"role": "Administrator"},
        f"{accomplice}/delete": {"word": "accomplice"},
        f"{keeper}/block": {"reason": "gone"},
        f"{accomplice}/unblock": {},
    }
    told = await too_late(attacked, "intruder", administrator, forms, "blocked")
    assert await users(attacked, "crony", "accomplice", "keeper") == [
        ("accomplice", "User", False),
        ("keeper", "Administrator", False),
    ]
    assert told == [401] * len(forms)


@pytest.mark.parametrize("how", ENDED)
async def test_a_user_name_that_is_on_its_way(attacked: Site, how: str) -> None:
    name = f"thief{len(how)}"
    thief = await attacked.create_user(name)
    forms = {"/account/username": {"username": f"renamed{len(how)}"}}
    assert await too_late(attacked, name, thief, forms, how) == [401]
    assert len(await users(attacked, name)) == 1


async def test_a_history_that_is_being_read(attacked: Site) -> None:
    """Of some 25 MB only what is in the pipe already comes after the block is answered."""
    reader = await attacked.create_user("reader", role="Administrator")
    await attacked.sql(LINES, 50_000)
    with reader.begin("POST", "/admin/audit-log/export", {"format": "jsonl"}) as answer:
        assert answer.status == 200
        read = len(answer.read(100_000))
        await attacked.sql("UPDATE users SET blocked_at = now() WHERE username = 'reader'")
        with pytest.raises(http.client.IncompleteRead) as broken_off:
            answer.read()
    assert read + len(broken_off.value.partial) < 12_000_000
    await attacked.sql("DELETE FROM audit_events WHERE event = 'test'")
