"""For ``python -m app doctor``: that it is us who answer, and what arrives here."""

from quart import Blueprint, Response, abort, g, jsonify, request

from app.http.marks import anyone
from app.kit import probe
from app.kit.client import Client, parsed
from app.kit.probe import Hops
from app.services import services

pages = Blueprint("doctor", __name__, url_prefix=probe.PATH)

COOKIE_SECONDS = 60


@pages.get("/<sealed>")
@anyone
async def answer(sealed: str) -> Response:
    """Answer whoever has our secret key, and asks now; for everybody else nothing is here."""
    config = services().config
    nonce = probe.asked(config.signing_keys, sealed)
    if nonce is None:
        abort(404)
    name = probe.cookie_name(is_https=config.is_https)
    seen = Hops(
        client=_client().ip,
        peer=parsed((request.scope.get("client") or [""])[0]) or "",
        forwarded=_forwarded(),
        cookie=request.cookies.get(name, ""),
    )
    response: Response = jsonify(
        proof=probe.check_password(config.signing_keys, nonce), **seen._asdict()
    )
    response.content_type = "application/json; charset=utf-8"
    response.set_cookie(
        name,
        nonce,
        max_age=COOKIE_SECONDS,
        secure=config.is_https,
        httponly=True,
        samesite="Lax",
    )
    return response


def _client() -> Client:
    found: Client = g.client
    return found


def _forwarded() -> list[str]:
    """Return what the proxies say, the nearest last."""
    text = ",".join(request.headers.getlist("X-Forwarded-For"))
    return [part.strip() for part in text.split(",") if part.strip()]
