"""Changing a password, and showing it again."""

import pytest

from app.kit.errors import (
    LinkUnusable,
    SignedOut,
    TooManyTries,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from app.services import House
from tests.acts import NEW, ask_email, change_password, confirm_email, reauthenticate
from tests.flows.test_recovery import asked, reset
from tests.mailbox import link_about
from tests.people import (
    ALICE,
    BOB,
    block,
    entered,
    events,
    move_time,
    person_of,
    settle,
    sign_in,
    signed_in,
    who,
)

WRONG = ["wrong", "", ALICE.password[:-1], ALICE.password + " ", "x" * 129, "a\0b"]


class TestChange:
    @pytest.mark.parametrize("wrong", WRONG)
    async def test_it_needs_the_current_password(self, house: House, wrong: str) -> None:
        await settle(house, ALICE)
        entry = await entered(house, ALICE)
        with pytest.raises(WrongPassword):
            await change_password(house, entry, current=wrong)
        assert await sign_in(house, ALICE)

    async def test_anothers_password_does_not_do(self, house: House) -> None:
        await settle(house, ALICE)
        await settle(house, BOB)
        entry = await entered(house, ALICE)
        with pytest.raises(WrongPassword):
            await change_password(house, entry, current=BOB.password)

    @pytest.mark.parametrize(
        "weak", ["short", "alice@example.com", "password12345678", ALICE.password]
    )
    async def test_a_weak_one_and_the_same_one_are_refused(self, house: House, weak: str) -> None:
        await settle(house, ALICE)
        entry = await entered(house, ALICE)
        with pytest.raises(WeakPassword):
            await change_password(house, entry, new=weak)
        assert await who(house, entry.secret) == "alice"

    async def test_ten_wrong_ones_are_slowed_together_with_the_login(self, house: House) -> None:
        await settle(house, ALICE)
        entry = await entered(house, ALICE)
        for _ in range(5):
            with pytest.raises(WrongPassword):
                await change_password(house, entry, current="wrong", browser=None)
        with pytest.raises(TooManyTries):
            await change_password(house, entry, browser=None)
        with pytest.raises(WrongCredentials):  # by another bucket: it must not show which
            await sign_in(house, ALICE)

    async def test_in_a_session_that_has_ended_nothing_is_said_to_be_done(
        self, house: House
    ) -> None:
        await settle(house, ALICE)
        entry = await entered(house, ALICE)
        await block(house, ALICE)
        with pytest.raises(SignedOut):
            await change_password(house, entry)

    async def test_others_are_signed_out_and_this_session_has_a_new_secret(
        self, house: House
    ) -> None:
        await settle(house, ALICE)
        others = [await signed_in(house, ALICE, remember=each) for each in (True, False)]
        entry = await entered(house, ALICE, remember=True)
        renewed = await change_password(house, entry)
        assert renewed.remembered
        assert [await who(house, secret) for secret in others] == [None, None]
        assert await who(house, entry.secret) is None
        assert await who(house, renewed.secret) == "alice"
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE)
        assert await sign_in(house, ALICE, password=NEW)

    async def test_links_of_before_are_void(self, house: House) -> None:
        await settle(house, ALICE)
        entry = await entered(house, ALICE)
        link = await asked(house)
        await ask_email(house, "new@example.com")
        email_link = await link_about(house, "new@example.com", "Confirm your new")
        await change_password(house, entry)
        with pytest.raises(LinkUnusable):
            await reset(house, link)
        with pytest.raises(LinkUnusable):
            await confirm_email(house, email_link)

    async def test_the_owner_is_told(self, house: House) -> None:
        await settle(house, ALICE)
        await change_password(house, await entered(house, ALICE))
        assert "/not-me/" in await link_about(house, ALICE.email, "was changed")
        assert "account.password_changed" in await events(house)


class TestReauthenticate:
    @pytest.mark.parametrize("wrong", WRONG)
    async def test_a_wrong_password_proves_nothing(self, house: House, wrong: str) -> None:
        await settle(house, ALICE)
        secret = await signed_in(house, ALICE)
        await move_time(house, "login_sessions", "proven_at", "11 minutes")
        with pytest.raises(WrongPassword):
            await reauthenticate(house, secret, password=wrong)
        assert not (await person_of(house, secret)).is_proven
        assert (await events(house))[-1] in {"login.proof_failed", "login.succeeded"}

    async def test_a_login_is_a_proof_for_ten_minutes(self, house: House) -> None:
        await settle(house, ALICE)
        secret = await signed_in(house, ALICE, remember=True)
        await move_time(house, "login_sessions", "proven_at", "9 minutes")
        assert (await person_of(house, secret)).is_proven
        await move_time(house, "login_sessions", "proven_at", "2 minutes")
        assert not (await person_of(house, secret)).is_proven

    async def test_a_proof_renews_the_session(self, house: House) -> None:
        await settle(house, ALICE)
        secret = await signed_in(house, ALICE)
        await move_time(house, "login_sessions", "proven_at", "1 day")
        renewed = await reauthenticate(house, secret)
        assert not renewed.remembered
        assert await who(house, secret) is None
        assert (await person_of(house, renewed.secret)).is_proven

    async def test_another_persons_session_is_not_renewed(self, house: House) -> None:
        await settle(house, ALICE)
        await settle(house, BOB)
        secret = await signed_in(house, ALICE)
        with pytest.raises(SignedOut):
            await reauthenticate(house, secret, someone=BOB)
        assert await who(house, secret) == "alice"

    async def test_a_session_of_before_the_columns_is_not_proven(self, house: House) -> None:
        await settle(house, ALICE)
        secret = await signed_in(house, ALICE)
        await move_time(house, "login_sessions", "proven_at", "1000 years")
        assert not (await person_of(house, secret)).is_proven
