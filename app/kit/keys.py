"""Secret keys: making one, and telling one that was made from one that was typed."""

import math
import os
import secrets
from collections import Counter
from itertools import pairwise
from pathlib import Path

SECRET_KEY_MIN_BYTES = 32
SECRET_KEY_MIN_BITS = 100
SECRET_KEY_BYTES = 48
MOST_STEPS_SHARE = 0.25  # of neighbours that follow each other in the alphabet; random: 0.03
EXAMPLE_WORDS = ("changeme", "change-me", "secret", "example", "password")


def new_key() -> str:
    """Return 384 random bits as text."""
    return secrets.token_urlsafe(SECRET_KEY_BYTES)


def is_weak_key(text: str) -> bool:
    """Whether a key is short, an example, or of a kind that no random source makes (CF-01)."""
    if len(text.encode()) < SECRET_KEY_MIN_BYTES or _bits(text) < SECRET_KEY_MIN_BITS:
        return True
    if any(word in text.lower() for word in EXAMPLE_WORDS):
        return True
    steps = sum(ord(right) - ord(left) == 1 for left, right in pairwise(text))
    repeated = text in (text + text)[1:-1]  # made of one piece, over and over
    return repeated or steps > len(text) * MOST_STEPS_SHARE


def kept_key(path: Path) -> str:
    """Return the key that a file keeps, made at first; two first starts at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        new = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(new_key())
        try:
            path.hardlink_to(new)  # whole or not at all; the first wins
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return path.read_text().strip()


def _bits(text: str) -> float:
    """Return the Shannon entropy of a text by how often its emails occur."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -len(text) * sum(share * math.log2(share) for share in shares)
