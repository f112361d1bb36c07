"""Whether a logout, a block and a changed role act on the very next request, under load.

    python -m bench promises [--deeds 900] [--lanes 16] [--crowd 32]

Two servers with two workers each share a database. In every lane somebody signs in and asks for a
guarded page without a pause, on two connections to each server; then comes the deed. A page that
was asked for after the deed was acknowledged and is served all the same breaks the promise. Twelve
are asked for after each deed. Each lane has its own administrator, who may act 600 times an hour.
Beside them wrk asks each server for pages on ``--crowd`` connections, as fast as they come.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

from bench.contenders import ours, settings
from bench.load import told, wrk
from bench.places import Place, postgres, prepared
from bench.running import started
from bench.users import CHEAP_ROUNDS, PASSWORD
from bench.visitor import Visitor, form
from tests.server import free_port

WORKERS = 2
SERVERS = 2
CONNECTIONS = 2  # of a lane to each server
MORE_PAGES = 3  # that each of these asks for after the acknowledgement
MOST_LANES = 50  # half of the readers, the others are administrators
KINDS = ("logout", "block", "role")
ACTING_SECONDS = 60
LONGEST_SECONDS = 3600


@dataclass
class Tally:
    """What was seen: ``broken`` are pages asked for after the acknowledgement, and served."""

    asked: int = 0
    asked_after: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)


@dataclass
class Deed:
    """One deed under way."""

    kind: str
    path: str
    cookie: str
    acknowledged_at: float | None = None


class Lane:
    """One person again and again, whose deeds come one after the other."""

    def __init__(self, ports: Sequence[int], name: str, user_id: str, boss: str) -> None:
        self._ports = ports
        self._name = name
        self._page = f"/admin/users/{user_id}"
        self._boss = boss

    async def run(self, tally: Tally, numbers: "count[int]", most: int) -> None:
        while (number := next(numbers)) < most:
            await self._deed(KINDS[number % len(KINDS)], self._ports[number % SERVERS], tally)

    async def _deed(self, kind: str, port: int, tally: Tally) -> None:
        if kind == "role":
            await self._by_boss(port, "role", role="Administrator")
        deed = Deed(kind, "/admin" if kind == "role" else "/secret", await enter(port, self._name))
        served = [asyncio.Event() for _ in range(len(self._ports) * CONNECTIONS)]
        async with asyncio.timeout(ACTING_SECONDS), asyncio.TaskGroup() as group:
            for number, event in enumerate(served):
                group.create_task(watch(self._ports[number % SERVERS], deed, event, tally))
            for event in served:
                await event.wait()
            await self._act(deed, port)
            deed.acknowledged_at = time.perf_counter()
        tally.actions[kind] += 1
        if kind == "block":
            await self._by_boss(port, "unblock")

    async def _act(self, deed: Deed, port: int) -> None:
        if deed.kind == "logout":
            await submit(port, "/logout", deed.cookie)
        elif deed.kind == "block":
            await self._by_boss(port, "block", reason="")
        else:
            await self._by_boss(port, "role", role="User")

    async def _by_boss(self, port: int, what: str, **fields: str) -> None:
        await submit(port, f"{self._page}/{what}", self._boss, **fields)


async def watch(port: int, deed: Deed, served: asyncio.Event, tally: Tally) -> None:
    """Ask for the page until it was asked for a few times after the acknowledgement."""
    after = 0
    async with Visitor(port) as visitor:
        while after < MORE_PAGES:
            sent_at = time.perf_counter()
            status = (await visitor.ask("GET", deed.path, deed.cookie)).status
            tally.asked += 1
            is_page = status == HTTPStatus.OK
            if deed.acknowledged_at is None and is_page:
                served.set()
            elif deed.acknowledged_at is not None and sent_at > deed.acknowledged_at:
                after += 1
                tally.broken[deed.kind] += is_page
            if not served.is_set() and not is_page:
                raise SystemExit(f"{deed.path} is no page for who is signed in: {status}")
        tally.asked_after += after


async def submit(port: int, path: str, cookie: str, **fields: str) -> str:
    """Send a form; return the cookies that come with the redirect. Busy: once more."""
    async with Visitor(port) as visitor:
        for _ in range(100):
            answer = await visitor.ask("POST", path, cookie, form(fields))
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(0.1)
    if answer.status != HTTPStatus.SEE_OTHER:
        raise SystemExit(f"{path} answered {answer.status}")
    return answer.cookies


async def enter(port: int, name: str) -> str:
    return await submit(port, "/login", "", email_or_user=f"{name}@example.com", password=PASSWORD)


def boss_of(reader: str) -> str:
    """Return who blocks a reader and changes their role."""
    return f"reader{MOST_LANES + int(reader.removeprefix('reader'))}"


async def measure(ports: Sequence[int], ids: dict[str, str], *, actions: int, lanes: int) -> Tally:
    """Do all deeds, several at once."""
    tally, numbers = Tally(), count()
    names = [f"reader{number}" for number in range(lanes)]
    async with asyncio.TaskGroup() as group:
        for name in names:
            lane = Lane(ports, name, ids[name], await enter(ports[0], boss_of(name)))
            group.create_task(lane.run(tally, numbers, actions))
    return tally


@contextmanager
def crowd(place: Place, ports: Sequence[int], connections: int) -> Iterator[list[int]]:
    """Let others ask for pages meanwhile; their numbers are in the list at the end."""
    answered: list[int] = []
    crowds = [
        wrk(port, place.reading, connections=connections, seconds=LONGEST_SECONDS)
        for port in ports
        if connections
    ]
    try:
        yield answered
    finally:
        for each in crowds:
            each.send_signal(signal.SIGINT)  # it tells what it has got so far
        answered += [told(each)["requests"] for each in crowds]


def report(tally: Tally, others: int, seconds: float) -> str:
    asked, after = f"{tally.asked + others:,}", f"{tally.asked_after:,}"
    rate = f"{(tally.asked + others) / seconds:,.0f}"
    lines = [f"{asked} pages asked for, {rate} a second; {after} after an acknowledgement"]
    lines += [
        f"{kind:8} {tally.actions[kind]:6,} deeds, {tally.broken[kind]} pages served afterwards"
        for kind in KINDS
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench promises", description=__doc__)
    parser.add_argument("--deeds", type=int, default=900)
    parser.add_argument(
        "--lanes", type=int, default=16, choices=range(1, MOST_LANES + 1), metavar="1…50"
    )
    parser.add_argument("--crowd", type=int, default=32)
    options = parser.parse_args(arguments)
    with (
        postgres() as server,
        prepared(server, ours(), workers=WORKERS) as place,
        ExitStack() as stack,
    ):
        ids = _ids(place)
        for number in range(options.lanes):
            boss = boss_of(f"reader{number}")
            _command(place, "users", "set-role", boss, "Administrator")
        ports = [_serve(stack, place) for _ in range(SERVERS)]
        begun = time.perf_counter()
        with crowd(place, ports, options.crowd) as others:
            tally = asyncio.run(measure(ports, ids, actions=options.deeds, lanes=options.lanes))
            seconds = time.perf_counter() - begun
    print(report(tally, sum(others), seconds))
    if tally.broken.total():
        raise SystemExit("The promise is broken.")


def _serve(stack: ExitStack, place: Place) -> int:
    port = free_port()
    environ = settings(place.contender, place.database, port=port, workers=WORKERS)
    environ |= {"BCRYPT_ROUNDS": str(CHEAP_ROUNDS), "REAUTHENTICATION_MINUTES": "10000"}
    running = stack.enter_context(
        started(place.contender.serve, folder=place.contender.folder, environ=environ, port=port,
                log=place.log)
    )  # fmt: skip
    running.await_answer("/login")
    return port


def _ids(place: Place) -> dict[str, str]:
    users = json.loads(_command(place, "users", "list", "--json"))
    return {user["username"]: user["id"] for user in users}


def _command(place: Place, *arguments: str) -> str:
    done = subprocess.run(
        [*place.contender.serve[:-1], *arguments], cwd=place.contender.folder,
        env=settings(place.contender, place.database, port=free_port(), workers=1),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout
