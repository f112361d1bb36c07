"""Emails as messages: nothing that is in an email adds to its head."""

from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import WrongSettings, load
from app.kit.errors import WrongAddress
from app.mail.message import NoServer, Posted
from app.mail.mime import compose, is_greeting, mailbox, sender_of

HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
    "MIME-Version", "Content-Type",
]  # fmt: skip


def message(subject: str = "Hello", name: str = "") -> EmailMessage:
    posted = Posted(
        UUID(int=7),
        "alice@example.com",
        subject,
        "text\n",
        "<p>page</p>\n",
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
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


@pytest.mark.parametrize(
    ("mail_from", "words"),
    [
        ('"My site <login@example.org>"', "remove the quotes"),
        ("'My site <login@example.org>'", "remove the quotes"),
        ('"login@example.org"', "remove the quotes"),
        ("Smith, Anna <login@example.org>", '"Smith, Anna" <login@example.com>'),
        ("Site: ours <login@example.org>", "Put the name in quotes"),
        ("a@example.org, b@example.org", "."),
        ("a@example.org, Site <b@example.org>", "Put the name in quotes"),
        ("Site <login@example.org> (ours)", "must be like login@example.com"),
        ("Site login@example.org", "."),
    ],
)
def test_a_sender_that_is_written_wrong_is_refused_with_how(mail_from: str, words: str) -> None:
    with pytest.raises(WrongSettings, match="MAIL_FROM: ") as refusal:
        load({"MAIL_FROM": mail_from, "SMTP_URL": "smtp://mail.example.org"})
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", ['"Smith, Anna"', '"a \\"b\\", c"', "Käthe’s Site", ""])
def test_a_name_in_quotes_arrives_without_them(name: str) -> None:
    mail_from = f"{name} <login@example.org>"
    assert load({"MAIL_FROM": mail_from}).mail_from == mail_from
    plain = name.removeprefix('"').removesuffix('"').replace("\\", "")
    assert sender_of(mail_from).display_name == plain


@pytest.mark.parametrize(
    ("public_url", "helo", "greeting"),
    [
        ("https://login.example.com", None, "login.example.com"),
        ("https://login.example.com:8443", None, "login.example.com"),
        ("https://login.example.com", "mx.example.net", "mx.example.net"),
        ("https://login.example.com", "[192.0.2.1]", "[192.0.2.1]"),
        ("http://127.0.0.1:8000", None, "xn--bcher-kva.example"),
        ("http://app.localhost:8000", None, "xn--bcher-kva.example"),
        ("https://192.0.2.1", None, "xn--bcher-kva.example"),
        ("https://[2001:db8::1]", None, "xn--bcher-kva.example"),
        ("https://intranet", None, "xn--bcher-kva.example"),
    ],
)
def test_we_greet_by_a_name_that_servers_take(
    public_url: str, helo: str | None, greeting: str
) -> None:
    environ = {"PUBLIC_URL": public_url, "MAIL_FROM": "Site <login@bücher.example>"}
    assert load({**environ, "SMTP_HELO": helo or ""}).greeting == greeting


@pytest.mark.parametrize(
    "text", ["", "mail", "-a.example", "a..b", "127.0.0.1", "a b.example", "a_b.c"]
)
def test_what_servers_refuse_is_no_greeting(text: str) -> None:
    assert not is_greeting(text)
    if text:
        with pytest.raises(WrongSettings, match="SMTP_HELO: must be a full host name"):
            load({"SMTP_HELO": text})
