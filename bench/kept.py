"""What a measurement found, as it is kept in JSON."""

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import asyncpg

from bench.load import find_wrk
from tests.server import ROOT

RESULTS = ROOT / "bench" / "results"


class Page(TypedDict):
    """A guarded page under as many requests as go, from so many connections."""

    connections: int
    requests_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_ms: float
    database_ms: float
    foreign_cores: float


class Logins(TypedDict):
    """Right passwords, 16 in flight; ``refused``: any other answer than a signed-in one."""

    per_second: float
    refused: int
    foreign_cores: float


class Calm(TypedDict):
    """A page at a steady rate, at rest and while wrong passwords flood the door."""

    rest_p99_ms: float
    flood_p99_ms: float
    checked_second: float
    turned_away_second: float


class Turn(TypedDict):
    """One contender in one round, freshly started."""

    contender: str
    round: int
    start_seconds: float
    page_bytes: int
    pss_mb: float | None
    rss_mb: float
    pages: list[Page]
    logins: Logins | None
    calm: Calm | None


class Results(TypedDict):
    """A whole run; ``titles`` are in the order of the tables."""

    when: str
    revision: str
    machine: dict[str, str]
    plan: dict[str, Any]
    titles: dict[str, str]
    turns: list[Turn]
    bcrypt_second: list[float]


def empty(plan: dict[str, Any], titles: dict[str, str], database: str) -> Results:
    """Return results of which nothing is known yet but where and when."""
    return Results(
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        revision=_said("git", "rev-parse", "--short", "HEAD"),
        machine=_machine(database),
        plan=plan,
        titles=titles,
        turns=[],
        bcrypt_second=[],
    )


def save(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")


def load(folder: Path) -> Results:
    path = folder / "results.json"
    if not path.exists():
        raise SystemExit(f"There is no {path.name} in {folder.name}: measure first (make bench).")
    results: Results = json.loads(path.read_text())
    return results


async def database_version(address: str) -> str:
    connection = await asyncpg.connect(address.replace("+asyncpg", ""))
    try:
        return str(await connection.fetchval("SHOW server_version")).split()[0]
    finally:
        await connection.close()


def _machine(database: str) -> dict[str, str]:
    return {
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": database,
        "wrk": " ".join(_said(find_wrk(), "-v").split()[1:2]),
        "load_before": f"{os.getloadavg()[0]:.2f}",
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _said(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        return ""
    done = subprocess.run(
        [program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
