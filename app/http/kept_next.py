"""Where somebody was going who has to open the link of an email first: their browser keeps it.

It is in no email: whoever registers with a stranger's address must not say where that one goes.
It is for one name: two people at one browser do not go where the other one wanted (SE-15).
"""

from hashlib import sha256

from quart.typing import ResponseTypes

from app.http import cookies
from app.http.resume import next_wanted
from app.kit.addresses import canonical
from app.kit.links import VALID
from app.kit.sealing import Purpose, seal, unseal
from app.services import services

COOKIE = "next"
VALID_FOR = VALID[Purpose.CONFIRM]
LONGEST = 1500  # it lives in a cookie, beside others
SEALED_LONGEST = 2500
MARK_LENGTH = 16


def keep(response: ResponseTypes, wanted: str | None, *, name: str) -> ResponseTypes:
    """Let the browser keep where who is called ``name`` was going, if we lead there."""
    address = next_wanted(wanted)
    if address is not None and len(address) <= LONGEST:
        keys = services().config.signing_keys
        sealed = seal(keys, Purpose.NEXT, f"{_mark(name)} {address}")
        cookies.put(response, COOKIE, sealed, seconds=int(VALID_FOR.total_seconds()))
    return response


def kept(*names: str) -> str | None:
    """Return where who has one of these names was going in this browser, if it keeps that."""
    keys, sealed = services().config.signing_keys, cookies.get(COOKIE)
    text = unseal(keys, Purpose.NEXT, sealed, valid=VALID_FOR, longest=SEALED_LONGEST) or ""
    mark, _, address = text.partition(" ")
    return next_wanted(address) if mark in {_mark(name) for name in names if name} else None


def forget(response: ResponseTypes) -> ResponseTypes:
    """Let the browser drop it: they are on their way."""
    if cookies.get(COOKIE):
        cookies.drop(response, COOKIE)
    return response


def _mark(name: str) -> str:
    return sha256(canonical(name).encode()).hexdigest()[:MARK_LENGTH]
