"""A known browser: strangers cannot keep its owner out (BF-05), nor try for ever (BF-01)."""

import pytest
from sqlalchemy import text

from app.kit.errors import Refusal, TooManyTries, WrongCredentials
from app.models.credentials import FAILURES_UNTIL_DISABLED
from app.services import Services
from tests.intruders import STRANGER
from tests.mailbox import messages
from tests.resets import asked, reset
from tests.users import ALICE, BOB, Someone, count, create_user, entered, events, move_time, sign_in

NEW = Someone(ALICE.username, ALICE.email, "a quite different passphrase")


async def attack(services: Services, times: int, *, browser: str | None = None) -> None:
    """Try wrong passwords for Alice, by both names, and let the waits pass."""
    for number in range(times):
        name = (ALICE.email, ALICE.username)[number % 2]
        with pytest.raises(Refusal):
            await sign_in(
                services, ALICE, password="wrong", name=name, client=STRANGER, browser=browser
            )


async def let_waits_pass(services: Services) -> None:
    await move_time(services, "rate_limit_buckets", "free_at", "1 day")


async def row(services: Services, table: str) -> dict[str, object]:
    async with services.engine.connect() as connection:
        found = await connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
        return dict(found.mappings().one())


class TestUnderAttack:
    async def test_the_owner_comes_in_by_a_browser_that_is_known(self, services: Services) -> None:
        await create_user(services, ALICE)
        known = (await entered(services, ALICE)).browser
        await attack(services, 30)
        with pytest.raises(TooManyTries):
            await sign_in(services, ALICE)
        for _ in range(2):
            assert await entered(services, ALICE, browser=known)

    async def test_a_browser_known_as_bobs_is_a_strangers_to_alice(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        bobs = (await entered(services, BOB)).browser
        await attack(services, 30)
        with pytest.raises(TooManyTries):
            await sign_in(services, ALICE, browser=bobs)

    @pytest.mark.parametrize("forged", ["", "x", "a.b.c", "é" * 99, "x" * 5000])
    async def test_a_forged_name_of_a_browser_spares_nobody(
        self, services: Services, forged: str
    ) -> None:
        await create_user(services, ALICE)
        await attack(services, 30)
        with pytest.raises(TooManyTries):
            await sign_in(services, ALICE, browser=forged)

    async def test_a_known_browser_is_slowed_by_its_own_wrong_tries(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        known = (await entered(services, ALICE)).browser
        for _ in range(5):
            with pytest.raises(WrongCredentials):
                await sign_in(services, ALICE, password="wrong", browser=known)
        with pytest.raises(TooManyTries):
            await sign_in(services, ALICE, browser=known)
        assert await entered(services, ALICE)  # strangers are not slowed by it

    async def test_sessions_live_on(self, services: Services) -> None:
        await create_user(services, ALICE)
        entry = await entered(services, ALICE)
        await attack(services, 30)
        assert await services.signed_in(entry.secret)


class TestManyRightPasswords:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"logins_per_network_5_minutes": 5}

    async def test_a_known_browser_does_not_use_up_everybodys_threads(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        known = (await entered(services, ALICE)).browser
        for _ in range(5):
            await entered(services, ALICE, browser=known)
        with pytest.raises(TooManyTries):
            await sign_in(services, ALICE, browser=known)


class TestAHundredFailures:
    async def fail(self, services: Services, times: int) -> None:
        for _ in range(times):
            with pytest.raises(WrongCredentials):
                await sign_in(services, ALICE, password="wrong", client=STRANGER)
            await let_waits_pass(services)

    async def test_then_the_password_opens_nothing_for_strangers(self, services: Services) -> None:
        await create_user(services, ALICE)
        known = (await entered(services, ALICE)).browser
        await self.fail(services, FAILURES_UNTIL_DISABLED)
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE)
        (message,) = [each for each in await messages(services) if "turned off" in each.subject]
        assert "http://127.0.0.1:8000/reset" in message.text
        assert "account.password_disabled" in await events(services)
        assert await entered(services, ALICE, browser=known)

    async def test_ninety_nine_and_a_right_one_begin_anew(self, services: Services) -> None:
        await create_user(services, ALICE)
        await self.fail(services, FAILURES_UNTIL_DISABLED - 1)
        assert await entered(services, ALICE)
        assert (await row(services, "users"))["failures"] == 0

    async def test_a_reset_helps(self, services: Services) -> None:
        await create_user(services, ALICE)
        async with services.engine.begin() as connection:
            await connection.execute(
                text("UPDATE users SET failures = :many"), {"many": FAILURES_UNTIL_DISABLED}
            )
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE)
        await reset(services, await asked(services), NEW.password)
        assert await entered(services, NEW)

    async def test_a_known_browser_is_forgotten(self, services: Services) -> None:
        await create_user(services, ALICE)
        known = (await entered(services, ALICE)).browser
        async with services.engine.begin() as connection:
            await connection.execute(text("UPDATE known_browsers SET failures = 98"))
        for left in (1, 0):
            with pytest.raises(WrongCredentials):
                await sign_in(services, ALICE, password="wrong", browser=known)
            assert await count(services, "known_browsers") == left


class TestNotice:
    async def test_the_first_login_ever_is_no_news(self, services: Services) -> None:
        await create_user(services, ALICE)
        before = len(await messages(services))
        await entered(services, ALICE)
        assert len(await messages(services)) == before

    async def test_a_new_browser_is_told_of_once(self, services: Services) -> None:
        await create_user(services, ALICE)
        first = (await entered(services, ALICE)).browser
        before = len(await messages(services))
        second = (await entered(services, ALICE, client=STRANGER)).browser
        (message,) = (await messages(services, ALICE.email))[before:]
        assert "New sign-in" in message.subject
        assert STRANGER.ip in message.text
        assert "/not-me/" in message.text
        for known in (first, second):
            await entered(services, ALICE, browser=known)
        assert len(await messages(services)) == before + 1
        assert (await events(services)).count("login.new_browser") == 1

    async def test_a_name_left_behind_in_a_shared_browser_is_not_the_next_ones(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        await entered(services, ALICE)
        left = (await entered(services, BOB)).browser
        shared = (await entered(services, ALICE, browser=left)).browser
        before = len(await messages(services, ALICE.email))
        await entered(services, ALICE, browser=left)  # Bob, at home, with what they copied
        assert len(await messages(services, ALICE.email)) == before + 1
        for someone in (BOB, ALICE, BOB):  # both are known in the browser that they share
            again = await entered(services, someone, browser=shared)
            shared = again.browser
        assert len(await messages(services, ALICE.email)) == before + 1

    async def test_who_shares_a_browser_is_told_too(self, services: Services) -> None:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        await entered(services, BOB)
        alices = (await entered(services, ALICE)).browser
        before = len(await messages(services, BOB.email))
        shared = (await entered(services, BOB, browser=alices)).browser
        assert len(await messages(services, BOB.email)) == before + 1
        await entered(services, ALICE, browser=shared)
        assert await count(services, "known_browsers") == 3

    async def test_only_so_many_are_kept(self, services: Services) -> None:
        await create_user(services, ALICE)
        for _ in range(22):
            await entered(services, ALICE)
        assert await count(services, "known_browsers") == 20
