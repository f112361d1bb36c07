"""Whether this checkout's guarded page is as fast as another revision's.

    python -m bench pair --base main [--rounds 10] [--seconds 4]

Both run on the same PostgreSQL and packages, in turn. Ends with status 1 if the page has become
slower by more than 3 %.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.compare import read
from bench.contenders import ours, settings
from bench.figures import Figure, ratio
from bench.kept import Page
from bench.load import find_wrk, told, use_cores, wrk
from bench.places import Place, Postgres, postgres, prepared
from bench.running import ask, started
from bench.tables import spread
from tests.server import ROOT, free_port

SLOWEST = 0.97  # of the other's requests a second


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


def turn(place: Place, server: Postgres, *, connections: int, seconds: int, cores: int) -> Page:
    """Start one of the two, and read its page."""
    port = free_port()
    environ = settings(place.contender, place.database, port=port, workers=cores)
    with started(
        place.contender.serve, folder=place.contender.folder, environ=environ, port=port,
        log=place.log,
    ) as running:  # fmt: skip
        running.await_answer(place.contender.page, place.cookies[0])
        size = len(ask(port, "GET", place.contender.page, cookie=place.cookies[0]).body)
        told(wrk(port, place.reading, connections=connections, seconds=1))
        return read(place, running, server, connections, seconds, size)


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
        f"  CPU a page  {spread(cpu)}\n  errors      {errors}"
    )
    return words, speed


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench pair", description=__doc__)
    parser.add_argument("--base", required=True, help="the git revision to compare with")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args(arguments)
    find_wrk()
    cores = use_cores(options.cores)
    here: list[Page] = []
    base: list[Page] = []
    with (
        checkout(options.base) as folder,
        postgres() as server,
        prepared(server, ours(), workers=cores) as new,
        prepared(server, ours(folder, "base", options.base), workers=cores) as old,
    ):
        for number in range(options.rounds):
            both = [(new, here), (old, base)]
            for place, found in both if number % 2 else reversed(both):
                found.append(
                    turn(place, server, connections=options.connections, seconds=options.seconds,
                         cores=cores)
                )  # fmt: skip
    words, speed = judged(here, base)
    print(words)
    if speed.median < SLOWEST:
        raise SystemExit(f"The page has become slower by more than {1 - SLOWEST:.0%}.")
