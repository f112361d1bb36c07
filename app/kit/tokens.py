"""Random secrets, made as a pair: the text is shown once, the digest is kept."""

import hashlib
import secrets
from typing import NamedTuple

SECRET_BYTES = 32


class Secret(NamedTuple):
    """256 random bits as URL-safe text (43 characters) and their SHA-256 (32 bytes)."""

    text: str
    digest: bytes


def new_secret() -> Secret:
    """Make a secret."""
    text = secrets.token_urlsafe(SECRET_BYTES)
    return Secret(text, digest(text))


def new_challenge() -> bytes:
    """Return 256 random bits, for a passkey to sign."""
    return secrets.token_bytes(SECRET_BYTES)


def digest(text: str) -> bytes:
    """Return the SHA-256 of a secret; a fast hash does, because the secret is random."""
    return hashlib.sha256(text.encode()).digest()
