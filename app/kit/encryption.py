"""Secrets that have to be read again, so no digest will do: sealed by AES-GCM under SECRET_KEY.

A sealed secret says by which key, and opens in its own row only: the row's id is bound into it.
"""

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PURPOSE = b"vestibule.app-secret"
VERSION = b"\x01"
KEY_ID, NONCE = slice(1, 5), slice(5, 17)
NONCE_BYTES = 12


class CannotOpen(Exception):
    """Sealed for another row, under a key that is not there, or damaged."""


def seal(keys: Sequence[str], secret: bytes, *, row_id: UUID) -> bytes:
    """Return a secret, sealed under the last of ``keys`` for a row."""
    key, nonce = _derived(keys[-1]), os.urandom(NONCE_BYTES)
    head = VERSION + _id_of(key)
    return head + nonce + AESGCM(key).encrypt(nonce, secret, head + row_id.bytes)


def unseal(keys: Sequence[str], sealed: bytes, *, row_id: UUID) -> bytes:
    """Return what was sealed.

    Raises:
        CannotOpen: for whatever reason.
    """
    known = {_id_of(key): key for key in map(_derived, keys)}
    key = known.get(sealed[KEY_ID])
    if key is None or not sealed.startswith(VERSION):
        raise CannotOpen
    try:
        text = sealed[NONCE.stop :]
        return AESGCM(key).decrypt(sealed[NONCE], text, sealed[: KEY_ID.stop] + row_id.bytes)
    except (InvalidTag, ValueError):
        raise CannotOpen from None


def heads(keys: Sequence[str]) -> list[bytes]:
    """Return how what is sealed under each of ``keys`` begins."""
    return [VERSION + _id_of(_derived(key)) for key in keys]


HEAD_BYTES = KEY_ID.stop


@lru_cache(maxsize=16)
def _derived(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode())


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"key id" + key).digest()[:4]
