"""What the machines beside us are told, and what people are when the database is away."""

import asyncio
import re

import asyncpg
import pytest
from quart import Quart
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app import create_app, db, schema
from app.config import Config
from app.db_errors import is_away
from app.http.marks import anyone
from app.kit.passwords import Verdict
from app.services import Services
from tests import databases
from tests.browser import Browser
from tests.users import ALICE, create_user

NOWHERE = make_url("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")


async def test_live_needs_no_database(config: Config) -> None:
    app = create_app(config, NOWHERE)
    async with app.test_app():
        assert (await app.test_client().get("/health/live")).status_code == 200


async def test_ready_needs_the_database(config: Config) -> None:
    app = create_app(config, NOWHERE)
    async with app.test_app():
        response = await app.test_client().get("/health/ready")
        assert response.status_code == 503
        assert await response.get_data(as_text=True) == "the database isn't available\n"


def test_ready_needs_the_schema_at_head(config: Config, worker_database: URL) -> None:
    async def ask(url: URL) -> str:
        app = create_app(config, url)
        async with app.test_app():
            response = await app.test_client().get("/health/ready")
            said: str = await response.get_data(as_text=True)
            return f"{response.status_code} {said}"

    with databases.fresh(worker_database) as url:
        assert "run migrate" in asyncio.run(ask(url))
        schema.migrate(url)
        assert asyncio.run(ask(url)) == "200 ok\n"
        move_to(url, "newer than this program")
        assert asyncio.run(ask(url)) == "200 ok\n"


def move_to(database: URL, revision: str) -> None:
    """Let a database be as a program with that revision left it."""

    async def move() -> None:
        engine = create_async_engine(database, poolclass=NullPool)
        async with engine.begin() as connection:
            statement = text("UPDATE alembic_version SET version_num = :revision")
            await connection.execute(statement, {"revision": revision})
        await engine.dispose()

    asyncio.run(move())


@pytest.mark.parametrize("path", ["/login", "/register"])
async def test_without_a_database_people_are_asked_to_come_back(config: Config, path: str) -> None:
    app = create_app(config, NOWHERE)
    async with app.test_app():
        browser = Browser(app)
        response = await browser.get(path)
        assert response.status_code == 200
        fields = {
            "email_or_user": "alice",
            "username": "alice",
            "email": ALICE.email,
            "password": ALICE.password,
            "confirm": ALICE.password,
        }
        response = await browser.post(path, fields)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert "We can&#39;t do this right now. Nothing was lost." in browser.text
        assert 'value="alice"' in browser.text
        assert ALICE.password not in browser.text


async def test_a_fault_of_ours_is_a_page_with_a_number(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    @anyone
    async def broken() -> str:
        raise RuntimeError("canary-detail")

    browser.app.view_functions["home.index"] = broken
    response = await browser.get("/")
    assert response.status_code == 500
    assert "canary" not in browser.text
    number = re.search("<code>([0-9a-f]{16})</code>", browser.text)
    assert number
    assert "canary-detail" in caplog.text


class TestOnePoolPlace:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"database_pool_size": 1, "database_pool_overflow": 0}

    async def test_no_connection_is_held_while_a_password_is_hashed(
        self, app: Quart, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await create_user(services, ALICE)
        browser = Browser(app)
        pool = browser.services.engine.pool
        held: list[str] = []
        verify = browser.services.hasher.verify_at_once

        def watch(password: str, stored: str | None) -> Verdict:
            held.append(pool.status())
            return verify(password, stored)

        monkeypatch.setattr(browser.services.hasher, "verify_at_once", watch)
        fields = {"email_or_user": "alice", "password": ALICE.password}
        assert (await browser.post("/login", fields)).status_code == 303
        assert len(held) == 1
        assert "Current Checked out connections: 0" in held[0]


async def test_a_slow_query_is_given_up_and_counts_as_away(services: Services) -> None:
    async with services.engine.connect() as connection:
        with pytest.raises((DBAPIError, TimeoutError)) as failure:
            await connection.execute(text("SELECT pg_sleep(10)"))
        assert is_away(failure.value)


async def test_a_wrong_query_does_not_count_as_away_and_hides_its_parameters(
    services: Services,
) -> None:
    async with services.engine.connect() as connection:
        with pytest.raises(DBAPIError) as failure:
            await connection.execute(text("SELECT CAST(:x AS integer)"), {"x": "canary"})
        assert not is_away(failure.value)
        assert "hidden due to hide_parameters" in str(failure.value)


def test_a_connection_that_is_cut_off_while_it_is_set_up_counts_as_away() -> None:
    assert is_away(asyncpg.InterfaceError("connection is closed"))
    assert is_away(asyncpg.AdminShutdownError("terminating connection"))
    assert is_away(asyncpg.InternalClientError("another operation (2) is in progress"))
    assert not is_away(asyncpg.UndefinedTableError("no such table"))
    assert not is_away(ValueError("connection is closed"))


async def test_a_connection_that_was_said_goodbye_to_is_given_up(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end has not come yet: the driver calls that an error of its own."""
    said: list[str] = []
    execute = asyncpg.Connection.execute

    async def goodbye(connection: asyncpg.Connection, query: str) -> object:
        said.append(query)
        if len(said) == 1:
            raise asyncpg.InternalClientError("another operation (2) is in progress")
        return await execute(connection, query)

    async with services.session() as session, session.begin():
        await session.execute(text("SELECT 1"))
    monkeypatch.setattr(db, "RESTED_SECONDS", 0)
    monkeypatch.setattr(asyncpg.Connection, "execute", goodbye)
    async with services.session() as session, session.begin():
        assert await session.scalar(text("SELECT 1")) == 1
    assert said[0] == "SELECT 1"
