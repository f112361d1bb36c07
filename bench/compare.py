"""All contenders on one PostgreSQL, in turn, over some rounds.

Each contender runs only in its own turn, freshly started: a neighbour at rest would still beat its
heart and hold memory, and so each round gives one more time of a start. The order moves on by one
each round. Everything runs on the same cores, wrk and PostgreSQL too.
"""

import asyncio
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench import kept, show
from bench.contenders import all_of, settings
from bench.figures import percentile
from bench.kept import Calm, Logins, Page, Results, Turn
from bench.load import bcrypt_alone, find_wrk, metered, told, use_cores, walk, wrk
from bench.places import Place, Postgres, postgres, prepared
from bench.running import Running, ask, started
from tests.server import free_port

IN_FLIGHT = 16
FLOODING = 64
PAGES_A_SECOND = 50
SETTLE_SECONDS = 1.0


class Plan(NamedTuple):
    """Seconds of each measurement, and how many rounds; doors are tried in the first few."""

    rounds: int
    page: int
    warm: int
    logins: int
    rest: int
    flood: int
    bcrypt: int
    door_rounds: int


FULL = Plan(rounds=5, page=3, warm=1, logins=20, rest=4, flood=20, bcrypt=3, door_rounds=3)
SHORT = Plan(rounds=2, page=2, warm=1, logins=3, rest=2, flood=4, bcrypt=2, door_rounds=1)


def run(plan: Plan, *, cores: int, only: list[str], folder: Path) -> None:
    """Measure, keep what is found after each turn, and show it."""
    find_wrk()
    cores = use_cores(cores)
    contenders = [each for each in all_of(cores) if not only or each.key in only]
    with postgres() as server, ExitStack() as stack:
        version = asyncio.run(
            kept.database_version(server.url.render_as_string(hide_password=False))
        )
        results = kept.empty(
            plan._asdict() | {"cores": cores},
            {each.key: each.title for each in contenders},
            version,
        )
        places = []
        for each in contenders:
            _say(f"making the people of {each.title}")
            places.append(stack.enter_context(prepared(server, each, workers=cores)))
        for number in range(plan.rounds):
            _round(results, server, _rotated(places, number), plan, number, cores, folder)
    show.write(folder)


def _round(
    results: Results, server: Postgres, places: list[Place], plan: Plan, number: int, cores: int,
    folder: Path,
) -> None:  # fmt: skip
    if number < plan.door_rounds:
        results["bcrypt_second"].append(bcrypt_alone(cores=cores, seconds=plan.bcrypt))
    for place in places:
        _say(f"round {number + 1} of {plan.rounds}: {place.contender.title}")
        results["turns"].append(_turn(place, server, plan, number, cores))
        kept.save(results, folder)


def _rotated(places: list[Place], by: int) -> list[Place]:
    by %= len(places)
    return places[by:] + places[:by]


def _turn(place: Place, server: Postgres, plan: Plan, number: int, cores: int) -> Turn:
    contender, cookie, port = place.contender, place.cookies[0], free_port()
    with started(
        contender.serve, folder=contender.folder, port=port, log=place.log,
        environ=settings(contender, place.database, port=port, workers=cores),
    ) as running:  # fmt: skip
        start_seconds = running.await_answer(contender.page, cookie)
        page_bytes = len(ask(port, "GET", contender.page, cookie=cookie).body)
        told(wrk(port, place.reading, connections=64, seconds=plan.warm))
        pages = [
            read(place, running, server, connections, plan.page, page_bytes)
            for connections in (64, 256)
        ]
        has_door = contender.door is not None and number < plan.door_rounds
        logins = _logins(place, running, server, plan) if has_door else None
        calm = _calm(place, running, plan) if has_door else None
        memory = running.memory()
    return Turn(
        contender=contender.key,
        round=number + 1,
        start_seconds=start_seconds,
        page_bytes=page_bytes,
        pss_mb=memory.pss_mb,
        rss_mb=memory.rss_mb,
        pages=pages,
        logins=logins,
        calm=calm,
    )


def read(
    place: Place, running: Running, server: Postgres, connections: int, seconds: int,
    page_bytes: int, *, asked: Path | None = None,
) -> Page:  # fmt: skip
    """Read the page, or what is asked, as fast as it comes, as a hundred people."""
    with metered(running, server.tree()) as costs:
        sent = told(
            wrk(running.port, asked or place.reading, connections=connections, seconds=seconds)
        )
    number = max(1, sent["requests"])
    if sent["bytes"] / number < 0.9 * page_bytes:
        raise SystemExit(f"{place.contender.title}: not all that wrk got were pages: {sent}")
    return Page(
        connections=connections,
        requests_second=sent["requests"] / sent["seconds"],
        p50_ms=sent["p50_ms"],
        p99_ms=sent["p99_ms"],
        errors=sent["errors"],
        cpu_ms=costs[0].contender / number * 1000,
        database_ms=costs[0].database / number * 1000,
        foreign_cores=costs[0].foreign_cores,
    )


def _logins(place: Place, running: Running, server: Postgres, plan: Plan) -> Logins:
    right = place.contender.door.right if place.contender.door else 0
    with metered(running, server.tree()) as costs:
        sent = told(wrk(running.port, place.right, connections=IN_FLIGHT, seconds=plan.logins,
                        count_statuses=True))  # fmt: skip
    succeeded = sent["statuses"].get(str(right), 0)
    return Logins(
        per_second=succeeded / sent["seconds"],
        refused=sum(sent["statuses"].values()) - succeeded,
        foreign_cores=costs[0].foreign_cores,
    )


def _calm(place: Place, running: Running, plan: Plan) -> Calm:
    """Walk at rest, then in the flood. ``wrong`` is the status of a password that was checked."""
    wrong = place.contender.door.wrong if place.contender.door else 0

    def walked(seconds: int) -> float:
        path, cookie = place.contender.page, place.cookies[0]
        return percentile(
            walk(running.port, path, cookie, rate=PAGES_A_SECOND, seconds=seconds), 0.99
        )

    running.await_rest()
    rest = walked(plan.rest)
    flood = wrk(running.port, place.wrong, connections=FLOODING, seconds=plan.flood + 2,
                count_statuses=True)  # fmt: skip
    time.sleep(SETTLE_SECONDS)
    flooded = walked(plan.flood)
    sent = told(flood)
    checked = sent["statuses"].get(str(wrong), 0)
    return Calm(
        rest_p99_ms=rest,
        flood_p99_ms=flooded,
        checked_second=checked / sent["seconds"],
        turned_away_second=(sum(sent["statuses"].values()) - checked) / sent["seconds"],
    )


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
