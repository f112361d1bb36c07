"""Two of everything at once: what must happen once happens once (DB-01 to DB-07)."""

import asyncio
from datetime import timedelta
from itertools import cycle, islice

import pytest
from sqlalchemy import text

from app.flows import confirmation, login, registration
from app.kit.errors import LinkUnusable, Refusal, TryLater, UsernameTaken, WrongCredentials
from app.limits import Delay, Rate
from app.models import rate_limit
from app.services import Services
from tests.contexts import context
from tests.invitations import accept, invite
from tests.mailbox import key_of, last_link, link_in, messages
from tests.races.together import AT_ONCE, at_once, wins
from tests.users import (
    ALICE,
    BOB,
    ROOT,
    Someone,
    block,
    confirm,
    count,
    create_user,
    move_time,
    register,
    sign_in,
    signed_in,
    unblock,
    who,
)

WRITINGS = ["kevin@example.com", "KEVIN@example.com", "\u212aevin@Example.com", "Kevin@EXAMPLE.COM"]


async def receipts_and_links(services: Services, users: list[Someone]) -> list[tuple[str, str]]:
    """Register all at once; return each one's receipt and link."""
    found = []
    receipts = await at_once(*(register(services, someone) for someone in users))
    links = [link_in(message) for message in await messages(services)]
    for link in links:
        for receipt in receipts:
            async with context(services) as ctx:
                opened = await confirmation.open_confirmation(
                    ctx, sealed=key_of(link), receipts=[str(receipt)]
                )
            if opened.has_receipt:
                found.append((str(receipt), link))
    assert len(found) == len(users)
    return found


@pytest.mark.parametrize("_round", range(5))
async def test_one_address_registered_in_many_writings_is_one_account(
    services: Services,
    _round: int,
) -> None:
    users = [
        Someone(f"kevin{number}", email, "kevin has a canoe")
        for number, email in enumerate(islice(cycle(WRITINGS), AT_ONCE))
    ]
    found = await receipts_and_links(services, users)
    outcomes = await at_once(*(confirm(services, link, receipt=receipt) for receipt, link in found))
    assert wins(outcomes) == await count(services, "users") == 1
    assert sum(isinstance(outcome, LinkUnusable) for outcome in outcomes) == AT_ONCE - 1


async def test_one_user_name_registered_many_times_is_one_account(services: Services) -> None:
    users = [
        Someone("kevin", f"kevin{number}@example.com", "kevin has a canoe")
        for number in range(AT_ONCE)
    ]
    found = await receipts_and_links(services, users)
    outcomes = await at_once(*(confirm(services, link, receipt=receipt) for receipt, link in found))
    assert wins(outcomes) == await count(services, "users") == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_link_posted_sixteen_times_at_once_confirms_once(
    services: Services,
    _round: int,
) -> None:
    receipt = await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    outcomes = await at_once(*(confirm(services, link, receipt=receipt) for _ in range(AT_ONCE)))
    assert wins(outcomes) == 1
    refusals = [type(outcome) for outcome in outcomes if outcome is not None]
    assert set(refusals) <= {LinkUnusable, UsernameTaken}


async def test_two_links_of_one_registration_confirm_at_once_once(services: Services) -> None:
    receipt = await register(services, ALICE)
    outcome = await sign_in(services, ALICE)
    assert isinstance(outcome, login.Unconfirmed)
    async with context(services) as ctx:
        await registration.resend(ctx, ticket=outcome.ticket)
    links = [link_in(message) for message in await messages(services)] * 8
    outcomes = await at_once(*(confirm(services, link, receipt=receipt) for link in links))
    assert wins(outcomes) == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_registration_that_races_with_a_confirmation_changes_nothing(
    services: Services,
    _round: int,
) -> None:
    receipt = await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    stranger = Someone("stranger", ALICE.email, "the stranger has plans")
    await at_once(
        *(register(services, stranger) for _ in range(4)),
        confirm(services, link, receipt=receipt),
        *(register(services, stranger) for _ in range(4)),
    )
    for message in await messages(services, ALICE.email):
        if "/confirm/" in message.text:
            await at_once(confirm(services, link_in(message), password=stranger.password))
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)
    assert await count(services, "users") == 1


async def test_an_invitation_accepted_sixteen_times_at_once_is_accepted_once(
    services: Services,
) -> None:
    link = await invite(services, ROOT)
    passwords = [f"the password number {number}" for number in range(AT_ONCE)]
    outcomes = await at_once(*(accept(services, link, password) for password in passwords))
    assert wins(outcomes) == 1
    winner = passwords[[isinstance(outcome, Refusal) for outcome in outcomes].index(False)]
    assert isinstance(await sign_in(services, ROOT, password=winner), login.SignedIn)


class TestBlock:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"account_free_failures": 50}

    @pytest.mark.parametrize("_round", range(10))
    async def test_no_session_survives_a_block_that_races_with_logins(
        self,
        services: Services,
        _round: int,
    ) -> None:
        await create_user(services, ALICE)
        work = [sign_in(services, ALICE) for _ in range(AT_ONCE)]
        outcomes = await at_once(*work[:8], block(services, ALICE), *work[8:])
        secrets = [outcome.secret for outcome in outcomes if isinstance(outcome, login.SignedIn)]
        assert [await who(services, secret) for secret in secrets] == [None] * len(secrets)
        assert await count(services, "login_sessions") == 0
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE)
        await unblock(services, ALICE)
        assert [await who(services, secret) for secret in secrets] == [None] * len(secrets)


async def test_a_session_ended_many_times_at_once_ends_once(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)

    async def end() -> None:
        async with context(services, session_secret=secret) as ctx:
            await login.sign_out(ctx)

    await at_once(*(end() for _ in range(AT_ONCE)))
    assert await who(services, secret) is None


async def test_a_rate_gives_exactly_its_tokens_to_a_crowd(services: Services) -> None:
    async def take() -> float:
        async with services.session() as session, session.begin():
            return await rate_limit.take_all(session, {"crowd": (Rate(10, timedelta(hours=1)),)})

    waits = await asyncio.gather(*(take() for _ in range(60)))
    assert sum(wait == 0 for wait in waits) == 10


async def test_a_delay_lets_exactly_one_of_a_crowd_through(services: Services) -> None:
    delay = Delay(free=4, longest=timedelta(minutes=15))

    async def take() -> float:
        async with services.session() as session, session.begin():
            return (await rate_limit.take_delayed(session, "crowd", delay)).wait

    for _ in range(9):  # up to where the next wait is long, also for a slow machine
        assert await take() == 0
        await move_time(services, "rate_limit_buckets", "free_at", "1 minute")
    waits = await asyncio.gather(*(take() for _ in range(60)))
    assert sum(wait == 0 for wait in waits) == 1


async def test_a_hundred_wrong_passwords_at_once_are_a_handful_of_checks(
    services: Services,
) -> None:
    await create_user(services, BOB)
    outcomes = await at_once(*(sign_in(services, BOB, password="wrong") for _ in range(100)))
    checked = sum(isinstance(outcome, WrongCredentials) for outcome in outcomes)
    assert 5 <= checked <= 8  # five, and one more for each wait that passed meanwhile
    assert sum(isinstance(outcome, TryLater) for outcome in outcomes) == 100 - checked


async def test_free_tries_at_once_are_all_free(services: Services) -> None:
    """Also for whoever began before another, and is written after them."""
    delay = Delay(free=50, longest=timedelta(minutes=15))

    async def take() -> float:
        async with services.session() as session, session.begin():
            await session.execute(text("SELECT now(), pg_sleep(random() / 10)"))
            return (await rate_limit.take_delayed(session, "crowd", delay)).wait

    assert await asyncio.gather(*(take() for _ in range(40))) == [0] * 40
