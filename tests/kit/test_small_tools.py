"""Addresses, tokens, seals, clients, permissions, the log."""

import base64
import json
import logging
import secrets
import stat
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from itsdangerous import TimestampSigner

from app.kit import sealing
from app.kit.addresses import (
    canonical,
    id_of,
    is_username,
    normal_email,
)
from app.kit.client import Client
from app.kit.errors import TooManyTries, WrongAddress
from app.kit.keys import is_weak_key, kept_key, new_key
from app.kit.links import new_link, open_link
from app.kit.logs import JsonLines, ReadableText
from app.kit.permissions import Permission
from app.kit.sealing import Purpose, seal, unseal
from app.kit.tokens import digest, new_secret
from app.words.refusals import sentence, sentence_for_operators
from tests.refusals import refused

KEYS = ["old-key-0123456789-0123456789-abcd", "new-key-0123456789-0123456789-abcd"]
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "@",
        "a@b",
        "a b@example.com",
        "a@example.com\nBcc: x@example.com",
        "a@example..com",
        "a" * 250 + "@example.com",
        "<a@example.com>",
        "a@[127.0.0.1]",
        "@@@@" * 5000,
    ],
)
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with refused(WrongAddress, r"\w+ \w+"):
        normal_email(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice@Example.com", "alice@example.COM"),
        ("\u212aelvin@example.com", "kelvin@example.com"),
        ("e\u0301va@example.com", "\u00e9va@example.com"),
        ("a@b\u00fccher.example", "a@B\u00dcCHER.example"),
    ],
)
def test_two_writings_of_an_address_are_one(one: str, other: str) -> None:
    assert canonical(normal_email(one)) == canonical(normal_email(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("chef@wei\u00df.example", "chef@weiss.example"),
        ("a@\u03c3\u03c2.example", "a@\u03c3\u03c3.example"),
        ("stra\u00dfe@example.com", "strasse@example.com"),
        ("\u03b1\u03c2@example.com", "\u03b1\u03c3@example.com"),
        ("\uff41nna@example.com", "anna@example.com"),
    ],
)
def test_two_mailboxes_have_two_forms(one: str, other: str) -> None:
    assert normal_email(one) != normal_email(other)
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    "text",
    [
        "bert@b\u00fccher.example",
        "bert@xn--bcher-kva.example",
        "BERT@XN--BCHER-KVA.EXAMPLE",
        "bert@B\u00dcCHER.example",
        "bert@bu\u0308cher.example",
        "bert\uff20b\u00fccher\u3002example",
        "\ufeff bert@b\u00fccher.example\u200b\u200e",
    ],
)
def test_every_writing_of_a_domain_has_one_form(text: str) -> None:
    assert canonical(text) == canonical(normal_email(text)) == "bert@xn--bcher-kva.example"
    assert normal_email(text).lower() == "bert@b\u00fccher.example"


@pytest.mark.parametrize(
    "unseen", ["\u200b", "\u200e", "\ufeff", "\u2060", "\u00ad", "\u00a0", "\u202c", "\t"]
)
def test_what_nobody_sees_around_a_name_is_dropped(unseen: str) -> None:
    assert normal_email(f"{unseen}anna@example.com{unseen}") == "anna@example.com"
    assert canonical(f"{unseen} Anna{unseen}") == "anna"


@pytest.mark.parametrize("email", ["anna@corp.local", "anna@mail.corp.local", "anna@CORP.local"])
def test_an_intranets_domain_is_taken_by_name_alone(email: str) -> None:
    for foreign in ([], ["other.local"], ["p.local"]):
        with pytest.raises(WrongAddress) as caught:
            normal_email(email, special=foreign)
    assert "ALLOWED_SPECIAL_DOMAINS" in sentence_for_operators(caught.value)
    assert "ALLOWED" not in sentence(caught.value)
    for special in (["corp.local"], ["local"], ["x", "corp.local"]):
        assert normal_email(email, special=special) == email.lower()


def test_a_name_without_a_dot_is_a_domain_if_it_is_allowed() -> None:
    assert normal_email("anna@intranet", special=["intranet"]) == "anna@intranet"
    with pytest.raises(WrongAddress):
        normal_email("an na@intranet", special=["intranet"])


@pytest.mark.parametrize("name", ["anna-lena", "Anna.B_7-x", "a" * 32, "abcdef0123456789" * 2])
def test_a_user_name_may_have_hyphens_and_look_like_anything_but_an_id(name: str) -> None:
    assert is_username(name)
    assert id_of(name) is None


def test_what_an_id_looks_like_is_no_user_name() -> None:
    name = "abcdef01-2345-6789-abcd-ef0123456789"
    assert id_of(f" {name.upper()}\n") == UUID(name)
    assert not is_username(name)


def test_a_dotless_i_is_another_email() -> None:
    assert canonical("m\u0131ke@example.com") != canonical("mike@example.com")


@pytest.mark.parametrize(
    "name", ["", "ab", "1abc", "_abc", ".abc", "a b c", "al@ice", "\u0430lice", "alice\n", "a" * 65]
)
def test_what_is_no_user_name_is_refused(name: str) -> None:
    assert not is_username(name)


def test_user_names_are_one_in_any_case() -> None:
    assert is_username("Alice.B_7")
    assert canonical("Alice.B_7") == canonical("aLICE.b_7")


def test_ten_thousand_secrets_differ_and_their_digests_do() -> None:
    made = [new_secret() for _ in range(10_000)]
    assert (
        len({secret.text for secret in made}) == len({secret.digest for secret in made}) == 10_000
    )
    assert made[0].digest == digest(made[0].text)
    assert len(made[0].text) >= 43


def test_a_seal_opens_for_its_purpose_alone() -> None:
    for purpose in Purpose:
        sealed = seal(KEYS, purpose, "text")
        opened = [unseal(KEYS, other, sealed, valid=DAY) for other in Purpose]
        assert opened == ["text" if other == purpose else None for other in Purpose]


@pytest.mark.parametrize("garbage", ["", ".", "a.b.c", "\u00e9.x.y", "x" * 600, "eyJ9.aaaa.bbbb"])
def test_garbage_does_not_open(garbage: str) -> None:
    assert unseal(KEYS, Purpose.CONFIRM, garbage, valid=DAY) is None


def test_a_seal_of_an_old_key_opens_and_of_a_dropped_one_does_not() -> None:
    sealed = seal(KEYS[:1], Purpose.CONFIRM, "text")
    assert unseal(KEYS, Purpose.CONFIRM, sealed, valid=DAY) == "text"
    assert unseal(KEYS[1:], Purpose.CONFIRM, sealed, valid=DAY) is None
    assert unseal(KEYS[1:], Purpose.CONFIRM, seal(KEYS, Purpose.CONFIRM, "t"), valid=DAY) == "t"


def test_a_seal_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal(KEYS, Purpose.CONFIRM, "text")
    monkeypatch.setattr(sealing, "CLOCK_SKEW_SECONDS", 0)
    assert unseal(KEYS, Purpose.CONFIRM, sealed, valid=timedelta(seconds=-1)) is None


def test_a_seal_from_a_clock_that_is_ahead_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) + 60)
        sealed = seal(KEYS, Purpose.CONFIRM, "text")
        future = seal(KEYS, Purpose.CONFIRM, "text")
    assert unseal(KEYS, Purpose.CONFIRM, sealed, valid=DAY) == "text"
    monkeypatch.setattr(sealing, "CLOCK_SKEW_SECONDS", 30)
    assert unseal(KEYS, Purpose.CONFIRM, future, valid=DAY) is None


def test_a_link_stands_under_the_public_address() -> None:
    link = new_link(Purpose.CONFIRM, public_url="https://login.example.com", keys=KEYS)
    assert link.url.startswith("https://login.example.com/confirm/")
    sealed = link.url.rsplit("/", 1)[1]
    assert open_link(Purpose.CONFIRM, sealed, keys=KEYS) == link.digest
    assert open_link(Purpose.INVITE, sealed, keys=KEYS) is None


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_network_is_one_ipv4_address_or_an_ipv6_64(ip: str, network: str) -> None:
    assert Client(ip, "", "").network == network


def test_permissions_are_bits() -> None:
    assert Permission.WRITE in (Permission.WRITE | Permission.COMMENT)
    assert Permission.ADMIN not in Permission(7)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (5, "5 seconds"), (91, "2 minutes")]
)
def test_a_wait_is_told_in_words(seconds: float, words: str) -> None:
    assert sentence(TooManyTries(seconds)).endswith(f"in {words}.")


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("app", logging.INFO, "file", 1, message, (), None)


HOSTILE = "a\r\nb\0c\x1b[31md\u2028e\x85f"


def test_an_event_is_one_json_line_whatever_is_in_it() -> None:
    line = JsonLines().format(record(HOSTILE))
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert json.loads(line)["message"] == HOSTILE


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = ReadableText().format(record(HOSTILE))
    assert not any(sign in text for sign in "\r\0\x1b\u2028\x85")


@pytest.mark.parametrize("_again", range(50))
def test_a_random_key_is_never_called_weak(_again: int) -> None:
    for key in (
        new_key(),
        secrets.token_hex(32),
        base64.b64encode(secrets.token_bytes(32)).decode(),
    ):
        assert not is_weak_key(key), key


def test_a_key_is_made_once_and_kept_closed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret_key"
    key = kept_key(path)
    assert kept_key(path) == key == path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["secret_key"]
