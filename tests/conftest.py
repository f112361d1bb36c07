"""What all tests share: one real PostgreSQL, a database per test worker, fresh tables per test."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment
from jinja2.bccache import Bucket, BytecodeCache
from quart import Quart
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncSession

from app import create_app, embedded
from app.config import Config
from app.context import Context
from app.http.application import SETTLED
from app.kit.urls import asyncpg_url
from app.services import Services, opened
from app.testing import Missing
from tests import databases
from tests.browser import Browser
from tests.contexts import operator

TEST_SERVER = "VESTIBULE_TEST_SERVER"
SETTINGS = {
    "secret_key": "tests-only-9fK2mQ7xR4tB8wZ1cV6nJ3hL",
    "bcrypt_rounds": 4,
    "password_queue": 1000,
    "emails_per_network_10_minutes": 1000,
    "emails_per_network_30_minutes": 1000,
    "emails_per_address_hour": 1000,
    "logins_per_network_5_minutes": 100000,
    "logins_per_network_hour": 100000,
    "database_pool_size": 10,
}

_stack = ExitStack()


class Compiled(BytecodeCache):
    """Keeps compiled templates for the next test's application, if its settings are the same."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def get_bucket(
        self, environment: Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        settled = [str(environment.globals[each]) for each in SETTLED]
        return super().get_bucket(environment, name, filename, "\n".join([source, *settled]))

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = Compiled()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server once, before xdist's workers; they inherit its address."""
    if hasattr(config, "workerinput") or TEST_SERVER in os.environ:
        return
    given = os.environ.get("TEST_DATABASE_URL")
    server = asyncpg_url(given) if given else _own_server()
    template = _stack.enter_context(databases.template(make_url(server)))
    os.environ |= {TEST_SERVER: server, databases.TEMPLATE: template}


def _own_server() -> str:
    home = Path(tempfile.mkdtemp(prefix="vestibule-tests-"))
    home.chmod(0o755)
    _stack.callback(shutil.rmtree, home, ignore_errors=True)
    return _stack.enter_context(embedded.served(home, durable=False))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left with it at the end."""
    items.sort(key=lambda item: _turn(item.nodeid, is_slow="slow" in item.keywords))


def _turn(name: str, *, is_slow: bool) -> int:
    return 0 if name.startswith(("tests/faults/", "tests/journeys/")) else 1 if is_slow else 2


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    if not hasattr(config, "workerinput"):
        _stack.close()


@pytest.fixture(scope="session")
def worker_database() -> Iterator[URL]:
    """Yield this worker's own migrated database."""
    with databases.migrated(make_url(os.environ[TEST_SERVER])) as url:
        yield url


@pytest.fixture(scope="session")
def broom(worker_database: URL) -> Iterator[Callable[[], None]]:
    """Yield what empties this worker's database."""
    with databases.broom(worker_database) as sweep:
        yield sweep


@pytest.fixture
def database(worker_database: URL, broom: Callable[[], None]) -> URL:
    """Return a database whose tables are empty, but for the roles."""
    broom()
    return worker_database


@pytest.fixture
def settings() -> dict[str, Any]:
    """Return the settings of the tests; override this fixture to change some."""
    return SETTINGS.copy()


@pytest.fixture
def config(settings: dict[str, Any]) -> Config:
    return Config.model_validate(settings)


@pytest.fixture
async def services(config: Config, database: URL) -> AsyncIterator[Services]:
    async with opened(config, database) as services:
        yield services


@pytest.fixture
async def db(services: Services) -> AsyncIterator[AsyncSession]:
    async with services.session() as db:
        yield db


@pytest.fixture
async def ctx(services: Services) -> AsyncIterator[Context]:
    """Yield the operator's context."""
    async with operator(services) as ctx:
        yield ctx


@pytest.fixture
async def app(config: Config, database: URL) -> AsyncIterator[Quart]:
    app = create_app(config, database)
    app.jinja_env.bytecode_cache = _COMPILED
    app.jinja_env.undefined = Missing  # what docs/templates.md lists is handed over
    async with app.test_app():
        yield app


@pytest.fixture
def browser(app: Quart) -> Browser:
    return Browser(app)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the faults measured."""
    reports = [report for each in terminalreporter.stats.values() for report in each]
    figures = [
        str(value)
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(sorted(set(figures))))
