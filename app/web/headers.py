"""The headers of every answer (HD-01 to HD-03)."""

from collections.abc import Iterable
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
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ONE_YEAR_SECONDS = 31536000
REFERRER_POLICY, CACHING, VARY = b"referrer-policy", b"cache-control", b"vary"
NO_STORE = (CACHING, b"no-store")
FOR_EVER = (CACHING, f"public, max-age={ONE_YEAR_SECONDS}, immutable".encode())

Pairs = list[tuple[bytes, bytes]]


class Headers(NamedTuple):
    """What answers get, ready to be sent: those of pages, and those of files that never change."""

    pages: Pairs
    files: Pairs


def ready(*, is_https: bool) -> Headers:
    """Return the headers of a deployment."""
    always = {**ALWAYS, "Referrer-Policy": "same-origin"}
    if is_https:
        always["Strict-Transport-Security"] = f"max-age={ONE_YEAR_SECONDS}; includeSubDomains"
    pairs = [(name.lower().encode(), value.encode()) for name, value in always.items()]
    return Headers([*pairs, NO_STORE, (VARY, b"Cookie")], [*pairs, FOR_EVER])


def completed(own: Iterable[tuple[bytes, bytes]], more: Pairs) -> Pairs:
    """Return a page's own headers with ours, which win.

    But a page may have set a ``Referrer-Policy`` itself, and what it varies by is added to ours.
    """
    names = {name for name, _ in more} - {REFERRER_POLICY, VARY}
    kept = [(name, value) for name, value in own if name not in names]
    given = {name for name, _ in kept}
    if VARY in given and all(value.lower() != b"cookie" for name, value in kept if name == VARY):
        given.discard(VARY)
    return kept + [(name, value) for name, value in more if name not in given]
