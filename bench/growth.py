"""What a site costs that has grown: 1,000 users against 1,000,000.

    python -m bench.growth [--users 1000000] [--rounds 100] [--short] [--home DIR]

Starts its own database with a small and a big site (five sessions and ten audit events a user;
for a million users 12 GB and a quarter of an hour) and stops it. Measures both in turn: a page,
a login, finding people, reading the history; then what housekeeping removes in a second beside
what arrives. Prints a Markdown table: medians in milliseconds, and the ratio big to small.
``--short``: 50,000 users, in a minute.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from quart import Quart
from sqlalchemy import URL, make_url

from app import create_app, embedded, schema
from app.config import Config
from app.flows import audit_log, housekeeping, user_search
from app.flows.login import sign_in
from app.kit.client import Client
from app.kit.passwords import DEFAULT_ROUNDS, PasswordHasher, hash_now
from app.services import EXTENSION, Services
from bench.find_people import SEARCHES, USERS
from tests.browser import Browser
from tests.contexts import context

SMALL = 1_000
LOOK_UP = "session look-up"
SESSIONS_OF_ONE = 5
EVENTS_OF_ONE = 10
ROWS_AT_ONCE = 1_000_000
FASTEST = 4  # rounds of bcrypt: so that what the database does shows beside it
PASSWORD = "growth waters the plants"
CLIENT = Client(ip="192.0.2.7", user_agent="a browser", request_id="0123456789abcdef")
SETTINGS: dict[str, Any] = {
    "secret_key": "bench-9fK2mQ7xR4tB8wZ1cV6nJ3hL5pDs",
    "bcrypt_rounds": FASTEST,
    "logins_per_network_5_minutes": 1_000_000,
    "logins_per_network_hour": 1_000_000,
}
NUMBERED = """
CREATE UNLOGGED TABLE numbered AS SELECT id, (row_number() OVER (ORDER BY username_key)) - 1 AS n
FROM users; CREATE UNIQUE INDEX ON numbered (n); ANALYZE numbered
"""
# One in a hundred has ended. Over 30 days, as the audit events go over a year and five days.
SESSIONS = """
INSERT INTO login_sessions (digest, user_id, credential_version, remembered, created_at,
    reauthenticated_at, seen_at, expires_at, ip, user_agent)
SELECT sha256(convert_to('secret-' || s, 'UTF8')), id, 1, s % 100 > 0, began, began, began,
    CASE WHEN s % 100 = 0 THEN now() - interval '1 hour' ELSE now() + interval '30 days' END,
    '10.0.0.0'::inet + s % 60000, 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'
FROM generate_series({first}::bigint, {last}) AS s
JOIN numbered ON n = s % {users},
LATERAL (SELECT now() - interval '30 minutes' * random() AS began) AS beginning
"""
EVENTS = """
INSERT INTO audit_events (at, event, actor_id, subject_id, ip, user_agent, request_id)
SELECT now() - interval '370 days' * (1 - s::float / {total}), (ARRAY['login.succeeded',
    'login.failed', 'login.ended', 'account.registered', 'account.blocked'])[1 + CASE
    WHEN s % 5000 = 0 THEN 4 ELSE s % 4 END], CASE WHEN s % 4 <> 1 THEN id END, id,
    '10.0.0.0'::inet + s % 60000, 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0', md5(s::text)
FROM generate_series({first}::bigint, {last}) AS s
JOIN numbered ON n = s * 7919 % {users} ORDER BY s
"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE NOT indisunique AND indrelid IN ('users'::regclass, 'login_sessions'::regclass,
    'audit_events'::regclass)
"""

MORE_SEARCHES = {
    "names that begin so, last page": (user_search.UserFilter("xaver"), "xaver.zz"),
    "three letters that nobody has": (user_search.UserFilter("qzx"), ""),
    "clustered far away": (user_search.UserFilter("oe.s"), ""),
    "clustered far away, confirmed": (
        user_search.UserFilter("oe.s", user_search.UserState.CONFIRMED), "",
    ),
    "frequent letters, confirmed Users": (
        user_search.UserFilter("example.comm", user_search.UserState.CONFIRMED, "User"), "",
    ),
    "common part, blocked Users": (user_search.UserFilter(
        "example.com", user_search.UserState.BLOCKED, "User"), ""),
    "common part, Moderators": (user_search.UserFilter("example", None, "Moderator"), ""),
    "unconfirmed Moderators: none": (
        user_search.UserFilter("", user_search.UserState.UNCONFIRMED, "Moderator"), "",
    ),
}  # fmt: skip

Act = Callable[[int], Awaitable[object]]


class Site(NamedTuple):
    """A site with so many users. Each act takes a number that picks whom it is about."""

    app: Quart
    services: Services
    names: list[str]
    cookies: list[str]


async def fill(url: URL, users: int) -> None:
    """Make the rows; the indexes are taken away meanwhile."""
    connection = await asyncpg.connect(_plain(url))

    async def run(statement: str, rows: int, **values: object) -> None:
        for first in range(1, rows + 1, ROWS_AT_ONCE):
            last = min(first + ROWS_AT_ONCE - 1, rows)
            await connection.execute(statement.format(first=first, last=last, **values))

    indexes = await connection.fetch(INDEXES)
    for name, _ in indexes:
        await connection.execute(f"DROP INDEX {name}")
    making = USERS.replace("CAST(:first AS int)", "{first}").replace("CAST(:last AS int)", "{last}")
    making = making.replace("'x'", f"'{hash_now(PASSWORD, rounds=FASTEST)}'")
    await run(making, users)
    await connection.execute(NUMBERED)
    sessions, events = users * SESSIONS_OF_ONE, users * EVENTS_OF_ONE
    await run(SESSIONS, sessions, users=users)
    await run(EVENTS, events, users=users, total=events)
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        await connection.execute(definition)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def page(site: Site, number: int) -> None:
    browser = Browser(site.app)
    browser.set_cookie(site.cookies[number % len(site.cookies)])
    response = await browser.get("/secret")
    if response.status_code != 200:
        raise RuntimeError(f"the page says {response.status_code}")


async def look_up(site: Site, number: int) -> None:
    """Ask for the user of a session, as each request does."""
    found = await site.services.signed_in(_secret(number, len(site.names)))
    if found is None:
        raise RuntimeError("nobody is signed in")


async def log_in(site: Site, number: int, hasher: PasswordHasher | None = None) -> None:
    """Sign somebody in; with ``hasher`` one whose hash has the cost of a real one."""
    place = 74 * number + (1 if hasher else 0)  # the odd ones have such a hash
    async with context(site.services) as ctx:
        await sign_in(
            ctx, name=site.names[place % len(site.names)], password=PASSWORD, remember=True
        )


def search(site: Site, wanted: user_search.UserFilter, after: str) -> Act:
    async def act(_: int) -> None:
        async with context(site.services) as ctx:
            await user_search.find(ctx, wanted, after=after)

    return act


def history(site: Site, **wanted: Any) -> Act:
    async def act(number: int) -> None:
        user = site.names[number * 41 % len(site.names)] if "person" in wanted else ""
        asked = audit_log.AuditLogFilter(**{**wanted, "person": user})
        async with context(site.services) as ctx:
            await audit_log.read(ctx, asked, before=site.services.config.site_name)

    return act


def acts(site: Site, hasher: PasswordHasher) -> dict[str, Act]:
    """Return all that is measured, by the name that the table calls it."""

    async def look(number: int) -> None:
        await look_up(site, number)

    async def open_page(number: int) -> None:
        await page(site, number)

    async def enter(number: int) -> None:
        await log_in(site, number)

    async def enter_for_real(number: int) -> None:
        await log_in(site, number, hasher)

    found: dict[str, Act] = {
        LOOK_UP: look,
        "guarded page, in process": open_page,
        f"login ({FASTEST} rounds of bcrypt)": enter,
        f"login ({DEFAULT_ROUNDS} rounds, as in use)": enter_for_real,
    }
    for name, (wanted, after) in {**SEARCHES, **MORE_SEARCHES}.items():
        found[f"search: {name}"] = search(site, wanted, after)
    network = ip_network("10.0.7.0/24")
    asked: dict[str, dict[str, Any]] = {
        "all": {},
        "one person": {"person": "somebody"},
        "a frequent event": {"event": "login.failed"},
        "a rare event": {"event": "account.blocked"},
        "an event that never was": {"event": "role.deleted"},
        "a network": {"network": network},
        "a network and an event": {"network": network, "event": "login.failed"},
        "one person and an event": {"person": "somebody", "event": "login.failed"},
    }
    for name, filters in asked.items():
        found[f"history: {name}"] = history(site, **filters)
    return found


async def measure(small: Site, big: Site, rounds: int) -> None:
    """Print each act's median at both sites, taken in turn so that moods hit both alike."""
    print("| what | small, ms | big, ms | big, slowest | ratio |\n|---|---|---|---|---|")
    hasher = PasswordHasher(rounds=DEFAULT_ROUNDS, threads=1, waiting=1)
    both = (acts(small, hasher), acts(big, hasher))
    for name in both[0]:
        times: tuple[list[float], list[float]] = ([], [])
        few = rounds if name.startswith(("session", "guarded", "login")) else max(5, rounds // 5)
        for number in range(-few if name == LOOK_UP else -2, few):
            for place in (0, 1) if number % 2 else (1, 0):
                begun = time.perf_counter()
                await both[place][name](number % few)
                if number >= 0:  # those before warm up: a session that is looked up is in use
                    times[place].append((time.perf_counter() - begun) * 1000)
        one, other = (statistics.median(each) for each in times)
        print(
            f"| {name} | {one:.2f} | {other:.2f} | {max(times[1]):.1f} | {other / one:.2f} |",
            flush=True,
        )


async def tidy(site: Site, seconds: float) -> None:
    """Let housekeeping work for some seconds; print what it removed and what arrives."""
    pruned = housekeeping.Pruned()
    begun = time.perf_counter()

    async def rest() -> bool:
        await asyncio.sleep(0.05)  # as beside the mailer
        return time.perf_counter() - begun > seconds

    async with context(site.services) as ctx:
        await housekeeping.prune(ctx, rest=rest, pruned=pruned)
    took = time.perf_counter() - begun
    gone = sum(pruned.rows.values())
    arriving = len(site.names) * (EVENTS_OF_ONE / 365 + SESSIONS_OF_ONE / 30) / 86400
    print(
        f"\nHousekeeping removed {gone} rows in {took:.0f} s: {gone / took:.0f} a second, where "
        f"{arriving:.1f} arrive (a year's events, 30 days' sessions)"
    )


async def opened(stack: AsyncExitStack, url: URL) -> Site:
    app = create_app(Config.model_validate(SETTINGS), url)
    serving: Any = app.test_app()
    await stack.enter_async_context(serving)
    connection = await asyncpg.connect(_plain(url))
    names = [row[0] for row in await connection.fetch("SELECT username FROM users ORDER BY id")]
    real = [names[(74 * number + 1) % len(names)] for number in range(500)]
    given = "UPDATE users SET password_hash = $1 WHERE username = ANY($2::text[])"
    await connection.execute(given, hash_now(PASSWORD), real)
    await connection.close()
    sign = app.extensions["QUART_AUTH"][0].dump_token
    cookies = [sign(_secret(number, len(names)), app) for number in range(100)]
    return Site(app, app.extensions[EXTENSION], names, cookies)


async def compare(urls: tuple[URL, URL], rounds: int) -> None:
    async with AsyncExitStack() as stack:
        small, big = [await opened(stack, url) for url in urls]
        await measure(small, big, rounds)
        await tidy(big, 20)


async def make(server: URL, name: str, users: int) -> URL:
    """Make a site's database, unless it is there from an earlier run."""
    url = server.set(database=name)
    connection = await asyncpg.connect(_plain(server))
    is_there = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
    if not is_there:
        await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    begun = time.perf_counter()
    await asyncio.to_thread(schema.migrate, url)
    if not is_there:
        await fill(url, users)
    print(f"{name}: {users} users made ready in {time.perf_counter() - begun:.0f} s", flush=True)
    return url


async def run(server: URL, users: int, rounds: int) -> None:
    small = await make(server, f"growth_{SMALL}", SMALL)
    big = await make(server, f"growth_{users}", users)
    await compare((small, big), rounds)


def _secret(number: int, users: int) -> str:
    """Return the secret of a live session; far apart, so that they lie on different pages."""
    place = number * 7919 % (users * SESSIONS_OF_ONE - 1)
    return f"secret-{place + 1 if (place + 1) % 100 else place + 2}"


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--short", action="store_true", help="50,000 users")
    parser.add_argument("--home", type=Path, help="keep the databases there, for another run")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as own:
        home = options.home or Path(own)
        home.mkdir(exist_ok=True)
        home.chmod(0o755)
        with embedded.served(home, durable=False) as local:
            users = 50_000 if options.short else options.users
            asyncio.run(run(make_url(local), users, options.rounds))


if __name__ == "__main__":
    main()
