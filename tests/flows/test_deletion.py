"""Deleting one's account."""

import pytest

from app.flows import login
from app.kit.errors import LinkUnusable, WrongCredentials, WrongPassword
from app.services import Services
from tests.acts import keep_by_link, keep_by_password, leave
from tests.mailbox import link_about
from tests.users import (
    ALICE,
    block,
    create_user,
    events,
    move_time,
    sign_in,
    signed_in,
    who,
)

SUBJECT = "will be deleted"


async def test_it_needs_the_password(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    with pytest.raises(WrongPassword):
        await leave(services, password="wrong")
    assert await who(services, secret) == "alice"


async def test_until_then_nobody_is_signed_in(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    day = await leave(services)
    assert await who(services, secret) is None
    outcome = await sign_in(services, ALICE)
    assert isinstance(outcome, login.DeletionPending)
    assert outcome.day == day
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, password="wrong")


async def test_it_is_seven_days(services: Services) -> None:
    await create_user(services, ALICE)
    day = await leave(services)
    await move_time(services, "users", "created_at", "0 days")
    async with services.engine.connect() as connection:
        now = (await connection.exec_driver_sql("SELECT now()")).scalar_one()
    assert 6.99 < (day - now).total_seconds() / 86400 <= 7


async def test_a_blocked_person_does_not_learn_that_he_may_stay(services: Services) -> None:
    await create_user(services, ALICE)
    await leave(services)
    await block(services, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE)


async def test_the_letters_link_keeps_the_account_once(services: Services) -> None:
    await create_user(services, ALICE)
    await leave(services)
    link = await link_about(services, ALICE.email, SUBJECT)
    await keep_by_link(services, link)
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)
    with pytest.raises(LinkUnusable):
        await keep_by_link(services, link)
    assert [event for event in await events(services) if event.startswith("account.")][-2:] == [
        "account.deletion_asked",
        "account.deletion_cancelled",
    ]


async def test_a_login_with_the_password_keeps_it_too(services: Services) -> None:
    await create_user(services, ALICE)
    await leave(services)
    outcome = await sign_in(services, ALICE)
    assert isinstance(outcome, login.DeletionPending)
    await keep_by_password(services, outcome.ticket)
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)


async def test_a_ticket_undoes_one_wish_to_leave_and_no_later_one(services: Services) -> None:
    await create_user(services, ALICE)
    await leave(services)
    outcome = await sign_in(services, ALICE)
    assert isinstance(outcome, login.DeletionPending)
    await keep_by_password(services, outcome.ticket)
    with pytest.raises(LinkUnusable):
        await keep_by_password(services, outcome.ticket)
    await leave(services)
    with pytest.raises(LinkUnusable):
        await keep_by_password(services, outcome.ticket)
    assert isinstance(await sign_in(services, ALICE), login.DeletionPending)


@pytest.mark.parametrize("ticket", ["", "x", "a.b.c"])
async def test_a_garbled_ticket_keeps_nothing(services: Services, ticket: str) -> None:
    await create_user(services, ALICE)
    await leave(services)
    with pytest.raises(LinkUnusable):
        await keep_by_password(services, ticket)
    assert isinstance(await sign_in(services, ALICE), login.DeletionPending)


async def test_leaving_again_voids_the_link_of_before(services: Services) -> None:
    await create_user(services, ALICE)
    await leave(services)
    first = await link_about(services, ALICE.email, SUBJECT)
    await keep_by_link(services, first)
    await leave(services)
    with pytest.raises(LinkUnusable):
        await keep_by_link(services, first)
    await keep_by_link(services, await link_about(services, ALICE.email, SUBJECT))
