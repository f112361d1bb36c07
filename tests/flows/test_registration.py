"""Registering and confirming: refusals first."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.flows import confirmation, login, password_reset, registration
from app.flows.confirmation import OpenConfirmation
from app.kit.errors import (
    LinkUnusable,
    TooManyTries,
    UsernameTaken,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from app.services import Services
from tests.contexts import CLIENT, context
from tests.mailbox import key_of, last_link, link_in, messages
from tests.refusals import refused
from tests.users import (
    ALICE,
    BOB,
    Someone,
    confirm,
    count,
    create_user,
    events,
    move_time,
    register,
    sign_in,
)

STRANGER = Someone("stranger", ALICE.email, "the stranger has plans")


async def open_link(services: Services, link: str, receipt: str = "") -> OpenConfirmation:
    async with context(services) as ctx:
        return await confirmation.open_confirmation(ctx, sealed=key_of(link), receipts=[receipt])


async def resend(services: Services, ticket: str) -> None:
    async with context(services) as ctx:
        await registration.resend(ctx, ticket=ticket)


async def ticket_of(services: Services, someone: Someone) -> str:
    outcome = await sign_in(services, someone)
    assert isinstance(outcome, login.Unconfirmed)
    return outcome.ticket


@pytest.mark.parametrize(
    "password", ["short", "passwordpassword", "vestibulevestibule", "Alice1234567890"]
)
async def test_a_weak_password_is_refused_and_nothing_is_kept(
    services: Services, password: str
) -> None:
    with pytest.raises(WeakPassword):
        await register(services, ALICE._replace(password=password))
    assert await count(services, "registrations") == await count(services, "outbox") == 0


async def test_a_user_name_that_is_taken_is_refused_in_any_case(services: Services) -> None:
    await create_user(services, ALICE)
    with pytest.raises(UsernameTaken):
        await register(services, BOB._replace(username="ALICE"))
    assert await count(services, "registrations") == 0


async def test_a_registration_takes_neither_address_nor_name(services: Services) -> None:
    """Who mistypes their address registers again; who only tries names learns nothing (EN-03)."""
    await create_user(services, BOB)
    for email in ("typo@example.com", BOB.email, ALICE.email):
        await register(services, ALICE._replace(email=email))
    assert await count(services, "users") == 1


async def test_a_known_address_is_told_to_its_owner_only(services: Services) -> None:
    await create_user(services, ALICE)
    await register(services, STRANGER)
    assert await count(services, "users") == 1
    message = (await messages(services, ALICE.email))[-1]
    assert "already have an account" in message.subject
    assert "alice" in message.text
    assert "/confirm/" not in message.text


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "é", "x" * 10_000])
async def test_a_garbled_link_is_refused(services: Services, garbage: str) -> None:
    with pytest.raises(LinkUnusable):
        await confirm(services, f"/{garbage}")
    with pytest.raises(LinkUnusable):
        await open_link(services, f"/{garbage}")


async def test_a_used_link_is_refused(services: Services) -> None:
    receipt = await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    await confirm(services, link, receipt=receipt)
    with pytest.raises(LinkUnusable):
        await confirm(services, link, receipt=receipt)
    with pytest.raises(LinkUnusable):
        await open_link(services, link)


@pytest.mark.parametrize("table", ["one_time_tokens", "registrations"])
async def test_an_expired_link_is_refused(services: Services, table: str) -> None:
    receipt = await register(services, ALICE)
    await move_time(services, table, "expires_at", "24 hours 1 second")
    with pytest.raises(LinkUnusable):
        await confirm(services, await last_link(services, ALICE.email), receipt=receipt)


async def test_a_link_of_another_purpose_confirms_nothing(services: Services) -> None:
    receipt = await register(services, ALICE)
    async with services.engine.begin() as connection:
        await connection.execute(text("UPDATE one_time_tokens SET purpose = 'invite'"))
    with pytest.raises(LinkUnusable):
        await confirm(services, await last_link(services, ALICE.email), receipt=receipt)


@pytest.mark.parametrize("password", ["", "wrong", "x" * 129, ALICE.password + "!"])
async def test_in_another_browser_the_password_is_asked_for(
    services: Services, password: str
) -> None:
    await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    assert await open_link(services, link) == (ALICE.username, ALICE.email, False)
    with pytest.raises(WrongPassword):
        await confirm(services, link, password=password)
    assert await count(services, "users") == 0
    await confirm(services, link, password=ALICE.password)
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)


async def test_the_password_of_a_link_is_not_guessed(services: Services) -> None:
    await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await confirm(services, link, password="wrong")
    with pytest.raises(TooManyTries):
        await confirm(services, link, password=ALICE.password)


@pytest.mark.parametrize("receipt", ["", "x", "a.b.c"])
async def test_a_garbled_receipt_proves_nothing(services: Services, receipt: str) -> None:
    await register(services, ALICE)
    with pytest.raises(WrongPassword):
        await confirm(services, await last_link(services, ALICE.email), receipt=receipt)


async def test_a_receipt_of_another_registration_proves_nothing(services: Services) -> None:
    await register(services, STRANGER)
    strangers_link = await last_link(services, ALICE.email)
    receipt = await register(services, ALICE)
    with pytest.raises(WrongPassword):
        await confirm(services, strangers_link, receipt=receipt, password=ALICE.password)


async def test_a_strangers_registration_is_not_confirmed_by_the_owner_of_the_address(
    services: Services,
) -> None:
    """They were first, and asked for the email again: their password stays dead (TK-13)."""
    await register(services, STRANGER)
    await resend(services, await ticket_of(services, STRANGER))
    receipt = await register(services, ALICE)
    for message in (await messages(services, ALICE.email))[:2]:
        with pytest.raises(WrongPassword):
            await confirm(services, link_in(message), receipt=receipt, password=ALICE.password)
    await confirm(services, await last_link(services, ALICE.email), receipt=receipt)
    assert isinstance(await sign_in(services, ALICE, name="alice"), login.SignedIn)
    for name in (STRANGER.username, STRANGER.email):
        with pytest.raises(WrongCredentials):
            await sign_in(services, STRANGER, name=name, password="not their")
    assert await count(services, "users") == 1


async def test_a_strangers_link_confirms_nothing_once_there_is_an_account(
    services: Services,
) -> None:
    strangers_receipt = await register(services, STRANGER)
    strangers_link = await last_link(services, ALICE.email)
    await create_user(services, ALICE)
    with pytest.raises(LinkUnusable):
        await confirm(services, strangers_link, receipt=strangers_receipt)
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)


async def test_a_user_name_that_went_to_somebody_else_meanwhile_is_refused(
    services: Services,
) -> None:
    receipt = await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    await create_user(services, BOB._replace(username="ALICE"))
    with refused(UsernameTaken, "Register again"):
        await confirm(services, link, receipt=receipt)


async def test_who_registered_twice_is_told_that_he_has_an_account(services: Services) -> None:
    first = await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    await create_user(services, ALICE)
    with refused(LinkUnusable, "already confirmed"):
        await confirm(services, link, receipt=first)


async def test_resending_while_confirming_breaks_nothing(services: Services) -> None:
    for number in range(8):
        someone = Someone(f"bob{number}", f"b{number}@example.com", BOB.password)
        receipt = await register(services, someone)
        ticket = await ticket_of(services, someone)
        link = await last_link(services, someone.email)
        await asyncio.gather(
            *(resend(services, ticket) for _ in range(4)), confirm(services, link, receipt=receipt)
        )
        assert isinstance(await sign_in(services, someone), login.SignedIn)


async def test_an_email_sent_again_is_good_for_a_day_again(services: Services) -> None:
    receipt = await register(services, ALICE)
    await move_time(services, "registrations", "expires_at", "23 hours")
    await resend(services, await ticket_of(services, ALICE))
    await move_time(services, "registrations", "expires_at", "23 hours")
    await confirm(services, await last_link(services, ALICE.email), receipt=receipt)


async def test_a_full_width_at_sign_makes_an_address(services: Services) -> None:
    await register(services, ALICE)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE, name="alice\uff20example.com", password="wrong")
    with pytest.raises(TooManyTries):
        await sign_in(services, ALICE)


async def test_a_garbled_ticket_sends_nothing(services: Services) -> None:
    for ticket in ("", "x", "a.b.c"):
        with pytest.raises(LinkUnusable):
            await resend(services, ticket)


async def test_a_confirmed_person_gets_no_second_email(services: Services) -> None:
    receipt = await register(services, ALICE)
    ticket = await ticket_of(services, ALICE)
    await confirm(services, await last_link(services, ALICE.email), receipt=receipt)
    await resend(services, ticket)
    assert await count(services, "outbox") == 1


class TestLimits:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {
            "emails_per_address_hour": 3,
            "emails_per_network_10_minutes": 5,
            "logins_per_network_5_minutes": 30,
        }

    async def test_letters_to_one_address_are_limited_in_silence(self, services: Services) -> None:
        for number in range(5):
            await register(services, ALICE._replace(username=f"alice{number}"))
        assert len(await messages(services)) == 3
        assert (await events(services)).count("email.withheld") == 2

    async def test_letters_from_one_network_are_limited_aloud(self, services: Services) -> None:
        """What says that an email was sent has sent one, unless its address has had enough."""
        await fill_network(services)
        with refused(TooManyTries, "minutes"):
            await register(services, ALICE)
        assert len(await messages(services)) == await count(services, "registrations") == 5

    async def test_neither_can_an_email_be_had_again(self, services: Services) -> None:
        await register(services, ALICE)
        ticket = await ticket_of(services, ALICE)
        await fill_network(services, 4)
        with pytest.raises(TooManyTries):
            await resend(services, ticket)
        assert len(await messages(services, ALICE.email)) == 1

    @pytest.mark.parametrize("someone", [ALICE, STRANGER])
    async def test_neither_a_link_to_a_new_password_whoever_asks(
        self, services: Services, someone: Someone
    ) -> None:
        """Each request is paid for, known name or not: how many there are tells nothing."""
        await create_user(services, ALICE)
        for _ in range(4):
            await request_reset(services, someone.email)
        with pytest.raises(TooManyTries):
            await request_reset(services, someone.email)

    async def test_an_email_that_was_withheld_can_be_had_later(self, services: Services) -> None:
        for number in range(4):
            await register(services, ALICE._replace(username=f"alice{number}"))
        assert len(await messages(services, ALICE.email)) == 3
        await move_time(services, "rate_limit_buckets", "free_at", "60 minutes")
        await resend(services, await ticket_of(services, ALICE))
        assert len(await messages(services, ALICE.email)) == 4

    async def test_a_network_without_letters_takes_none_from_others(
        self, services: Services
    ) -> None:
        await fill_network(services)
        for _ in range(4):
            with pytest.raises(TooManyTries):
                await register(services, ALICE)
        await register(services, ALICE, replace(CLIENT, ip="198.51.100.1"))
        assert len(await messages(services, ALICE.email)) == 1


class TestStrangers:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"emails_per_address_hour": 2}

    async def test_of_another_network_use_up_no_email_of_the_owner(
        self, services: Services
    ) -> None:
        for number in range(4):
            await register(services, STRANGER._replace(username=f"other{number}"))
        await register(services, ALICE, replace(CLIENT, ip="198.51.100.1"))
        assert len(await messages(services, ALICE.email)) == 3

    async def test_of_the_same_network_use_up_none_of_who_shows_the_password(
        self, services: Services
    ) -> None:
        for number in range(4):
            await register(services, STRANGER._replace(username=f"other{number}"))
        await register(services, ALICE)
        assert len(await messages(services, ALICE.email)) == 2
        await resend(services, await ticket_of(services, ALICE))
        assert len(await messages(services, ALICE.email)) == 3

    async def test_of_all_networks_have_an_end(self, services: Services) -> None:
        for number in range(12):
            client = replace(CLIENT, ip=f"198.51.100.{number}")
            await register(services, STRANGER._replace(username=f"other{number}"), client)
        assert len(await messages(services, ALICE.email)) == 10


async def request_reset(services: Services, name: str) -> None:
    async with context(services) as ctx:
        await password_reset.request_reset(ctx, name=name)


async def fill_network(services: Services, number: int = 5) -> None:
    """Cause as many emails as a network can."""
    for each in range(number):
        await register(services, Someone(f"bob{each}", f"b{each}@example.com", BOB.password))


class TestManyRegistrations:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"emails_per_address_hour": 3, "logins_per_network_5_minutes": 30}

    async def test_of_one_network_are_limited_aloud(self, services: Services) -> None:
        for number in range(30):
            await register(services, ALICE._replace(email=f"a{number}@example.com"))
        with pytest.raises(TooManyTries):
            await register(services, ALICE)
        assert await count(services, "registrations") == 30


async def test_a_person_registers_and_confirms(services: Services) -> None:
    receipt = await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    assert await open_link(services, link, receipt) == (ALICE.username, ALICE.email, True)
    await confirm(services, link, receipt=receipt)
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)
    assert await events(services) == ["account.registered", "account.confirmed", "login.succeeded"]


async def test_the_email_can_be_sent_again_and_one_of_the_links_works(services: Services) -> None:
    receipt = await register(services, ALICE)
    await resend(services, await ticket_of(services, ALICE))
    first, second = [link_in(message) for message in await messages(services, ALICE.email)]
    assert first != second
    await confirm(services, first, receipt=receipt)
    with pytest.raises(LinkUnusable):
        await confirm(services, second, receipt=receipt)


async def test_the_email_goes_to_the_stored_address(services: Services) -> None:
    await create_user(services, ALICE)
    await register(services, STRANGER._replace(email="ALICE@EXAMPLE.COM"))
    assert {message.to for message in await messages(services)} == {ALICE.email}


async def test_a_look_alike_is_another_person(services: Services) -> None:
    await create_user(services, Someone("mike", "mike@example.com", "mike plays the tuba"))
    await create_user(services, Someone("mike2", "m\u0131ke@example.com", "another mike's words"))
    assert await count(services, "users") == 2
    assert len(await messages(services, "mike@example.com")) == 1


class TestAdministratorsAddress:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"admin_email": "root@Example.com"}

    async def role_of(self, db: AsyncSession, username: str) -> str:
        async with db.begin():
            found: str = await db.scalar(
                text(
                    "SELECT roles.name FROM users JOIN roles ON roles.id = role_id "
                    "WHERE username = :username"
                ),
                {"username": username},
            )
        return found

    async def test_becomes_administrator_once_it_is_confirmed(
        self, services: Services, db: AsyncSession
    ) -> None:
        await create_user(services, Someone("root", "root@example.com", "root waters the plants"))
        assert await self.role_of(db, "root") == "Administrator"

    async def test_no_other_address_does(self, services: Services, db: AsyncSession) -> None:
        await create_user(services, ALICE)
        assert await self.role_of(db, "alice") == "User"
