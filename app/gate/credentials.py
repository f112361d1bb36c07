"""What a request to an application brings: a cookie of ours there, or a token. Never a password."""

import re
from functools import lru_cache

from app.gate.heads import Heads
from app.http.bearer import Credential, of_header
from app.http.cookies import cookie_name_at
from app.kit.tokens import digest

SESSION, START = "gate", "start"
NONE = Credential()
_SECRET = re.compile(rb"[A-Za-z0-9_-]{43}")


def brought(heads: Heads, origin: str) -> Credential:
    """Return what a request brings; with ``Authorization`` its cookies say nothing."""
    authorization = heads.get(b"authorization")
    if authorization is not None:
        return of_header(authorization.decode("latin1"))
    secret = cookie(heads, origin, SESSION)
    return NONE if secret is None else Credential(digest(secret))


def cookie(heads: Heads, origin: str, name: str) -> str | None:
    """Return a secret of ours that the browser keeps at an origin; None if it brings two.

    A cookie that another host of the same domain has planted would come beside ours.
    """
    begins = _cookie_name(origin, name) + b"="
    found = [
        each[len(begins) :]
        for each in map(bytes.strip, heads.get(b"cookie", b"").split(b";"))
        if each.startswith(begins)
    ]
    return found[0].decode() if len(found) == 1 and _SECRET.fullmatch(found[0]) else None


@lru_cache(maxsize=1024)
def _cookie_name(origin: str, name: str) -> bytes:
    return cookie_name_at(origin, name).encode()
