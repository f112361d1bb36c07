"""What the course teaches of the class ``User``."""

import pytest

from app.kit.passwords import hash_now
from app.models.user import User


def test_a_password_cannot_be_read() -> None:
    with pytest.raises(AttributeError, match="password is write-only"):
        _ = User().password


def test_assigning_a_password_hashes_it_at_once() -> None:
    one, other = User(), User()
    one.password = other.password = "four unrelated words"
    assert one.password_hash is not None
    assert one.password_hash.startswith("$bcrypt-sha256$")
    assert one.password_hash != other.password_hash != hash_now("four unrelated words", rounds=4)
