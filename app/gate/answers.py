"""What the gate answers. A 2xx always names somebody: all four headers, none of them empty."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from hypercorn.typing import ASGISendCallable
from markupsafe import escape

from app.flows.gate_check import GatedSite, Visitor
from app.kit.needs import EVERYBODY, KnownBy

NOBODY = b"-"  # no username and no address; an absent header would be the visitor's own word
NAMES = (b"remote-user", b"remote-email", b"remote-name", b"remote-groups")
ANONYMOUS = tuple((name, NOBODY) for name in NAMES)
PLAIN = [(b"cache-control", b"no-store"), (b"vary", b"Cookie, Authorization")]
STYLE = (
    ":root{color-scheme:light dark;font:1em/1.5 system-ui,sans-serif}"
    "main{max-width:25em;margin:10vh auto;padding:0 1em}h1{font-size:1.625em;line-height:1.25}"
    "a{display:inline-block;padding:.25em 0}"
)
_STYLE_DIGEST = b64encode(sha256(STYLE.encode()).digest())
SHOWN = [
    *PLAIN,
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'sha256-%b'; base-uri 'none'; frame-ancestors 'none'"
        % _STYLE_DIGEST,
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
HTML = (b"content-type", b"text/html; charset=utf-8")

Pairs = Sequence[tuple[bytes, bytes]]


class GateAnswer(NamedTuple):
    """A status, headers and a body."""

    status: int
    headers: Pairs
    body: bytes = b""

    async def send(self, send: ASGISendCallable) -> None:
        """Send it."""
        length = (b"content-length", str(len(self.body)).encode())
        headers = [*self.headers, length]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def passed(site: GatedSite, visitor: Visitor | None, *, has_usernames: bool) -> GateAnswer:
    """Let a request through, and say who it is of."""
    said = identity(site, visitor, has_usernames=has_usernames) if visitor else ANONYMOUS
    return GateAnswer(200, [*said, *PLAIN])


def identity(site: GatedSite, visitor: Visitor, *, has_usernames: bool) -> Pairs:
    """Return the headers that name a visitor, by what the application knows them by.

    That stays, also where the username was made up: the application has stored it.
    """
    own = {
        KnownBy.ID: str(visitor.user_id),
        KnownBy.USERNAME: visitor.username,
        KnownBy.EMAIL: visitor.email,
    }[site.identity]
    groups = ",".join((EVERYBODY, *visitor.groups))
    name = visitor.username if has_usernames else visitor.email
    values = (own, visitor.email, name, groups)
    return [(name, value.encode()) for name, value in zip(NAMES, values, strict=True)]


def redirect(location: str, *, status: int = 303, more: Pairs = ()) -> GateAnswer:
    """Send a browser elsewhere."""
    return GateAnswer(status, [(b"location", location.encode()), *SHOWN, *more])


def page(status: int, title: str, sentence: str, *, more: Pairs = (), link: str = "") -> GateAnswer:
    """Say something to people, on a page without anything else: it stands on another's host."""
    further = f'<p><a href="{escape(link)}">Continue</a></p>' if link else ""
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f"<main><h1>{escape(title)}</h1><p>{escape(sentence)}</p>{further}</main></html>"
    )
    return GateAnswer(status, [HTML, *SHOWN, *more], text.encode())
