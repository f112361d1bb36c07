"""The secret key is changed under load: nobody is signed out, and no request fails."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import URL

from app.kit.keys import new_key
from tests import databases
from tests.faults.conftest import Figure
from tests.faults.servers import everywhere, said, sign_in, until
from tests.load import Journal, kept, registered, under_load
from tests.server import Server, environment, serving
from tests.visitors import PASSWORD, Visitor

pytestmark = pytest.mark.slow

FIRST, SECOND = new_key(), new_key()
DONE = "all workers replaced"


@pytest.fixture
def database(worker_database: URL) -> Iterator[URL]:
    with databases.migrated(worker_database) as url:
        yield url


class Keys:
    """The two files of an operator, and the server that reads them."""

    def __init__(self, home: Path) -> None:
        self._key, self._fallbacks = home / "secret_key", home / "secret_key_fallbacks"

    def write(self, key: str, *fallbacks: str) -> None:
        self._key.write_text(f"{key}\n")
        self._fallbacks.write_text(" ".join(fallbacks))

    def environment(self, database: URL) -> dict[str, str]:
        environ = environment(
            database,
            WORKERS="2",
            SECRET_KEY_FILE=str(self._key),
            SECRET_KEY_FALLBACKS_FILE=str(self._fallbacks),
        )
        del environ["SECRET_KEY"]
        return environ

    async def change(self, server: Server, key: str, *fallbacks: str) -> None:
        """Write the keys, and let the workers be replaced."""
        before = server.log.count(DONE)
        self.write(key, *fallbacks)
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: server.log.count(DONE) > before, server)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keys = Keys(tmp_path)
    keys.write(FIRST)
    return keys


def register(server: Server, name: str) -> tuple[Visitor, str]:
    """Register; return the browser and the link of the email."""
    visitor, email = Visitor(server), f"{name}@example.com"
    visitor.ask(
        "POST", "/register", username=name, email=email, password=PASSWORD, confirm=PASSWORD
    )
    return visitor, urlsplit(server.link(email)).path


async def test_cf_02_the_key_is_changed_and_sessions_go_on(
    database: URL, keys: Keys, figure: Figure
) -> None:
    """As docs/operations.md says: the new key is accepted first, then it signs."""
    with serving(keys.environment(database)) as server:
        await said(server, "SMTP_URL isn't set")  # the mailer is there
        early = await asyncio.to_thread(Visitor(server).create_user, "early")
        spare = Visitor(server)
        assert await asyncio.to_thread(sign_in, spare, "early") == 303
        async with under_load(server.url, rate=20) as journal:
            await keys.change(server, FIRST, SECOND)
            await keys.change(server, SECOND, FIRST)
            assert await everywhere(early) == {True}
            late = await asyncio.to_thread(Visitor(server).create_user, "late")
            assert await asyncio.to_thread(spare.ask, "POST", "/logout")
            await keys.change(server, SECOND)
            await registered(journal, 10)
        assert await everywhere(late) == {True}
        assert await everywhere(early) == {False}
        assert sign_in(early, "early") == 303
        assert await everywhere(early) == {True}
    await unharmed(journal, database)
    figure(f"CF-02: the key changed in 3 steps under {len(journal.answers)} requests, 0 failed")


async def unharmed(journal: Journal, database: URL) -> None:
    assert journal.failures() == []
    assert len(journal.registered) >= 10
    await kept(database, journal)


async def test_who_signs_in_while_the_key_changes_stays_signed_in(
    database: URL, keys: Keys, figure: Figure
) -> None:
    """Old and new workers serve side by side for a while: each must know the other's key."""
    with serving(keys.environment(database)) as server:
        await said(server, "SMTP_URL isn't set")
        visitor = await asyncio.to_thread(Visitor(server).create_user, "restless")
        await keys.change(server, FIRST, SECOND)
        changing = asyncio.create_task(keys.change(server, SECOND, FIRST))
        found: list[bool] = []
        while not changing.done():
            assert await asyncio.to_thread(sign_in, visitor, "restless") == 303
            found += [
                (await asyncio.to_thread(visitor.ask, "GET", "/secret")).status == 200
                for _ in range(6)
            ]
        await changing
    assert len(found) > 20
    assert set(found) == {True}
    figure(f"CF-02: {len(found)} pages asked right after sign-ins while workers change: all shown")


async def test_what_was_registered_before_the_key_changed_can_be_confirmed(
    database: URL, keys: Keys
) -> None:
    with serving(keys.environment(database)) as server:
        await said(server, "SMTP_URL isn't set")
        same, same_link = register(server, "same")
        _, other_link = register(server, "other")
        await keys.change(server, SECOND, FIRST)
        assert sign_in(same, "same") == 403  # unconfirmed, not unknown
        same.ask("GET", same_link)
        assert same.ask("POST", "/confirm").status == 303  # by its receipt
        other = Visitor(server)
        other.ask("GET", other_link)
        assert other.ask("POST", "/confirm", password="wrong").status == 401
        assert other.ask("POST", "/confirm", password=PASSWORD).status == 303
        for visitor, name in ((same, "same"), (other, "other")):
            assert sign_in(visitor, name) == 303
            assert visitor.is_in() == {True}


async def test_a_registration_is_confirmed_by_its_link_until_the_old_key_goes(
    database: URL, keys: Keys
) -> None:
    with serving(keys.environment(database)) as server:
        await said(server, "SMTP_URL isn't set")
        visitor, link = register(server, "tardy")
        await keys.change(server, SECOND)
        visitor.ask("GET", link)
        assert visitor.ask("POST", "/confirm").status >= 400
        assert sign_in(visitor, "tardy") == 401
