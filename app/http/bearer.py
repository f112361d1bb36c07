"""Tokens in ``Authorization``: a Bearer's, or Basic's in place of a password. Never a password."""

import base64
import binascii
from typing import NamedTuple

from quart import Request, current_app, g
from werkzeug.exceptions import Unauthorized

from app.context import Context
from app.flows import gate
from app.flows.gate_check import GateQuestion, Visitor
from app.flows.lookup import CurrentSession
from app.http.client import client
from app.http.current_user import CurrentUser
from app.kit.addresses import canonical
from app.kit.api_tokens import is_token
from app.kit.tokens import digest
from app.services import services


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


NO_TOKEN = Credential(is_token=True)


def of_header(authorization: str) -> Credential:
    """Return the token of an ``Authorization``; any other leads nowhere."""
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


async def resolve(request: Request) -> CurrentUser:
    """Return who a token says, for a page that reads the account; cookies say nothing then.

    Raises:
        Unauthorized: it is no token, or not for this.
        TooManyTries: this network has sent many wrong ones.
    """
    headers = request.headers.getlist("Authorization")
    credential = of_header(headers[0]) if len(headers) == 1 else NO_TOKEN
    visitor = (await services().at_gate(GateQuestion("", credential.digest, is_token=True))).visitor
    if visitor is None or not visitor.reads_account or not credential.is_of(visitor):
        async with services().session() as db:
            own = services()
            await gate.refuse_wrong_token(Context(db, own.config, own.hasher, client()))
        raise Unauthorized
    user = CurrentUser(None)
    user.session = _as_session(visitor)
    setattr(g, current_app.extensions["QUART_AUTH"][0].attribute_name, user)
    return user


def _as_session(visitor: Visitor) -> CurrentSession:
    """Return a token's user as pages know them. No deed is done in it: no session has its id."""
    return CurrentSession(
        session_id=visitor.token_id or visitor.user_id,
        user_id=visitor.user_id,
        username=visitor.username,
        email=visitor.email,
        role=visitor.role,
        permissions=visitor.permissions,
        is_stale=False,
        is_fresh=False,
        factors=0,
        shows_factor=False,
        is_factor_fresh=False,
        factor_due_at=None,
        is_factor_overdue=False,
    )


def _of_token(token: str, user: str | None) -> Credential:
    return Credential(digest(token), is_token=True, user=user) if is_token(token) else NO_TOKEN
