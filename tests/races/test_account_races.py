"""Two of everything at once, in an account's life."""

import asyncio

import pytest
from sqlalchemy import text

from app.flows import account
from app.kit.errors import Refusal, SignedOut, WrongPassword
from app.services import Services
from tests.acts import (
    ask_email,
    change_password,
    confirm_email,
    keep_by_link,
    leave,
    reauthenticate,
    take_back,
)
from tests.contexts import context
from tests.intruders import STRANGER
from tests.mailbox import link_about, messages
from tests.races.together import AT_ONCE, at_once, wins
from tests.resets import ask, asked, reset, resets
from tests.users import (
    ALICE,
    BOB,
    Someone,
    actor_of,
    count,
    create_user,
    entered,
    sign_in,
    signed_in,
    who,
)


@pytest.mark.parametrize("_round", range(5))
async def test_a_reset_link_used_by_sixteen_is_used_once(services: Services, _round: int) -> None:
    await create_user(services, ALICE)
    link = await asked(services)
    passwords = [f"a passphrase of number {number}" for number in range(AT_ONCE)]
    outcomes = await at_once(*(reset(services, link, password) for password in passwords))
    assert wins(outcomes) == 1
    winner = next(
        password
        for password, outcome in zip(passwords, outcomes, strict=True)
        if not isinstance(outcome, Refusal)
    )
    assert await sign_in(services, ALICE, password=winner)


@pytest.mark.parametrize("_round", range(5))
async def test_asked_for_by_sixteen_one_link_is_good(services: Services, _round: int) -> None:
    await create_user(services, ALICE)
    await at_once(*(ask(services, ALICE.email) for _ in range(AT_ONCE)))
    assert len(await resets(services)) == AT_ONCE
    async with services.engine.connect() as connection:
        live = await connection.scalar(
            text("SELECT count(*) FROM one_time_tokens WHERE purpose = 'reset'")
        )
    assert live == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_password_changed_in_many_browsers_is_changed_in_one(
    services: Services, _round: int
) -> None:
    await create_user(services, ALICE)
    entries = [await entered(services, ALICE) for _ in range(6)]
    outcomes = await at_once(
        *(
            change_password(services, entry, new=f"a passphrase of number {number}")
            for number, entry in enumerate(entries)
        )
    )
    assert wins(outcomes) == 1
    assert all(
        isinstance(each, SignedOut | WrongPassword)
        for each in outcomes
        if isinstance(each, Refusal)
    )
    assert await count(services, "login_sessions") == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_reset_and_a_login_with_the_old_password(services: Services, _round: int) -> None:
    """Whichever comes first, no session of the old password is alive in the end."""
    await create_user(services, ALICE)
    link = await asked(services)
    outcomes = await at_once(
        reset(services, link), *(entered(services, ALICE, browser=None) for _ in range(8))
    )
    if not isinstance(outcomes[0], Refusal):
        for each in outcomes[1:]:
            if not isinstance(each, Refusal):
                assert await who(services, each.secret) is None  # type: ignore[attr-defined]
    else:  # a login voided the link first
        assert wins(outcomes) > 0


@pytest.mark.parametrize("_round", range(5))
async def test_one_new_address_confirmed_by_two_people_is_one_persons(
    services: Services, _round: int
) -> None:
    links = []
    for someone in (ALICE, BOB):
        await create_user(services, someone)
        await ask_email(services, "shared@example.org", someone=someone)
        links.append(await link_about(services, "shared@example.org", "Confirm your new"))
    outcomes = await at_once(*(confirm_email(services, link) for link in links * 4))
    assert wins(outcomes) == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_change_and_its_undoing_at_once(services: Services, _round: int) -> None:
    """However they fall, the address is the owner's in the end, or the change never was."""
    await create_user(services, ALICE)
    await ask_email(services, "intruder@example.net")
    change = await link_about(services, "intruder@example.net", "Confirm your new")
    undo = await link_about(services, ALICE.email, "about to change")
    outcomes = await at_once(confirm_email(services, change), take_back(services, undo))
    assert not isinstance(outcomes[1], Refusal)
    async with services.engine.connect() as connection:
        assert await connection.scalar(text("SELECT email FROM users")) == ALICE.email


@pytest.mark.parametrize("_round", range(5))
async def test_one_user_name_wanted_by_two_is_one_persons(services: Services, _round: int) -> None:
    async def rename(someone: Someone) -> None:
        async with context(services, actor=await actor_of(services, someone)) as ctx:
            await account.change_username(ctx, username="wanted")

    await create_user(services, ALICE)
    await create_user(services, BOB)
    assert wins(await at_once(rename(ALICE), rename(BOB))) == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_proof_shown_twice_renews_once(services: Services, _round: int) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    outcomes = await at_once(*(reauthenticate(services, secret) for _ in range(4)))
    assert wins(outcomes) == 1
    assert await who(services, secret) is None


@pytest.mark.parametrize("_round", range(5))
async def test_leaving_and_staying_at_once_leaves_one_of_both(
    services: Services, _round: int
) -> None:
    await create_user(services, ALICE)
    await leave(services)
    link = await link_about(services, ALICE.email, "will be deleted")
    outcomes = await at_once(*(keep_by_link(services, link) for _ in range(8)))
    assert wins(outcomes) == 1
    assert await sign_in(services, ALICE)


async def test_a_crowd_of_strangers_and_the_owner_at_once(services: Services) -> None:
    """BF-05: the owner comes in at their first try by the browser that is known."""
    await create_user(services, ALICE)
    known = (await entered(services, ALICE)).browser
    stop = asyncio.Event()

    async def attack() -> None:
        while not stop.is_set():
            await at_once(*(try_wrong() for _ in range(4)))

    async def try_wrong() -> None:
        await sign_in(services, ALICE, password="wrong", client=STRANGER)

    crowd = asyncio.create_task(attack())
    try:
        for _ in range(5):
            assert await entered(services, ALICE, browser=known)
    finally:
        stop.set()
        await crowd


@pytest.mark.parametrize("_round", range(5))
async def test_many_sign_ins_with_a_known_browser_are_no_news(
    services: Services, _round: int
) -> None:
    await create_user(services, ALICE)
    known = (await entered(services, ALICE)).browser
    before = len(await messages(services, ALICE.email))
    await at_once(*(entered(services, ALICE, browser=known) for _ in range(8)))
    assert len(await messages(services, ALICE.email)) == before
    assert await count(services, "known_browsers") == 1
