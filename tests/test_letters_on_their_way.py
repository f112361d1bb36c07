"""What becomes of a letter: refused, put off, given up, or arrived and readable."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.mail.message import Letter
from app.runtime import mailer
from app.services import House
from tests.mailserver import OK, MailServer, mail_server
from tests.people import ALICE, events, move_time, register
from tests.postmen import LETTER, SENDER, plain, post, settled, tried, working


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "app")
    monkeypatch.setattr(mailer, "LONGEST_PAUSE_SECONDS", 1)


@pytest.mark.parametrize("step", ["on_recipient", "on_content"])
async def test_a_letter_that_is_refused_is_given_up(
    house: House, server: MailServer, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    async def refuse(address: str, _: int) -> str:
        return "550 5.1.1 no such user" if address == LETTER.to else OK

    setattr(server, step, refuse)
    await post(house, LETTER, LETTER._replace(to="bob@example.com"))
    async with working(house, plain(server)):
        rows = await settled(house, 2)
    refused = next(row for row in rows if row["recipient"] == LETTER.to)
    assert refused["gave_up_at"] is not None
    assert refused["trouble"] == "550 5.1.1 no such user"
    assert refused["text"]
    assert [letter["To"] for letter in server.letters] == ["bob@example.com"]
    assert await events(house) == ["letter.refused"]
    (line,) = [line for line in caplog.messages if "example.com" in line]
    assert line == f"letter {refused['id']} to somebody at example.com: refused (code 550)"
    assert server.opened == 1


@pytest.mark.parametrize("step", ["on_recipient", "on_content"])
async def test_a_letter_that_is_put_off_is_sent_later_as_the_same_message(
    house: House, server: MailServer, step: str
) -> None:
    async def put_off_once(address: str, number: int) -> str:
        return "451 4.7.1 greylisted" if (address, number) == (LETTER.to, 1) else OK

    setattr(server, step, put_off_once)
    await post(house)
    async with working(house, plain(server)):
        row = await tried(house)
        assert row["trouble"] == "451 4.7.1 greylisted"
        assert 3 < (row["due_at"] - row["created_at"]).total_seconds() < 10
        await move_time(house, "outbox", "due_at", "1 hour")
        await post(house, LETTER._replace(to="bell@example.com"))
        await server.take(2)
    sent = {letter["To"]: letter["Message-ID"] for letter in server.letters}
    assert sent[LETTER.to] == f"<{row['id']}@example.org>"
    assert await events(house) == []


async def test_a_letter_goes_when_it_is_due_again_though_nobody_rings(
    house: House, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_off_once(_: str, number: int) -> str:
        return "451 4.7.1 greylisted" if number == 1 else OK

    monkeypatch.setattr("app.flows.delivery.SHORTEST_WAIT", timedelta(seconds=0.3))
    monkeypatch.setattr(mailer, "LOOK_EVERY_SECONDS", 1000)
    monkeypatch.setattr(mailer, "LOOK_ANYWAY_SECONDS", 1000)
    server.on_recipient = put_off_once
    await post(house)
    async with working(house, plain(server)):
        await server.take()


async def test_a_letter_is_given_up_after_its_days_though_the_server_is_away(
    house: House, server: MailServer
) -> None:
    await server.stop()
    await post(house)
    await move_time(house, "outbox", "created_at", "25 hours")
    async with working(house, plain(server), mail_retry_days=1):
        (row,) = await settled(house)
    assert row["gave_up_at"] is not None
    assert row["text"]
    assert await events(house) == ["letter.gave_up"]


async def test_an_address_that_the_server_cannot_take_is_given_up(
    house: House, server: MailServer
) -> None:
    await post(house, LETTER._replace(to="käthe@example.com"))
    async with working(house, plain(server)):
        (row,) = await settled(house)
    assert "does not offer SMTPUTF8" in row["trouble"]
    assert await events(house) == ["letter.refused"]
    assert server.seen == []


@pytest.mark.parametrize(
    "to",
    ["nobody", "@example.com", "a\x01b@example.com", "a\r\nRCPT TO:<b@example.com>", "a@ü" * 80],
)
async def test_what_is_no_address_is_given_up(house: House, server: MailServer, to: str) -> None:
    await post(house, LETTER._replace(to=to))
    async with working(house, plain(server)):
        (row,) = await settled(house)
    assert row["gave_up_at"] is not None
    assert server.seen == []
    assert not [line for line in server.heard if line.startswith("RCPT")]


async def test_an_address_that_needs_smtputf8_gets_it(house: House) -> None:
    async with mail_server(enable_SMTPUTF8=True) as server:
        await post(house, LETTER._replace(to="käthe@bücher.example.com", subject="Grüße"))
        async with working(house, plain(server)):
            await server.take()
    (envelope,) = server.envelopes
    assert envelope.rcpt_tos == ["käthe@xn--bcher-kva.example.com"]
    assert "SMTPUTF8" in envelope.mail_options
    assert isinstance(envelope.content, bytes)
    assert "Subject: Grüße\r\n".encode() in envelope.content


async def test_a_domain_alone_needs_no_smtputf8(house: House, server: MailServer) -> None:
    await post(house, LETTER._replace(to="kate@bücher.example.com"))
    async with working(house, plain(server)):
        await server.take()
    assert server.envelopes[0].rcpt_tos == ["kate@xn--bcher-kva.example.com"]


async def test_a_message_says_who_what_and_when(house: House, server: MailServer) -> None:
    body = "Zeile mit Ümlaut\n.ein Punkt am Anfang\n" + "lang " * 300 + "\n"
    await post(house, Letter("alice@example.com", "Grüße – schön 😀", body, f"<p>{body}</p>\n"))
    async with working(house, plain(server)):
        (letter,) = await server.take()
        (row,) = await settled(house)
    (envelope,) = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("login@example.org", ["alice@example.com"])
    assert letter["From"] == SENDER
    assert letter["To"] == "alice@example.com"
    assert letter["Subject"] == "Grüße – schön 😀"
    assert letter["Date"].datetime == row["created_at"].replace(microsecond=0)
    assert letter["Message-ID"] == f"<{row['id']}@example.org>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["X-Auto-Response-Suppress"] == "All"
    assert letter.get_content_type() == "multipart/alternative"
    parts = {part.get_content_type(): part.get_content() for part in letter.iter_parts()}
    assert list(parts) == ["text/plain", "text/html"]
    assert parts["text/plain"].replace("\r\n", "\n") == body
    assert parts["text/html"].replace("\r\n", "\n") == f"<p>{body}</p>\n"
    assert isinstance(envelope.content, bytes)
    assert envelope.content.isascii()
    assert max(map(len, envelope.content.split(b"\r\n"))) < 100


async def test_a_subject_adds_no_header(house: House, server: MailServer) -> None:
    subject = "Hello\r\nBcc: eve@example.com\r\n\r\nBody\u2028X-Evil: 1\0"
    await post(house, LETTER._replace(subject=subject.replace("\0", "\x7f")))
    async with working(house, plain(server)):
        (letter,) = await server.take()
    assert letter["Subject"] == "Hello Bcc: eve@example.com Body X-Evil: 1?"
    assert letter["Bcc"] is None
    assert letter["X-Evil"] is None
    assert server.envelopes[0].rcpt_tos == [LETTER.to]


async def test_a_sent_letter_is_wiped(house: House, server: MailServer) -> None:
    await register(house, ALICE)
    async with working(house, plain(server)):
        (letter,) = await server.take()
        (row,) = await settled(house)
    body = letter.get_body(("plain",))
    assert body is not None
    assert "/confirm/" in body.get_content()
    assert (row["text"], row["html"]) == (None, None)
