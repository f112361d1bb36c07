"""Which hashes of other applications are taken: refusals first."""

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from passlib import hash as passlib
from werkzeug.security import generate_password_hash

from app.kit import hashes
from app.kit.hashes import kind_of
from app.kit.passwords import FOREIGN_SCHEMES
from app.transfer.hashes import WrongHash, normal_hash
from tests.imports import GOOD, HASHER, made

WERKZEUG = generate_password_hash(GOOD, "scrypt:1024:8:1")
DJANGO_SCRYPT = (
    "scrypt$1024$salt$8$1$"
    "ONfcH4IGsyrWvaQ+66UKUYCa3WIK8AKtKDYPcuEF+1B6jBcJtgahn/tRG8apZ1duVC8eoP4MBb5IQKs/dI2JMQ=="
)


# Not made anew: tests are named by it, and all test workers have to name them alike.
BCRYPT = "$2b$04$DnMmLFqjFpLrRjpnlsNLHuEtBrt/QChwIBvqyT/xu/lfRB94P7xAG"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("four unrelated words", "a known kind of password hash"),
        ("plain", "a known kind of password hash"),
        ("md5$abc$900150983cd24fb0d6963f7d28e17f72", "too weak"),
        ("sha1$abc$a9993e364706816aba3e25717850c26c9cd0d89d", "too weak"),
        ("900150983cd24fb0d6963f7d28e17f72", "too weak"),
        ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "corrupted"),
        ("argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA", "corrupted"),
        (WERKZEUG[:128], "128 characters .* cut"),
        (WERKZEUG + "0", "corrupted"),
        (WERKZEUG.replace("1024", "zero"), "corrupted"),
        ("$2b$12$short", "corrupted"),
        (BCRYPT[:-1], "59 characters"),
        ("pbkdf2:md5:1000$salt$" + "0" * 32, "a known kind of password hash"),
        ("pbkdf2_sha256$600000$salt$notbase64", "corrupted"),
        ("$pbkdf2-sha256$10$a$" + "A" * 43, "corrupted"),
        ("$" * 2000, "a known kind of password hash"),
        ("pbkdf2:sha256:1000$" + "a" * 5000 + "$" + "0" * 64, "corrupted"),
    ],
)
def test_what_no_login_could_use_is_refused(text: str, words: str) -> None:
    with pytest.raises(WrongHash, match=words):
        normal_hash(text)


@pytest.mark.parametrize(
    "text",
    [
        "pbkdf2:sha256:10000000$salt$" + "0" * 64,
        f"pbkdf2_sha256$10000000$salt${'A' * 43}=",
        f"pbkdf2_sha256$9999999999999999999$salt${'A' * 43}=",
        "scrypt:1048576:8:1$salt$" + "0" * 128,
        "scrypt:1024:8:1048576$salt$" + "0" * 128,
        "scrypt$1048576$salt$8$1$" + "A" * 86 + "==",
        f"$scrypt$ln=31,r=8,p=1$c2FsdA${'A' * 43}",
        BCRYPT.replace("$04$", "$31$"),
        made("sha512_crypt").replace("rounds=1000", "rounds=999999999"),
        f"$argon2id$v=19$m=262144,t=1,p=1$c2FsdHNhbHQ${'A' * 43}",
        f"$argon2id$v=19$m=131072,t=9,p=1$c2FsdHNhbHQ${'A' * 43}",
        f"$argon2id$v=19$m=1024,t=1,p=17$c2FsdHNhbHQ${'A' * 43}",
        f"argon2$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ${'A' * 43}",
    ],
)
def test_a_hash_that_would_stop_the_server_is_refused(text: str) -> None:
    with pytest.raises(WrongHash, match="takes too long to check"):
        normal_hash(text)


@pytest.mark.parametrize(
    "text", ["scrypt:1000:8:1$salt$" + "0" * 128, BCRYPT.replace("$04$", "$00$")]
)
def test_a_cost_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(WrongHash, match=r"an invalid cost|garbled"):
        normal_hash(text)


@settings(suppress_health_check=[HealthCheck.filter_too_much], max_examples=150)
@given(st.one_of(
    st.text(max_size=80),
    st.builds(lambda kind, rest: kind.begins + rest, st.sampled_from(hashes.KINDS), st.text()),
    st.builds(
        lambda text, at, what: text[:at] + what + text[at + 1 :],
        st.sampled_from([WERKZEUG, made("bcrypt"), made("django_pbkdf2_sha256"), made("scrypt")]),
        st.integers(0, 170),
        st.text(max_size=2),
    ),
))  # fmt: skip
def test_garbage_is_refused_in_a_sentence_or_verifies_quietly(text: str) -> None:
    try:
        stored = normal_hash(text)
    except WrongHash:
        return
    if stored is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            HASHER.verify_at_once("wrong", stored)


@pytest.mark.parametrize("text", ["", "  ", "!", "!" + "x" * 40])
def test_no_password_is_none(text: str) -> None:
    assert normal_hash(text) is None


@pytest.mark.parametrize("scheme", FOREIGN_SCHEMES)
def test_passlibs_and_djangos_hashes_verify_and_are_renewed(scheme: str) -> None:
    stored = made(scheme)
    assert normal_hash(stored) == stored
    assert not HASHER.verify_at_once("wrong", stored).is_right
    verdict = HASHER.verify_at_once(GOOD, stored)
    assert verdict.is_right
    assert verdict.replacement is not None
    found = kind_of(verdict.replacement)
    assert found is not None
    assert found.name == hashes.OWN


@pytest.mark.parametrize("scheme", ["bcrypt", "django_pbkdf2_sha256"])
def test_what_was_hashed_as_it_was_typed_verifies(scheme: str) -> None:
    typed = "cafe\u0301 au lait, please"  # decomposed: others do not normalise
    assert HASHER.verify_at_once(typed, made(scheme, typed)).is_right


def test_djangos_scrypt_becomes_werkzeugs() -> None:
    stored = normal_hash(DJANGO_SCRYPT)
    assert stored is not None
    assert stored.startswith("scrypt:1024:8:1$salt$")
    assert HASHER.verify_at_once(GOOD, stored).is_right


def test_our_own_hash_stays_as_it_is() -> None:
    own = HASHER._hash_now(GOOD)
    assert normal_hash(f" {own}\n") == own
    assert HASHER.verify_at_once(GOOD, own).replacement is None


# Of argon2-cffi's documentation.
ARGON2 = (
    "$argon2id$v=19$m=65536,t=3,p=4$MIIRqgvgQbgj220jfp0MPA"
    "$YfwJSVjtjSU0zzV/P3S9nnQ/USre2wvJMjfCIjrTQbg"
)


@pytest.mark.parametrize("stored", [ARGON2, f"argon2{ARGON2}"])
def test_argon2s_own_hashes_verify_and_are_renewed(stored: str) -> None:
    found = normal_hash(stored)
    assert found == ARGON2
    assert HASHER.verify_at_once("correct horse battery staple", found).replacement
    assert not HASHER.verify_at_once("Correct horse battery staple", found).is_right


@pytest.mark.parametrize("kind", ["i", "d", "id"])
def test_each_kind_of_argon2_verifies(kind: str) -> None:
    handler: Any = passlib.argon2
    handler = handler.using(type=kind, rounds=1, memory_cost=64, parallelism=1)
    assert HASHER.verify_at_once(GOOD, normal_hash(handler.hash(GOOD))).is_right


def test_a_hash_of_flask_security_is_of_its_salt_alone() -> None:
    plain = made("bcrypt", hashes.flask_security_form(GOOD, "salt", "$2b$"))
    stored, other = (normal_hash(plain, flask_security_salt=salt) for salt in ("salt", "other"))
    assert HASHER.verify_at_once(GOOD, stored).replacement
    assert not HASHER.verify_at_once(GOOD, other).is_right
    assert not HASHER.verify_at_once(GOOD, normal_hash(plain)).is_right
    assert normal_hash(str(stored)) == stored  # as users export writes it
    django = made("django_pbkdf2_sha256")
    assert normal_hash(django, flask_security_salt="salt") == django


@pytest.mark.parametrize(
    "rest", ["", "x:y", f"{BCRYPT}:", f"{BCRYPT}:%%%", f"{BCRYPT[:-1]}:c2FsdA=="]
)
def test_a_garbled_hash_of_flask_security_is_refused(rest: str) -> None:
    with pytest.raises(WrongHash, match="corrupted"):
        normal_hash(hashes.FLASK_SECURITY + rest)
    assert not HASHER.verify_at_once(GOOD, hashes.FLASK_SECURITY + rest).is_right
