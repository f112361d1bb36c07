"""The head of a request as the gate reads it, and what proxies say of another one in it.

Two conventions: nginx's ``X-Original-URL`` and ``X-Original-Method``; and ``X-Forwarded-`` with
``Method``, ``Proto``, ``Host`` and ``Uri``, of Caddy, Traefik and HAProxy. Envoy sends its own
method, host and path behind a prefix. A header that comes twice is nobody's word.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from hypercorn.typing import HTTPScope

from app.http.csrf import OWN_SITES, SAFE_METHODS
from app.kit.urls import normal_origin

ENVOY = b"/gate/envoy"
HOST_LONGEST, URL_LONGEST = 255, 8192
READ = frozenset({
    b"accept", b"authorization", b"cookie", b"host", b"origin", b"sec-fetch-mode",
    b"sec-fetch-site", b"sec-websocket-key", b"user-agent", b"x-forwarded-for", b"x-forwarded-host",
    b"x-forwarded-method", b"x-forwarded-proto", b"x-forwarded-uri", b"x-original-method",
    b"x-original-url", b"x-requested-with",
})  # fmt: skip
JOINED = {b"accept": b", ", b"cookie": b"; ", b"x-forwarded-for": b", "}
_METHOD = re.compile(rb"[A-Z]{1,20}")
_URL = re.compile(rb"(?P<scheme>https?)://(?P<host>[^/?#@\s]+)(?P<path>/.*)?")
_SCHEMES = {b"http": "http", b"https": "https", b"ws": "http", b"wss": "https"}

Heads = Mapping[bytes, bytes]


class Check(NamedTuple):
    """The request that a proxy asks about. ``target``: path and query as they came."""

    origin: str
    method: str
    target: bytes

    @property
    def path(self) -> bytes:
        """The path without the query."""
        return self.target.partition(b"?")[0]


def heads_of(scope: HTTPScope) -> Heads | None:
    """Return the headers that the gate reads, None if one comes twice that must not."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name not in READ:
            continue
        if name not in found:
            found[name] = value
        elif name in JOINED:
            found[name] += JOINED[name] + value
        else:
            return None
    return found


def from_nginx(scope: HTTPScope, heads: Heads) -> Check | None:
    """Return what nginx asks about, None if it is garbled."""
    del scope
    url, method = heads.get(b"x-original-url", b""), heads.get(b"x-original-method", b"")
    found = _URL.fullmatch(url) if len(url) <= URL_LONGEST else None
    return found and _check(found["scheme"], found["host"], method, found["path"] or b"/")


def from_forwarded(scope: HTTPScope, heads: Heads) -> Check | None:
    """Return what Caddy, Traefik or HAProxy asks about, None if it is garbled."""
    del scope
    return _check(
        heads.get(b"x-forwarded-proto", b""),
        heads.get(b"x-forwarded-host", b""),
        heads.get(b"x-forwarded-method", b""),
        heads.get(b"x-forwarded-uri", b""),
    )


def from_envoy(scope: HTTPScope, heads: Heads) -> Check | None:
    """Return what Envoy asks about, None if it is garbled."""
    target = scope["raw_path"].removeprefix(ENVOY)
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    return _check(
        heads.get(b"x-forwarded-proto", b""),
        heads.get(b"host", b""),
        scope["method"].encode(),
        target,
    )


Convention = Callable[[HTTPScope, Heads], Check | None]
CONVENTIONS: Mapping[str, Convention] = {
    "/gate/check": from_forwarded,
    "/gate/nginx": from_nginx,
}


@lru_cache(maxsize=1024)
def origin_of(scheme: bytes, host: bytes) -> str | None:
    """Return where a request went, in the one form that a site's row has; None if it is garbled."""
    name = _SCHEMES.get(scheme)
    if name is None or not host or len(host) > HOST_LONGEST or b"/" in host:
        return None
    try:
        return normal_origin(f"{name}://{host.decode('ascii')}")
    except ValueError:
        return None


def is_browser_page(method: str, heads: Heads) -> bool:
    """Whether a browser wants to show a page, so that it may be sent elsewhere."""
    if b"text/html" not in heads.get(b"accept", b"") or b"sec-websocket-key" in heads:
        return False
    is_navigation = heads.get(b"sec-fetch-mode", b"navigate") == b"navigate"
    return is_navigation and b"x-requested-with" not in heads and method != "OPTIONS"


def is_from_script(heads: Heads) -> bool:
    """Whether no browser of people asks: it can be told of tokens."""
    return not (heads.keys() & {b"sec-fetch-site", b"sec-fetch-mode", b"x-requested-with"})


def is_foreign(check: Check, heads: Heads) -> bool:
    """Whether a page of another site may have caused a request that does something.

    A WebSocket does, though its handshake is a GET. ``Sec-Fetch-Site`` decides where the browser
    sends it, else ``Origin``; with neither it is foreign.
    """
    if check.method in SAFE_METHODS and b"sec-websocket-key" not in heads:
        return False
    site = heads.get(b"sec-fetch-site")
    if site is not None:
        return site.decode("latin1") not in OWN_SITES
    return heads.get(b"origin", b"").decode("latin1") != check.origin


def _check(scheme: bytes, host: bytes, method: bytes, target: bytes) -> Check | None:
    origin = origin_of(scheme, host)
    is_sound = target.startswith(b"/") and len(target) <= URL_LONGEST and b"#" not in target
    if origin is None or not is_sound or not _METHOD.fullmatch(method):
        return None
    return Check(origin, method.decode(), target)
