"""A software authenticator: what tests need of one, and nothing else (ES256, no attestation)."""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

UP, UV, BE, BS, AT = 1, 4, 8, 16, 64


def b64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


Cbor = int | bytes | str | Mapping[Any, Any]


def cbor(value: Cbor) -> bytes:
    def head(major: int, number: int) -> bytes:
        if number < 24:
            return bytes([major << 5 | number])
        if number < 256:
            return bytes([major << 5 | 24, number])
        return bytes([major << 5 | 25]) + number.to_bytes(2, "big")

    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


class SoftKey:
    """A passkey that is kept in memory; ``count`` 0 stays 0, as those of clouds do."""

    def __init__(
        self,
        domain: str = "localhost",
        origin: str = "http://localhost:8000",
        *,
        flags: int = UP | UV,
        count: int = 0,
        is_discoverable: bool = True,
    ) -> None:
        self.domain, self.origin, self.flags, self.count = domain, origin, flags, count
        self.is_discoverable = is_discoverable
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.handle: str | None = None

    def create(self, options: str, **more: object) -> str:
        """Return the answer to what a page wants made."""
        asked = json.loads(options)
        numbers = self.key.public_key().public_numbers()
        cose = cbor(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32, "big"),
                -3: numbers.y.to_bytes(32, "big"),
            }
        )
        self.handle = asked["user"]["id"]
        tail = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        made = {"fmt": "none", "attStmt": {}, "authData": self._auth(self.flags | AT, tail)}
        response = {
            "clientDataJSON": b64(self._client("create", asked["challenge"], more)),
            "attestationObject": b64(cbor(made)),
            "transports": ["internal"],
        }
        return self._whole(response, {"credProps": {"rk": self.is_discoverable}})

    def get(self, options: str, **more: object) -> str:
        """Return the answer to what a page wants signed."""
        self.count += 1 if self.count else 0
        client = self._client("get", json.loads(options)["challenge"], more)
        auth = self._auth(self.flags)
        signed = auth + hashlib.sha256(client).digest()
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(auth),
            "signature": b64(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": self.handle,
        }
        return self._whole(response, {})

    def _client(self, kind: str, challenge: str, more: Mapping[str, object]) -> bytes:
        facts = {"type": f"webauthn.{kind}", "challenge": challenge, "origin": self.origin}
        return json.dumps({**facts, "crossOrigin": False, **more}).encode()

    def _auth(self, flags: int, tail: bytes = b"") -> bytes:
        domain = hashlib.sha256(self.domain.encode()).digest()
        return domain + bytes([flags]) + struct.pack(">I", self.count) + tail

    def _whole(self, response: Mapping[str, object], extensions: Mapping[str, object]) -> str:
        return json.dumps(
            {
                "id": b64(self.id),
                "rawId": b64(self.id),
                "type": "public-key",
                "authenticatorAttachment": "platform",
                "clientExtensionResults": extensions,
                "response": response,
            }
        )
