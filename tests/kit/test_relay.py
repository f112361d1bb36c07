"""The mail server's address: what is refused, and what it means."""

import pytest

from app.kit.relay import relay_of


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://mail.example.com:x",
        "smtp://mail.example.com:99999",
        "smtp://mail.example.com/path",
        "smtp://mail.example.com?starttls=no",
        "smtp://mail.example.com?tls",
        "smtps://mail.example.com?tls=none",
        "smtp://user:secret@mail.example.com?tls=none",
        "smtp://[::1",
    ],
)
def test_what_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be|knows|clear") as refusal:
        relay_of(url)
    assert "secret" not in str(refusal.value)


def test_a_password_of_its_own_is_not_sent_in_the_clear_either() -> None:
    with pytest.raises(ValueError, match="in the clear"):
        relay_of("smtp://mail.example.com?tls=none", "secret")
    assert relay_of("smtp://localhost?tls=none", "secret").password == "secret"


def test_tls_is_demanded_unless_the_address_says_otherwise() -> None:
    assert relay_of("smtp://mail.example.com") == (
        "mail.example.com", 587, "starttls", None, None,
    )  # fmt: skip
    assert relay_of("smtps://u%40x:p%2F@[::1]") == ("::1", 465, "implicit", "u@x", "p/")
    assert relay_of("smtp://catcher:1025?tls=none").tls == "none"


def test_a_relay_is_named_without_its_password() -> None:
    assert str(relay_of("smtps://me:secret@[::1]")) == "[::1]:465 (TLS)"
    assert f"{relay_of('smtp://me:secret@mail.example.com')}" == "mail.example.com:587 (STARTTLS)"
    assert str(relay_of("smtp://catcher:1025?tls=none")) == "catcher:1025 (no TLS)"
