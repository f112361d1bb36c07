"""What of an application's host is ours: where a browser gets in, and keeps its cookie there."""

import secrets
from urllib.parse import parse_qs, urlencode

from hypercorn.typing import HTTPScope

from app.context import Context
from app.flows import gate
from app.flows.gate_check import GatedSite
from app.gate import answers
from app.gate.answers import GateAnswer
from app.gate.credentials import SESSION, START, cookie
from app.gate.heads import Heads
from app.http.cookies import cookie_name_at
from app.kit.client import Client
from app.kit.gate_errors import GateExpired
from app.services import Services
from app.words.refusals import sentence

PAGES = ("start", "enter", "sign-out")
SECRET_BYTES = 32


async def answer(
    scope: HTTPScope, given: Heads, site: GatedSite, services: Services, client: Client
) -> GateAnswer:
    """Answer a request for one of our pages on an application's host.

    Raises:
        DatabaseAway: it does not answer.
    """
    page = scope["path"].removeprefix(f"{gate.OWN}/")
    if page not in PAGES:
        return answers.page(404, "Page not found", "Check the address.")
    if scope["method"] not in {"GET", "HEAD"}:
        allow = [(b"allow", b"GET, HEAD")]
        return answers.page(405, "Action not allowed", "Open this page.", more=allow)
    asked = parse_qs(scope["query_string"].decode("latin1"), max_num_fields=10)
    if page == "sign-out":
        return answers.redirect(f"{services.config.public_url}/logout")
    if page == "start":
        return _start(given, site, services, _one(asked, "to"))
    return await _enter(given, site, services, client, _one(asked, "ticket"))


def _start(given: Heads, site: GatedSite, services: Services, to: str) -> GateAnswer:
    """Let the browser keep a nonce, and send it to the login. Two tabs share one nonce."""
    nonce = cookie(given, site.origin, START) or secrets.token_urlsafe(SECRET_BYTES)
    path = gate.page_there(to)
    state = gate.new_state(services.config, site_id=site.id, nonce=nonce, path=path)
    url = f"{services.config.public_url}/gate?{urlencode({'state': state})}"
    kept = _set_cookie(site.origin, START, nonce, seconds=gate.START_MINUTES * 60)
    return answers.redirect(url, status=302, more=[kept])


async def _enter(
    given: Heads, site: GatedSite, services: Services, client: Client, ticket: str
) -> GateAnswer:
    nonce = cookie(given, site.origin, START) or ""
    try:
        async with services.session() as db:
            ctx = Context(db, services.config, services.hasher, client)
            entered = await gate.enter(
                ctx, site_id=site.id, site=site.name, ticket=ticket, nonce=nonce
            )
    except GateExpired as refusal:
        return answers.page(410, "Please try again", sentence(refusal), link="/")
    kept = _set_cookie(site.origin, SESSION, entered.secret, seconds=entered.seconds)
    return answers.redirect(f"{site.origin}{entered.path}", more=[kept])


def _one(asked: dict[str, list[str]], name: str) -> str:
    found = asked.get(name, [])
    return found[0] if len(found) == 1 else ""


def _set_cookie(origin: str, name: str, value: str, *, seconds: int | None) -> tuple[bytes, bytes]:
    parts = [f"{cookie_name_at(origin, name)}={value}", "HttpOnly", "Path=/", "SameSite=Lax"]
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    if origin.startswith("https://"):
        parts.append("Secure")
    return b"set-cookie", "; ".join(parts).encode()
