"""Who is signed in: looked up for many at once, and never from memory."""

import asyncio

import pytest
from sqlalchemy import text

from app.flows import login
from app.kit.errors import DatabaseAway
from app.services import House
from tests.contexts import context
from tests.people import ALICE, BOB, block, settle, signed_in

SEVER = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
OURS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


async def names(house: House, *secrets: str) -> list[str | None]:
    people = await asyncio.gather(*(house.signed_in(secret) for secret in secrets))
    return [person and person.username for person in people]


async def test_each_of_many_is_told_from_the_others(house: House) -> None:
    await settle(house, ALICE)
    await settle(house, BOB)
    secrets = [await signed_in(house, each) for each in (ALICE, BOB, ALICE)]
    found = await names(house, *secrets, "nobody", *secrets)
    assert found == ["alice", "bob", "alice", None, "alice", "bob", "alice"]


async def test_a_logout_and_a_block_hold_for_whoever_asks_after_them(house: House) -> None:
    await settle(house, ALICE)
    await settle(house, BOB)
    alice, bob = await signed_in(house, ALICE), await signed_in(house, BOB)
    for deed in ("logout", "block"):
        asking = [asyncio.create_task(house.signed_in(alice)) for _ in range(20)]
        if deed == "logout":
            async with context(house, session_secret=alice) as ctx:
                await login.sign_out(ctx)
        else:
            await block(house, BOB)
        gone = alice if deed == "logout" else bob
        assert await names(house, *[gone] * 20) == [None] * 20
        await asyncio.gather(*asking)


async def test_a_connection_that_was_severed_at_rest_is_opened_anew(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    assert await names(house, secret) == ["alice"]
    async with house.engine.connect() as connection:
        assert await connection.scalar(text(SEVER))
    assert await names(house, secret, secret) == ["alice", "alice"]


async def test_many_at_once_take_one_connection(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    assert await names(house, *[secret] * 300) == ["alice"] * 300
    async with house.engine.connect() as connection:
        assert await connection.scalar(text(OURS)) <= 3


async def test_a_statement_that_meets_its_limit_is_slow_not_away(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def wait() -> None:
        async with house.session() as session, session.begin():
            await session.execute(text("SET LOCAL statement_timeout = 1"))
            await session.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(DatabaseAway):
        await wait()
    assert "does not answer in time" in caplog.text
    assert "is away" not in caplog.text


class TestADatabaseThatIsAway:
    async def test_is_said_to_be_away(
        self, house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse() -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr(house.lookup._connection, "open", refuse)
        with pytest.raises(DatabaseAway):
            await house.signed_in("x")
        assert "the database is away" in caplog.text

    async def test_is_told_from_one_that_is_slow(
        self, house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def stall() -> None:
            raise TimeoutError

        monkeypatch.setattr(house.lookup._connection, "open", stall)
        with pytest.raises(DatabaseAway):
            await house.signed_in("x")
        assert "does not answer in time" in caplog.text
