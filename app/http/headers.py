"""The headers of every answer (HD-01 to HD-03)."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-create=(self), publickey-credentials-get=(self), "
    "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Of the pages that ask for a passkey: their script reads options from the page, and sends a form.
WITH_SCRIPT = (
    f"{CONTENT_SECURITY_POLICY}; script-src 'self'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
FORMS = "form-action 'self'"
ONE_YEAR_SECONDS = 31536000
REFERRER_POLICY, CACHING, VARY = b"referrer-policy", b"cache-control", b"vary"
OF_THE_PAGE = {REFERRER_POLICY, b"content-security-policy"}
NO_STORE = (CACHING, b"no-store")
FOR_EVER = (CACHING, f"public, max-age={ONE_YEAR_SECONDS}, immutable".encode())

Pairs = list[tuple[bytes, bytes]]


class Ready(NamedTuple):
    """Headers ready to be sent; ``ours`` are the names of those that no page sets itself."""

    pairs: Pairs
    ours: frozenset[bytes]


class Headers(NamedTuple):
    """What answers get: pages, and files that never change."""

    pages: Ready
    files: Ready


def policy(*, other_origins: Collection[str], with_script: bool = False) -> str:
    """Return the policy of our pages: a form may lead on to other sites of the owner's.

    Browsers ask it for where a form's answer redirects to as well.
    """
    whole = WITH_SCRIPT if with_script else CONTENT_SECURITY_POLICY
    return whole.replace(FORMS, " ".join([FORMS, *other_origins]))


def ready(*, is_https: bool, other_origins: Collection[str] = ()) -> Headers:
    """Return the headers of a deployment."""
    always = {**ALWAYS, "Referrer-Policy": "same-origin"}
    always["Content-Security-Policy"] = policy(other_origins=other_origins)
    if is_https:
        always["Strict-Transport-Security"] = f"max-age={ONE_YEAR_SECONDS}; includeSubDomains"
    pairs = [(name.lower().encode(), value.encode()) for name, value in always.items()]
    of_page, of_file = [*pairs, NO_STORE, (VARY, b"Cookie")], [*pairs, FOR_EVER]
    ours = frozenset(name for name, _ in [*pairs, NO_STORE]) - OF_THE_PAGE
    return Headers(Ready(of_page, ours), Ready(of_file, ours))


def completed(own: Iterable[tuple[bytes, bytes]], more: Ready) -> Pairs:
    """Return a page's own headers with ours, which win.

    But a page may have set a ``Referrer-Policy`` or a ``Content-Security-Policy`` itself, and what
    it varies by is added to ours.
    """
    kept = [(name, value) for name, value in own if name not in more.ours]
    given = {name for name, _ in kept}
    if VARY in given and all(value.lower() != b"cookie" for name, value in kept if name == VARY):
        given.discard(VARY)
    return kept + [(name, value) for name, value in more.pairs if name not in given]
