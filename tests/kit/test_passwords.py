"""Which passwords are taken, and how they are hashed."""

import asyncio
import os
import re
import threading
import time

import pytest
from werkzeug.security import generate_password_hash

from app.kit import password_policy, passwords
from app.kit.errors import WeakPassword
from app.kit.password_policy import check_policy, fits
from app.kit.passwords import PasswordHasher, hash_now
from app.words.refusals import sentence

GOOD = "four unrelated words"


def refuse(password: str, *context: str) -> str:
    with pytest.raises(WeakPassword) as refusal:
        check_policy(password, shortest=15, context=context)
    return sentence(refusal.value)


@pytest.mark.parametrize("password", ["", "a", "x" * 14, "é" * 14, "😀" * 14])
def test_a_short_password_is_refused_with_its_length(password: str) -> None:
    assert "15 characters" in refuse(password)


@pytest.mark.parametrize("password", ["z9" * 65, "é" * 129, "😀" * 129])
def test_a_password_over_128_characters_is_refused(password: str) -> None:
    assert "128" in refuse(password)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "PasswordPassword",
        "123456789012345",
        "qwertyuiopasdfgh",
        "iloveyouiloveyou",
        "abcdefghijklmnop",
        "ponmlkjihgfedcba",
        "password12345678",
        "dragondragondragon",
        "1qaz2wsx3edc4rfv",
        "letmeinletmeinletmein",
        "111111111111111",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "adminadminadmin1",
        "letmeinletmein123",
        "administrator123",
        "!!password123456",
        "correct horse battery staple",
    ],
)
def test_a_common_password_is_refused(password: str) -> None:
    assert "too common" in refuse(password)


def test_three_thousand_common_passwords_of_legal_length_are_refused() -> None:
    refused = [word for word in password_policy._common() if password_policy.is_common(word + word)]
    assert len([word for word in refused if len(word) * 2 >= 15]) > 3000


@pytest.mark.parametrize(
    "password",
    [
        "Our Little Site",
        "our little siteour little site",
        "alice@example.com",
        "alice@example.com1",
        "our little site!",
    ],
)
def test_the_names_of_site_and_person_are_refused(password: str) -> None:
    assert "name" in refuse(password, "Our Little Site", "alice@example.com", "")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery and staple",
        "thequickbrownfo",
        "é" * 64,
        "😀" * 64,
        "x7 is not a car " * 8,
        "  spaces around   ",
        "password is not the whole of it",
        "\u00a0" * 15 + "b",
        "829374610293847561029384",
    ],
)
def test_any_other_password_is_taken(password: str) -> None:
    check_policy(password, shortest=15, context=["Vestibule", "alice"])


def test_what_cannot_be_encoded_does_not_fit() -> None:
    assert not fits("\ud800" * 15)


@pytest.fixture(scope="module")
def hasher() -> PasswordHasher:
    return PasswordHasher(rounds=4, threads=1, waiting=100)


async def test_the_last_of_128_characters_counts(hasher: PasswordHasher) -> None:
    password = "ab" * 64
    stored = await hasher.hash(password)
    for wrong in (password[:-1] + "x", password[:72], password[:-1]):
        assert not (await hasher.verify(wrong, stored)).is_right
    assert (await hasher.verify(password, stored)).is_right


@pytest.mark.parametrize(
    "password", ["a\0" + "b" * 15, "  " + GOOD + " ", "\u00a0" * 15, "\t" * 20]
)
async def test_odd_characters_count_like_others(hasher: PasswordHasher, password: str) -> None:
    stored = await hasher.hash(password)
    assert (await hasher.verify(password, stored)).is_right
    assert not (await hasher.verify(password[:-1], stored)).is_right


async def test_composed_and_decomposed_letters_are_the_same(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("caf\u00e9 au lait, please")
    assert (await hasher.verify("cafe\u0301 au lait, please", stored)).is_right


async def test_nobody_is_never_right(hasher: PasswordHasher) -> None:
    assert not (await hasher.verify(GOOD, None)).is_right


@pytest.mark.parametrize("stored", ["", "!", "plain text", "md5$abc", "$2b$04$short"])
async def test_an_unknown_hash_is_never_right(hasher: PasswordHasher, stored: str) -> None:
    assert not (await hasher.verify(GOOD, stored)).is_right


async def test_plain_bcrypt_refuses_what_it_would_cut(hasher: PasswordHasher) -> None:
    stored = hasher._context.handler("bcrypt").using(rounds=4).hash(GOOD)
    assert not (await hasher.verify("x" * 100, stored)).is_right
    assert not (await hasher.verify("a\0" * 20, stored)).is_right
    verdict = await hasher.verify(GOOD, stored)
    assert verdict.is_right
    assert verdict.replacement is not None
    assert verdict.replacement.startswith("$bcrypt-sha256$")


@pytest.mark.parametrize("method", ["pbkdf2:sha256:1000", "scrypt:1024:8:1"])
async def test_werkzeugs_hashes_verify_and_are_replaced(
    hasher: PasswordHasher, method: str
) -> None:
    stored = generate_password_hash(GOOD, method)
    assert await hasher.verify("wrong", stored) == (False, None)
    verdict = await hasher.verify(GOOD, stored)
    assert verdict.replacement is not None
    assert (await hasher.verify(GOOD, verdict.replacement)).is_right


def test_a_wrong_password_costs_as_much_as_nobodys_on_a_cheap_old_hash() -> None:
    hasher = PasswordHasher(rounds=4)
    hasher.__dict__["_nobody"] = hasher._nobody._replace(seconds=0.05)
    begun = time.thread_time()
    stored = generate_password_hash(GOOD, "pbkdf2:sha256:1")
    assert not hasher.verify_at_once("wrong", stored).is_right
    assert time.thread_time() - begun >= 0.05


async def test_a_garbled_werkzeug_hash_is_never_right(hasher: PasswordHasher) -> None:
    for stored in ("pbkdf2:", "scrypt:1:2$x$y", "pbkdf2:sha256:x$salt$00", "scrypt:0:0:0$a$b"):
        assert not (await hasher.verify(GOOD, stored)).is_right


async def test_a_cheaper_hash_is_replaced_by_one_of_todays_cost(hasher: PasswordHasher) -> None:
    verdict = await PasswordHasher(rounds=5).verify(GOOD, await hasher.hash(GOOD))
    assert verdict.replacement is not None
    assert ",r=5$" in verdict.replacement


def test_a_hash_costs_twelve_rounds_unless_told_otherwise() -> None:
    assert re.match(r"\$bcrypt-sha256\$v=2,t=2b,r=12\$", hash_now(GOOD))


async def test_who_leaves_the_queue_gives_up_his_place() -> None:
    hasher = PasswordHasher(rounds=4, threads=1, waiting=1)
    gate = threading.Event()
    working = asyncio.ensure_future(hasher._run(gate.wait))

    async def wait() -> None:
        async with hasher.place("a"):
            await hasher.hash(GOOD)

    for _ in range(5):
        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    gate.set()
    await working
    async with hasher.place("a"), hasher.place("a"):
        assert await hasher.hash(GOOD)


def test_a_fingerprint_is_short_and_keyed() -> None:
    assert len(passwords.fingerprint(GOOD, key="k" * 32)) == 2
    composed, decomposed = "caf\u00e9 au lait, please", "cafe\u0301 au lait, please"
    one = passwords.fingerprint(composed, key="one")
    assert one == passwords.fingerprint(decomposed, key="one")
    assert {passwords.fingerprint(GOOD, key=str(n)) for n in range(5)} != {one}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads have no priority here")
async def test_hashing_threads_are_nice(hasher: PasswordHasher) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert await hasher._run(niceness) == min(own + passwords.NICE, 19)
