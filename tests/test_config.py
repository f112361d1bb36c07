"""Settings: each wrong one stops the start, and one message names all of them."""

from pathlib import Path

import pytest

from app.config import RENAMED, Config, WrongSettings, load, mistyped
from app.db import database_url

KEY = "tests-9fK2mQ7xR4tB8wZ1cV6nJ3hL5pDs"


def complaint(**environ: str) -> str:
    with pytest.raises(WrongSettings) as wrong:
        load(environ)
    return str(wrong.value)


@pytest.mark.parametrize(
    "key",
    [
        "dev",
        "changeme",
        "secret",
        "password",
        "x",
        "0" * 64,
        "a" * 32,
        "abababababababababababababababababab",
        "changeme-changeme-changeme-changeme-1234",
        "CHANGEME0123456789abcdefghijklmnopqrstuv",
        "0123456789abcdef0123456789abcde",
        "x" * 31 + "abcdefghij",
        "0123456789" * 4,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "my-secret-9fK2mQ7xR4tB8wZ1cV6nJ3hL5p",
        "é",
    ],
)
def test_a_weak_secret_key_is_refused_with_the_command_that_makes_one(key: str) -> None:
    text = complaint(SECRET_KEY=key)
    assert text.startswith("SECRET_KEY: ")
    assert "python -m app secret-key" in text
    assert len(key) < 9 or key not in text


def test_a_database_without_a_secret_key_is_refused() -> None:
    assert "python -m app secret-key" in complaint(DATABASE_URL="postgresql://u@h/d")
    assert "SECRET_KEY: is missing" in complaint(DATABASE_URL="postgresql://u@h/d", SECRET_KEY="")


def test_one_message_names_all_that_is_wrong() -> None:
    text = complaint(
        BIND="nowhere",
        PUBLIC_URL="http://login.example.com",
        DATABASE_URL="mysql://x",
        BCRYPT_ROUNDS="99",
        WORKERS="many",
        ADMIN_EMAIL_FILE="/does/not/exist",
        LOG_FORMAT="xml",
    )
    assert "WORKERS: must be a whole number" in text
    assert "BCRYPT_ROUNDS: must be at most 16" in text
    assert "LOG_FORMAT: must be 'auto', 'text' or 'json'" in text
    names = {line.split(":")[0] for line in text.splitlines()}
    assert names == {
        "BIND", "PUBLIC_URL", "DATABASE_URL", "BCRYPT_ROUNDS", "WORKERS",
        "ADMIN_EMAIL_FILE", "SECRET_KEY", "LOG_FORMAT",
    }  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com",
        "http://10.0.0.1:8000",
        "ftp://example.com",
        "example.com",
        "https://",
        "https://example.com/login",
        "https://example.com?x",
        "https://user:pw@example.com",
        "https://:pw@example.com",
        "https://a b",
        "https://example.com:port",
    ],
)
def test_a_public_url_that_is_not_a_safe_origin_is_refused(url: str) -> None:
    assert complaint(PUBLIC_URL=url).startswith("PUBLIC_URL: must")


def test_a_wrong_address_is_no_administrators() -> None:
    assert complaint(ADMIN_EMAIL="foo").startswith("ADMIN_EMAIL: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADMIN_EMAIL", "root@corp.local"),
        ("MAIL_FROM", "Our site <login@corp.local>"),
        ("REGISTRATION_DOMAINS", "example.com corp.local"),
        ("REGISTRATION_DOMAINS", ".corp.local"),
    ],
)
def test_an_intranets_domain_is_refused_with_what_allows_it(name: str, value: str) -> None:
    said = complaint(**{name: value})
    assert said.startswith(f"{name}: ")
    assert "allow it with ALLOWED_SPECIAL_DOMAINS=corp.local" in said
    load({name: value, "ALLOWED_SPECIAL_DOMAINS": "corp.local,intranet"})
    load({name: value, "ALLOWED_SPECIAL_DOMAINS": "intranet local"})


def test_a_wrong_port_is_the_only_complaint() -> None:
    assert complaint(BIND="nowhere").splitlines()[0].startswith("BIND: ")
    assert len(complaint(BIND="nowhere").splitlines()) == 1


def test_an_open_port_wants_a_public_url() -> None:
    assert "PUBLIC_URL: is missing" in complaint(BIND="0.0.0.0:5000")


@pytest.mark.parametrize(
    ("bind", "url"),
    [("127.0.0.1:9000", "http://127.0.0.1:9000"), ("[::1]:9000", "http://[::1]:9000")],
)
def test_on_a_laptop_the_public_url_follows_the_port(bind: str, url: str) -> None:
    assert load({"BIND": bind}).public_url == url


def test_a_secret_never_stands_in_a_complaint() -> None:
    text = complaint(DATABASE_URL="mysql://u:canary-password@h/d", SECRET_KEY="canary-key")
    assert "canary" not in text


def test_a_setting_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.write_text(KEY + "\n")
    config = load({"SECRET_KEY_FILE": str(path)})
    assert config.signing_keys == [KEY]


def test_a_setting_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site_name"
    path.write_text("Ours")
    assert "not both" in complaint(SITE_NAME="Ours", SITE_NAME_FILE=str(path))


def test_old_keys_verify_and_the_new_one_signs() -> None:
    config = load({"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": f"{KEY}-1 {KEY}-2"})
    assert config.signing_keys == [f"{KEY}-1", f"{KEY}-2", KEY]


def test_a_weak_old_key_is_refused_too() -> None:
    assert "SECRET_KEY_FALLBACKS" in complaint(SECRET_KEY=KEY, SECRET_KEY_FALLBACKS="short")


def test_the_databases_password_comes_from_its_own_setting() -> None:
    config = load(
        {"DATABASE_URL": "postgres://u@h/d", "DATABASE_PASSWORD": "p@ss/word", "SECRET_KEY": KEY}
    )
    url = database_url(config)
    assert (url.drivername, url.password, url.database) == ("postgresql+asyncpg", "p@ss/word", "d")


def test_without_settings_it_is_a_laptop() -> None:
    config = load({})
    assert config.is_laptop
    assert not config.is_https
    assert config == Config.model_validate({"public_url": "http://127.0.0.1:8000"})


def test_settings_that_need_each_other_are_asked_for_together() -> None:
    assert "MAIL_FROM: is missing" in complaint(SMTP_URL="smtp://mail.example.com")
    text = complaint(
        SMTP_URL="smtp://catcher?tls=none", MAIL_FROM="me@example.com", SMTP_PASSWORD="canary"
    )
    assert text == (
        "SMTP_PASSWORD: with this SMTP_URL it would send the password unencrypted; remove ?tls=none"
    )


def test_new_settings_are_refused_in_words() -> None:
    text = complaint(
        SMTP_URL="http://x",
        MAIL_FROM="nobody",
        TRUSTED_NETWORKS="10.0.0.0/8 here",
        ACCESS_LOG="sometimes",
        METRICS_BIND="9100",
    )
    assert "TRUSTED_NETWORKS: must be networks like 10.0.0.0/8" in text
    assert "ACCESS_LOG: must be true or false" in text
    assert "SMTP_URL: must be an address like smtp://" in text
    assert {line.split(":")[0] for line in text.splitlines()} == {
        "SMTP_URL", "MAIL_FROM", "TRUSTED_NETWORKS", "ACCESS_LOG", "METRICS_BIND",
    }  # fmt: skip


def test_proxies_stand_in_private_networks_unless_told() -> None:
    assert "172.16.0.0/12" in map(str, load({}).proxy_networks)
    assert list(map(str, load({"TRUSTED_NETWORKS": "192.0.2.1/24 ::1"}).proxy_networks)) == [
        "192.0.2.0/24", "::1/128",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("REGISTRATION", "maybe", "must be 'open', 'invitation' or 'closed'"),
        (
            "REGISTRATION_DOMAINS",
            "example.com, example.org",
            "“example.com,” isn't an email domain",
        ),
        ("REGISTRATION_DOMAINS", "*.example.com", "“*.example.com” isn't an email domain"),
        ("REGISTRATION_DOMAINS", "a@example.com", "“a@example.com” isn't an email domain"),
        ("REGISTRATION_DOMAINS", ".", "isn't an email domain"),
        ("TERMS_URL", "terms", "a path like /terms"),
        ("TERMS_URL", "javascript:alert(1)", "a path like /terms"),
        ("TERMS_URL", "//example.com/terms", "a path like /terms"),
        ("TERMS_URL", 'https://example.com/"><b>', "a path like /terms"),
    ],
)
def test_a_wrong_policy_of_registration_is_refused(name: str, value: str, words: str) -> None:
    text = complaint(**{name: value})
    assert text.startswith(f"{name}: ")
    assert words in text


def test_domains_are_compared_in_one_form() -> None:
    config = load({"REGISTRATION_DOMAINS": "Example.COM  .Bücher.example"})
    assert config.registration_domains == ("example.com", ".xn--bcher-kva.example")
    assert load({"TERMS_URL": "/terms"}).terms_url == "/terms"


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_is_refused_with_the_new_one(old: str, new: str) -> None:
    assert f"{old}: is called {new} now" in complaint(**{old: "1"})
    assert new.lower() in Config.model_fields


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SMPT_URL", "SMTP_URL"), ("DATABASE_URI", "DATABASE_URL"), ("PUBLICURL", "PUBLIC_URL"),
        ("SITE_NAMES", "SITE_NAME"), ("SECRET_KEY_FIEL", "SECRET_KEY_FILE"),
    ],
)  # fmt: skip
def test_a_near_miss_is_named(name: str, meant: str) -> None:
    sentence = f"{name} isn't a setting. Did you mean {meant}?"
    assert mistyped({name: "x"}) == [sentence]
    assert sentence in complaint(**{name: "x", "WORKERS": "many"})


@pytest.mark.parametrize("name", ["HOME", "DATABASE_USER", "SMTP_PORT", "SITES", "BINDS", "PATH"])
def test_what_others_call_their_own_is_no_near_miss(name: str) -> None:
    assert mistyped({name: "x"}) == [] or name in {"SITES", "BINDS"}


def test_a_host_without_a_port_says_what_to_write() -> None:
    assert "BIND: has no port; write localhost:8000" in complaint(BIND="localhost")
    assert "must be an address and a port" in complaint(BIND="http://localhost:8000/")


def test_plain_http_to_another_machine_is_allowed_by_a_word() -> None:
    where = "http://192.168.1.5:8000"
    assert "ALLOW_HTTP=true" in complaint(PUBLIC_URL=where, SECRET_KEY=KEY)
    config = load({"PUBLIC_URL": where, "SECRET_KEY": KEY, "ALLOW_HTTP": "true"})
    assert config.public_url == where
    assert not config.is_https
    assert config.passkeys_for is None
    named = load({"PUBLIC_URL": "http://nas.local", "SECRET_KEY": KEY, "ALLOW_HTTP": "true"})
    assert named.passkeys_for is None
