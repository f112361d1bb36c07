"""Who is signed in: looked up for many at once, and never from memory."""

import asyncio

import pytest
from sqlalchemy import text

from app.flows import login
from app.kit.errors import DatabaseAway
from app.services import Services
from tests.contexts import context
from tests.users import ALICE, BOB, block, create_user, signed_in

SEVER = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
OURS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


async def names(services: Services, *secrets: str) -> list[str | None]:
    users = await asyncio.gather(*(services.signed_in(secret) for secret in secrets))
    return [user and user.username for user in users]


async def test_each_of_many_is_told_from_the_others(services: Services) -> None:
    await create_user(services, ALICE)
    await create_user(services, BOB)
    secrets = [await signed_in(services, each) for each in (ALICE, BOB, ALICE)]
    found = await names(services, *secrets, "nobody", *secrets)
    assert found == ["alice", "bob", "alice", None, "alice", "bob", "alice"]


async def test_a_logout_and_a_block_hold_for_whoever_asks_after_them(services: Services) -> None:
    await create_user(services, ALICE)
    await create_user(services, BOB)
    alice, bob = await signed_in(services, ALICE), await signed_in(services, BOB)
    for deed in ("logout", "block"):
        asking = [asyncio.create_task(services.signed_in(alice)) for _ in range(20)]
        if deed == "logout":
            async with context(services, session_secret=alice) as ctx:
                await login.sign_out(ctx)
        else:
            await block(services, BOB)
        gone = alice if deed == "logout" else bob
        assert await names(services, *[gone] * 20) == [None] * 20
        await asyncio.gather(*asking)


async def test_a_connection_that_was_severed_at_rest_is_opened_anew(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    assert await names(services, secret) == ["alice"]
    async with services.engine.connect() as connection:
        assert await connection.scalar(text(SEVER))
    assert await names(services, secret, secret) == ["alice", "alice"]


async def test_many_at_once_take_one_connection(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    assert await names(services, *[secret] * 300) == ["alice"] * 300
    async with services.engine.connect() as connection:
        assert await connection.scalar(text(OURS)) <= 3


async def test_a_statement_that_meets_its_limit_is_slow_not_away(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    async def wait() -> None:
        async with services.session() as session, session.begin():
            await session.execute(text("SET LOCAL statement_timeout = 1"))
            await session.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(DatabaseAway):
        await wait()
    assert "t answer in time" in caplog.text
    assert "is away" not in caplog.text


class TestADatabaseThatIsAway:
    async def test_is_said_to_be_away(
        self, services: Services, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse() -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr(services.lookup._connection, "open", refuse)
        with pytest.raises(DatabaseAway):
            await services.signed_in("x")
        assert "the database isn't available" in caplog.text

    async def test_is_told_from_one_that_is_slow(
        self, services: Services, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def stall() -> None:
            raise TimeoutError

        monkeypatch.setattr(services.lookup._connection, "open", stall)
        with pytest.raises(DatabaseAway):
            await services.signed_in("x")
        assert "t answer in time" in caplog.text
