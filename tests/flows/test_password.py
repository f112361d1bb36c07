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
from app.services import Services
from tests.acts import NEW, ask_email, change_password, confirm_email, reauthenticate
from tests.mailbox import link_about
from tests.resets import asked, reset
from tests.users import (
    ALICE,
    BOB,
    block,
    create_user,
    entered,
    events,
    move_time,
    person_of,
    sign_in,
    signed_in,
    who,
)

WRONG = ["wrong", "", ALICE.password[:-1], ALICE.password + " ", "x" * 129, "a\0b"]


class TestChange:
    @pytest.mark.parametrize("wrong", WRONG)
    async def test_it_needs_the_current_password(self, services: Services, wrong: str) -> None:
        await create_user(services, ALICE)
        entry = await entered(services, ALICE)
        with pytest.raises(WrongPassword):
            await change_password(services, entry, current=wrong)
        assert await sign_in(services, ALICE)

    async def test_anothers_password_does_not_do(self, services: Services) -> None:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        entry = await entered(services, ALICE)
        with pytest.raises(WrongPassword):
            await change_password(services, entry, current=BOB.password)

    @pytest.mark.parametrize(
        "weak", ["short", "alice@example.com", "password12345678", ALICE.password]
    )
    async def test_a_weak_one_and_the_same_one_are_refused(
        self, services: Services, weak: str
    ) -> None:
        await create_user(services, ALICE)
        entry = await entered(services, ALICE)
        with pytest.raises(WeakPassword):
            await change_password(services, entry, new=weak)
        assert await who(services, entry.secret) == "alice"

    async def test_ten_wrong_ones_are_slowed_together_with_the_login(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        entry = await entered(services, ALICE)
        for _ in range(5):
            with pytest.raises(WrongPassword):
                await change_password(services, entry, current="wrong", browser=None)
        with pytest.raises(TooManyTries):
            await change_password(services, entry, browser=None)
        with pytest.raises(WrongCredentials):  # by another bucket: it must not show which
            await sign_in(services, ALICE)

    async def test_in_a_session_that_has_ended_nothing_is_said_to_be_done(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        entry = await entered(services, ALICE)
        await block(services, ALICE)
        with pytest.raises(SignedOut):
            await change_password(services, entry)

    async def test_others_are_signed_out_and_this_session_has_a_new_secret(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        others = [await signed_in(services, ALICE, remember=each) for each in (True, False)]
        entry = await entered(services, ALICE, remember=True)
        renewed = await change_password(services, entry)
        assert renewed.remembered
        assert [await who(services, secret) for secret in others] == [None, None]
        assert await who(services, entry.secret) is None
        assert await who(services, renewed.secret) == "alice"
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE)
        assert await sign_in(services, ALICE, password=NEW)

    async def test_links_of_before_are_void(self, services: Services) -> None:
        await create_user(services, ALICE)
        entry = await entered(services, ALICE)
        link = await asked(services)
        await ask_email(services, "new@example.com")
        email_link = await link_about(services, "new@example.com", "Confirm your new")
        await change_password(services, entry)
        with pytest.raises(LinkUnusable):
            await reset(services, link)
        with pytest.raises(LinkUnusable):
            await confirm_email(services, email_link)

    async def test_the_owner_is_told(self, services: Services) -> None:
        await create_user(services, ALICE)
        await change_password(services, await entered(services, ALICE))
        assert "/not-me/" in await link_about(services, ALICE.email, "was changed")
        assert "account.password_changed" in await events(services)


class TestReauthenticate:
    @pytest.mark.parametrize("wrong", WRONG)
    async def test_a_wrong_password_proves_nothing(self, services: Services, wrong: str) -> None:
        await create_user(services, ALICE)
        secret = await signed_in(services, ALICE)
        await move_time(services, "login_sessions", "reauthenticated_at", "11 minutes")
        with pytest.raises(WrongPassword):
            await reauthenticate(services, secret, password=wrong)
        assert not (await person_of(services, secret)).is_fresh
        assert (await events(services))[-1] in {"login.reauthentication_failed", "login.succeeded"}

    async def test_a_login_is_a_proof_for_ten_minutes(self, services: Services) -> None:
        await create_user(services, ALICE)
        secret = await signed_in(services, ALICE, remember=True)
        await move_time(services, "login_sessions", "reauthenticated_at", "9 minutes")
        assert (await person_of(services, secret)).is_fresh
        await move_time(services, "login_sessions", "reauthenticated_at", "2 minutes")
        assert not (await person_of(services, secret)).is_fresh

    async def test_a_proof_renews_the_session(self, services: Services) -> None:
        await create_user(services, ALICE)
        secret = await signed_in(services, ALICE)
        await move_time(services, "login_sessions", "reauthenticated_at", "1 day")
        renewed = await reauthenticate(services, secret)
        assert not renewed.remembered
        assert await who(services, secret) is None
        assert (await person_of(services, renewed.secret)).is_fresh

    async def test_another_persons_session_is_not_renewed(self, services: Services) -> None:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        secret = await signed_in(services, ALICE)
        with pytest.raises(SignedOut):
            await reauthenticate(services, secret, someone=BOB)
        assert await who(services, secret) == "alice"

    async def test_a_session_of_before_the_columns_is_not_proven(self, services: Services) -> None:
        await create_user(services, ALICE)
        secret = await signed_in(services, ALICE)
        await move_time(services, "login_sessions", "reauthenticated_at", "1000 years")
        assert not (await person_of(services, secret)).is_fresh
