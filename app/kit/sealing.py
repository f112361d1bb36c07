"""Signed and dated text for links and hidden fields, per purpose (itsdangerous).

The signature keeps garbage away from the database; for a link the database's own clock and its
single row decide. ``CLOCK_SKEW_SECONDS`` lets a replica whose clock is a little behind read what
another one sealed (L24).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from itsdangerous import BadData, URLSafeTimedSerializer

CLOCK_SKEW_SECONDS = 120
SEALED_LONGEST = 500


class Purpose(StrEnum):
    """What a sealed text is for. One that is made for one purpose opens for no other."""

    CONFIRM = "confirm"
    INVITE = "invite"
    RESET = "reset"
    CHANGE_EMAIL = "change-email"
    NOT_ME = "not-me"
    KEEP = "keep"
    RESEND = "resend"
    RESEND_TO_USER = "resend-to-user"
    REGISTERED = "registered"
    STAY = "stay"
    KNOWN_BROWSER = "device"
    PASSKEY = "passkey"
    FACTOR_RESET = "factor-reset"
    KEEP_FACTORS = "keep-factors"
    GATE = "gate"
    NEXT = "next"
    DOCTOR = "doctor"
    DOCTOR_ANSWER = "doctor-answer"


def seal(keys: Sequence[str], purpose: Purpose, text: str) -> str:
    """Return ``text`` signed with the last of ``keys``, fit for an address."""
    return _serializer(keys, purpose).dumps(text)


def unseal(
    keys: Sequence[str],
    purpose: Purpose,
    sealed: str,
    *,
    valid: timedelta,
    longest: int = SEALED_LONGEST,
) -> str | None:
    """Return what was sealed, or None if it is garbled, foreign or older than ``valid``."""
    if len(sealed) > longest:
        return None
    try:
        text, sealed_at = _serializer(keys, purpose).loads(sealed, return_timestamp=True)
    except (BadData, ValueError):
        return None
    age = datetime.now(UTC) - sealed_at
    skew = timedelta(seconds=CLOCK_SKEW_SECONDS)
    return text if isinstance(text, str) and -skew <= age <= valid + skew else None


def _serializer(keys: Sequence[str], purpose: Purpose) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        list(keys), salt=f"vestibule.{purpose}", signer_kwargs={"digest_method": sha256}
    )
