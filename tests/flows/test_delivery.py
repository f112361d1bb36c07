"""Emails leave the outbox once, and none is lost."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.flows.delivery import (
    Delivery,
    Outcome,
    Send,
    deliver_next,
    retry,
    seconds_until_due,
    state,
    waiting,
)
from app.flows.housekeeping import TEXTS, Pruned, prune
from app.flows.housekeeping import count as count_stale
from app.kit.errors import NotToBeRetried
from app.mail.message import NoServer, Posted, PutOff, RecipientRefused, Undelivered
from app.models import outbox
from app.services import Services
from tests.contexts import context, operator
from tests.mailbox import messages
from tests.statements import ALL_BUT_NESTED_LOOPS
from tests.users import ALICE, BOB, ROOT, Someone, count, move_time, register


async def deliver(services: Services, send: Send) -> Delivery | None:
    async with operator(services) as ctx:
        return await deliver_next(ctx, send, retry_days=4)


async def outcome(services: Services, problem: Undelivered) -> Outcome:
    """Try to deliver, run into a problem, and return what becomes of the email."""

    async def fail(_: Posted) -> None:
        raise problem

    delivery = await deliver(services, fail)
    assert delivery is not None
    assert delivery.problem is problem
    return delivery.outcome


@pytest.mark.parametrize("forbidden", [[], ALL_BUT_NESTED_LOOPS])
async def test_one_email_is_claimed_whatever_the_planner_does(
    services: Services, forbidden: list[str]
) -> None:
    for someone in (ALICE, BOB, ROOT):
        await register(services, someone)
    async with services.session() as session, session.begin():
        for way in forbidden:
            await session.execute(text(f"SET LOCAL enable_{way} = off"))
        assert await outbox.claim(session) is not None
        taken = await session.scalar(text("SELECT count(*) FROM outbox WHERE tries = 1"))
    assert taken == 1


async def due_in(services: Services) -> float | None:
    async with context(services) as ctx:
        return await seconds_until_due(ctx)


async def row(services: Services) -> dict[str, Any]:
    """Return the only row of the outbox."""
    async with services.engine.connect() as connection:
        return dict((await connection.execute(text("SELECT * FROM outbox"))).mappings().one())


async def audited(services: Services) -> list[dict[str, Any]]:
    """Return the audit events about emails."""
    async with services.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT event, subject_id, request_id, detail FROM audit_events "
                 "WHERE event LIKE 'email.%'")
        )  # fmt: skip
        return [dict(event) for event in found.mappings()]


@pytest.fixture
def sent() -> list[Posted]:
    return []


@pytest.fixture
def send(sent: list[Posted]) -> Send:
    async def send(posted: Posted) -> None:
        await asyncio.sleep(0.01)
        sent.append(posted)

    return send


async def test_an_empty_outbox_has_nothing_to_deliver(services: Services, send: Send) -> None:
    assert await deliver(services, send) is None
    assert await due_in(services) is None


async def test_a_refused_email_is_given_up_at_once(services: Services) -> None:
    await register(services, ALICE)
    answer = "550 5.1.1 <alice@example.com>: no such\r\nuser\0"
    assert await outcome(services, RecipientRefused(answer, 550)) == Outcome.REFUSED
    found = await row(services)
    assert found["gave_up_at"] is not None
    assert found["sent_at"] is None
    assert found["trouble"] == "550 5.1.1 <(address)>: no such user?"
    assert await due_in(services) is None


async def never() -> bool:
    return False


async def retried(services: Services, email_id: UUID) -> None:
    async with operator(services) as ctx:
        await retry(ctx, email_id=email_id)


@pytest.mark.parametrize("problem", [RecipientRefused("550 no", 550), PutOff("554 no", 554)])
async def test_an_email_that_is_given_up_says_what_it_said_while_its_link_is_good(
    services: Services, problem: Undelivered
) -> None:
    await register(services, ALICE)
    await outcome(services, problem)
    await move_time(services, "outbox", "good_until", "23 hours 59 minutes")
    async with services.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox SET gave_up_at = now()"))
    async with context(services) as ctx:
        await prune(ctx, rest=never, pruned=Pruned())
        assert [each.has_text for each in (await state(ctx)).given_up] == [True]
    found = await row(services)
    assert "/confirm/" in found["text"]
    await retried(services, found["id"])
    assert (await row(services))["gave_up_at"] is None


async def test_an_email_whose_link_is_dead_is_not_sent_again_and_wiped(services: Services) -> None:
    await register(services, ALICE)
    await outcome(services, RecipientRefused("550 no such user", 550))
    await move_time(services, "outbox", "good_until", "24 hours")
    found = await row(services)
    async with context(services) as ctx:
        assert [each.has_text for each in (await state(ctx)).given_up] == [False]
    with pytest.raises(NotToBeRetried):
        await retried(services, found["id"])
    async with context(services) as ctx:
        assert (await count_stale(ctx)).rows[TEXTS] == 1
        await prune(ctx, rest=never, pruned=Pruned())
    found = await row(services)
    assert (found["text"], found["html"]) == (None, None)
    assert found["gave_up_at"] is not None


async def test_a_refused_email_is_in_the_book_without_its_address(services: Services) -> None:
    await register(services, ALICE)
    await outcome(services, RecipientRefused("550 no such user", 550))
    assert await audited(services) == [
        {
            "event": "email.refused",
            "subject_id": None,
            "request_id": "command-line",
            "detail": {"code": 550, "domain": "example.com"},
        }
    ]


async def test_an_endless_answer_is_cut(services: Services) -> None:
    await register(services, ALICE)
    await outcome(services, RecipientRefused("no" * 500, 550))
    assert len((await row(services))["trouble"]) == 200


@pytest.mark.parametrize(
    ("age", "least", "most"),
    [("0 seconds", 3, 5), ("10 minutes", 55, 62), ("3 days", 3590, 3600)],
)
async def test_an_email_that_is_put_off_waits_for_a_tenth_of_its_age(
    services: Services, age: str, least: float, most: float
) -> None:
    await register(services, ALICE)
    await move_time(services, "outbox", "created_at", age)
    assert await outcome(services, PutOff("451 later", 451)) == Outcome.PUT_OFF
    due = await due_in(services)
    assert due is not None
    assert least < due <= most
    found = await row(services)
    assert found["trouble"] == "451 later"
    assert found["text"]


async def test_an_email_keeps_its_turn_when_the_server_is_away(services: Services) -> None:
    await register(services, ALICE)
    assert await outcome(services, NoServer("connection refused")) == Outcome.NO_SERVER
    assert await due_in(services) == 0
    assert await audited(services) == []


async def test_an_email_that_breaks_the_server_lets_the_others_pass(
    services: Services, send: Send, sent: list[Posted]
) -> None:
    await register(services, ALICE)
    await register(services, BOB)
    await outcome(services, NoServer("disconnected in mid-air"))
    await deliver(services, send)
    assert [posted.to for posted in sent] == [BOB.email]


@pytest.mark.parametrize("problem", [PutOff("451 later", 451), NoServer("nobody there")])
async def test_an_email_is_given_up_after_days(services: Services, problem: Undelivered) -> None:
    await register(services, ALICE)
    await move_time(services, "outbox", "created_at", "95 hours 59 minutes")
    assert await outcome(services, problem) in {Outcome.PUT_OFF, Outcome.NO_SERVER}
    await move_time(services, "outbox", "created_at", "1 minute")
    await move_time(services, "outbox", "due_at", "1 hour")
    assert await outcome(services, problem) == Outcome.GAVE_UP
    assert "/confirm/" in (await row(services))["text"]
    (event,) = await audited(services)
    assert event["event"] == "email.gave_up"
    assert event["detail"] == {"code": problem.code, "domain": "example.com"}


async def test_who_lost_his_lease_neither_puts_back_nor_gives_up(
    services: Services, send: Send, sent: list[Posted]
) -> None:
    async def overtaken(_: Posted) -> None:
        await move_time(services, "outbox", "due_at", "2 minutes")
        await deliver(services, send)
        raise RecipientRefused("550 no such user", 550)

    await register(services, ALICE)
    await deliver(services, overtaken)
    assert len(sent) == 1
    assert (await row(services))["gave_up_at"] is None
    assert await audited(services) == []


async def test_who_lost_his_lease_leaves_the_email_to_who_has_it_now(services: Services) -> None:
    async def die(_: Posted) -> None:
        raise RuntimeError("in the middle of it")

    async def overtaken(_: Posted) -> None:
        await move_time(services, "outbox", "due_at", "2 minutes")
        with pytest.raises(RuntimeError):
            await deliver(services, die)
        raise RecipientRefused("550 no such user", 550)

    await register(services, ALICE)
    await deliver(services, overtaken)
    assert (await row(services))["gave_up_at"] is None
    due = await due_in(services)
    assert due is not None
    assert due > 100


async def test_an_email_whose_mailer_fails_is_due_again_after_its_lease(
    services: Services, send: Send, sent: list[Posted]
) -> None:
    async def fail(_: Posted) -> None:
        raise RuntimeError("no way through")

    await register(services, ALICE)
    with pytest.raises(RuntimeError, match="no way"):
        await deliver(services, fail)
    assert await deliver(services, send) is None
    due = await due_in(services)
    assert due is not None
    assert 100 < due <= 120
    await move_time(services, "outbox", "due_at", "2 minutes")
    assert await deliver(services, send)
    assert [posted.to for posted in sent] == [ALICE.email]


async def test_no_connection_is_held_while_an_email_is_sent(services: Services) -> None:
    async def look(_: Posted) -> None:
        assert services.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    await register(services, ALICE)
    assert await deliver(services, look)


async def test_a_sent_letters_text_is_wiped(
    services: Services, send: Send, sent: list[Posted]
) -> None:
    await register(services, ALICE)
    delivery = await deliver(services, send)
    assert delivery is not None
    assert delivery[2:] == ("example.com", None)
    assert delivery.outcome == Outcome.SENT
    assert "/confirm/" in sent[0].text
    assert "/confirm/" in sent[0].html
    assert await deliver(services, send) is None
    (message,) = await messages(services)
    assert not message.text
    assert not message.html


async def test_many_mailers_send_each_email_once(
    services: Services, send: Send, sent: list[Posted]
) -> None:
    for number in range(12):
        await register(services, Someone(f"bob{number}", f"b{number}@example.com", ALICE.password))

    async def mailer() -> None:
        while await deliver(services, send):
            pass

    await asyncio.gather(*(mailer() for _ in range(6)))
    assert sorted(posted.to for posted in sent) == sorted(
        f"b{number}@example.com" for number in range(12)
    )
    assert await count(services, "outbox") == 12


async def test_what_waits_is_counted(services: Services, send: Send) -> None:
    async def found() -> tuple[int, float]:
        async with context(services) as ctx:
            now = await waiting(ctx)
            return now.count, now.oldest_seconds

    assert await found() == (0, 0)
    await register(services, ALICE)
    await move_time(services, "outbox", "created_at", "1 hour")
    await register(services, BOB)
    number, seconds = await found()
    assert number == 2
    assert 3600 <= seconds < 3700
    await outcome(services, RecipientRefused("550 no such user", 550))
    await deliver(services, send)
    assert await found() == (0, 0)
