"""The door before the pages: proxies' checks, and what of the applications' hosts is ours.

The check is the hottest path of all, so it passes no page machinery. No page of ours answers at a
site's address: there only the gate's own do.
"""

import logging
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from quart import Quart

from app.config import Config
from app.flows import gate
from app.flows.gate_check import GatedSite, GateQuestion
from app.gate import answers, entrance
from app.gate.answers import GateAnswer
from app.gate.checks import Checks
from app.gate.heads import CONVENTIONS, ENVOY, Heads, from_envoy, heads_of, origin_of
from app.http.client import NO_ADDRESS, nearest, new_request_id, printable
from app.kit.asgi import HANG_UP, Application
from app.kit.client import Client, is_within, parsed
from app.kit.errors import DatabaseAway
from app.kit.logs import trace
from app.kit.urls import is_loopback
from app.services import EXTENSION, Services
from app.site import load

log = logging.getLogger("app.gate")

ROUTES = (*CONVENTIONS, ENVOY.decode())
OWN = f"{gate.OWN}/"
OF_THE_GATE = (*ROUTES, OWN)
MISDIRECTED = "This server isn't set up for the address you used."
AWAY = "We can't do this right now. Please try again soon."
FAULT = "It's our fault, and it has been logged. Please try again."


class Door:
    """Wraps the pages of an application."""

    def __init__(self, app: Quart, application: Application, config: Config) -> None:
        self._app = app
        self._application = application
        self._config = config
        self._checks = Checks(load(config.site).permissions)
        public = urlsplit(config.public_url)
        self._public = public.netloc.encode()
        self._hostname = public.hostname
        self._is_laptop = is_loopback(public.hostname or "")
        self._is_trusted = lru_cache(maxsize=1024)(self._judge_peer)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Answer what is the gate's, and hand on the rest."""
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        path = scope["path"]
        if not path.startswith(OF_THE_GATE) and not await self._is_site(scope):
            return await self._application(scope, receive, send)
        route = next((each for each in ROUTES if path.startswith(each)), "")
        is_own = path.startswith(OWN)
        inbox: Any = scope.get("extensions", {}).get(HANG_UP)
        if inbox is not None:
            inbox.is_read = False
        try:
            answer = await self._answer(scope, route, is_own=is_own)
        except DatabaseAway as refusal:
            wait = (b"retry-after", str(refusal.retry_after).encode())
            answer = answers.page(503, "Temporarily unavailable", AWAY, more=[wait])
        except Exception:
            log.exception("unexpected fault")
            answer = answers.page(500, "Something went wrong", FAULT)
        if answer is None:
            return await self._application(scope, receive, send)
        await answer.send(send)
        return None

    async def _answer(self, scope: HTTPScope, route: str, *, is_own: bool) -> GateAnswer | None:
        """Return the answer, None if the pages shall answer."""
        given = heads_of(scope)
        peer = parsed((scope.get("client") or (NO_ADDRESS,))[0]) or NO_ADDRESS
        if given is None:
            return self._checks.garbled("a header came twice")
        if not self._is_trusted(peer):
            return self._checks.garbled(f"{peer} is not in TRUSTED_NETWORKS")
        client = self._client(given, peer)
        services: Services = self._app.extensions[EXTENSION]
        if route:
            _trace(client, route)
            return await self._check(scope, given, services, client)
        site = await self._site(scope, given, services)
        if site is None:
            return None
        own = {f"{gate.OWN}/{page}" for page in entrance.PAGES}
        _trace(client, scope["path"] if scope["path"] in own else "-")
        if not is_own:
            return answers.page(421, "Wrong address", MISDIRECTED)
        return await entrance.answer(scope, given, site, services, client)

    async def _check(
        self, scope: HTTPScope, given: Heads, services: Services, client: Client
    ) -> GateAnswer:
        convention = CONVENTIONS.get(scope["path"])
        if convention is None and scope["raw_path"].startswith(ENVOY + b"/"):
            convention = from_envoy
        if convention is None:
            return answers.page(404, "Page not found", "Check the address.")
        return await self._checks.answer(scope, given, services, convention, client)

    async def _site(self, scope: HTTPScope, given: Heads, services: Services) -> GatedSite | None:
        """Return the site at whose address a request came."""
        host = given.get(b"host", b"")
        if host.lower() == self._public:
            return None
        scheme = given.get(b"x-forwarded-proto", scope["scheme"].encode())
        origin = origin_of(scheme, host)
        if origin is None:
            return None
        return (await services.at_gate(GateQuestion(origin))).site

    async def _is_site(self, scope: HTTPScope) -> bool:
        """Whether a page is asked for at a site's address: on a laptop any name leads to us.

        Elsewhere the pages themselves refuse all hosts but the public one. No site is at the
        login's own host, whatever the port: they would share cookies.
        """
        if not self._is_laptop or scope["path"].startswith("/health/"):
            return False
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        if _hostname(host) == self._hostname:
            return False
        given = heads_of(scope)
        if given is None:
            return False
        services: Services = self._app.extensions[EXTENSION]
        try:
            return await self._site(scope, given, services) is not None
        except DatabaseAway:
            return False  # the page says so itself

    def _client(self, given: Heads, peer: str) -> Client:
        forwarded = given.get(b"x-forwarded-for", b"").decode("latin1")
        ip = nearest(peer, [forwarded] if forwarded else [], self._config)
        agent = printable(given.get(b"user-agent", b"").decode("latin1"))
        return Client(ip, agent, new_request_id())

    def _judge_peer(self, peer: str) -> bool:
        return is_within(peer, self._config.proxy_networks)


@lru_cache(maxsize=1024)
def _hostname(host: bytes) -> str | None:
    """Return the name in a Host header, without its port; None if it has none."""
    try:
        return urlsplit(f"//{host.decode('ascii')}").hostname
    except ValueError:
        return None


def _trace(client: Client, route: str) -> None:
    """Let the access log know what is answered, and to whom."""
    seen = trace.get()
    if seen is not None:
        seen.ip, seen.request_id, seen.route = client.ip, client.request_id, route
