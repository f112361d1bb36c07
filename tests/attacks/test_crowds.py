"""Others can sign in while one network sends all it can (18): an exemption lifts one limit."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from sqlalchemy import URL

from tests import databases
from tests.attacks.visitor import Site, Visitor
from tests.server import environment, serving

TRIES, CROWD = 2, 20
OF_KNOWN_BROWSERS, OF_56, OF_48 = 10 * TRIES, 4 * TRIES, 16 * TRIES
SETTINGS = {
    "WORKERS": "2",
    "PUBLIC_URL": "http://localhost:8000",
    "TRUSTED_PROXIES": "1",
    "LOGINS_PER_NETWORK_5_MINUTES": str(TRIES),
}
ROOMY = {"LOGINS_PER_NETWORK_5_MINUTES": "100000", "PASSWORD_QUEUE": "2", "BCRYPT_ROUNDS": "9"}


@dataclass
class Guest(Visitor):
    """A browser behind our proxy."""

    behind: str = ""

    def headers(self) -> dict[str, str]:
        return {"X-Forwarded-For": self.behind}


@pytest.fixture(scope="module")
def database_of_crowds(worker_database: URL) -> Iterator[URL]:
    with databases.migrated(worker_database) as url:
        yield url


@pytest.fixture(scope="module")
def crowded(database_of_crowds: URL) -> Iterator[Site]:
    """Yield two servers where a network has few tries."""
    with ExitStack() as stack:
        environ = environment(database_of_crowds, **SETTINGS)
        servers = [stack.enter_context(serving(environ)) for _ in range(2)]
        yield Site(servers, database_of_crowds)


@pytest.fixture(scope="module")
def busy(database_of_crowds: URL) -> Iterator[Site]:
    """Yield a server where a password takes its time, and few may wait: each worker has a queue."""
    with serving(environment(database_of_crowds, **SETTINGS | ROOMY)) as server:
        yield Site([server], database_of_crowds)


async def told(guests: list[Guest], name: str) -> list[int]:
    """Let guests try a wrong password one after the other; return what they are told."""
    return [(await guest.sign_in(name, "wrong")).status for guest in guests]


async def test_all_known_browsers_of_a_network_have_a_limit_too(crowded: Site) -> None:
    await crowded.create_user("alice")
    browsers = []
    for number in range(OF_KNOWN_BROWSERS // TRIES + 1):
        browser = Guest(crowded, behind=f"192.0.2.{number}")
        assert (await browser.sign_in("alice")).status == 303
        browser.behind = "198.51.100.9"
        browsers.append(browser)
    *before, last = browsers
    assert await told(before * TRIES, "alice") == [401] * OF_KNOWN_BROWSERS
    assert (await last.sign_in("alice")).status == 429
    last.behind = "198.51.100.10"
    assert (await last.sign_in("alice")).status == 303


@pytest.mark.parametrize(
    ("addresses", "room"),
    [("2001:db8:a:1{:02x}::1", OF_56), ("2001:db8:b:{:02x}00::1", OF_48)],
)
async def test_many_networks_of_one_customer_have_a_limit_too(
    crowded: Site, addresses: str, room: int
) -> None:
    guests = [Guest(crowded, behind=addresses.format(number)) for number in range(room + 3)]
    names = [f"nobody{number}of{room}" for number in range(len(guests))]
    statuses = [(await each.sign_in(name)).status for each, name in zip(guests, names, strict=True)]
    assert statuses == [401] * room + [429] * 3
    neighbour = Guest(crowded, behind=f"2001:db8:c:{room}::1")
    assert (await neighbour.sign_in(names[-1])).status == 401


async def test_many_networks_of_one_customer_register_no_more(crowded: Site) -> None:
    """Each of these costs a hash too, and an email to whomever they like."""
    guests = [Guest(crowded, behind=f"2001:db8:e:1{number:02x}::1") for number in range(OF_56 + 2)]
    names = [f"crony{number}" for number in range(len(guests))]
    statuses = [
        (await each.register(name, f"{name}@example.com")).status
        for each, name in zip(guests, names, strict=True)
    ]
    assert statuses == [200] * OF_56 + [429] * 2


async def test_a_crowd_of_one_network_waits_behind_itself(busy: Site) -> None:
    """Its places in the queue go to whoever else comes."""
    await busy.create_user("bob")
    enough = asyncio.Event()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CROWD + 1))

    async def one_of_the_crowd(number: int) -> list[int]:
        guest = Guest(busy, behind=f"2001:db8:d:{number:02x}00::1")
        statuses: list[int] = []
        while not enough.is_set():
            statuses.append((await guest.sign_in(f"no{number}of{len(statuses)}", "wrong")).status)
            await asyncio.sleep(0.1)
        return statuses

    crowd = [asyncio.create_task(one_of_the_crowd(number)) for number in range(CROWD)]
    try:
        others = [Guest(busy, behind=f"203.0.113.{number}") for number in range(8)]
        answered = [(await other.sign_in("bob")).status for other in others]
    finally:
        enough.set()
        of_crowd = [status for each in await asyncio.gather(*crowd) for status in each]
    assert 503 in of_crowd, "they did not fill the queue"
    assert answered == [303] * len(others)
