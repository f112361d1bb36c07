"""What a request to an application brings: a cookie of ours there, or a token. Never a password."""

import base64
import binascii
import re
from functools import lru_cache
from typing import NamedTuple

from app.flows.gate_check import Visitor
from app.gate.heads import Heads
from app.http.cookies import cookie_name_at
from app.kit.addresses import canonical
from app.kit.api_tokens import is_token
from app.kit.tokens import digest

SESSION, START = "gate", "start"
_SECRET = re.compile(rb"[A-Za-z0-9_-]{43}")


class Credential(NamedTuple):
    """``user``: whom a token was said to be of, None if nobody was named."""

    digest: bytes = b""
    is_token: bool = False
    user: str | None = None

    def is_of(self, visitor: Visitor | None) -> bool:
        """Whether a token is that of the user who was named beside it."""
        if visitor is None or self.user is None:
            return visitor is not None
        names = (visitor.username, visitor.email, str(visitor.user_id))
        return canonical(self.user) in map(canonical, names)


NONE, NO_TOKEN = Credential(), Credential(is_token=True)


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


def of_header(authorization: str) -> Credential:
    """Return the token of an ``Authorization``: a Bearer's, or Basic's in place of a password."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return _of_token(rest.strip(), None)
    if scheme.lower() != "basic":
        return NO_TOKEN
    try:
        user, colon, token = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return NO_TOKEN
    return _of_token(token, user) if colon else NO_TOKEN


def _of_token(token: str, user: str | None) -> Credential:
    return Credential(digest(token), is_token=True, user=user) if is_token(token) else NO_TOKEN


@lru_cache(maxsize=1024)
def _cookie_name(origin: str, name: str) -> bytes:
    return cookie_name_at(origin, name).encode()
