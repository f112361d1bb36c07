"""Forms of other sites are refused, without tokens: the browser says where a request comes from."""

from quart import Request
from werkzeug.exceptions import Forbidden

from app.house import house

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})


def refuse_foreign(request: Request) -> None:
    """Refuse an unsafe request that another site may have caused (CS-01, CS-02).

    ``Sec-Fetch-Site`` decides where the browser sends it, else ``Origin``. With neither it is no
    browser, or one too old to be trusted with a cookie.
    """
    if request.method not in SAFE_METHODS and not _is_ours(request):
        raise Forbidden(
            "This form was sent from another site, or by a browser that hides where it was. "
            "Nothing was done. Open the page here and send it again."
        )


def _is_ours(request: Request) -> bool:
    sites = request.headers.getlist("Sec-Fetch-Site")
    if sites:
        return len(sites) == 1 and sites[0] in OWN_SITES
    origins = request.headers.getlist("Origin")
    if origins:
        return origins == [house().config.public_url]
    return "Cookie" not in request.headers
