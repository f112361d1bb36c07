"""Recovery codes: random, shown once; their digests are kept."""

import base64
import hashlib
import re
import secrets
from uuid import UUID

NUMBER = 10
CODE_BYTES = 10  # 80 bits: no slow hash is needed, one try would cost ten
_CODE = re.compile(r"[A-Z2-7]{16}")


def new_codes() -> list[str]:
    """Make a set, each in groups of four letters and digits."""
    plain = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _ in range(NUMBER)]
    return ["-".join(re.findall("....", code)).lower() for code in plain]


def clean(typed: str) -> str | None:
    """Return a code as it was made, without what people add to it; None if it can be none."""
    plain = re.sub(r"[\s-]", "", typed).upper().replace("0", "O").replace("1", "I")
    return plain if _CODE.fullmatch(plain) else None


def digest(user_id: UUID, code: str) -> bytes:
    """Return what is kept of a user's code, however it was typed."""
    return hashlib.sha256(user_id.bytes + (clean(code) or "").encode()).digest()
