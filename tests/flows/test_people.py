"""Looking people up."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.flows import people
from app.flows.people import Filter, State
from app.house import House
from app.models import directory
from tests.people import ALICE, BOB, ROOT, block, id_of, settle

CROWD = """
INSERT INTO users (email, email_key, username, username_key, role_id, confirmed_at, password_hash)
SELECT lower(name) || '@' || place || '.example.com', lower(name) || '@' || place
    || '.example.com', name, lower(name), 1, now(), 'x'
FROM (SELECT 'P' || chr(97 + n % 26) || '_' || n || '.' || n % 7 AS name,
    CASE WHEN n % 3 = 0 THEN 'post' ELSE 'mail' || n % 10 END AS place
    FROM generate_series(1, 700) AS n) AS made
"""


@pytest.fixture
async def crowd(house: House) -> list[tuple[str, str]]:
    """Make 700 people; return their names and addresses as they are compared."""
    async with house.engine.begin() as connection:
        await connection.execute(text(CROWD))
        rows = await connection.execute(text("SELECT username_key, email_key FROM users"))
        return [(row[0], row[1]) for row in rows]


async def everyone(session: AsyncSession, wanted: Filter, *, size: int) -> list[str]:
    """Return the names on all pages."""
    names: list[str] = []
    after = ""
    for _ in range(1000):
        page = await people.find(session, wanted, after=after, size=size)
        names += [person.username.lower() for person in page.people]
        if page.next is None:
            return names
        after = page.next
    raise AssertionError("it does not end")


PARTS = [
    "", "p", "pa", "z", "_", "%", "\\", "'", "_1", "a_2", "post.example", "example.com", ".3@",
    "@mail7", "_69", "nobody", "pb_", "PB_", "pa_26.5@", "\U0001f98a\U0001f98a\U0001f98a", "a_%",
    "   ", "com",
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("size", "neighbours", "few"), [(50, 20_000, 2000), (7, 30, 20), (9, 5, 900)]
)
async def test_all_pages_together_are_all_who_match(
    session: AsyncSession,
    crowd: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    size: int,
    neighbours: int,
    few: int,
) -> None:
    """Whichever way they are found, each is found once, those who begin with it first."""
    monkeypatch.setattr(directory, "NEIGHBOURS", neighbours)
    monkeypatch.setattr(directory, "FEW", few)
    key = part.strip().lower()
    first = sorted(name for name, _ in crowd if name.startswith(key))
    then = sorted(
        name
        for name, address in crowd
        if len(key) >= 3 and not name.startswith(key) and (key in name or key in address)
    )
    assert await everyone(session, Filter(part), size=size) == first + then


@pytest.mark.usefixtures("crowd")
async def test_the_search_uses_its_indexes(house: House) -> None:
    async with house.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        for query, index in (
            ("trigrams(username_key, email_key) @> ARRAY['abc']", "ix_users_trigrams"),
            ("username_key COLLATE \"C\" > 'a' ORDER BY username_key COLLATE \"C\"",
             "ix_users_in_order"),
        ):  # fmt: skip
            plan = await connection.scalars(
                text(f"EXPLAIN SELECT id FROM users WHERE {query}")  # noqa: S608
            )
            assert index in "\n".join(plan)


async def test_an_id_finds_its_person(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE)
    found = await people.find(session, Filter(f" {await id_of(house, ALICE)} "))
    assert [person.username for person in found.people] == ["alice"]


async def test_states_and_roles_are_told_apart(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE)
    await settle(house, BOB, role="Moderator")
    await settle(house, ROOT)
    await block(house, ALICE)
    async with house.engine.begin() as connection:
        await connection.execute(
            text("UPDATE users SET delete_at = now() WHERE username IN ('alice', 'root')")
        )
    for wanted, names in (
        (Filter(state=State.BLOCKED), ["alice"]),
        (Filter(state=State.LEAVING), ["alice", "root"]),
        (Filter(state=State.LEAVING, part="oot"), ["root"]),
        (Filter(state=State.CONFIRMED), ["bob"]),
        (Filter(state=State.INVITED), []),
        (Filter(state=State.UNCONFIRMED), []),
        (Filter(role="moderator"), ["bob"]),
        (Filter(role="Emperor"), []),
        (Filter(role="User", part="ali"), ["alice"]),
    ):
        assert await everyone(session, wanted, size=1) == names, wanted
    alice = (await people.show(session, config=house.config, name="alice")).person
    assert alice.states == ["blocked", "leaving"]
