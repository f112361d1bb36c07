"""Who is measured: ours, three peers, and what bounds us."""

import sys
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import URL

from bench.users import REAL_ROUNDS, Door
from tests.server import ROOT, environment

PEERS = ROOT / "bench" / "peers"
PEERS_PYTHON = str(ROOT / ".venv-bench" / "bin" / "python")
SITE = "http://127.0.0.1:8000"  # ours names cookies by its port: one for all runs
SYNC_WORKERS = 5  # gunicorn's, as the course deploys it
BASIS = "course"  # what the ratios are to


class Contender(NamedTuple):
    """``serve`` and ``fill`` are commands, run in ``folder``; ``{port}`` is filled in."""

    key: str
    title: str
    serve: tuple[str, ...]
    folder: Path = ROOT
    fill: tuple[tuple[str, ...], ...] = ()
    page: str = "/secret"
    door: Door | None = None
    mints_cookies: bool = False
    driver: str = "postgresql"

    @property
    def is_ours(self) -> bool:
        return self.serve[-2:] == ("app", "serve")


def ours(folder: Path = ROOT, key: str = "ours", title: str = "Vestibule") -> Contender:
    """Return this application, as it stands in a folder."""
    app = (sys.executable, "-m", "app")
    return Contender(
        key=key,
        title=title,
        serve=(*app, "serve"),
        folder=folder,
        fill=((*app, "migrate"), (*app, "users", "import", "{users}.csv")),
        door=Door("email_or_user", right=303),
        driver="postgresql+asyncpg",
    )


def all_of(workers: int) -> list[Contender]:
    """Return all contenders, the async ones with as many workers as there are cores."""
    gunicorn = _peer("gunicorn", "-w", str(SYNC_WORKERS), "-b", "127.0.0.1:{port}",
                     "--access-logfile", "-", "app:app")  # fmt: skip
    uvicorn = _peer("uvicorn", "app:app", "--port", "{port}", "--workers", str(workers),
                    "--loop", "uvloop")  # fmt: skip
    own = (sys.executable, "-m", "bench.limit_server")
    launch = ("--port", "{port}", "--workers", str(workers))
    hypercorn = (sys.executable, "-m", "hypercorn", "-w", str(workers), "-k", "uvloop",
                 "-b", "127.0.0.1:{port}")  # fmt: skip
    fill = ((PEERS_PYTHON, "app.py"),)
    return [
        ours(),
        Contender("course", "the course's stack (Flask, gunicorn)", gunicorn, PEERS / "course",
                  fill, door=Door(), driver="postgresql+psycopg2"),
        Contender("fastapi", "fastapi-users (uvicorn)", uvicorn, PEERS / "fastapi", fill,
                  door=Door("username", right=204, wrong=400), driver="postgresql+asyncpg"),
        Contender("django", "Django (gunicorn)", gunicorn, PEERS / "django", fill,
                  door=Door("username", "username", wrong=200)),
        Contender("page", "limit: our page, no look-up (Quart, quart-auth, our server)",
                  (*own, "page", *launch), mints_cookies=True),
        Contender("bare", "limit: bare Quart, our server", (*own, "bare", *launch), page="/"),
        Contender("bare_hypercorn", "limit: bare Quart, hypercorn's own command",
                  (*hypercorn, "bench.limits:bare"), page="/"),
        Contender("asgi", "limit: bare ASGI, hypercorn's own command",
                  (*hypercorn, "bench.limits:asgi"), page="/"),
    ]  # fmt: skip


def settings(contender: Contender, database: URL, *, port: int, workers: int) -> dict[str, str]:
    """Return the environment of a contender: nobody's limits shall be what is measured."""
    host = str(database.host or database.query.get("host", ""))
    libpq = {
        "PGHOST": host,
        "PGUSER": database.username or "",
        "PGPASSWORD": str(database.password or ""),
        "PGPORT": str(database.port or ""),
        "PGDATABASE": database.database or "",
    }
    address = database.set(drivername=contender.driver)
    if contender.is_ours:
        return environment(
            address,
            BIND=f"127.0.0.1:{port}",
            BCRYPT_ROUNDS=str(REAL_ROUNDS),
            WORKERS=str(workers),
            LOG_FORMAT="json",
            PUBLIC_URL=SITE,
        )
    given = {name: value for name, value in libpq.items() if value}
    url = address.render_as_string(hide_password=False)
    return environment() | given | {"DATABASE_URL": url, "PYTHONUNBUFFERED": ""}


def _peer(*arguments: str) -> tuple[str, ...]:
    return (PEERS_PYTHON, "-m", *arguments)
