"""Changing an address."""

import pytest

from app.flows import email_change
from app.kit.errors import LinkUnusable, SameAddress, WrongCredentials, WrongPassword
from app.services import Services
from tests.acts import ask_email, confirm_email
from tests.contexts import context
from tests.mailbox import link_about, messages
from tests.refusals import refused
from tests.resets import asked, reset
from tests.users import (
    ALICE,
    BOB,
    Someone,
    actor_of,
    block,
    count,
    create_user,
    events,
    move_time,
    person_of,
    sign_in,
    signed_in,
    unblock,
    who,
)

NEW = "alice@new.example"
MOVED = Someone(ALICE.username, NEW, ALICE.password)


async def link(services: Services, email: str = NEW) -> str:
    await ask_email(services, email)
    return await link_about(services, email, "Confirm your new")


class TestAsking:
    @pytest.mark.parametrize("wrong", ["", "wrong", BOB.password])
    async def test_it_needs_the_password(self, services: Services, wrong: str) -> None:
        await create_user(services, ALICE)
        before = await count(services, "outbox")
        with pytest.raises(WrongPassword):
            await ask_email(services, NEW, password=wrong)
        assert await count(services, "outbox") == before

    async def test_the_same_address_is_no_change(self, services: Services) -> None:
        await create_user(services, ALICE)
        with pytest.raises(SameAddress):
            await ask_email(services, ALICE.email)

    async def test_until_it_is_confirmed_the_old_one_stays(self, services: Services) -> None:
        await create_user(services, ALICE)
        await link(services)
        assert await sign_in(services, ALICE)
        with pytest.raises(WrongCredentials):
            await sign_in(services, MOVED)

    async def test_the_old_address_is_told(self, services: Services) -> None:
        await create_user(services, ALICE)
        await link(services)
        message = (await messages(services, ALICE.email))[-1]
        assert NEW in message.text
        assert "/not-me/" in message.text

    async def test_anothers_address_looks_the_same_and_he_is_told(self, services: Services) -> None:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        await ask_email(services, BOB.email)
        message = (await messages(services, BOB.email))[-1]
        assert "already have an account" in message.subject
        assert "/change-email/" not in message.text
        assert "alice" not in message.text
        assert "about to change" in (await messages(services, ALICE.email))[-1].subject


class TestConfirming:
    async def test_used_late_and_older_links_change_nothing(self, services: Services) -> None:
        await create_user(services, ALICE)
        older = await link(services)
        newer = await link(services, "alice@newer.example")
        with pytest.raises(LinkUnusable):
            await confirm_email(services, older)
        await move_time(services, "one_time_tokens", "expires_at", "61 minutes")
        with pytest.raises(LinkUnusable):
            await confirm_email(services, newer)
        used = await link(services)
        await confirm_email(services, used)
        with pytest.raises(LinkUnusable):
            await confirm_email(services, used)

    async def test_an_address_that_became_anothers_meanwhile(self, services: Services) -> None:
        await create_user(services, ALICE)
        opened = await link(services)
        await create_user(services, Someone("faster", NEW, "somebody was faster here"))
        with refused(LinkUnusable, "another account"):
            await confirm_email(services, opened)
        assert await sign_in(services, ALICE)

    async def test_a_blocked_persons_link_changes_nothing(self, services: Services) -> None:
        await create_user(services, ALICE)
        opened = await link(services)
        await block(services, ALICE)
        with pytest.raises(LinkUnusable):
            await confirm_email(services, opened)
        await unblock(services, ALICE)
        with pytest.raises(LinkUnusable):
            await confirm_email(services, opened)

    async def test_a_link_is_no_proof_of_the_password(self, services: Services) -> None:
        await create_user(services, ALICE)
        opened = await link(services)
        secret = await signed_in(services, ALICE)
        await move_time(services, "login_sessions", "reauthenticated_at", "1 day")
        renewed = await confirm_email(services, opened, secret=secret)
        assert renewed is not None
        assert not (await person_of(services, renewed.secret)).is_fresh

    async def test_a_change_that_was_cancelled(self, services: Services) -> None:
        await create_user(services, ALICE)
        opened = await link(services)
        async with context(services, actor=await actor_of(services, ALICE)) as ctx:
            await email_change.cancel_change(ctx)
        with pytest.raises(LinkUnusable):
            await confirm_email(services, opened)

    async def test_the_new_address_opens_and_the_old_one_does_not(self, services: Services) -> None:
        await create_user(services, ALICE)
        await confirm_email(services, await link(services))
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE)
        assert await sign_in(services, MOVED)
        assert "account.email_changed" in await events(services)

    async def test_all_sessions_end_but_the_one_that_confirmed(self, services: Services) -> None:
        await create_user(services, ALICE)
        secrets = [await signed_in(services, ALICE) for _ in range(3)]
        renewed = await confirm_email(services, await link(services), secret=secrets[0])
        assert renewed is not None
        assert [await who(services, secret) for secret in secrets] == [None] * 3
        assert await who(services, renewed.secret) == "alice"

    async def test_confirmed_in_anothers_browser_it_signs_nobody_in(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        alice, bob = await signed_in(services, ALICE), await signed_in(services, BOB)
        assert await confirm_email(services, await link(services), secret=bob) is None
        assert await who(services, alice) is None
        assert await who(services, bob) == "bob"

    async def test_a_reset_that_went_to_the_old_address_is_void(self, services: Services) -> None:
        await create_user(services, ALICE)
        reset_link = await asked(services)
        await confirm_email(services, await link(services))
        with pytest.raises(LinkUnusable):
            await reset(services, reset_link)

    async def test_another_spelling_of_ones_own_address(self, services: Services) -> None:
        await create_user(services, ALICE)
        await confirm_email(services, await link(services, "Alice@example.com"))
        assert (await messages(services))[-1].to == ALICE.email
        assert await sign_in(services, ALICE)
