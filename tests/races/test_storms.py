"""Many stories about one person at once: none waits for another in a ring, none is a fault."""

import asyncio

import pytest
from sqlalchemy import text

from app.flows import access, account, registration
from app.kit.errors import Refusal
from app.services import Services
from tests.acts import ask_email, change_password, leave, reauthenticate, take_back
from tests.contexts import context, operator
from tests.mailbox import link_about
from tests.races.together import at_once
from tests.resets import ask, asked, reset
from tests.users import (
    ALICE,
    BOB,
    ROOT,
    actor_of,
    block,
    create_user,
    entered,
    id_of,
    register,
    signed_in,
    unblock,
)


@pytest.mark.parametrize("_round", range(6))
async def test_all_that_can_happen_to_a_person_at_once(services: Services, _round: int) -> None:
    await create_user(services, ALICE)
    await create_user(services, ROOT, role="Administrator")
    entries = [await entered(services, ALICE) for _ in range(4)]
    link = await asked(services)
    not_me = await link_about(services, ALICE.email, "New sign-in")
    alice = await id_of(services, ALICE)

    actor = await actor_of(services, ALICE)

    async def rename(number: int) -> None:
        async with context(services, actor=actor) as ctx:
            await account.change_username(ctx, username=f"al{number}")

    async def blocked_and_back() -> None:
        await block(services, ALICE)
        await unblock(services, ALICE)

    async def send_reset() -> None:
        async with operator(services) as ctx:
            await access.send_reset(ctx, name=str(alice))

    await at_once(
        *(ask(services, ALICE.email) for _ in range(4)),
        *(ask_email(services, f"new{number}@example.org") for number in range(3)),
        *(entered(services, ALICE) for _ in range(3)),
        reset(services, link),
        take_back(services, not_me),
        change_password(services, entries[0]),
        reauthenticate(services, entries[1].secret),
        blocked_and_back(),
        send_reset(),
        rename(1),
        leave(services),
    )


@pytest.mark.parametrize("_round", range(6))
async def test_a_reset_is_asked_for_while_the_person_is_erased(
    services: Services, _round: int
) -> None:
    await create_user(services, ALICE)
    await create_user(services, ROOT, role="Administrator")

    async def erase() -> None:
        async with operator(services) as ctx:
            await access.delete(ctx, name="alice", typed="alice")

    await at_once(
        *(ask(services, ALICE.email) for _ in range(8)), erase(), ask_email(services, "a@b.de")
    )
    async with services.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM one_time_tokens")) == 0


@pytest.mark.parametrize("_round", range(6))
async def test_a_reset_is_asked_for_while_the_registration_is_confirmed(
    services: Services, _round: int
) -> None:
    await register(services, ALICE)
    link = await asked(services)
    await at_once(*(ask(services, ALICE.email) for _ in range(8)), reset(services, link))


@pytest.mark.parametrize("_round", range(8))
async def test_one_of_two_administrators_disowns_while_the_other_is_blocked(
    services: Services, _round: int
) -> None:
    for someone in (ROOT, BOB):
        await create_user(services, someone, role="Administrator")
        await signed_in(services, someone)
        await signed_in(services, someone)
    not_me = await link_about(services, ROOT.email, "New sign-in")
    outcomes = await at_once(take_back(services, not_me), block(services, BOB))
    assert not isinstance(outcomes[0], Refusal)
    async with services.engine.connect() as connection:
        able = await connection.scalar(
            text(
                "SELECT count(*) FROM users WHERE blocked_at IS NULL AND password_hash IS NOT NULL"
            )
        )
    if isinstance(outcomes[1], Refusal):
        assert able == 1
    else:  # the block came first; the last one has an email to come in by
        assert await link_about(services, ROOT.email, "Choose a new")


async def test_letters_are_sent_again_while_they_are_confirmed(services: Services) -> None:
    await register(services, ALICE)
    async with services.engine.connect() as connection:
        pending = await connection.scalar(text("SELECT id FROM registrations"))
    link = await asked(services)

    async def again() -> None:
        async with operator(services) as ctx:
            await registration.send_again(ctx, registration_id=pending)

    await at_once(*(again() for _ in range(6)), asyncio.sleep(0), reset(services, link))
