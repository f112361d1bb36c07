"""How long an administrator looks for somebody among a million.

    python -m bench find_people [--users 1000000] [--rounds 20]

Starts its own database and stops it. Prints how long the migration that makes the indexes takes,
and for each kind of search the median and the slowest of all rounds, in milliseconds.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import embedded, schema
from app.config import Config
from app.models import user_list, user_search
from app.models.user_list import Order
from app.models.user_search import UserFilter, UserState
from app.services import Services, opened

PAGE = 51
SETTINGS = {"secret_key": "bench-9fK2mQ7xR4tB8wZ1cV6nJ3hL5pDs"}
# A third has one provider, one in fifty is a Smith, one in 5000 is blocked.
USERS = """
INSERT INTO users
    (email, email_key, username, username_key, password_hash, role_id, confirmed_at, blocked_at)
SELECT address, address, name, name, 'x', 1 + (n % 5000 = 1)::int, now(),
    CASE WHEN n % 5000 = 7 THEN now() END
FROM (
    SELECT n, name, name || CASE n % 3 WHEN 0 THEN '@post.example.com' WHEN 1
        THEN '@mail' || n % 97 || '.example.com' ELSE '@example.com' END AS address
    FROM (
        SELECT n, (ARRAY['anna', 'bert', 'carl', 'dora', 'emil', 'fritz', 'gerda', 'hans', 'ida',
            'jana', 'karl', 'lena', 'max', 'nora', 'otto', 'paul', 'rosa', 'sven', 'tina', 'uwe',
            'vera', 'willi', 'xaver', 'yves', 'zoe'])[1 + n % 25] || '.' || CASE WHEN n % 51 = 3
            THEN 'smith' ELSE substr(translate(md5(n::text), '0123456789', 'ghijklmnop'), 1, 8)
            END || '.' || n AS name
        FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    ) AS named
) AS addressed
"""
SEARCHES = {
    "everybody, first page": (UserFilter(), ""),
    "everybody, last page": (UserFilter(), "zoe.zz"),
    "rare: one person": (UserFilter("smith.77778"), ""),
    "no match": (UserFilter("quetzalcoatl"), ""),
    "no match, of frequent letters": (UserFilter("example.comm"), ""),
    "middling: one in fifty": (UserFilter("smith"), ""),
    "middling, far from the first": (UserFilter("vera.smith"), ""),
    "a name that 4 % have, far away": (UserFilter("xaver"), ""),
    "a third: post.example": (UserFilter("post.example"), ""),
    "common: example.com": (UserFilter("example.com"), ""),
    "common, last page": (UserFilter("example.com"), "zoe.zz"),
    "middling, last page": (UserFilter("smith"), "zoe.smith.99"),
    "two letters": (UserFilter("zo"), ""),
    "blocked": (UserFilter("", UserState.BLOCKED), ""),
    "blocked, rare part": (UserFilter("smith.77", UserState.BLOCKED), ""),
    "moderators": (UserFilter("", None, "Moderator"), ""),
    "confirmed, common part": (UserFilter("example.com", UserState.CONFIRMED), "m"),
}
ORDERS = {
    "newest": (UserFilter(), Order.NEWEST),
    "last here, a third": (UserFilter("post.example"), Order.SEEN),
    "last here, one in fifty": (UserFilter("smith"), Order.SEEN),
    "longest away, blocked": (UserFilter("", UserState.BLOCKED), Order.UNSEEN),
    "never here": (UserFilter(never_seen=True), Order.NEWEST),
    "never here, no match": (UserFilter("quetzalcoatl", never_seen=True), Order.UNSEEN),
}


async def fill(services: Services, users: int) -> None:
    step = 100_000
    for first in range(1, users + 1, step):
        async with services.engine.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            driver = await connection.get_raw_connection()
            statement = USERS.replace("CAST(:first AS int)", str(first)).replace(
                "CAST(:last AS int)", str(min(first + step - 1, users))
            )
            if driver.driver_connection is not None:
                await driver.driver_connection.execute(statement, timeout=600)


async def search(services: Services, wanted: UserFilter, after: str) -> tuple[float, int]:
    async with services.session() as session, session.begin():
        begun = time.perf_counter()
        found = await user_search.page(session, wanted, after=after, size=PAGE)
        return (time.perf_counter() - begun) * 1000, len(found)


async def page(session: AsyncSession, wanted: UserFilter, order: Order) -> int:
    """Do what the list of users does: a page in some order, and how many there are."""
    found = await user_list.page(session, wanted, order, place="", back=False, size=PAGE)
    await user_list.count(session, wanted)
    return len(found.users)


async def ordered(services: Services, wanted: UserFilter, order: Order) -> tuple[float, int]:
    async with services.session() as session, session.begin():
        begun = time.perf_counter()
        found = await page(session, wanted, order)
        return (time.perf_counter() - begun) * 1000, found


def tell(name: str, times: Sequence[tuple[float, int]]) -> None:
    slowest = max(taken for taken, _ in times)
    median = statistics.median(taken for taken, _ in times)
    print(f"{name:32} {times[0][1]:3} found  median {median:6.1f}  slowest {slowest:6.1f}")


async def measure(url: URL, rounds: int) -> None:
    async with opened(Config.model_validate(SETTINGS), url) as services:
        for name, (wanted, after) in SEARCHES.items():
            tell(name, [await search(services, wanted, after) for _ in range(rounds)])
        for name, (sought, order) in ORDERS.items():
            tell(name, [await ordered(services, sought, order) for _ in range(rounds)])


async def create_user(url: URL) -> None:
    """Do what autovacuum does some minutes after so many people came."""
    connection = await asyncpg.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False)
    )
    await connection.execute("VACUUM ANALYZE users", timeout=600)
    await connection.close()


async def make(url: URL, users: int) -> None:
    async with opened(Config.model_validate(SETTINGS), url) as services:
        await fill(services, users)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--home", type=Path, help="keep the database there, for another run")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as own:
        home = options.home or Path(own)
        home.mkdir(exist_ok=True)
        home.chmod(0o755)
        is_full = embedded.exists(home)
        with embedded.served(home) as local:
            url = make_url(local)
            if not is_full:
                schema.migrate(url, revision="0003")
                asyncio.run(make(url, options.users))
            begun = time.perf_counter()
            schema.migrate(url)
            print(f"indexes for {options.users} people: {time.perf_counter() - begun:.0f} s")
            asyncio.run(create_user(url))
            asyncio.run(measure(url, options.rounds))


if __name__ == "__main__":
    main(sys.argv[1:])
