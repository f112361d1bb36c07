"""Letters as messages: nothing that is in a letter adds to its head."""

from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.addresses import WrongAddress
from app.kit.letter import Letter, NoServer, Posted
from app.kit.message import compose, mailbox, sender_of

HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
    "MIME-Version", "Content-Type",
]  # fmt: skip


def message(subject: str = "Hello", name: str = "") -> EmailMessage:
    posted = Posted(
        UUID(int=7),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        Letter("alice@example.com", subject, "text\n", "<p>page</p>\n"),
    )
    sender = sender_of(f"{name} <login@bücher.example.com>" if name else "login@example.org")
    return compose(posted, sender=sender, to=mailbox("alice@example.com"))


@pytest.mark.parametrize("address", ["", "nobody", "@example.com", "alice@", "a@\u00fc..com"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(WrongAddress):
        mailbox(address)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_no_subject_adds_a_header(subject: str) -> None:
    made = message(subject)
    head = made.as_bytes().partition(b"\r\n\r\n")[0]
    assert [line.split(b":")[0].decode() for line in head.split(b"\r\n") if line[:1].isalpha()] == (
        HEADERS
    )


def test_no_sender_adds_a_header() -> None:
    made = message(name="Kate\r\nBcc: eve@example.com")
    assert made["Bcc"] is None
    assert b"\nBcc" not in made.as_bytes()


def test_a_senders_name_may_be_in_any_script() -> None:
    made = message(name='"Käthe, Inc."')
    assert made["From"].addresses[0].display_name == "Käthe, Inc."
    assert made["Message-ID"] == f"<{UUID(int=7)}@xn--bcher-kva.example.com>"
    assert made["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"
    assert made.as_bytes().isascii()


def test_a_trouble_is_one_printable_line_without_addresses() -> None:
    words = "454 4.7.0\r\n<bob@example.com>:\udcff\0 no " + "x" * 500
    assert NoServer(words).trouble.startswith("454 4.7.0 <(address)>:?? no x")
    assert len(NoServer(words).trouble) == 200
