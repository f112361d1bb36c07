"""Forms of other sites are refused, without tokens: the browser says where a request comes from."""

from collections.abc import Sequence

from quart import Request
from werkzeug.exceptions import Forbidden

from app.http import kept_links
from app.http.asked import asked
from app.services import services

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})
HIDDEN_ORIGIN = "null"


def refuse_foreign(unsafe: Request) -> None:
    """Refuse an unsafe request that another site may have caused (CS-01, CS-02).

    ``Sec-Fetch-Site`` decides where the browser sends it, else ``Origin``. With neither it is
    refused, cookie or not: the login form of another site comes without one (login CSRF).
    """
    if unsafe.method in SAFE_METHODS:
        return
    sites, origins = (unsafe.headers.getlist(name) for name in ("Sec-Fetch-Site", "Origin"))
    if not sites and not origins:
        raise Forbidden(
            "Your browser doesn't say where this form came from, so nothing was done. Please "
            "use a newer browser. Scripts must send the header "
            f"Origin: {services().config.public_url}"
        )
    if not (_is_ours(sites, OWN_SITES) if sites else _is_ours(origins, own_origins())):
        raise Forbidden(
            "This form came from another site, or your browser hides where it came from. "
            "Nothing was done. Open the page here and submit it again."
        )


def _is_ours(said: list[str], ours: frozenset[str]) -> bool:
    return len(said) == 1 and said[0] in ours


def is_own(origins: Sequence[str]) -> bool:
    """Whether a WebSocket comes from a page of ours: it says so in one ``Origin``."""
    return len(origins) == 1 and origins[0] in own_origins()


def own_origins() -> frozenset[str]:
    """Return what ``Origin`` may say: the public address, on a laptop the one that was opened.

    Where a browser hides it, the cookie of a link shows that the form is that link's page: it is
    ``SameSite=Lax``, so no form of another site brings it along.
    """
    own = {services().config.public_url}
    if not services().config.is_https:  # a laptop: the Host is one of its own names too
        own.add(f"http://{asked().headers.get('Host', '')}")
    link = kept_links.of_page()
    if link is not None and link.is_kept:
        own.add(HIDDEN_ORIGIN)
    return frozenset(own)
