"""What is sent: wrk for as much as goes, and a steady walk for how a page feels meanwhile."""

import asyncio
import json
import os
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypedDict

import bcrypt
import psutil

from bench.running import Running, cpu_seconds
from bench.users import REAL_ROUNDS
from tests.server import ROOT

LUA = ROOT / "bench" / "lua" / "people.lua"
LONGEST_ANSWER_SECONDS = 30.0


class Sent(TypedDict):
    """What wrk tells."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int
    statuses: dict[str, int]


class Cost(NamedTuple):
    """CPU seconds of a measurement; ``foreign_cores``: what others took of the machine."""

    contender: float
    database: float
    foreign_cores: float


def find_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("This needs wrk, which sends the requests: apt install wrk")
    return found


def wrk(
    port: int, requests: Path, *, connections: int, seconds: int, count_statuses: bool = False
) -> "subprocess.Popen[str]":
    """Send the requests of a file, round and round, as fast as they are answered."""
    return subprocess.Popen(
        [find_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(LUA),
         f"http://127.0.0.1:{port}", "--", str(requests), *["statuses"] * count_statuses],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def told(running_wrk: "subprocess.Popen[str]") -> Sent:
    """Wait for wrk, and return what it tells."""
    said, _ = running_wrk.communicate()
    _, _, result = said.partition("RESULT ")
    if not result:
        raise SystemExit(f"wrk ended with {running_wrk.returncode}:\n{said}")
    sent: Sent = json.loads(result)
    return sent


@contextmanager
def metered(running: Running, database: list[psutil.Process]) -> Iterator[list[Cost]]:
    """Put the cost of the block into the list that is yielded."""
    costs: list[Cost] = []
    tree = running.tree()
    begun, before = time.perf_counter(), _snapshot(tree, database)
    yield costs
    spent = [after - earlier for after, earlier in zip(_snapshot(tree, database), before,
                                                       strict=True)]  # fmt: skip
    contender, of_database, own, machine = spent
    foreign = (machine - contender - of_database - own) / (time.perf_counter() - begun)
    costs.append(Cost(contender, of_database, max(0.0, foreign)))


def _snapshot(
    tree: list[psutil.Process], database: list[psutil.Process]
) -> tuple[float, float, float, float]:
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = time.process_time() + child.ru_utime + child.ru_stime
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # in user already
    return cpu_seconds(tree), cpu_seconds(database), own, sum(times) - idle - guest


def walk(port: int, path: str, cookie: str, *, rate: int, seconds: float) -> list[float]:
    """Ask for a page at a steady rate, however slow it is; return the milliseconds of each answer.

    Counted from when each request was due. What is no page counts as the longest time.
    """
    return asyncio.run(_walk(port, path, cookie, rate, seconds))


async def _walk(port: int, path: str, cookie: str, rate: int, seconds: float) -> list[float]:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n"
    request = f"{head}Connection: close\r\n\r\n".encode()
    begun = time.perf_counter()
    asked = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked.append(asyncio.create_task(_step(port, request, due)))
    return [await each for each in asked]


async def _step(port: int, request: bytes, due: float) -> float:
    try:
        async with asyncio.timeout(LONGEST_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return LONGEST_ANSWER_SECONDS * 1000
    is_page = answer[9:12] == b"200"
    return (time.perf_counter() - due) * 1000 if is_page else LONGEST_ANSWER_SECONDS * 1000


def bcrypt_alone(*, cores: int, seconds: float) -> float:
    """Return how many passwords a second bcrypt checks on these cores, with nothing around it."""
    stored = bcrypt.hashpw(b"nobody", bcrypt.gensalt(REAL_ROUNDS))
    checked = [0] * cores
    begun = time.perf_counter()

    def check(core: int) -> None:
        while time.perf_counter() - begun < seconds:
            bcrypt.checkpw(b"somebody", stored)
            checked[core] += 1

    threads = [threading.Thread(target=check, args=(core,)) for core in range(cores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(checked) / (time.perf_counter() - begun)


def use_cores(wanted: int) -> int:
    """Keep this process and all that it starts to a few cores; return how many there are."""
    if not hasattr(os, "sched_setaffinity"):
        return min(wanted, os.cpu_count() or 1)
    allowed = sorted(os.sched_getaffinity(0))[:wanted]
    os.sched_setaffinity(0, allowed)
    return len(allowed)
