"""Deleting one's account."""

import pytest

from app.flows import login
from app.kit.errors import LinkUnusable, WrongCredentials, WrongPassword
from app.services import House
from tests.acts import keep_by_link, keep_by_password, leave
from tests.mailbox import link_about
from tests.people import (
    ALICE,
    block,
    events,
    move_time,
    settle,
    sign_in,
    signed_in,
    who,
)

SUBJECT = "will be deleted"


async def test_it_needs_the_password(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    with pytest.raises(WrongPassword):
        await leave(house, password="wrong")
    assert await who(house, secret) == "alice"


async def test_until_then_nobody_is_signed_in(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    day = await leave(house)
    assert await who(house, secret) is None
    outcome = await sign_in(house, ALICE)
    assert isinstance(outcome, login.Leaving)
    assert outcome.day == day
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE, password="wrong")


async def test_it_is_seven_days(house: House) -> None:
    await settle(house, ALICE)
    day = await leave(house)
    await move_time(house, "users", "created_at", "0 days")
    async with house.engine.connect() as connection:
        now = (await connection.exec_driver_sql("SELECT now()")).scalar_one()
    assert 6.99 < (day - now).total_seconds() / 86400 <= 7


async def test_a_blocked_person_does_not_learn_that_he_may_stay(house: House) -> None:
    await settle(house, ALICE)
    await leave(house)
    await block(house, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE)


async def test_the_letters_link_keeps_the_account_once(house: House) -> None:
    await settle(house, ALICE)
    await leave(house)
    link = await link_about(house, ALICE.email, SUBJECT)
    await keep_by_link(house, link)
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)
    with pytest.raises(LinkUnusable):
        await keep_by_link(house, link)
    assert [event for event in await events(house) if event.startswith("account.")][-2:] == [
        "account.leaving",
        "account.stayed",
    ]


async def test_a_login_with_the_password_keeps_it_too(house: House) -> None:
    await settle(house, ALICE)
    await leave(house)
    outcome = await sign_in(house, ALICE)
    assert isinstance(outcome, login.Leaving)
    await keep_by_password(house, outcome.ticket)
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)


async def test_a_ticket_undoes_one_wish_to_leave_and_no_later_one(house: House) -> None:
    await settle(house, ALICE)
    await leave(house)
    outcome = await sign_in(house, ALICE)
    assert isinstance(outcome, login.Leaving)
    await keep_by_password(house, outcome.ticket)
    with pytest.raises(LinkUnusable):
        await keep_by_password(house, outcome.ticket)
    await leave(house)
    with pytest.raises(LinkUnusable):
        await keep_by_password(house, outcome.ticket)
    assert isinstance(await sign_in(house, ALICE), login.Leaving)


@pytest.mark.parametrize("ticket", ["", "x", "a.b.c"])
async def test_a_garbled_ticket_keeps_nothing(house: House, ticket: str) -> None:
    await settle(house, ALICE)
    await leave(house)
    with pytest.raises(LinkUnusable):
        await keep_by_password(house, ticket)
    assert isinstance(await sign_in(house, ALICE), login.Leaving)


async def test_leaving_again_voids_the_link_of_before(house: House) -> None:
    await settle(house, ALICE)
    await leave(house)
    first = await link_about(house, ALICE.email, SUBJECT)
    await keep_by_link(house, first)
    await leave(house)
    with pytest.raises(LinkUnusable):
        await keep_by_link(house, first)
    await keep_by_link(house, await link_about(house, ALICE.email, SUBJECT))
