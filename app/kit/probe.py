"""How a doctor asks a server whether it is ours, and what of a request arrives there.

The question is sealed by the secret key, the answer too: a server without it can neither be asked
nor answer.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from app.kit.sealing import Purpose, seal, unseal

PATH = "/health/doctor"
ASKED_WITHIN = timedelta(minutes=1)


class Hops(NamedTuple):
    """What arrived at the server: whom it takes for the client, and what that stands on."""

    client: str
    peer: str
    forwarded: list[str]
    cookie: str


def ask(keys: Sequence[str], nonce: str) -> str:
    """Return the path that asks for a nonce."""
    return f"{PATH}/{seal(keys, Purpose.DOCTOR, nonce)}"


def asked(keys: Sequence[str], sealed: str) -> str | None:
    """Return the nonce that was asked for, None if it was not a doctor of ours who asked."""
    return unseal(keys, Purpose.DOCTOR, sealed, valid=ASKED_WITHIN)


def check_password(keys: Sequence[str], nonce: str) -> str:
    """Return what only a server with our key can answer."""
    return seal(keys, Purpose.DOCTOR_ANSWER, nonce)


def is_genuine(keys: Sequence[str], nonce: str, proof: str) -> bool:
    """Whether an answer is that of a server with our key, to this question."""
    return unseal(keys, Purpose.DOCTOR_ANSWER, proof, valid=ASKED_WITHIN) == nonce


def cookie_name(*, is_https: bool) -> str:
    """Return the name of the cookie that the answer sets, like those of the pages."""
    return "__Host-vestibule-doctor" if is_https else "vestibule-doctor"
