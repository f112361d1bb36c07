"""A forgotten password."""

import pytest
from sqlalchemy import text

from app.flows import password_reset
from app.kit.errors import LinkUnusable, TooManyTries, WeakPassword, WrongCredentials
from app.mail.message import Letter
from app.services import House
from tests.contexts import context
from tests.mailbox import key_of, last_link, letters, link_about, link_in
from tests.people import (
    ALICE,
    BOB,
    Someone,
    block,
    confirm,
    count,
    entered,
    events,
    move_time,
    register,
    settle,
    sign_in,
    signed_in,
    unblock,
    who,
)

NEW = "a quite different passphrase"
SUBJECT = "Choose a new password"


async def ask(house: House, name: str) -> None:
    async with context(house) as ctx:
        await password_reset.request_reset(ctx, name=name)


async def reset(house: House, link: str, password: str = NEW) -> password_reset.Reset:
    async with context(house) as ctx:
        return await password_reset.reset_password(ctx, sealed=key_of(link), password=password)


async def asked(house: House, someone: Someone = ALICE) -> str:
    """Ask for a link and return it."""
    await ask(house, someone.email)
    return await link_about(house, someone.email, SUBJECT)


async def resets(house: House, to: str | None = None) -> list[Letter]:
    return [letter for letter in await letters(house, to) if SUBJECT in letter.subject]


class TestAsking:
    @pytest.mark.parametrize("name", ["nobody@example.com", "nobody", "x", "@", "a" * 254])
    async def test_nobody_gets_no_letter(self, house: House, name: str) -> None:
        await settle(house, ALICE)
        await ask(house, name)
        assert await resets(house) == []
        assert "account.reset_asked" in await events(house)

    async def test_a_blocked_person_gets_none(self, house: House) -> None:
        await settle(house, ALICE)
        await block(house, ALICE)
        await ask(house, ALICE.email)
        assert await resets(house) == []

    @pytest.mark.parametrize("look_alike", ["alıce@example.com", "alice@exаmple.com"])
    async def test_a_look_alike_gets_none(self, house: House, look_alike: str) -> None:
        await settle(house, ALICE)
        await ask(house, look_alike)
        assert await resets(house) == []

    async def test_the_letter_goes_to_the_address_that_is_stored(self, house: House) -> None:
        await settle(house, ALICE)
        for name in ("ALICE@EXAMPLE.COM", "Alice", "alice@example.com"):
            await ask(house, name)
        assert [letter.to for letter in await resets(house)] == [ALICE.email] * 3

    async def test_who_waits_for_his_address_to_be_confirmed_gets_one(self, house: House) -> None:
        await register(house, ALICE)
        await ask(house, ALICE.email)
        assert len(await resets(house, ALICE.email)) == 1


class TestNetworkLimit:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"network_logins_5_minutes": 3}

    async def test_from_one_network_only_so_many_are_asked_for(self, house: House) -> None:
        for _ in range(3):
            await ask(house, "nobody")
        with pytest.raises(TooManyTries):
            await ask(house, "nobody")


class TestSilentLimit:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"account_letters_hour": 4}

    async def test_twenty_asked_for_are_few_letters_and_the_last_one_is_good(
        self, house: House
    ) -> None:
        await settle(house, ALICE)
        for _ in range(20):
            await ask(house, ALICE.email)
        assert len(await resets(house, ALICE.email)) == 4
        await reset(house, await link_about(house, ALICE.email, SUBJECT))

    async def test_letters_of_another_kind_do_not_use_it_up(self, house: House) -> None:
        """BF-05: a stranger registers the address again and again."""
        await settle(house, ALICE)
        for number in range(20):
            await register(house, Someone(f"stranger{number}", ALICE.email, ALICE.password))
        await ask(house, ALICE.email)
        assert len(await resets(house, ALICE.email)) == 1


class TestLink:
    async def test_a_garbled_a_used_and_a_late_one_look_the_same(self, house: House) -> None:
        await settle(house, ALICE)
        used = await asked(house)
        await reset(house, used)
        late = await asked(house)
        await move_time(house, "one_time_tokens", "expires_at", "31 minutes")
        foreign = "http://127.0.0.1:8000/reset/x"
        said = set()
        for link in (used, late, foreign):
            with pytest.raises(LinkUnusable) as refused:
                await reset(house, link)
            said.add(str(refused.value))
        assert len(said) == 1
        assert "@" not in said.pop()

    async def test_a_confirmation_is_no_reset(self, house: House) -> None:
        await register(house, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(house, await last_link(house, ALICE.email))

    async def test_a_newer_one_voids_it(self, house: House) -> None:
        await settle(house, ALICE)
        first = await asked(house)
        second = await asked(house)
        with pytest.raises(LinkUnusable):
            await reset(house, first)
        await reset(house, second)

    async def test_a_login_voids_it(self, house: House) -> None:
        await settle(house, ALICE)
        link = await asked(house)
        await signed_in(house, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(house, link)

    @pytest.mark.parametrize("weak", ["short", "alice@example.com", "password12345678"])
    async def test_a_weak_password_is_refused_and_the_link_stays_good(
        self, house: House, weak: str
    ) -> None:
        await settle(house, ALICE)
        link = await asked(house)
        with pytest.raises(WeakPassword):
            await reset(house, link, weak)
        await reset(house, link)


class TestReset:
    async def test_the_new_password_opens_and_the_old_one_does_not(self, house: House) -> None:
        await settle(house, ALICE)
        await reset(house, await asked(house))
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE)
        assert await sign_in(house, ALICE, password=NEW)

    async def test_nobody_is_signed_in_by_it_and_all_sessions_end(self, house: House) -> None:
        await settle(house, ALICE)
        secrets = [await signed_in(house, ALICE, remember=each) for each in (True, False)]
        await reset(house, await asked(house))
        assert [await who(house, secret) for secret in secrets] == [None, None]
        assert await count(house, "login_sessions") == 0

    async def test_a_block_voids_it_and_it_does_not_unblock(self, house: House) -> None:
        await settle(house, ALICE)
        link = await asked(house)
        await block(house, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(house, link)
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE)
        await unblock(house, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(house, link)
        assert await sign_in(house, ALICE)

    async def test_the_owner_is_told_with_a_way_out(self, house: House) -> None:
        await settle(house, ALICE)
        await reset(house, await asked(house))
        assert "/not-me/" in await link_about(house, ALICE.email, "was changed")
        assert "account.password_reset" in await events(house)

    async def test_other_browsers_are_forgotten_and_this_one_is_known(self, house: House) -> None:
        await settle(house, ALICE)
        await entered(house, ALICE)
        done = await reset(house, await asked(house))
        before = len(await letters(house, ALICE.email))
        await entered(house, ALICE, password=NEW, browser=done.browser)
        assert len(await letters(house, ALICE.email)) == before
        await entered(house, ALICE, password=NEW)
        assert "new sign-in" in (await letters(house, ALICE.email))[-1].subject

    async def test_a_link_to_an_address_of_before_is_void(self, house: House) -> None:
        await settle(house, ALICE)
        link = await asked(house)
        async with house.engine.begin() as connection:
            await connection.execute(
                text("UPDATE users SET email = 'x@example.org', email_key = 'x@example.org'")
            )
        with pytest.raises(LinkUnusable):
            await reset(house, link)


class TestUnconfirmed:
    async def test_it_confirms_the_address_under_the_new_password(self, house: House) -> None:
        await register(house, ALICE)
        await reset(house, await asked(house))
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE)
        assert await sign_in(house, ALICE, password=NEW)

    async def test_a_strangers_password_does_not_survive_it(self, house: House) -> None:
        """TK-13: somebody else had registered the address."""
        stranger = Someone("stranger", ALICE.email, "the password of a stranger")
        receipt = await register(house, stranger)
        confirmation = await last_link(house, ALICE.email)
        await reset(house, await asked(house))
        with pytest.raises(WrongCredentials):
            await sign_in(house, stranger)
        with pytest.raises(LinkUnusable):
            await confirm(house, confirmation, receipt=receipt)

    async def test_when_the_address_has_an_account_by_now_the_link_is_void(
        self, house: House
    ) -> None:
        await register(house, Someone("other", ALICE.email, ALICE.password))
        link = await asked(house)
        await settle(house, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(house, link)
        assert await sign_in(house, ALICE)

    async def test_a_letter_to_bob_says_nothing_of_alice(self, house: House) -> None:
        await settle(house, ALICE)
        await settle(house, BOB)
        await ask(house, BOB.email)
        (letter,) = await resets(house)
        assert letter.to == BOB.email
        assert "alice" not in letter.text
        assert link_in(letter).startswith("http://127.0.0.1:8000/reset/")
