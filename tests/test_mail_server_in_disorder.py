"""A mail server that refuses in many ways, and is then mended: all that should arrive does."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import text

from app.doctor import inside
from app.doctor.findings import Level
from app.flows import delivery
from app.runtime import mailer
from app.services import Services
from tests.contexts import operator
from tests.mailers import LETTER, outbox_rows, plain, post, settled, until, working
from tests.mailserver import Answer, MailServer, accept, mail_server

# Each for one recipient, as servers say it after RCPT, or after the content.
TO_THE_RECIPIENT = {
    "relay": "554 5.7.1 <relay@example.com>: Relay access denied",
    "sender": "553 5.7.1 <login@example.org>: Sender address rejected: not owned by user me",
    "send-as": "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    "greeting": "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
    "host": "550 5.7.1 Client host rejected: cannot find your reverse hostname",
    "password": "530 5.7.0 Authentication required",
    "unclear": "550 Requested action aborted",
}
TO_THE_CONTENT = {
    "spam": "554 5.7.1 Message refused, it looks like spam",
    "dmarc": "550 5.7.26 Unauthenticated email is not accepted due to domain's DMARC policy",
}
FOR_EVER = {
    "nobody": "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown",
    "full": "552 5.2.2 <full@example.com>: Mailbox full",
}
TO_THE_SENDER = "550 5.7.1 we do not know you"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailer, "LONGEST_PAUSE_SECONDS", 1)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


def refusing(answers: dict[str, str]) -> Answer:
    async def answer(address: str, _: int) -> str:
        return answers.get(address.partition("@")[0]) or await accept(address, _)

    return answer


async def make_due(services: Services) -> None:
    async with services.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox SET due_at = now() WHERE sent_at IS NULL"))


async def tried(services: Services, names: set[str], is_so: Callable[[str], bool]) -> None:
    """Wait until each of these emails has a trouble that is so."""
    async with asyncio.timeout(20):
        while not all(  # noqa: ASYNC110 - it is the database's to say
            is_so(row["trouble"] or "")
            for row in await outbox_rows(services)
            if row["recipient"].partition("@")[0] in names
        ):
            await asyncio.sleep(0.02)


async def test_every_email_that_should_arrive_does_once_the_server_is_mended(
    services: Services, server: MailServer
) -> None:
    waiting = {*TO_THE_RECIPIENT, *TO_THE_CONTENT}
    names = {*waiting, *FOR_EVER}
    await post(services, *[LETTER._replace(to=f"{name}@example.com") for name in sorted(names)])

    async def know_nobody(_: str, __: int) -> str:
        return TO_THE_SENDER

    server.on_sender = know_nobody
    async with working(services, plain(server)):
        await until(lambda: sum(line.startswith("MAIL") for line in server.heard) >= 2)
        assert not any(row["gave_up_at"] for row in await outbox_rows(services))
        server.on_sender = accept
        server.on_recipient = refusing({**TO_THE_RECIPIENT, **FOR_EVER})
        server.on_content = refusing(TO_THE_CONTENT)
        await make_due(services)
        await tried(services, names, lambda trouble: bool(trouble) and trouble != TO_THE_SENDER)
        rows = await settled(services, len(FOR_EVER))
        assert server.messages == []
        given_up = {row["recipient"].partition("@")[0] for row in rows if row["gave_up_at"]}
        assert given_up == set(FOR_EVER)
        server.on_recipient = server.on_content = accept  # mended
        await make_due(services)
        await server.take(len(waiting))
        await settled(services, len(names))
    assert {message["To"].partition("@")[0] for message in server.messages} == waiting
    assert len(server.messages) == len(waiting)


async def test_an_email_given_up_by_mistake_is_sent_after_all(
    services: Services, server: MailServer
) -> None:
    server.on_recipient = refusing(FOR_EVER)
    await post(services, LETTER._replace(to="nobody@example.com"))
    async with working(services, plain(server)):
        (row,) = await settled(services)
        assert row["gave_up_at"]
        server.on_recipient = accept
        async with operator(services) as ctx:
            await delivery.retry(ctx, email_id=row["id"])
        await server.take(1)
    assert "This is the text." in server.messages[0].as_string()


async def test_the_doctor_tells_of_refusals(services: Services, server: MailServer) -> None:
    server.on_recipient = refusing({**TO_THE_RECIPIENT, **FOR_EVER})
    names = ("relay", "nobody")
    await post(services, *[LETTER._replace(to=f"{name}@example.com") for name in names])
    async with working(services, plain(server)):
        await tried(services, set(names), bool)
        await settled(services)
    found = {each.check: each for each in await inside.look(services.config, services.engine.url)}
    assert found["outbox"].level is found["refusals"].level is Level.WARNING
    assert "554 5.7.1 <(address)>: Relay access denied" in found["outbox"].says
    assert "1 emails failed in the last day, the newest to a user at" in (found["refusals"].says)
    assert "550 5.1.1" in found["refusals"].says
    assert "nobody@" not in found["refusals"].says
