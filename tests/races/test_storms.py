"""Many stories about one person at once: none waits for another in a ring, none is a fault."""

import asyncio

import pytest
from sqlalchemy import text

from app.flows import access, account, registration
from app.kit.errors import Refusal
from app.services import House
from tests.acts import ask_email, change_password, disown, leave, reauthenticate
from tests.contexts import context, operator
from tests.flows.test_recovery import ask, asked, reset
from tests.mailbox import link_about
from tests.people import (
    ALICE,
    BOB,
    ROOT,
    actor_of,
    block,
    entered,
    id_of,
    register,
    settle,
    signed_in,
    unblock,
)
from tests.races.test_races import at_once


@pytest.mark.parametrize("_round", range(6))
async def test_all_that_can_happen_to_a_person_at_once(house: House, _round: int) -> None:
    await settle(house, ALICE)
    await settle(house, ROOT, role="Administrator")
    entries = [await entered(house, ALICE) for _ in range(4)]
    link = await asked(house)
    not_me = await link_about(house, ALICE.email, "new sign-in")
    alice = await id_of(house, ALICE)

    actor = await actor_of(house, ALICE)

    async def rename(number: int) -> None:
        async with context(house, actor=actor) as ctx:
            await account.change_username(ctx, username=f"al{number}")

    async def blocked_and_back() -> None:
        await block(house, ALICE)
        await unblock(house, ALICE)

    async def send_reset() -> None:
        async with operator(house) as ctx:
            await access.send_reset(ctx, name=str(alice))

    await at_once(
        *(ask(house, ALICE.email) for _ in range(4)),
        *(ask_email(house, f"new{number}@example.org") for number in range(3)),
        *(entered(house, ALICE) for _ in range(3)),
        reset(house, link),
        disown(house, not_me),
        change_password(house, entries[0]),
        reauthenticate(house, entries[1].secret),
        blocked_and_back(),
        send_reset(),
        rename(1),
        leave(house),
    )


@pytest.mark.parametrize("_round", range(6))
async def test_a_reset_is_asked_for_while_the_person_is_erased(house: House, _round: int) -> None:
    await settle(house, ALICE)
    await settle(house, ROOT, role="Administrator")

    async def erase() -> None:
        async with operator(house) as ctx:
            await access.delete(ctx, name="alice", typed="alice")

    await at_once(*(ask(house, ALICE.email) for _ in range(8)), erase(), ask_email(house, "a@b.de"))
    async with house.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM one_time_tokens")) == 0


@pytest.mark.parametrize("_round", range(6))
async def test_a_reset_is_asked_for_while_the_registration_is_confirmed(
    house: House, _round: int
) -> None:
    await register(house, ALICE)
    link = await asked(house)
    await at_once(*(ask(house, ALICE.email) for _ in range(8)), reset(house, link))


@pytest.mark.parametrize("_round", range(8))
async def test_one_of_two_administrators_disowns_while_the_other_is_blocked(
    house: House, _round: int
) -> None:
    for someone in (ROOT, BOB):
        await settle(house, someone, role="Administrator")
        await signed_in(house, someone)
        await signed_in(house, someone)
    not_me = await link_about(house, ROOT.email, "new sign-in")
    outcomes = await at_once(disown(house, not_me), block(house, BOB))
    assert not isinstance(outcomes[0], Refusal)
    async with house.engine.connect() as connection:
        able = await connection.scalar(
            text(
                "SELECT count(*) FROM users WHERE blocked_at IS NULL AND password_hash IS NOT NULL"
            )
        )
    if isinstance(outcomes[1], Refusal):
        assert able == 1
    else:  # the block came first; the last one has a letter to come in by
        assert await link_about(house, ROOT.email, "Choose a new")


async def test_letters_are_sent_again_while_they_are_confirmed(house: House) -> None:
    await register(house, ALICE)
    async with house.engine.connect() as connection:
        pending = await connection.scalar(text("SELECT id FROM registrations"))
    link = await asked(house)

    async def again() -> None:
        async with operator(house) as ctx:
            await registration.send_again(ctx, registration_id=pending)

    await at_once(*(again() for _ in range(6)), asyncio.sleep(0), reset(house, link))
