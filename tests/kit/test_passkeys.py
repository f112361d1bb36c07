"""Passkeys as the library sees them, and what is checked beside it."""

import json
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.kit import passkeys
from app.kit.passkeys import Born, RelyingParty, Verified, WrongAnswer
from app.kit.tokens import new_challenge
from tests.softkey import BE, BS, UP, UV, SoftKey, b64, unb64

SITE = RelyingParty("localhost", "http://localhost:8000", "Our RelyingParty")
ALICE = UUID(int=1)
MUTATIONS = 4000  # of each kind of answer


def creation(challenge: bytes) -> str:
    return passkeys.creation_options(
        SITE, challenge=challenge, user_id=ALICE, username="alice", present=[]
    )


def born(key: SoftKey, **more: object) -> Born:
    challenge = new_challenge()
    answer = key.create(creation(challenge), **more)
    return passkeys.verify_new(SITE, answer, challenge=challenge)


def shown(key: SoftKey, made: Born, **more: object) -> Verified:
    challenge = new_challenge()
    answer = key.get(passkeys.request_options(SITE, challenge=challenge), **more)
    return passkeys.verify(
        SITE,
        passkeys.read_answer(answer),
        challenge=challenge,
        public_key=made.public_key,
        backup_eligible=made.backup_eligible,
    )


def test_a_passkey_is_born_and_used() -> None:
    key = SoftKey(count=5)
    made = born(key)
    assert made.is_first_factor
    assert shown(key, made) == Verified(6, is_user_verified=True, backed_up=False)


@pytest.mark.parametrize(
    "key", [SoftKey(flags=UP), SoftKey(is_discoverable=False)], ids=["unverified", "not kept"]
)
def test_who_is_not_verified_or_found_is_no_first_factor(key: SoftKey) -> None:
    assert not born(key).is_first_factor


STRANGE_KEYS = [
    SoftKey(origin="https://evil.example"),
    SoftKey(origin="http://sub.localhost:8000"),
    SoftKey(origin="https://localhost:8000"),
    SoftKey(origin="http://localhost:8001"),
    SoftKey(origin="http://localhost"),
    SoftKey(domain="evil.example"),
    SoftKey(flags=UV),  # nobody was there
    SoftKey(flags=UP | UV | BS),  # backed up, but cannot be
]


@pytest.mark.parametrize("key", STRANGE_KEYS, ids=range(len(STRANGE_KEYS)))
def test_an_answer_of_another_place_is_refused(key: SoftKey) -> None:
    with pytest.raises(WrongAnswer):
        born(key)
    good = SoftKey()
    made = born(good)
    good.origin, good.domain, good.flags = key.origin, key.domain, key.flags
    with pytest.raises(WrongAnswer):
        shown(good, made)


@pytest.mark.parametrize(
    "frame", [{"crossOrigin": True}, {"topOrigin": "https://evil.example"}, {"crossOrigin": "x"}]
)
def test_an_answer_from_a_frame_is_refused(frame: dict[str, object]) -> None:
    with pytest.raises(WrongAnswer):
        born(SoftKey(), **frame)
    key = SoftKey()
    made = born(key)
    with pytest.raises(WrongAnswer):
        shown(key, made, **frame)


def test_an_answer_to_another_challenge_is_refused() -> None:
    key = SoftKey()
    made = born(key)
    with pytest.raises(WrongAnswer):
        shown(key, made, challenge=b64(new_challenge()))
    with pytest.raises(WrongAnswer):
        born(SoftKey(), challenge=b64(new_challenge()))


def test_an_answer_of_the_other_kind_is_refused() -> None:
    key = SoftKey()
    made = born(key)
    with pytest.raises(WrongAnswer):
        shown(key, made, type="webauthn.create")
    with pytest.raises(WrongAnswer):
        born(SoftKey(), type="webauthn.get")


def test_one_that_becomes_fit_for_backup_is_refused() -> None:
    key = SoftKey()
    made = born(key)
    key.flags |= BE
    with pytest.raises(WrongAnswer):
        shown(key, made)


def test_another_key_is_refused() -> None:
    with pytest.raises(WrongAnswer):
        shown(SoftKey(), born(SoftKey()))


def test_too_long_an_id_is_refused() -> None:
    key = SoftKey()
    key.id = bytes(1024)
    with pytest.raises(WrongAnswer):
        born(key)


def test_whoever_asks_for_a_passkey_sees_no_others() -> None:
    options = json.loads(passkeys.request_options(SITE, challenge=new_challenge()))
    assert options["allowCredentials"] == []
    assert options["rpId"] == "localhost"


DEEP = "[" * 3000 + "]" * 3000
GARBAGE = ["", "x", "null", "[]", "{}", "1", '"x"', DEEP, '{"response": {}}', '{"response": []}',
           '{"response": {"clientDataJSON": 1}}', '{"response": {"clientDataJSON": "x"}}',
           '{"rawId": "AA", "response": {"clientDataJSON": "e30"}}',
           '{"response": {"clientDataJSON": "bnVsbA"}}', '{"response": {"clientDataJSON": "W10"}}',
           "x" * 70000, "\ud800", '{"a":' * 5000]  # fmt: skip


@pytest.mark.parametrize("text", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(WrongAnswer):
        passkeys.read_answer(text)
    with pytest.raises(WrongAnswer):
        passkeys.verify_new(SITE, text, challenge=bytes(32))
    assert passkeys.challenge_of(text) == b""


WRONG_VALUES: list[Any] = [None, 0, -1, 2**70, 1.5, True, "", "x", "é", "A" * 20000, [], {}, [[]],
                {"x": []}, "bnVsbA", "W10", "oA", b64(b"\xbf" * 500), b64(b"\x9b" + b"\xff" * 8),
                b64(b"\x81" * 5000), b64(b"\x5b" + b"\xff" * 8), b64(b"\xa1" * 3000)]  # fmt: skip


def mutated(text: str, dice: random.Random) -> str:
    """Return an answer of which something is wrong: a value, a byte, a piece of it."""
    how = dice.randrange(4)
    if how == 0:
        at = dice.randrange(len(text))
        return text[:at] + chr(dice.randrange(32, 127)) + text[at + dice.randrange(3) :]
    whole: dict[str, Any] = json.loads(text)
    where = dice.choice([whole, whole["response"]])
    name = dice.choice(list(where))
    if how == 1:
        where[name] = dice.choice(WRONG_VALUES)
    elif how == 2:
        del where[name]
    else:
        name = dice.choice([n for n, v in whole["response"].items() if isinstance(v, str)])
        value = bytearray(unb64(whole["response"][name]))
        for _ in range(dice.randrange(1, 4)):
            value[dice.randrange(len(value))] = dice.randrange(256)
        cut = dice.randrange(len(value)) if dice.random() < 0.2 else len(value)
        whole["response"][name] = b64(bytes(value[:cut]))
    return json.dumps(whole)


def walk(text: str, check: Callable[[str], object], record: Callable[[str, str], None]) -> None:
    dice, slowest, taken = random.Random(7), 0.0, 0  # noqa: S311 - the same each time
    for _ in range(MUTATIONS):
        answer = mutated(text, dice)
        begun = time.perf_counter()
        try:
            check(answer)
            taken += 1
        except WrongAnswer:
            pass
        slowest = max(slowest, time.perf_counter() - begun)
    record("figure", f"{MUTATIONS} mutations: worst {slowest * 1000:.1f} ms, {taken} harmless")


def test_no_mutation_of_a_birth_is_an_error(record_property: Callable[[str, str], None]) -> None:
    challenge = new_challenge()
    text = SoftKey().create(creation(challenge))
    walk(text, lambda answer: passkeys.verify_new(SITE, answer, challenge=challenge),
         record_property)  # fmt: skip


def test_no_mutation_of_an_answer_is_an_error(record_property: Callable[[str, str], None]) -> None:
    key, challenge = SoftKey(), new_challenge()
    made = born(key)
    text = key.get(passkeys.request_options(SITE, challenge=challenge))

    def check(answer: str) -> object:
        return passkeys.verify(
            SITE,
            passkeys.read_answer(answer),
            challenge=challenge,
            public_key=made.public_key,
            backup_eligible=made.backup_eligible,
        )

    walk(text, check, record_property)
