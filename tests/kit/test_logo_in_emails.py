"""A logo comes along with the emails that show it, and is loaded from nowhere."""

from datetime import UTC, datetime
from uuid import UUID

from app.kit.logos import Logo
from app.mail.message import Posted
from app.mail.mime import compose, mailbox, sender_of

LOGO = Logo("logo.png", "image/png", b"\x89PNG\r\n\x1a\n...")
TO = "alice@example.com"


def composed(html: str, logo: Logo | None) -> list[str]:
    posted = Posted(UUID(int=1), TO, "Hi", "text", html, datetime(2026, 11, 26, tzinfo=UTC))
    message = compose(posted, sender=sender_of("login@example.com"), to=mailbox(TO), logo=logo)
    return [part.get_content_type() for part in message.walk()]


def test_an_email_that_shows_none_encloses_none() -> None:
    plain = ["multipart/alternative", "text/plain", "text/html"]
    assert composed("<p>Hi</p>", LOGO) == plain
    assert composed('<img src="cid:logo">', None) == plain


def test_an_email_that_shows_it_encloses_it() -> None:
    assert composed('<img src="cid:logo">', LOGO) == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"
    ]  # fmt: skip
