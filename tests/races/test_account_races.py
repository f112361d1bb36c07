"""Two of everything at once, in an account's life."""

import asyncio

import pytest
from sqlalchemy import text

from app.flows import account
from app.kit.errors import Refusal, SignedOut, WrongPassword
from app.services import House
from tests.acts import (
    ask_email,
    change_password,
    confirm_email,
    disown,
    keep_by_link,
    leave,
    reauthenticate,
)
from tests.contexts import context
from tests.flows.test_known_browsers import STRANGER
from tests.flows.test_recovery import ask, asked, reset, resets
from tests.mailbox import letters, link_about
from tests.people import (
    ALICE,
    BOB,
    Someone,
    actor_of,
    count,
    entered,
    settle,
    sign_in,
    signed_in,
    who,
)
from tests.races.test_races import AT_ONCE, at_once, wins


@pytest.mark.parametrize("_round", range(5))
async def test_a_reset_link_used_by_sixteen_is_used_once(house: House, _round: int) -> None:
    await settle(house, ALICE)
    link = await asked(house)
    passwords = [f"a passphrase of number {number}" for number in range(AT_ONCE)]
    outcomes = await at_once(*(reset(house, link, password) for password in passwords))
    assert wins(outcomes) == 1
    winner = next(
        password
        for password, outcome in zip(passwords, outcomes, strict=True)
        if not isinstance(outcome, Refusal)
    )
    assert await sign_in(house, ALICE, password=winner)


@pytest.mark.parametrize("_round", range(5))
async def test_asked_for_by_sixteen_one_link_is_good(house: House, _round: int) -> None:
    await settle(house, ALICE)
    await at_once(*(ask(house, ALICE.email) for _ in range(AT_ONCE)))
    assert len(await resets(house)) == AT_ONCE
    async with house.engine.connect() as connection:
        live = await connection.scalar(
            text("SELECT count(*) FROM one_time_tokens WHERE purpose = 'reset'")
        )
    assert live == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_password_changed_in_many_browsers_is_changed_in_one(
    house: House, _round: int
) -> None:
    await settle(house, ALICE)
    entries = [await entered(house, ALICE) for _ in range(6)]
    outcomes = await at_once(
        *(
            change_password(house, entry, new=f"a passphrase of number {number}")
            for number, entry in enumerate(entries)
        )
    )
    assert wins(outcomes) == 1
    assert all(
        isinstance(each, SignedOut | WrongPassword)
        for each in outcomes
        if isinstance(each, Refusal)
    )
    assert await count(house, "login_sessions") == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_reset_and_a_login_with_the_old_password(house: House, _round: int) -> None:
    """Whichever comes first, no session of the old password is alive in the end."""
    await settle(house, ALICE)
    link = await asked(house)
    outcomes = await at_once(
        reset(house, link), *(entered(house, ALICE, browser=None) for _ in range(8))
    )
    if not isinstance(outcomes[0], Refusal):
        for each in outcomes[1:]:
            if not isinstance(each, Refusal):
                assert await who(house, each.secret) is None  # type: ignore[attr-defined]
    else:  # a login voided the link first
        assert wins(outcomes) > 0


@pytest.mark.parametrize("_round", range(5))
async def test_one_new_address_confirmed_by_two_people_is_one_persons(
    house: House, _round: int
) -> None:
    links = []
    for someone in (ALICE, BOB):
        await settle(house, someone)
        await ask_email(house, "shared@example.org", someone=someone)
        links.append(await link_about(house, "shared@example.org", "Confirm your new"))
    outcomes = await at_once(*(confirm_email(house, link) for link in links * 4))
    assert wins(outcomes) == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_change_and_its_undoing_at_once(house: House, _round: int) -> None:
    """However they fall, the address is the owner's in the end, or the change never was."""
    await settle(house, ALICE)
    await ask_email(house, "intruder@example.net")
    change = await link_about(house, "intruder@example.net", "Confirm your new")
    undo = await link_about(house, ALICE.email, "about to change")
    outcomes = await at_once(confirm_email(house, change), disown(house, undo))
    assert not isinstance(outcomes[1], Refusal)
    async with house.engine.connect() as connection:
        assert await connection.scalar(text("SELECT email FROM users")) == ALICE.email


@pytest.mark.parametrize("_round", range(5))
async def test_one_user_name_wanted_by_two_is_one_persons(house: House, _round: int) -> None:
    async def rename(someone: Someone) -> None:
        async with context(house, actor=await actor_of(house, someone)) as ctx:
            await account.change_username(ctx, username="wanted")

    await settle(house, ALICE)
    await settle(house, BOB)
    assert wins(await at_once(rename(ALICE), rename(BOB))) == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_proof_shown_twice_renews_once(house: House, _round: int) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    outcomes = await at_once(*(reauthenticate(house, secret) for _ in range(4)))
    assert wins(outcomes) == 1
    assert await who(house, secret) is None


@pytest.mark.parametrize("_round", range(5))
async def test_leaving_and_staying_at_once_leaves_one_of_both(house: House, _round: int) -> None:
    await settle(house, ALICE)
    await leave(house)
    link = await link_about(house, ALICE.email, "will be deleted")
    outcomes = await at_once(*(keep_by_link(house, link) for _ in range(8)))
    assert wins(outcomes) == 1
    assert await sign_in(house, ALICE)


async def test_a_crowd_of_strangers_and_the_owner_at_once(house: House) -> None:
    """BF-05: the owner comes in at his first try by the browser that is known."""
    await settle(house, ALICE)
    known = (await entered(house, ALICE)).browser
    stop = asyncio.Event()

    async def attack() -> None:
        while not stop.is_set():
            await at_once(*(try_wrong() for _ in range(4)))

    async def try_wrong() -> None:
        await sign_in(house, ALICE, password="wrong", client=STRANGER)

    crowd = asyncio.create_task(attack())
    try:
        for _ in range(5):
            assert await entered(house, ALICE, browser=known)
    finally:
        stop.set()
        await crowd


@pytest.mark.parametrize("_round", range(5))
async def test_many_sign_ins_with_a_known_browser_are_no_news(house: House, _round: int) -> None:
    await settle(house, ALICE)
    known = (await entered(house, ALICE)).browser
    before = len(await letters(house, ALICE.email))
    await at_once(*(entered(house, ALICE, browser=known) for _ in range(8)))
    assert len(await letters(house, ALICE.email)) == before
    assert await count(house, "devices") == 1
