"""A ``next`` leads to this site or nowhere; database addresses become asyncpg's."""

from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from sqlalchemy import make_url

from app.kit.urls import (
    asyncpg_url,
    is_loopback,
    local_path,
    quoted_path,
    split_address,
    wanted_path,
)
from tests.payloads import FOREIGN_TARGETS


@pytest.mark.parametrize("target", FOREIGN_TARGETS)
def test_a_foreign_target_is_not_followed(target: str) -> None:
    assert local_path(target) is None


@pytest.mark.parametrize(
    "target", ["/", "/secret", "/a/b?c=d&e=%2F%2F", "/users/42", "/caf%C3%A9", "/a?next=/b", "/@me"]
)
def test_a_local_path_is_followed(target: str) -> None:
    assert local_path(target) == target


def test_a_path_longer_than_any_page_is_not_followed() -> None:
    assert local_path("/" + "a" * 3000) is None


def test_a_decoded_path_can_be_followed_again() -> None:
    assert local_path(quoted_path("/café au lait", b"a=1")) == "/caf%C3%A9%20au%20lait?a=1"


@pytest.mark.parametrize("target", FOREIGN_TARGETS)
def test_a_foreign_target_stays_one_when_it_is_quoted(target: str) -> None:
    assert wanted_path(target) is None


def test_what_browsers_send_raw_is_quoted() -> None:
    assert wanted_path('/a[1]?b={c|d}^`"<>') == "/a%5B1%5D?b=%7Bc%7Cd%7D%5E%60%22%3C%3E"
    assert wanted_path(None) is None


@pytest.mark.parametrize(
    ("path", "query", "address"),
    [
        ("/a[1]|{b}", b"", "/a%5B1%5D%7C%7Bb%7D"),
        ("/a", b"ids[]=1&x=%5B", "/a?ids%5B%5D=1&x=%5B"),
        ("/a", b"\xc3\xbc=\xff\\", "/a?%C3%BC=%FF%5C"),
        ("/a\\b?c#d", b"e#f", "/a%5Cb%3Fc%23d?e%23f"),
    ],
)
def test_a_request_can_be_made_again_as_it_came(path: str, query: bytes, address: str) -> None:
    assert local_path(quoted_path(path, query)) == address


@pytest.mark.parametrize("path", ["//evil.example", "/a//evil.example", "///"])
def test_a_path_that_leads_away_does_not_become_one_of_ours(path: str) -> None:
    assert local_path(quoted_path(path, b"")) is None


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["example.com", "localhost.example.com", "10.0.0.1", "", "0.0.0.0"],  # noqa: S104
)
def test_other_machines_are_not_this_one(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "text",
    ["", "8000", "127.0.0.1", "127.0.0.1:port", "a:1/path", "a:99999", "a:1#b", "a:1?b"],
)
def test_what_is_no_address_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split_address(text)


@pytest.mark.parametrize(("text", "host"), [("127.0.0.1:9000", "127.0.0.1"), ("[::1]:9000", "::1")])
def test_an_address_and_a_port_are_split(text: str, host: str) -> None:
    assert split_address(text) == (host, 9000)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_any_postgresql_address_becomes_asyncpgs(scheme: str) -> None:
    assert asyncpg_url(f"{scheme}://u:p%40@db:5433/n") == "postgresql+asyncpg://u:p%40@db:5433/n"


def test_sslmode_is_asyncpgs_ssl() -> None:
    assert asyncpg_url("postgresql://u@db/n?sslmode=require").endswith("/n?ssl=require")


def test_an_option_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="channel_binding"):
        asyncpg_url("postgresql://u@db/n?channel_binding=require")


@pytest.mark.parametrize("text", ["", "sqlite:///x.db", "mysql://u@h/d", "postgresql://host", "::"])
def test_what_is_no_postgresql_database_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        asyncpg_url(text)


@pytest.mark.parametrize("sign", ["@", "/", ":", "%", "#", "?", "[", "%ff"])
@pytest.mark.parametrize("place", ["host/n", "one,two:5433/n", "[::1]:5433/n"])
def test_a_sign_that_would_cut_the_address_in_two_is_refused_with_how_to_write_it(
    sign: str, place: str
) -> None:
    written = f"written as %{ord(sign[0]):02X}; .* DATABASE_PASSWORD"
    with pytest.raises(ValueError, match=written) as refusal:
        asyncpg_url(f"postgresql://me:12{sign}zcanary@{place}")
    assert "canary" not in str(refusal.value)
    url = make_url(asyncpg_url(f"postgresql://me:12{quote(sign[0], safe='')}34@{place}"))
    assert (url.username, url.password, url.database) == ("me", f"12{sign[0]}34", "n")


def test_a_port_that_no_host_has_is_refused() -> None:
    with pytest.raises(ValueError, match="must be an address"):
        asyncpg_url("postgresql://u@db:99999/n")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("channel_binding=require", "doesn't support"),
        ("sslmode=nonsense", "Use one of disable"),
        ("sslmode=verify-full", "sslrootcert=/path/to/ca.pem"),
        ("sslmode=verify-ca", "sslrootcert=system"),
        ("sslmode=verify-full&sslrootcert=/does/not/exist.pem", "can't be read"),
        ("sslcert=/does/not/exist.pem", "can't be read"),
    ],
)
def test_a_server_that_cannot_be_verified_so_is_refused_with_how(
    query: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    with pytest.raises(ValueError, match=words):
        asyncpg_url(f"postgresql://u@db/n?{query}")


@pytest.mark.parametrize(
    ("query", "mode"),
    [("", "verify-full"), ("sslmode=verify-ca&", "verify-ca"), ("sslmode=require&", "require")],
)
def test_a_private_authority_is_named_in_the_address(query: str, mode: str, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    text = f"postgresql://u@db/n?{query}sslrootcert={authority}&channel_binding=prefer"
    found = make_url(asyncpg_url(text))
    assert set(found.query) == {"dsn"}
    dsn = urlsplit(str(found.query["dsn"]))
    assert dict(parse_qsl(dsn.query)) == {"sslmode": mode, "sslrootcert": str(authority)}
    assert asyncpg_url(found.render_as_string(hide_password=False)) == found.render_as_string()


def test_the_systems_authorities_have_libpqs_word(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.kit.authorities.BUNDLES", (str(bundle),))
        patch.setenv("SSL_CERT_FILE", "/does/not/exist")
        found = make_url(asyncpg_url("postgresql://u@db/n?sslrootcert=system"))
    assert str(bundle) in dict(parse_qsl(urlsplit(str(found.query["dsn"])).query))["sslrootcert"]
