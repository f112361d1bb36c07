"""Whether this checkout's guarded page, or login, is as fast as another revision's.

    python -m bench pair --base main [--logins] [--rounds 10] [--seconds 4]
    python -m bench pair --site [--logins]

Both run on the same PostgreSQL and packages, in turn. With ``--site`` this checkout with a site of
ten pages and three hooks is compared with itself without one. Passwords are hashed with so few
rounds that a login is all but hashing. Ends with status 1 if it has become slower by more than 3 %.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.compare import read
from bench.contenders import ours, settings
from bench.figures import Figure, ratio
from bench.kept import Page
from bench.load import find_wrk, told, use_cores, wrk
from bench.places import Place, Postgres, postgres, prepared
from bench.running import ask, started
from bench.tables import spread
from bench.users import CHEAP_ROUNDS
from tests.server import ROOT, free_port

SLOWEST = 0.97  # of the other's requests a second
SITE = "bench_site"
PAGES = """
from quart import Blueprint

pages = Blueprint("bench", __name__)

for number in range(10):

    @pages.get(f"/bench/{number}", endpoint=f"page_{number}")
    async def show() -> str:
        return "A page of the site's own."
"""
HOOKS = """
from app.extending import Context, Event, Happening, hook


@hook(Event.SIGNED_IN)
async def one(ctx: Context, happening: Happening) -> None: ...


@hook(Event.SIGNED_IN)
async def two(ctx: Context, happening: Happening) -> None: ...


@hook(Event.CONFIRMED)
async def three(ctx: Context, happening: Happening) -> None: ...
"""


class Measured(NamedTuple):
    """What both are asked: their page, or a login."""

    logins: bool
    connections: int
    seconds: int
    cores: int


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """Have a revision's files in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as home:
        folder = Path(home, "base")
        git = ["git", "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(folder), revision], cwd=ROOT, check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], cwd=ROOT, check=True)


@contextmanager
def site() -> Iterator[dict[str, str]]:
    """Have a site of ten pages and three hooks; yield the settings that name it."""
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as home:
        package = Path(home, SITE)
        package.mkdir()
        for name, text in (("__init__", ""), ("pages", PAGES), ("hooks", HOOKS)):
            (package / f"{name}.py").write_text(text)
        yield {"SITE": SITE, "PYTHONPATH": home}


def turn(place: Place, server: Postgres, measured: Measured, more: Mapping[str, str]) -> Page:
    """Start one of the two with some settings more, and ask it."""
    port = free_port()
    environ = settings(place.contender, place.database, port=port, workers=measured.cores)
    environ |= {"BCRYPT_ROUNDS": str(CHEAP_ROUNDS), **more}
    asked = place.entering if measured.logins else place.reading
    with started(
        place.contender.serve, folder=place.contender.folder, environ=environ, port=port,
        log=place.log,
    ) as running:  # fmt: skip
        if measured.logins:  # old sessions have ended for the many new ones
            running.await_answer("/login")
        else:
            running.await_answer(place.contender.page, place.cookies[0])
        page = ask(port, "GET", place.contender.page, cookie=place.cookies[0])
        size = 0 if measured.logins else len(page.body)  # a login's answer has no body
        told(wrk(port, asked, connections=measured.connections, seconds=1))
        return read(
            place, running, server, measured.connections, measured.seconds, size, asked=asked
        )


def judged(here: Sequence[Page], base: Sequence[Page]) -> tuple[str, Figure]:
    """Return the report, and the ratio of requests a second."""
    speed = ratio(
        [page["requests_second"] for page in here], [page["requests_second"] for page in base]
    )
    tail = ratio([page["p99_ms"] for page in here], [page["p99_ms"] for page in base])
    cpu = ratio([page["cpu_ms"] for page in here], [page["cpu_ms"] for page in base])
    errors = sum(page["errors"] for page in here)
    words = (
        f"this checkout against the base, medians of {len(here)} rounds (lowest–highest):\n"
        f"  requests/s  {spread(speed)}\n  p99         {spread(tail)}\n"
        f"  CPU of each  {spread(cpu)}\n  errors      {errors}"
    )
    return words, speed


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench pair", description=__doc__)
    parser.add_argument("--base", help="the git revision to compare with")
    parser.add_argument("--site", action="store_true", help="compare with and without a site")
    parser.add_argument("--logins", action="store_true", help="sign in, instead of reading a page")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args(arguments)
    if bool(options.base) == options.site:
        parser.error("give --base or --site")
    find_wrk()
    cores = use_cores(options.cores)
    connections = min(options.connections, 16) if options.logins else options.connections
    measured = Measured(options.logins, connections, options.seconds, cores)
    here: list[Page] = []
    base: list[Page] = []
    with ExitStack() as held:
        folder = held.enter_context(checkout(options.base)) if options.base else ROOT
        more = held.enter_context(site()) if options.site else {}
        server = held.enter_context(postgres())
        new = held.enter_context(prepared(server, ours(), workers=cores))
        old = held.enter_context(prepared(server, ours(folder, "base", "base"), workers=cores))
        for number in range(options.rounds):
            both = [(new, here, more), (old, base, {})]
            for place, found, settings_of in both if number % 2 else reversed(both):
                found.append(turn(place, server, measured, settings_of))
    words, speed = judged(here, base)
    print(words)
    if speed.median < SLOWEST:
        raise SystemExit(f"It has become slower by more than {1 - SLOWEST:.0%}.")
