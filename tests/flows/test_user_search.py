"""Looking people up."""

import itertools

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import user_search
from app.flows.user_search import UserFilter, UserState
from app.models import finding
from app.services import Services
from tests.users import ALICE, BOB, ROOT, block, create_user, id_of

CROWD = """
INSERT INTO users (email, email_key, username, username_key, role_id, confirmed_at, password_hash)
SELECT lower(name) || '@' || place || '.example.com', lower(name) || '@' || place
    || '.example.com', name, lower(name), 1, now(), 'x'
FROM (SELECT (ARRAY['P', 'P', 'P', 'a', 'K', 'z', '~', '_', 'é'])[1 + n % 9] || chr(97 + n % 26)
    || '_' || n || '.' || n % 7 AS name,
    CASE WHEN n % 3 = 0 THEN 'post' ELSE 'mail' || n % 10 END AS place
    FROM generate_series(1, 700) AS n) AS made
"""


@pytest.fixture
async def crowd(services: Services) -> list[tuple[str, str]]:
    """Make 700 people; return their names and addresses as they are compared."""
    async with services.engine.begin() as connection:
        await connection.execute(text(CROWD))
        rows = await connection.execute(text("SELECT username_key, email_key FROM users"))
        return [(row[0], row[1]) for row in rows]


async def everyone(ctx: Context, wanted: UserFilter, *, size: int) -> list[str]:
    """Return the names on all pages."""
    names: list[str] = []
    after = ""
    for _ in range(1000):
        page = await user_search.find(ctx, wanted, after=after, size=size)
        names += [user.username.lower() for user in page.users]
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
    ctx: Context,
    crowd: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    size: int,
    neighbours: int,
    few: int,
) -> None:
    """Whichever way they are found, each is found once, those who begin with it first."""
    monkeypatch.setattr(finding, "NEIGHBOURS", neighbours)
    monkeypatch.setattr(finding, "FEW", few)
    key = part.strip().lower()
    first = sorted(name for name, _ in crowd if name.startswith(key))
    then = sorted(
        name
        for name, address in crowd
        if len(key) >= 3 and not name.startswith(key) and (key in name or key in address)
    )
    assert await everyone(ctx, UserFilter(part), size=size) == first + then


STATES = """
UPDATE users SET blocked_at = CASE WHEN length(username_key) % 2 = 0 THEN now() END,
    confirmed_at = CASE WHEN username_key < 'k' THEN now() END, role_id = 1 + length(email_key) % 2
"""
FILTERED = 'SELECT username_key, email_key FROM users WHERE {} ORDER BY username_key COLLATE "C"'


@pytest.mark.parametrize("part", ["", "p", "a_2", "mail7", "example.com", "nobody", "z_%"])
@pytest.mark.parametrize("few", [1, 2000])
@pytest.mark.usefixtures("crowd")
async def test_filters_leave_exactly_those_who_fit(
    services: Services, ctx: Context, monkeypatch: pytest.MonkeyPatch, part: str, few: int
) -> None:
    for name in ("NEIGHBOURS", "NEIGHBOURS_LOOKED_UP", "FEW"):
        monkeypatch.setattr(finding, name, few)
    async with services.engine.begin() as connection:
        await connection.execute(text(STATES))
    async with services.engine.connect() as connection:
        for state, role, condition in (
            (UserState.BLOCKED, None, "blocked_at IS NOT NULL"),
            (UserState.CONFIRMED, None, "blocked_at IS NULL AND confirmed_at IS NOT NULL"),
            (UserState.UNCONFIRMED, "Moderator", "confirmed_at IS NULL AND role_id = 2"),
            (None, "User", "role_id = 1"),
        ):
            rows = list(await connection.execute(text(FILTERED.format(condition))))
            first = [name for name, _ in rows if name.startswith(part)]
            inner = [name for name, address in rows if part in name or part in address]
            then = [name for name in inner if len(part) >= 3 and not name.startswith(part)]
            found = await everyone(ctx, UserFilter(part, state, role), size=40)
            assert found == first + then, condition


NAMES = ["anna", "_x", "zoe.ää", "Ünal", "~", "mary_anne.o", "b" * 64]
FILTERS = "1, false, false, false, false"


@pytest.mark.parametrize("name", NAMES)
async def test_every_part_of_a_name_has_its_tokens(services: Services, name: str) -> None:
    """What the database makes of a row holds all that is asked for, on the right shelf."""
    address = "p\u0171q@\u4e2d.example"
    async with services.engine.begin() as connection:
        made = await connection.scalar(
            text(f"SELECT search_tokens(:name, :address, {FILTERS})"),
            {"name": name, "address": address},
        )
    here = {token - finding._shelf_of(name) * finding.SHELF for token in made}
    assert {finding.role_mark(1), finding.MARKS["confirmed"]} <= here
    for words in (name, address):
        for first, last in itertools.combinations(range(len(words) + 1), 2):
            all_of, any_of = finding._tokens_of(words[first:last])
            assert set(all_of) <= here
            assert not any_of or here & set(any_of)


async def test_an_id_finds_its_person(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    found = await user_search.find(ctx, UserFilter(f" {await id_of(services, ALICE)} "))
    assert [user.username for user in found.users] == ["alice"]


async def test_states_and_roles_are_told_apart(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    await create_user(services, BOB, role="Moderator")
    await create_user(services, ROOT)
    await block(services, ALICE)
    async with services.engine.begin() as connection:
        await connection.execute(
            text("UPDATE users SET delete_at = now() WHERE username IN ('alice', 'root')")
        )
    for wanted, names in (
        (UserFilter(state=UserState.BLOCKED), ["alice"]),
        (UserFilter(state=UserState.DELETION_ASKED), ["alice", "root"]),
        (UserFilter(state=UserState.DELETION_ASKED, part="oot"), ["root"]),
        (UserFilter(state=UserState.CONFIRMED), ["bob"]),
        (UserFilter(state=UserState.INVITED), []),
        (UserFilter(state=UserState.UNCONFIRMED), []),
        (UserFilter(role="moderator"), ["bob"]),
        (UserFilter(role="Emperor"), []),
        (UserFilter(role="User", part="ali"), ["alice"]),
    ):
        assert await everyone(ctx, wanted, size=1) == names, wanted
    alice = (await user_search.show(ctx, name="alice")).user
    assert alice.states == ["blocked", "deletion-pending"]
