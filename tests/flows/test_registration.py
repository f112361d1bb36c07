"""Registering and confirming: refusals first."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.flows import login, registration
from app.house import House
from app.kit.errors import LinkUnusable, UsernameTaken, WeakPassword
from tests.mailbox import key_of, last_link, letters, link_in
from tests.people import (
    ALICE,
    BOB,
    CLIENT,
    Someone,
    block,
    confirm,
    count,
    events,
    move_time,
    register,
    settle,
    sign_in,
)

STRANGER = Someone("stranger", ALICE.email, "the stranger has plans")


async def find(house: House, link: str) -> str:
    async with house.session() as session:
        return await registration.find_registration(
            session, config=house.config, sealed=key_of(link)
        )


async def resend(house: House, someone: Someone) -> None:
    outcome = await sign_in(house, someone)
    assert isinstance(outcome, login.Unconfirmed)
    async with house.session() as session:
        await registration.resend(
            session, config=house.config, ticket=outcome.ticket, client=CLIENT
        )


@pytest.mark.parametrize("password", ["short", "passwordpassword", "vestibulevestibule"])
async def test_a_weak_password_is_refused_and_nothing_is_kept(house: House, password: str) -> None:
    with pytest.raises(WeakPassword):
        await register(house, ALICE._replace(password=password))
    assert await count(house, "users") == await count(house, "outbox") == 0


async def test_a_user_name_that_is_taken_is_refused_in_any_case(house: House) -> None:
    await register(house, ALICE)
    with pytest.raises(UsernameTaken):
        await register(house, BOB._replace(username="ALICE"))
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
        await find(house, f"/{garbage}")


async def test_a_used_link_is_refused(house: House) -> None:
    await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    await confirm(house, link)
    with pytest.raises(LinkUnusable):
        await confirm(house, link)
    with pytest.raises(LinkUnusable):
        await find(house, link)


async def test_an_expired_link_is_refused(house: House) -> None:
    await register(house, ALICE)
    await move_time(house, "one_time_tokens", "expires_at", "24 hours 1 second")
    with pytest.raises(LinkUnusable):
        await confirm(house, await last_link(house, ALICE.email))


async def test_a_link_of_an_address_that_changed_confirms_nothing(house: House) -> None:
    await register(house, ALICE)
    async with house.engine.begin() as connection:
        await connection.execute(text("UPDATE users SET email_key = 'new@example.com'"))
    with pytest.raises(LinkUnusable):
        await confirm(house, await last_link(house, ALICE.email))


async def test_an_invitations_key_confirms_nothing(house: House) -> None:
    await register(house, ALICE)
    async with house.engine.begin() as connection:
        await connection.execute(text("UPDATE one_time_tokens SET purpose = 'invite'"))
    with pytest.raises(LinkUnusable):
        await confirm(house, await last_link(house, ALICE.email))


async def test_a_garbled_ticket_sends_nothing(house: House) -> None:
    async with house.session() as session:
        for ticket in ("", "x", "a.b.c"):
            with pytest.raises(LinkUnusable):
                await registration.resend(
                    session, config=house.config, ticket=ticket, client=CLIENT
                )


async def test_a_confirmed_person_gets_no_second_letter(house: House) -> None:
    await register(house, ALICE)
    outcome = await sign_in(house, ALICE)
    assert isinstance(outcome, login.Unconfirmed)
    await confirm(house, await last_link(house, ALICE.email))
    async with house.session() as session:
        await registration.resend(
            session, config=house.config, ticket=outcome.ticket, client=CLIENT
        )
    assert await count(house, "outbox") == 1


async def test_a_blocked_person_gets_no_second_letter(house: House) -> None:
    await register(house, ALICE)
    outcome = await sign_in(house, ALICE)
    assert isinstance(outcome, login.Unconfirmed)
    await block(house, ALICE)
    async with house.session() as session:
        await registration.resend(
            session, config=house.config, ticket=outcome.ticket, client=CLIENT
        )
    assert await count(house, "outbox") == 1


class TestLimits:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"account_letters_hour": 3, "network_letters_10_minutes": 5}

    async def test_letters_to_one_address_are_limited_in_silence(self, house: House) -> None:
        for number in range(5):
            await register(house, ALICE._replace(username=f"alice{number}"))
        assert len(await letters(house)) == 3
        assert (await events(house)).count("letter.withheld") == 2

    async def test_letters_from_one_network_are_limited_in_silence(self, house: House) -> None:
        for number in range(7):
            await register(house, Someone(f"bob{number}", f"b{number}@example.com", BOB.password))
        assert len(await letters(house)) == await count(house, "users") == 5

    async def test_another_network_is_not_concerned(self, house: House) -> None:
        for number in range(7):
            await register(house, Someone(f"bob{number}", f"b{number}@example.com", BOB.password))
        await register(house, ALICE, CLIENT.__class__("198.51.100.1", "", "id"))
        assert len(await letters(house, ALICE.email)) == 1


async def test_a_person_registers_and_confirms(house: House) -> None:
    await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    assert await find(house, link) == "alice"
    await confirm(house, link)
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)
    assert await events(house) == ["account.registered", "account.confirmed", "login.succeeded"]


async def test_the_letter_can_be_sent_again_and_both_links_work_once(house: House) -> None:
    await register(house, ALICE)
    await resend(house, ALICE)
    first, second = [link_in(letter) for letter in await letters(house, ALICE.email)]
    assert first != second
    await confirm(house, first)
    with pytest.raises(LinkUnusable):
        await confirm(house, second)


async def test_the_owner_of_an_address_gets_his_own_registration(house: House) -> None:
    """A stranger was first with the address: his password must not come to life (TK-13)."""
    await register(house, STRANGER)
    strangers_link = await last_link(house, ALICE.email)
    await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    assert await find(house, link) == "alice"
    await confirm(house, link)
    assert isinstance(await sign_in(house, ALICE, name="alice"), login.SignedIn)
    with pytest.raises(LinkUnusable):
        await confirm(house, strangers_link)
    for name in (STRANGER.username, STRANGER.email):
        with pytest.raises(login.WrongCredentials):
            await sign_in(house, STRANGER, name=name)


async def test_a_user_name_that_went_to_somebody_else_meanwhile_is_refused(house: House) -> None:
    await register(house, STRANGER)
    await register(house, ALICE)
    link = await last_link(house, ALICE.email)
    await settle(house, BOB._replace(username="alice"))
    with pytest.raises(UsernameTaken, match="register again"):
        await confirm(house, link)
    assert await find(house, link) == "alice"


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
        root = Someone("root", "root@example.com", "root waters the plants")
        await register(house, root)
        assert await self.role_of(session, "root") == "User"
        await confirm(house, await last_link(house, root.email))
        assert await self.role_of(session, "root") == "Administrator"

    async def test_no_other_address_does(self, house: House, session: AsyncSession) -> None:
        await settle(house, ALICE)
        assert await self.role_of(session, "alice") == "User"
