"""Registering and confirming: refusals first."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.flows import confirmation, login, password_reset, registration
from app.flows.confirmation import Opened
from app.kit.errors import (
    LinkUnusable,
    TooManyTries,
    UsernameTaken,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from app.services import House
from tests.contexts import CLIENT, context
from tests.mailbox import key_of, last_link, letters, link_in
from tests.people import (
    ALICE,
    BOB,
    Someone,
    confirm,
    count,
    events,
    move_time,
    register,
    settle,
    sign_in,
)

STRANGER = Someone("stranger", ALICE.email, "the stranger has plans")


async def open_link(house: House, link: str, receipt: str = "") -> Opened:
    async with context(house) as ctx:
        return await confirmation.open_confirmation(ctx, sealed=key_of(link), receipts=[receipt])


async def resend(house: House, ticket: str) -> None:
    async with context(house) as ctx:
        await registration.resend(ctx, ticket=ticket)


async def ticket_of(house: House, someone: Someone) -> str:
    outcome = await sign_in(house, someone)
    assert isinstance(outcome, login.Unconfirmed)
    return outcome.ticket


@pytest.mark.parametrize(
    "password", ["short", "passwordpassword", "vestibulevestibule", "Alice1234567890"]
)
async def test_a_weak_password_is_refused_and_nothing_is_kept(house: House, password: str) -> None:
    with pytest.raises(WeakPassword):
        await register(house, ALICE._replace(password=password))
    assert await count(house, "registrations") == await count(house, "outbox") == 0


async def test_a_user_name_that_is_taken_is_refused_in_any_case(house: House) -> None:
    await settle(house, ALICE)
    with pytest.raises(UsernameTaken):
        await register(house, BOB._replace(username="ALICE"))
    assert await count(house, "registrations") == 0


async def test_a_registration_takes_neither_address_nor_name(house: House) -> None:
    """Who mistypes his address registers again; who only tries names learns nothing (EN-03)."""
    await settle(house, BOB)
    for email in ("typo@example.com", BOB.email, ALICE.email):
        await register(house, ALICE._replace(email=email))
    assert await count(house, "users") == 1


async def test_a_known_address_is_told_to_its_owner_only(house: House) -> None:
    await settle(house, ALICE)
    await register(house, STRANGER)
    assert await count(house, "users") == 1
    letter = (await letters(house, ALICE.email))[-1]
    assert "already have an account" in letter.subject
    assert "alice" in letter.text
    assert "/confirm/" not in letter.text


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "é", "x" * 10_000])
async def test_a_garbled_link_is_refused(house: House, garbage: str) -> None:
    with pytest.raises(LinkUnusable):
        await confirm(house, f"/{garbage}")
    with pytest.raises(LinkUnusable):
        await open_link(house, f"/{garbage}")


async def test_a_used_link_is_refused(house: House) -> None:
    receipt = await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    await confirm(house, link, receipt=receipt)
    with pytest.raises(LinkUnusable):
        await confirm(house, link, receipt=receipt)
    with pytest.raises(LinkUnusable):
        await open_link(house, link)


@pytest.mark.parametrize("table", ["one_time_tokens", "registrations"])
async def test_an_expired_link_is_refused(house: House, table: str) -> None:
    receipt = await register(house, ALICE)
    await move_time(house, table, "expires_at", "24 hours 1 second")
    with pytest.raises(LinkUnusable):
        await confirm(house, await last_link(house, ALICE.email), receipt=receipt)


async def test_a_link_of_another_purpose_confirms_nothing(house: House) -> None:
    receipt = await register(house, ALICE)
    async with house.engine.begin() as connection:
        await connection.execute(text("UPDATE one_time_tokens SET purpose = 'invite'"))
    with pytest.raises(LinkUnusable):
        await confirm(house, await last_link(house, ALICE.email), receipt=receipt)


@pytest.mark.parametrize("password", ["", "wrong", "x" * 129, ALICE.password + "!"])
async def test_in_another_browser_the_password_is_asked_for(house: House, password: str) -> None:
    await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    assert await open_link(house, link) == ("alice", False)
    with pytest.raises(WrongPassword):
        await confirm(house, link, password=password)
    assert await count(house, "users") == 0
    await confirm(house, link, password=ALICE.password)
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)


async def test_the_password_of_a_link_is_not_guessed(house: House) -> None:
    await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await confirm(house, link, password="wrong")
    with pytest.raises(TooManyTries):
        await confirm(house, link, password=ALICE.password)


@pytest.mark.parametrize("receipt", ["", "x", "a.b.c"])
async def test_a_garbled_receipt_proves_nothing(house: House, receipt: str) -> None:
    await register(house, ALICE)
    with pytest.raises(WrongPassword):
        await confirm(house, await last_link(house, ALICE.email), receipt=receipt)


async def test_a_receipt_of_another_registration_proves_nothing(house: House) -> None:
    await register(house, STRANGER)
    strangers_link = await last_link(house, ALICE.email)
    receipt = await register(house, ALICE)
    with pytest.raises(WrongPassword):
        await confirm(house, strangers_link, receipt=receipt, password=ALICE.password)


async def test_a_strangers_registration_is_not_confirmed_by_the_owner_of_the_address(
    house: House,
) -> None:
    """He was first, and had his letter sent again: his password must not come to life (TK-13)."""
    await register(house, STRANGER)
    await resend(house, await ticket_of(house, STRANGER))
    receipt = await register(house, ALICE)
    for letter in (await letters(house, ALICE.email))[:2]:
        with pytest.raises(WrongPassword):
            await confirm(house, link_in(letter), receipt=receipt, password=ALICE.password)
    await confirm(house, await last_link(house, ALICE.email), receipt=receipt)
    assert isinstance(await sign_in(house, ALICE, name="alice"), login.SignedIn)
    for name in (STRANGER.username, STRANGER.email):
        with pytest.raises(WrongCredentials):
            await sign_in(house, STRANGER, name=name, password="not his")
    assert await count(house, "users") == 1


async def test_a_strangers_link_confirms_nothing_once_there_is_an_account(house: House) -> None:
    strangers_receipt = await register(house, STRANGER)
    strangers_link = await last_link(house, ALICE.email)
    await settle(house, ALICE)
    with pytest.raises(LinkUnusable):
        await confirm(house, strangers_link, receipt=strangers_receipt)
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)


async def test_a_user_name_that_went_to_somebody_else_meanwhile_is_refused(house: House) -> None:
    receipt = await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    await settle(house, BOB._replace(username="ALICE"))
    with pytest.raises(UsernameTaken, match="register again"):
        await confirm(house, link, receipt=receipt)


async def test_who_registered_twice_is_told_that_he_has_an_account(house: House) -> None:
    first = await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    await settle(house, ALICE)
    with pytest.raises(LinkUnusable, match="confirmed already"):
        await confirm(house, link, receipt=first)


async def test_resending_while_confirming_breaks_nothing(house: House) -> None:
    for number in range(8):
        someone = Someone(f"bob{number}", f"b{number}@example.com", BOB.password)
        receipt = await register(house, someone)
        ticket = await ticket_of(house, someone)
        link = await last_link(house, someone.email)
        await asyncio.gather(
            *(resend(house, ticket) for _ in range(4)), confirm(house, link, receipt=receipt)
        )
        assert isinstance(await sign_in(house, someone), login.SignedIn)


async def test_a_letter_sent_again_is_good_for_a_day_again(house: House) -> None:
    receipt = await register(house, ALICE)
    await move_time(house, "registrations", "expires_at", "23 hours")
    await resend(house, await ticket_of(house, ALICE))
    await move_time(house, "registrations", "expires_at", "23 hours")
    await confirm(house, await last_link(house, ALICE.email), receipt=receipt)


async def test_a_full_width_at_sign_makes_an_address(house: House) -> None:
    await register(house, ALICE)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE, name="alice\uff20example.com", password="wrong")
    with pytest.raises(TooManyTries):
        await sign_in(house, ALICE)


async def test_a_garbled_ticket_sends_nothing(house: House) -> None:
    for ticket in ("", "x", "a.b.c"):
        with pytest.raises(LinkUnusable):
            await resend(house, ticket)


async def test_a_confirmed_person_gets_no_second_letter(house: House) -> None:
    receipt = await register(house, ALICE)
    ticket = await ticket_of(house, ALICE)
    await confirm(house, await last_link(house, ALICE.email), receipt=receipt)
    await resend(house, ticket)
    assert await count(house, "outbox") == 1


class TestLimits:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {
            "account_letters_hour": 3,
            "network_letters_10_minutes": 5,
            "network_logins_5_minutes": 30,
        }

    async def test_letters_to_one_address_are_limited_in_silence(self, house: House) -> None:
        for number in range(5):
            await register(house, ALICE._replace(username=f"alice{number}"))
        assert len(await letters(house)) == 3
        assert (await events(house)).count("letter.withheld") == 2

    async def test_letters_from_one_network_are_limited_aloud(self, house: House) -> None:
        """What says that an email was sent has sent one, unless its address has had enough."""
        await fill_network(house)
        with pytest.raises(TooManyTries, match="minutes"):
            await register(house, ALICE)
        assert len(await letters(house)) == await count(house, "registrations") == 5

    async def test_neither_can_a_letter_be_had_again(self, house: House) -> None:
        await register(house, ALICE)
        ticket = await ticket_of(house, ALICE)
        await fill_network(house, 4)
        with pytest.raises(TooManyTries):
            await resend(house, ticket)
        assert len(await letters(house, ALICE.email)) == 1

    @pytest.mark.parametrize("someone", [ALICE, STRANGER])
    async def test_neither_a_link_to_a_new_password_whoever_asks(
        self, house: House, someone: Someone
    ) -> None:
        """Each request is paid for, known name or not: how many there are tells nothing."""
        await settle(house, ALICE)
        for _ in range(4):
            await request_reset(house, someone.email)
        with pytest.raises(TooManyTries):
            await request_reset(house, someone.email)

    async def test_a_letter_that_was_withheld_can_be_had_later(self, house: House) -> None:
        for number in range(4):
            await register(house, ALICE._replace(username=f"alice{number}"))
        assert len(await letters(house, ALICE.email)) == 3
        await move_time(house, "throttle_buckets", "free_at", "60 minutes")
        await resend(house, await ticket_of(house, ALICE))
        assert len(await letters(house, ALICE.email)) == 4

    async def test_a_network_without_letters_takes_none_from_others(self, house: House) -> None:
        await fill_network(house)
        for _ in range(4):
            with pytest.raises(TooManyTries):
                await register(house, ALICE)
        await register(house, ALICE, replace(CLIENT, ip="198.51.100.1"))
        assert len(await letters(house, ALICE.email)) == 1


class TestStrangers:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"account_letters_hour": 2}

    async def test_of_another_network_use_up_no_letter_of_the_owner(self, house: House) -> None:
        for number in range(4):
            await register(house, STRANGER._replace(username=f"other{number}"))
        await register(house, ALICE, replace(CLIENT, ip="198.51.100.1"))
        assert len(await letters(house, ALICE.email)) == 3

    async def test_of_the_same_network_use_up_none_of_who_shows_the_password(
        self, house: House
    ) -> None:
        for number in range(4):
            await register(house, STRANGER._replace(username=f"other{number}"))
        await register(house, ALICE)
        assert len(await letters(house, ALICE.email)) == 2
        await resend(house, await ticket_of(house, ALICE))
        assert len(await letters(house, ALICE.email)) == 3

    async def test_of_all_networks_have_an_end(self, house: House) -> None:
        for number in range(12):
            client = replace(CLIENT, ip=f"198.51.100.{number}")
            await register(house, STRANGER._replace(username=f"other{number}"), client)
        assert len(await letters(house, ALICE.email)) == 10


async def request_reset(house: House, name: str) -> None:
    async with context(house) as ctx:
        await password_reset.request_reset(ctx, name=name)


async def fill_network(house: House, number: int = 5) -> None:
    """Cause as many letters as a network can."""
    for each in range(number):
        await register(house, Someone(f"bob{each}", f"b{each}@example.com", BOB.password))


class TestManyRegistrations:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"account_letters_hour": 3, "network_logins_5_minutes": 30}

    async def test_of_one_network_are_limited_aloud(self, house: House) -> None:
        for number in range(30):
            await register(house, ALICE._replace(email=f"a{number}@example.com"))
        with pytest.raises(TooManyTries):
            await register(house, ALICE)
        assert await count(house, "registrations") == 30


async def test_a_person_registers_and_confirms(house: House) -> None:
    receipt = await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    assert await open_link(house, link, receipt) == ("alice", True)
    await confirm(house, link, receipt=receipt)
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)
    assert await events(house) == ["account.registered", "account.confirmed", "login.succeeded"]


async def test_the_letter_can_be_sent_again_and_one_of_the_links_works(house: House) -> None:
    receipt = await register(house, ALICE)
    await resend(house, await ticket_of(house, ALICE))
    first, second = [link_in(letter) for letter in await letters(house, ALICE.email)]
    assert first != second
    await confirm(house, first, receipt=receipt)
    with pytest.raises(LinkUnusable):
        await confirm(house, second, receipt=receipt)


async def test_the_letter_goes_to_the_stored_address(house: House) -> None:
    await settle(house, ALICE)
    await register(house, STRANGER._replace(email="ALICE@EXAMPLE.COM"))
    assert {letter.to for letter in await letters(house)} == {ALICE.email}


async def test_a_look_alike_is_another_person(house: House) -> None:
    await settle(house, Someone("mike", "mike@example.com", "mike plays the tuba"))
    await settle(house, Someone("mike2", "m\u0131ke@example.com", "another mike's words"))
    assert await count(house, "users") == 2
    assert len(await letters(house, "mike@example.com")) == 1


class TestAdministratorsAddress:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"admin_email": "Root@Example.com"}

    async def role_of(self, session: AsyncSession, username: str) -> str:
        async with session.begin():
            found: str = await session.scalar(
                text(
                    "SELECT roles.name FROM users JOIN roles ON roles.id = role_id "
                    "WHERE username = :username"
                ),
                {"username": username},
            )
        return found

    async def test_becomes_administrator_once_it_is_confirmed(
        self, house: House, session: AsyncSession
    ) -> None:
        await settle(house, Someone("root", "root@example.com", "root waters the plants"))
        assert await self.role_of(session, "root") == "Administrator"

    async def test_no_other_address_does(self, house: House, session: AsyncSession) -> None:
        await settle(house, ALICE)
        assert await self.role_of(session, "alice") == "User"
