"""What becomes of an email: refused, put off, given up, or arrived and readable."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.mail.message import Message
from app.runtime import mailer
from app.services import Services
from tests.mailers import LETTER, SENDER, plain, post, settled, tried, working
from tests.mailserver import OK, MailServer, mail_server
from tests.users import ALICE, events, move_time, register


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "app")
    monkeypatch.setattr(mailer, "LONGEST_PAUSE_SECONDS", 1)


@pytest.mark.parametrize("step", ["on_recipient", "on_content"])
async def test_an_email_that_is_refused_is_given_up(
    services: Services, server: MailServer, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    async def refuse(address: str, _: int) -> str:
        return "550 5.1.1 no such user" if address == LETTER.to else OK

    setattr(server, step, refuse)
    await post(services, LETTER, LETTER._replace(to="bob@example.com"))
    async with working(services, plain(server)):
        rows = await settled(services, 2)
    refused = next(row for row in rows if row["recipient"] == LETTER.to)
    assert refused["gave_up_at"] is not None
    assert refused["trouble"] == "550 5.1.1 no such user"
    assert refused["text"]
    assert [message["To"] for message in server.messages] == ["bob@example.com"]
    assert await events(services) == ["email.refused"]
    (line,) = [line for line in caplog.messages if "example.com" in line]
    assert line == f"email {refused['id']} to a user at example.com: refused (code 550)"
    assert server.opened == 1


@pytest.mark.parametrize("step", ["on_recipient", "on_content"])
async def test_an_email_that_is_put_off_is_sent_later_as_the_same_message(
    services: Services, server: MailServer, step: str
) -> None:
    async def put_off_once(address: str, number: int) -> str:
        return "451 4.7.1 greylisted" if (address, number) == (LETTER.to, 1) else OK

    setattr(server, step, put_off_once)
    await post(services)
    async with working(services, plain(server)):
        row = await tried(services)
        assert row["trouble"] == "451 4.7.1 greylisted"
        assert 3 < (row["due_at"] - row["created_at"]).total_seconds() < 10
        await move_time(services, "outbox", "due_at", "1 hour")
        await post(services, LETTER._replace(to="bell@example.com"))
        await server.take(2)
    sent = {message["To"]: message["Message-ID"] for message in server.messages}
    assert sent[LETTER.to] == f"<{row['id']}@example.org>"
    assert await events(services) == []


async def test_an_email_goes_when_it_is_due_again_though_nobody_rings(
    services: Services, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_off_once(_: str, number: int) -> str:
        return "451 4.7.1 greylisted" if number == 1 else OK

    monkeypatch.setattr("app.flows.delivery.SHORTEST_WAIT", timedelta(seconds=0.3))
    monkeypatch.setattr(mailer, "LOOK_EVERY_SECONDS", 1000)
    monkeypatch.setattr(mailer, "LOOK_ANYWAY_SECONDS", 1000)
    server.on_recipient = put_off_once
    await post(services)
    async with working(services, plain(server)):
        await server.take()


async def test_an_email_is_given_up_after_its_days_though_the_server_is_away(
    services: Services, server: MailServer
) -> None:
    await server.stop()
    await post(services)
    await move_time(services, "outbox", "created_at", "25 hours")
    async with working(services, plain(server), mail_retry_days=1):
        (row,) = await settled(services)
    assert row["gave_up_at"] is not None
    assert row["text"]
    assert await events(services) == ["email.gave_up"]


async def test_an_address_that_the_server_cannot_take_is_given_up(
    services: Services, server: MailServer
) -> None:
    await post(services, LETTER._replace(to="käthe@example.com"))
    async with working(services, plain(server)):
        (row,) = await settled(services)
    assert "support SMTPUTF8" in row["trouble"]
    assert await events(services) == ["email.refused"]
    assert server.seen == []


@pytest.mark.parametrize(
    "to",
    ["nobody", "@example.com", "a\x01b@example.com", "a\r\nRCPT TO:<b@example.com>", "a@ü" * 80],
)
async def test_what_is_no_address_is_given_up(
    services: Services, server: MailServer, to: str
) -> None:
    await post(services, LETTER._replace(to=to))
    async with working(services, plain(server)):
        (row,) = await settled(services)
    assert row["gave_up_at"] is not None
    assert server.seen == []
    assert not [line for line in server.heard if line.startswith("RCPT")]


async def test_an_address_that_needs_smtputf8_gets_it(services: Services) -> None:
    async with mail_server(enable_SMTPUTF8=True) as server:
        await post(services, LETTER._replace(to="käthe@bücher.example.com", subject="Grüße"))
        async with working(services, plain(server)):
            await server.take()
    (envelope,) = server.envelopes
    assert envelope.rcpt_tos == ["käthe@xn--bcher-kva.example.com"]
    assert "SMTPUTF8" in envelope.mail_options
    assert isinstance(envelope.content, bytes)
    assert "Subject: Grüße\r\n".encode() in envelope.content


async def test_a_domain_alone_needs_no_smtputf8(services: Services, server: MailServer) -> None:
    await post(services, LETTER._replace(to="kate@bücher.example.com"))
    async with working(services, plain(server)):
        await server.take()
    assert server.envelopes[0].rcpt_tos == ["kate@xn--bcher-kva.example.com"]


async def test_a_message_says_who_what_and_when(services: Services, server: MailServer) -> None:
    body = "Zeile mit Ümlaut\n.ein Punkt am Anfang\n" + "lang " * 300 + "\n"
    await post(services, Message("alice@example.com", "Grüße – schön 😀", body, f"<p>{body}</p>\n"))
    async with working(services, plain(server)):
        (message,) = await server.take()
        (row,) = await settled(services)
    (envelope,) = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("login@example.org", ["alice@example.com"])
    assert message["From"] == SENDER
    assert message["To"] == "alice@example.com"
    assert message["Subject"] == "Grüße – schön 😀"
    assert message["Date"].datetime == row["created_at"].replace(microsecond=0)
    assert message["Message-ID"] == f"<{row['id']}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message.get_content_type() == "multipart/alternative"
    parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
    assert list(parts) == ["text/plain", "text/html"]
    assert parts["text/plain"].replace("\r\n", "\n") == body
    assert parts["text/html"].replace("\r\n", "\n") == f"<p>{body}</p>\n"
    assert isinstance(envelope.content, bytes)
    assert envelope.content.isascii()
    assert max(map(len, envelope.content.split(b"\r\n"))) < 100


async def test_a_subject_adds_no_header(services: Services, server: MailServer) -> None:
    subject = "Hello\r\nBcc: eve@example.com\r\n\r\nBody\u2028X-Evil: 1\0"
    await post(services, LETTER._replace(subject=subject.replace("\0", "\x7f")))
    async with working(services, plain(server)):
        (message,) = await server.take()
    assert message["Subject"] == "Hello Bcc: eve@example.com Body X-Evil: 1?"
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert server.envelopes[0].rcpt_tos == [LETTER.to]


async def test_a_sent_email_is_wiped(services: Services, server: MailServer) -> None:
    await register(services, ALICE)
    async with working(services, plain(server)):
        (message,) = await server.take()
        (row,) = await settled(services)
    body = message.get_body(("plain",))
    assert body is not None
    assert "/confirm/" in body.get_content()
    assert (row["text"], row["html"]) == (None, None)
