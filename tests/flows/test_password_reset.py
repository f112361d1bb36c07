"""A forgotten password."""

import pytest
from sqlalchemy import text

from app.kit.errors import LinkUnusable, TooManyTries, WeakPassword, WrongCredentials
from app.services import Services
from app.words.refusals import sentence
from tests.mailbox import last_link, link_about, link_in, messages
from tests.resets import NEW, SUBJECT, ask, asked, reset, resets
from tests.users import (
    ALICE,
    BOB,
    Someone,
    block,
    confirm,
    count,
    create_user,
    entered,
    events,
    move_time,
    register,
    sign_in,
    signed_in,
    unblock,
    who,
)


class TestAsking:
    @pytest.mark.parametrize("name", ["nobody@example.com", "nobody", "x", "@", "a" * 254])
    async def test_nobody_gets_no_email(self, services: Services, name: str) -> None:
        await create_user(services, ALICE)
        await ask(services, name)
        assert await resets(services) == []
        assert "account.reset_asked" in await events(services)

    async def test_a_blocked_person_gets_none(self, services: Services) -> None:
        await create_user(services, ALICE)
        await block(services, ALICE)
        await ask(services, ALICE.email)
        assert await resets(services) == []

    @pytest.mark.parametrize("look_alike", ["alıce@example.com", "alice@exаmple.com"])
    async def test_a_look_alike_gets_none(self, services: Services, look_alike: str) -> None:
        await create_user(services, ALICE)
        await ask(services, look_alike)
        assert await resets(services) == []

    async def test_the_email_goes_to_the_address_that_is_stored(self, services: Services) -> None:
        await create_user(services, ALICE)
        for name in ("ALICE@EXAMPLE.COM", "Alice", "alice@example.com"):
            await ask(services, name)
        assert [message.to for message in await resets(services)] == [ALICE.email] * 3

    async def test_who_waits_for_his_address_to_be_confirmed_gets_one(
        self, services: Services
    ) -> None:
        await register(services, ALICE)
        await ask(services, ALICE.email)
        assert len(await resets(services, ALICE.email)) == 1


class TestNetworkLimit:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"logins_per_network_5_minutes": 3}

    async def test_from_one_network_only_so_many_are_asked_for(self, services: Services) -> None:
        for _ in range(3):
            await ask(services, "nobody")
        with pytest.raises(TooManyTries):
            await ask(services, "nobody")


class TestSilentLimit:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"emails_per_address_hour": 4}

    async def test_twenty_asked_for_are_few_letters_and_the_last_one_is_good(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        for _ in range(20):
            await ask(services, ALICE.email)
        assert len(await resets(services, ALICE.email)) == 4
        await reset(services, await link_about(services, ALICE.email, SUBJECT))

    async def test_letters_of_another_kind_do_not_use_it_up(self, services: Services) -> None:
        """BF-05: a stranger registers the address again and again."""
        await create_user(services, ALICE)
        for number in range(20):
            await register(services, Someone(f"stranger{number}", ALICE.email, ALICE.password))
        await ask(services, ALICE.email)
        assert len(await resets(services, ALICE.email)) == 1


class TestLink:
    async def test_a_garbled_a_used_and_a_late_one_look_the_same(self, services: Services) -> None:
        await create_user(services, ALICE)
        used = await asked(services)
        await reset(services, used)
        late = await asked(services)
        await move_time(services, "one_time_tokens", "expires_at", "31 minutes")
        foreign = "http://127.0.0.1:8000/reset/x"
        said = set()
        for link in (used, late, foreign):
            with pytest.raises(LinkUnusable) as refused:
                await reset(services, link)
            said.add(sentence(refused.value))
        assert len(said) == 1
        assert "@" not in said.pop()

    async def test_a_confirmation_is_no_reset(self, services: Services) -> None:
        await register(services, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(services, await last_link(services, ALICE.email))

    async def test_a_newer_one_voids_it(self, services: Services) -> None:
        await create_user(services, ALICE)
        first = await asked(services)
        second = await asked(services)
        with pytest.raises(LinkUnusable):
            await reset(services, first)
        await reset(services, second)

    async def test_a_login_voids_it(self, services: Services) -> None:
        await create_user(services, ALICE)
        link = await asked(services)
        await signed_in(services, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(services, link)

    @pytest.mark.parametrize("weak", ["short", "alice@example.com", "password12345678"])
    async def test_a_weak_password_is_refused_and_the_link_stays_good(
        self, services: Services, weak: str
    ) -> None:
        await create_user(services, ALICE)
        link = await asked(services)
        with pytest.raises(WeakPassword):
            await reset(services, link, weak)
        await reset(services, link)


class TestReset:
    async def test_the_new_password_opens_and_the_old_one_does_not(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        await reset(services, await asked(services))
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE)
        assert await sign_in(services, ALICE, password=NEW)

    async def test_nobody_is_signed_in_by_it_and_all_sessions_end(self, services: Services) -> None:
        await create_user(services, ALICE)
        secrets = [await signed_in(services, ALICE, remember=each) for each in (True, False)]
        await reset(services, await asked(services))
        assert [await who(services, secret) for secret in secrets] == [None, None]
        assert await count(services, "login_sessions") == 0

    async def test_a_block_voids_it_and_it_does_not_unblock(self, services: Services) -> None:
        await create_user(services, ALICE)
        link = await asked(services)
        await block(services, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(services, link)
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE)
        await unblock(services, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(services, link)
        assert await sign_in(services, ALICE)

    async def test_the_owner_is_told_with_a_way_out(self, services: Services) -> None:
        await create_user(services, ALICE)
        await reset(services, await asked(services))
        assert "/not-me/" in await link_about(services, ALICE.email, "was changed")
        assert "account.password_reset" in await events(services)

    async def test_other_browsers_are_forgotten_and_this_one_is_known(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        await entered(services, ALICE)
        done = await reset(services, await asked(services))
        before = len(await messages(services, ALICE.email))
        await entered(services, ALICE, password=NEW, browser=done.browser)
        assert len(await messages(services, ALICE.email)) == before
        await entered(services, ALICE, password=NEW)
        assert "New sign-in" in (await messages(services, ALICE.email))[-1].subject

    async def test_a_link_to_an_address_of_before_is_void(self, services: Services) -> None:
        await create_user(services, ALICE)
        link = await asked(services)
        async with services.engine.begin() as connection:
            await connection.execute(
                text("UPDATE users SET email = 'x@example.org', email_key = 'x@example.org'")
            )
        with pytest.raises(LinkUnusable):
            await reset(services, link)


class TestUnconfirmed:
    async def test_it_confirms_the_address_under_the_new_password(self, services: Services) -> None:
        await register(services, ALICE)
        await reset(services, await asked(services))
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE)
        assert await sign_in(services, ALICE, password=NEW)

    async def test_a_strangers_password_does_not_survive_it(self, services: Services) -> None:
        """TK-13: somebody else had registered the address."""
        stranger = Someone("stranger", ALICE.email, "the password of a stranger")
        receipt = await register(services, stranger)
        confirmation = await last_link(services, ALICE.email)
        await reset(services, await asked(services))
        with pytest.raises(WrongCredentials):
            await sign_in(services, stranger)
        with pytest.raises(LinkUnusable):
            await confirm(services, confirmation, receipt=receipt)

    async def test_when_the_address_has_an_account_by_now_the_link_is_void(
        self, services: Services
    ) -> None:
        await register(services, Someone("other", ALICE.email, ALICE.password))
        link = await asked(services)
        await create_user(services, ALICE)
        with pytest.raises(LinkUnusable):
            await reset(services, link)
        assert await sign_in(services, ALICE)

    async def test_an_email_to_bob_says_nothing_of_alice(self, services: Services) -> None:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        await ask(services, BOB.email)
        (message,) = await resets(services)
        assert message.to == BOB.email
        assert "alice" not in message.text
        assert link_in(message).startswith("http://127.0.0.1:8000/reset/")
