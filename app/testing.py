"""Fixtures for the tests of a site's own package; its ``conftest.py`` names this module.

``app`` is the running application on a database of its own, ``visitor`` a browser in which nobody
is signed in, ``sign_in`` makes a user and returns their browser, ``mailbox`` has the emails, ``db``
is a session of SQLAlchemy.
"""

import asyncio
import os
import re
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from jinja2 import StrictUndefined
from quart import Quart, Response
from quart.typing import TestClientProtocol
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from app import embedded, schema
from app.config import Config
from app.context import operator_context
from app.flows import invitation, roles
from app.http.marks import is_open
from app.kit.errors import RoleThere
from app.kit.keys import new_key
from app.kit.urls import asyncpg_url
from app.mail.message import Message
from app.models import Base
from app.models.role import ADMINISTRATOR, MODERATOR, USER
from app.services import EXTENSION, Services
from app.site import load
from app.wiring import create_app

PASSWORD = "a password for tests"  # noqa: S105 - nobody's
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}

R = TypeVar("R")
SignIn = Callable[..., Awaitable["Browser"]]
Mailbox = Callable[[], Awaitable[list[Message]]]


class Missing(StrictUndefined):
    """A variable that no page hands over: a mistake, also where a template walks through it."""

    def __aiter__(self) -> NoReturn:
        """Fail: Jinja's own walks through nothing here, where templates are async."""
        self._fail_with_undefined_error()


class Browser:
    """Walks through pages in process. ``text`` is the last page's."""

    def __init__(self, app: Quart) -> None:
        self.app = app
        self.client: TestClientProtocol = app.test_client()
        self.text = ""

    @property
    def services(self) -> Services:
        """What the application holds."""
        services: Services = self.app.extensions[EXTENSION]
        return services

    def new_window(self) -> "Browser":
        """Return another browser, without this one's cookies."""
        return Browser(self.app)

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        """Open a page."""
        return await self._note(await self.client.get(path, headers=dict(headers or {})))

    async def post(
        self, path: str, fields: Mapping[str, str] | None = None, **more: str
    ) -> Response:
        """Send a form as this site's own pages do."""
        form = {**(fields or {}), **more}
        return await self._note(await self.client.post(path, form=form, headers=SAME_ORIGIN))

    async def follow(self, response: Response) -> Response:
        """Go where a redirect points."""
        assert response.status_code in {301, 302, 303, 307, 308}, response.status_code
        parts = urlsplit(response.headers["Location"])
        return await self.get(parts.path + (f"?{parts.query}" if parts.query else ""))

    async def open_link(self, url: str) -> Response:
        """Open a link of an email, through its redirect to the clean address."""
        return await self.follow(await self.get(urlsplit(url).path))

    def cookie(self, name: str = "vestibule-session") -> str | None:
        """Return a cookie's value."""
        jar = self.client.cookie_jar
        assert jar is not None
        return next((cookie.value for cookie in jar if cookie.name == name), None)

    def set_cookie(self, value: str, name: str = "vestibule-session") -> None:
        """Keep a cookie."""
        self.client.set_cookie("localhost", name, value)

    async def _note(self, response: Response) -> Response:
        self.text = await response.get_data(as_text=True)
        return response


@pytest.fixture(scope="session")
def site_name() -> str:
    """Return the name of the package under test; override this fixture."""
    return os.environ.get("SITE", "")


@pytest.fixture(scope="session")
def site_config(site_name: str) -> Config:
    """Return the settings; override this fixture to change some."""
    return Config.model_validate({"site": site_name, "secret_key": new_key(), "bcrypt_rounds": 4})


@pytest.fixture(scope="session")
def site_database(site_config: Config) -> Iterator[URL]:
    """Yield a database with all tables, on ``TEST_DATABASE_URL`` or on a server of its own."""
    with ExitStack() as stack:
        given = os.environ.get("TEST_DATABASE_URL")
        if given is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            home.chmod(0o755)
            given = stack.enter_context(embedded.served(home, durable=False))
        server = make_url(asyncpg_url(given))
        url = server.set(database=f"test_{uuid.uuid4().hex}")
        _execute(server, f"CREATE DATABASE {url.database}")
        stack.callback(_execute, server, f"DROP DATABASE {url.database} WITH (FORCE)")
        site = load(site_config.site)
        schema.migrate(url, site)
        lacks = _in_thread(schema.unmigrated(url, site))
        if lacks:
            pytest.fail(lacks, pytrace=False)
        yield url


@pytest_asyncio.fixture
async def app(site_config: Config, site_database: URL) -> AsyncIterator[Quart]:
    """Yield the application; all tables are empty but for our roles."""
    tables = [each.name for each in Base.metadata.sorted_tables if each.name != "roles"]
    await run_statement(site_database, f"TRUNCATE {', '.join(tables)} CASCADE")
    ours = ", ".join(f"'{name}'" for name in (USER, MODERATOR, ADMINISTRATOR))
    await run_statement(site_database, f"DELETE FROM roles WHERE name NOT IN ({ours})")  # noqa: S608
    app = create_app(site_config, site_database)
    app.jinja_env.undefined = Missing
    async with app.test_app():
        yield app


@pytest.fixture
def visitor(app: Quart) -> Browser:
    """Return a browser in which nobody is signed in."""
    return Browser(app)


@pytest.fixture
def sign_in(visitor: Browser) -> SignIn:
    """Return what makes a user and signs them in, when awaited.

    ``sign_in("ann", role="Administrator")``, or ``may=Permission.SHIP`` for a role that has it.
    What else is named are profile fields.
    """

    async def sign_in(
        username: str, *, role: str | None = None, may: int = 0, **profile: str
    ) -> Browser:
        services = visitor.services
        email = f"{username}@example.com"
        unknown = profile.keys() - {each.name for each in load(services.config.site).profile}
        if unknown:
            raise TypeError(f"there is no profile field {', '.join(sorted(unknown))}")
        async with services.session() as db:
            ctx = operator_context(db, services.config)
            if may:
                role = f"May {int(may)}"
                with suppress(RoleThere):
                    await roles.create(ctx, name=role, permissions=int(may))
            invited = await invitation.invite(ctx, username=username, email=email, role_name=role)
            sealed = urlsplit(invited.url).path.rpartition("/")[2]
            await invitation.accept(ctx, sealed=sealed, password=PASSWORD, profile=profile)
        browser = visitor.new_window()
        answer = await browser.post("/login", email_or_user=username, password=PASSWORD)
        assert "Location" in answer.headers, browser.text
        return browser

    return sign_in


@pytest_asyncio.fixture
async def db(visitor: Browser) -> AsyncIterator[AsyncSession]:
    """Yield a session; what is asked of it stands in ``async with db.begin():``."""
    async with visitor.services.session() as session:
        yield session


@pytest.fixture
def mailbox(visitor: Browser) -> Mailbox:
    """Return what reads the emails, oldest first: to be called and awaited."""
    return partial(written, visitor.services)


async def written(services: Services) -> list[Message]:
    """Return the emails in the outbox, oldest first."""
    async with services.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT recipient, subject, text, html FROM outbox ORDER BY created_at, id")
        )
        return [Message(*row) for row in rows]


def link_in(message: Message) -> str:
    """Return the first link of an email."""
    found = re.search(r"https?://\S+", message.text)
    assert found, message.text
    return found.group()


def open_pages(app: Quart) -> list[str]:
    """Return the addresses of the site's own pages that are open to everybody."""
    services: Services = app.extensions[EXTENSION]
    own = {pages.name for pages in load(services.config.site).pages}
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in own and is_open(app.view_functions[rule.endpoint])
    )


def _execute(server: URL, statement: str) -> None:
    _in_thread(run_statement(server, statement))


def _in_thread(question: Coroutine[Any, Any, R]) -> R:
    with ThreadPoolExecutor(1) as thread:  # where no other event loop runs
        return thread.submit(asyncio.run, question).result()


async def run_statement(server: URL, statement: str) -> None:
    """Run a statement outside of any transaction, on a connection of its own."""
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
