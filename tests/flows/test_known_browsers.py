"""A known browser: strangers cannot keep its owner out (BF-05), nor try for ever (BF-01)."""

import pytest
from sqlalchemy import text

from app.kit.client import Client
from app.kit.errors import Refusal, TooManyTries, WrongCredentials
from app.models.user import FAILURES_UNTIL_DISABLED
from app.services import House
from tests.flows.test_recovery import asked, reset
from tests.mailbox import letters
from tests.people import ALICE, BOB, Someone, count, entered, events, move_time, settle, sign_in

STRANGER = Client(ip="198.51.100.9", user_agent="a stranger", request_id="0" * 16)
NEW = Someone(ALICE.username, ALICE.email, "a quite different passphrase")


async def attack(house: House, times: int, *, browser: str | None = None) -> None:
    """Try wrong passwords for Alice, by both names, and let the waits pass."""
    for number in range(times):
        name = (ALICE.email, ALICE.username)[number % 2]
        with pytest.raises(Refusal):
            await sign_in(
                house, ALICE, password="wrong", name=name, client=STRANGER, browser=browser
            )


async def let_waits_pass(house: House) -> None:
    await move_time(house, "throttle_buckets", "free_at", "1 day")


async def row(house: House, table: str) -> dict[str, object]:
    async with house.engine.connect() as connection:
        found = await connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
        return dict(found.mappings().one())


class TestUnderAttack:
    async def test_the_owner_comes_in_by_a_browser_that_is_known(self, house: House) -> None:
        await settle(house, ALICE)
        known = (await entered(house, ALICE)).browser
        await attack(house, 30)
        with pytest.raises(TooManyTries):
            await sign_in(house, ALICE)
        for _ in range(2):
            assert await entered(house, ALICE, browser=known)

    async def test_a_browser_known_as_bobs_is_a_strangers_to_alice(self, house: House) -> None:
        await settle(house, ALICE)
        await settle(house, BOB)
        bobs = (await entered(house, BOB)).browser
        await attack(house, 30)
        with pytest.raises(TooManyTries):
            await sign_in(house, ALICE, browser=bobs)

    @pytest.mark.parametrize("forged", ["", "x", "a.b.c", "é" * 99, "x" * 5000])
    async def test_a_forged_name_of_a_browser_spares_nobody(
        self, house: House, forged: str
    ) -> None:
        await settle(house, ALICE)
        await attack(house, 30)
        with pytest.raises(TooManyTries):
            await sign_in(house, ALICE, browser=forged)

    async def test_a_known_browser_is_slowed_by_its_own_wrong_tries(self, house: House) -> None:
        await settle(house, ALICE)
        known = (await entered(house, ALICE)).browser
        for _ in range(5):
            with pytest.raises(WrongCredentials):
                await sign_in(house, ALICE, password="wrong", browser=known)
        with pytest.raises(TooManyTries):
            await sign_in(house, ALICE, browser=known)
        assert await entered(house, ALICE)  # strangers are not slowed by it

    async def test_sessions_live_on(self, house: House) -> None:
        await settle(house, ALICE)
        entry = await entered(house, ALICE)
        await attack(house, 30)
        assert await house.signed_in(entry.secret)


class TestManyRightPasswords:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"network_logins_5_minutes": 5}

    async def test_a_known_browser_does_not_use_up_everybodys_threads(self, house: House) -> None:
        await settle(house, ALICE)
        known = (await entered(house, ALICE)).browser
        for _ in range(5):
            await entered(house, ALICE, browser=known)
        with pytest.raises(TooManyTries):
            await sign_in(house, ALICE, browser=known)


class TestAHundredFailures:
    async def fail(self, house: House, times: int) -> None:
        for _ in range(times):
            with pytest.raises(WrongCredentials):
                await sign_in(house, ALICE, password="wrong", client=STRANGER)
            await let_waits_pass(house)

    async def test_then_the_password_opens_nothing_for_strangers(self, house: House) -> None:
        await settle(house, ALICE)
        known = (await entered(house, ALICE)).browser
        await self.fail(house, FAILURES_UNTIL_DISABLED)
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE)
        (letter,) = [each for each in await letters(house) if "switched off" in each.subject]
        assert "http://127.0.0.1:8000/reset" in letter.text
        assert "account.password_disabled" in await events(house)
        assert await entered(house, ALICE, browser=known)

    async def test_ninety_nine_and_a_right_one_begin_anew(self, house: House) -> None:
        await settle(house, ALICE)
        await self.fail(house, FAILURES_UNTIL_DISABLED - 1)
        assert await entered(house, ALICE)
        assert (await row(house, "users"))["failures"] == 0

    async def test_a_reset_helps(self, house: House) -> None:
        await settle(house, ALICE)
        async with house.engine.begin() as connection:
            await connection.execute(
                text("UPDATE users SET failures = :many"), {"many": FAILURES_UNTIL_DISABLED}
            )
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE)
        await reset(house, await asked(house), NEW.password)
        assert await entered(house, NEW)

    async def test_a_known_browser_is_forgotten(self, house: House) -> None:
        await settle(house, ALICE)
        known = (await entered(house, ALICE)).browser
        async with house.engine.begin() as connection:
            await connection.execute(text("UPDATE devices SET failures = 98"))
        for left in (1, 0):
            with pytest.raises(WrongCredentials):
                await sign_in(house, ALICE, password="wrong", browser=known)
            assert await count(house, "devices") == left


class TestNotice:
    async def test_the_first_login_ever_is_no_news(self, house: House) -> None:
        await settle(house, ALICE)
        before = len(await letters(house))
        await entered(house, ALICE)
        assert len(await letters(house)) == before

    async def test_a_new_browser_is_told_of_once(self, house: House) -> None:
        await settle(house, ALICE)
        first = (await entered(house, ALICE)).browser
        before = len(await letters(house))
        second = (await entered(house, ALICE, client=STRANGER)).browser
        (letter,) = (await letters(house, ALICE.email))[before:]
        assert "new sign-in" in letter.subject
        assert STRANGER.ip in letter.text
        assert "/not-me/" in letter.text
        for known in (first, second):
            await entered(house, ALICE, browser=known)
        assert len(await letters(house)) == before + 1
        assert (await events(house)).count("login.new_browser") == 1

    async def test_a_name_left_behind_in_a_shared_browser_is_not_the_next_ones(
        self, house: House
    ) -> None:
        await settle(house, ALICE)
        await settle(house, BOB)
        await entered(house, ALICE)
        left = (await entered(house, BOB)).browser
        shared = (await entered(house, ALICE, browser=left)).browser
        before = len(await letters(house, ALICE.email))
        await entered(house, ALICE, browser=left)  # Bob, at home, with what he copied
        assert len(await letters(house, ALICE.email)) == before + 1
        for someone in (BOB, ALICE, BOB):  # both are known in the browser that they share
            again = await entered(house, someone, browser=shared)
            shared = again.browser
        assert len(await letters(house, ALICE.email)) == before + 1

    async def test_who_shares_a_browser_is_told_too(self, house: House) -> None:
        await settle(house, ALICE)
        await settle(house, BOB)
        await entered(house, BOB)
        alices = (await entered(house, ALICE)).browser
        before = len(await letters(house, BOB.email))
        shared = (await entered(house, BOB, browser=alices)).browser
        assert len(await letters(house, BOB.email)) == before + 1
        await entered(house, ALICE, browser=shared)
        assert await count(house, "devices") == 3

    async def test_only_so_many_are_kept(self, house: House) -> None:
        await settle(house, ALICE)
        for _ in range(22):
            await entered(house, ALICE)
        assert await count(house, "devices") == 20
