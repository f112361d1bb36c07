"""The one PostgreSQL of a measurement, and a database on it for each contender."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import psutil
from sqlalchemy import URL, make_url

from app import embedded
from app.kit.urls import asyncpg_url
from bench.contenders import Contender, settings
from bench.running import ask, started
from bench.users import (
    CHEAP_ROUNDS,
    CSRF,
    PASSWORD,
    line,
    readers,
    write_all,
    write_doors,
    write_import,
    write_requests,
)
from tests import databases
from tests.server import free_port

GIVEN = "BENCH_DATABASE_URL"
TRIES = 20


class Postgres(NamedTuple):
    """``process`` is its first one, None if it is not ours to weigh."""

    url: URL
    process: psutil.Process | None

    def tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)] if self.process else []


class Place(NamedTuple):
    """All that a contender needs to run: a database with people, and what is asked of it.

    ``reading``, ``right``, ``wrong`` and ``entering`` (with cheap hashes) are files of requests
    for lua/people.lua.
    """

    contender: Contender
    database: URL
    folder: Path
    cookies: tuple[str, ...]

    @property
    def reading(self) -> Path:
        return self.folder / "reading"

    @property
    def right(self) -> Path:
        return self.folder / "right"

    @property
    def wrong(self) -> Path:
        return self.folder / "wrong"

    @property
    def entering(self) -> Path:
        return self.folder / "entering"

    @property
    def log(self) -> Path:
        return self.folder / "log"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Have one PostgreSQL: the one that is given, else our own, whose writes are durable."""
    if given := os.environ.get(GIVEN):
        yield Postgres(make_url(asyncpg_url(given)), None)
        return
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as home:
        Path(home).chmod(0o755)
        with embedded.served(Path(home)) as url:
            first = Path(home, embedded.CLUSTER, "postmaster.pid").read_text().split()[0]
            yield Postgres(make_url(url), psutil.Process(int(first)))


@contextmanager
def prepared(server: Postgres, contender: Contender, *, workers: int) -> Iterator[Place]:
    """Make a contender's database, its people and their sessions; all goes at the end."""
    with (
        databases.fresh(server.url) as database,
        tempfile.TemporaryDirectory(prefix="vestibule-bench-") as home,
    ):
        folder = Path(home)
        _fill(contender, database, folder)
        cookies = _cookies(contender, database, folder, workers=workers)
        place = Place(contender, database, folder, cookies)
        write_requests(place.reading, [line("GET", contender.page, each) for each in cookies])
        if contender.door:
            write_doors(folder, contender.door)
        yield place


def _fill(contender: Contender, database: URL, folder: Path) -> None:
    users = folder / "people"
    if contender.fill:
        write_all(users)
        write_import(users.with_suffix(".csv"))
    environ = settings(contender, database, port=free_port(), workers=1)
    for command in contender.fill:
        done = subprocess.run(
            [part.format(users=users) for part in command],
            cwd=contender.folder, env=environ | {"PEOPLE_FILE": str(users)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{contender.title}: {command} failed\n{done.stdout}{done.stderr}")


def _cookies(contender: Contender, database: URL, folder: Path, *, workers: int) -> tuple[str, ...]:
    """Return a cookie for each reader, by real logins where there is a door; cheap ones here."""
    if contender.mints_cookies:
        minted = subprocess.run(
            [*contender.serve[:3], "cookies"],
            cwd=contender.folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return tuple(minted.stdout.split())
    if contender.door is None:
        return ("",)
    port = free_port()
    environ = settings(contender, database, port=port, workers=workers)
    environ |= {"BCRYPT_ROUNDS": str(CHEAP_ROUNDS), "CHEAP": "1"}  # each knows its own
    with started(
        contender.serve, folder=contender.folder, environ=environ, port=port, log=folder / "log"
    ) as running:
        running.await_answer(contender.door.path)
        return tuple(_enter(contender, port, name) for name in readers())


def _enter(contender: Contender, port: int, name: str) -> str:
    if contender.door is None:
        raise ValueError(contender.key)
    _, path, _, body = contender.door.request(name, PASSWORD).split("\t")
    for _ in range(TRIES):
        answer = ask(port, "POST", path, cookie=CSRF, body=body)
        if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
            break
        time.sleep(0.5)  # a busy machine: this is not what is measured
    if answer.status != contender.door.right:
        raise SystemExit(f"{contender.title}: {name} cannot sign in: {answer.status}")
    return answer.cookies
