"""The mail server's address: what is refused, and what it means."""

from urllib.parse import quote

import pytest

from app.mail.relay import relay_of


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
        "smtp://mail.example.com#secret",
        "smtp://:secret@mail.example.com",
    ],
)
def test_what_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be|supports|unencrypted|username") as refusal:
        relay_of(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("sign", "written"),
    [("#", "%23"), ("@", "%40"), ("/", "%2F"), (":", "%3A"), ("?", "%3F"), ("[", "%5B"),
     ("%", "%25"), ("%ff", "%25")],
)  # fmt: skip
def test_a_sign_that_would_cut_the_address_in_two_is_refused_with_how_to_write_it(
    sign: str, written: str
) -> None:
    with pytest.raises(ValueError, match=f"written as {written}; .* SMTP_PASSWORD") as refusal:
        relay_of(f"smtp://me:12{sign}zcanary@host:587")
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize("sign", ["#", "@", "/", ":", "?", "[", "%", " ", "ü", "+", "\\"])
def test_a_password_is_what_was_written(sign: str) -> None:
    relay = relay_of(f"smtp://me:12{quote(sign, safe='')}34@host:587")
    assert (relay.host, relay.port, relay.password) == ("host", 587, f"12{sign}34")


def test_a_password_of_its_own_is_not_sent_in_the_clear_either() -> None:
    with pytest.raises(ValueError, match="unencrypted"):
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
