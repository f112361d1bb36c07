"""Changing an address."""

import pytest

from app.flows import email_change
from app.kit.errors import LinkUnusable, SameAddress, WrongCredentials, WrongPassword
from app.services import House
from tests.acts import ask_email, confirm_email
from tests.contexts import context
from tests.flows.test_recovery import asked, reset
from tests.mailbox import letters, link_about
from tests.people import (
    ALICE,
    BOB,
    Someone,
    actor_of,
    block,
    count,
    events,
    move_time,
    person_of,
    settle,
    sign_in,
    signed_in,
    unblock,
    who,
)

NEW = "alice@new.example"
MOVED = Someone(ALICE.username, NEW, ALICE.password)


async def link(house: House, email: str = NEW) -> str:
    await ask_email(house, email)
    return await link_about(house, email, "Confirm your new")


class TestAsking:
    @pytest.mark.parametrize("wrong", ["", "wrong", BOB.password])
    async def test_it_needs_the_password(self, house: House, wrong: str) -> None:
        await settle(house, ALICE)
        before = await count(house, "outbox")
        with pytest.raises(WrongPassword):
            await ask_email(house, NEW, password=wrong)
        assert await count(house, "outbox") == before

    async def test_the_same_address_is_no_change(self, house: House) -> None:
        await settle(house, ALICE)
        with pytest.raises(SameAddress):
            await ask_email(house, ALICE.email)

    async def test_until_it_is_confirmed_the_old_one_stays(self, house: House) -> None:
        await settle(house, ALICE)
        await link(house)
        assert await sign_in(house, ALICE)
        with pytest.raises(WrongCredentials):
            await sign_in(house, MOVED)

    async def test_the_old_address_is_told(self, house: House) -> None:
        await settle(house, ALICE)
        await link(house)
        letter = (await letters(house, ALICE.email))[-1]
        assert NEW in letter.text
        assert "/not-me/" in letter.text

    async def test_anothers_address_looks_the_same_and_he_is_told(self, house: House) -> None:
        await settle(house, ALICE)
        await settle(house, BOB)
        await ask_email(house, BOB.email)
        letter = (await letters(house, BOB.email))[-1]
        assert "already have an account" in letter.subject
        assert "/change-email/" not in letter.text
        assert "alice" not in letter.text
        assert "about to change" in (await letters(house, ALICE.email))[-1].subject


class TestConfirming:
    async def test_used_late_and_older_links_change_nothing(self, house: House) -> None:
        await settle(house, ALICE)
        older = await link(house)
        newer = await link(house, "alice@newer.example")
        with pytest.raises(LinkUnusable):
            await confirm_email(house, older)
        await move_time(house, "one_time_tokens", "expires_at", "61 minutes")
        with pytest.raises(LinkUnusable):
            await confirm_email(house, newer)
        used = await link(house)
        await confirm_email(house, used)
        with pytest.raises(LinkUnusable):
            await confirm_email(house, used)

    async def test_an_address_that_became_anothers_meanwhile(self, house: House) -> None:
        await settle(house, ALICE)
        opened = await link(house)
        await settle(house, Someone("faster", NEW, "somebody was faster here"))
        with pytest.raises(LinkUnusable, match="another account"):
            await confirm_email(house, opened)
        assert await sign_in(house, ALICE)

    async def test_a_blocked_persons_link_changes_nothing(self, house: House) -> None:
        await settle(house, ALICE)
        opened = await link(house)
        await block(house, ALICE)
        with pytest.raises(LinkUnusable):
            await confirm_email(house, opened)
        await unblock(house, ALICE)
        with pytest.raises(LinkUnusable):
            await confirm_email(house, opened)

    async def test_a_link_is_no_proof_of_the_password(self, house: House) -> None:
        await settle(house, ALICE)
        opened = await link(house)
        secret = await signed_in(house, ALICE)
        await move_time(house, "login_sessions", "proven_at", "1 day")
        renewed = await confirm_email(house, opened, secret=secret)
        assert renewed is not None
        assert not (await person_of(house, renewed.secret)).is_proven

    async def test_a_change_that_was_cancelled(self, house: House) -> None:
        await settle(house, ALICE)
        opened = await link(house)
        async with context(house, actor=await actor_of(house, ALICE)) as ctx:
            await email_change.cancel_change(ctx)
        with pytest.raises(LinkUnusable):
            await confirm_email(house, opened)

    async def test_the_new_address_opens_and_the_old_one_does_not(self, house: House) -> None:
        await settle(house, ALICE)
        await confirm_email(house, await link(house))
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE)
        assert await sign_in(house, MOVED)
        assert "account.email_changed" in await events(house)

    async def test_all_sessions_end_but_the_one_that_confirmed(self, house: House) -> None:
        await settle(house, ALICE)
        secrets = [await signed_in(house, ALICE) for _ in range(3)]
        renewed = await confirm_email(house, await link(house), secret=secrets[0])
        assert renewed is not None
        assert [await who(house, secret) for secret in secrets] == [None] * 3
        assert await who(house, renewed.secret) == "alice"

    async def test_confirmed_in_anothers_browser_it_signs_nobody_in(self, house: House) -> None:
        await settle(house, ALICE)
        await settle(house, BOB)
        alice, bob = await signed_in(house, ALICE), await signed_in(house, BOB)
        assert await confirm_email(house, await link(house), secret=bob) is None
        assert await who(house, alice) is None
        assert await who(house, bob) == "bob"

    async def test_a_reset_that_went_to_the_old_address_is_void(self, house: House) -> None:
        await settle(house, ALICE)
        reset_link = await asked(house)
        await confirm_email(house, await link(house))
        with pytest.raises(LinkUnusable):
            await reset(house, reset_link)

    async def test_another_spelling_of_ones_own_address(self, house: House) -> None:
        await settle(house, ALICE)
        await confirm_email(house, await link(house, "Alice@example.com"))
        assert (await letters(house))[-1].to == ALICE.email
        assert await sign_in(house, ALICE)
