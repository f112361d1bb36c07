"""Sealed secrets, and recovery codes."""

from uuid import UUID, uuid4

import pytest

from app.kit import recovery_codes
from app.kit.encryption import CannotOpen, heads, seal, unseal

KEYS = ["an old key", "the key of today"]
ROW = UUID(int=7)


def test_what_was_sealed_opens_in_its_row_under_any_key_of_ours() -> None:
    for keys in (KEYS, KEYS[:1]):
        assert unseal(KEYS, seal(keys, b"secret", row_id=ROW), row_id=ROW) == b"secret"


def test_it_opens_in_no_other_row() -> None:
    with pytest.raises(CannotOpen):
        unseal(KEYS, seal(KEYS, b"secret", row_id=ROW), row_id=uuid4())


def test_it_opens_without_its_key_no_more() -> None:
    with pytest.raises(CannotOpen):
        unseal(KEYS[:1], seal(KEYS, b"secret", row_id=ROW), row_id=ROW)


def test_no_byte_of_it_can_be_changed_or_lost() -> None:
    sealed = seal(KEYS, b"secret", row_id=ROW)
    changed = [
        sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))
    ]
    cut = [sealed[:at] for at in range(len(sealed))]
    for garbled in changed + cut:
        with pytest.raises(CannotOpen):
            unseal(KEYS, garbled, row_id=ROW)


def test_the_same_secret_never_looks_the_same() -> None:
    assert len({seal(KEYS, b"secret", row_id=ROW) for _ in range(50)}) == 50


def test_it_says_by_which_key() -> None:
    sealed = seal(KEYS, b"secret", row_id=ROW)
    assert [sealed.startswith(head) for head in heads(KEYS)] == [False, True]


def test_recovery_codes_are_ten_with_80_bits_each() -> None:
    codes = recovery_codes.new_codes()
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == 16 for code in codes)  # 5 bits a letter


def test_a_recovery_code_may_be_typed_in_many_ways_and_is_one_persons() -> None:
    code = recovery_codes.new_codes()[0]
    kept = recovery_codes.digest(ROW, code)
    for typed in (code.upper(), code.replace("-", ""), code.replace("-", " "), f" {code} "):
        assert recovery_codes.digest(ROW, typed) == kept
    assert recovery_codes.digest(uuid4(), code) != kept


@pytest.mark.parametrize("typed", ["", "abcd", "1234-5678", "a" * 17, "ａｂｃｄ" * 4, "8" * 16])
def test_what_is_no_recovery_code_is_none(typed: str) -> None:
    assert recovery_codes.clean(typed) is None
