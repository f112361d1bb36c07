"""WebSockets of a site's own pages: closed by default, as pages are, for as long as they stay open.

No page of ours has one; without any, each is refused at the door.
"""

import asyncio
from typing import Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, WebsocketScope
from quart import Quart, Response, current_app, websocket
from quart.asgi import ASGIWebsocketConnection
from quart.typing import ResponseTypes
from quart.wrappers import Websocket

from app.config import Config
from app.http import client, csrf
from app.http.access import missing
from app.http.current_user import CurrentUser, resolve
from app.http.host import Hosts
from app.http.marks import is_open, needed
from app.kit.permissions import covers
from app.services import EXTENSION, Services

CHECKED_SECONDS = 5.0  # how long a socket outlives its session at most
POLICY_VIOLATION = 1008
PAGE = "vestibule.page"  # in a socket's scope: who stands behind it, and which page it is


class NoWebsockets:
    """Closes every WebSocket at the door."""

    def __init__(self, app: Quart, scope: WebsocketScope) -> None:
        """Take what Quart hands over; nothing of it is needed."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:  # noqa: ARG002 - the protocol
        """Refuse the handshake."""
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": None})


class GuardedWebsocket(ASGIWebsocketConnection):
    """Closes a WebSocket whose user was signed out, blocked or demoted meanwhile."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve, and look again and again whether the user may still be here."""
        works = (
            self.handle_messages(receive),
            self.handle_websocket(self._create_websocket_from_scope(send), send),
            self._watch(send),
        )
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:  # what the page does must not outlive its socket
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _watch(self, send: ASGISendCallable) -> None:
        """Return when the user may not be here any more, and the socket is closed."""
        services: Services = self.app.extensions[EXTENSION]
        while True:
            await asyncio.sleep(CHECKED_SECONDS)
            secret, permission = cast("Any", self.scope).get(PAGE, (None, None))
            if secret is None:
                continue
            session = await services.signed_in(secret)
            if session is None or not covers(session.permissions, permission or 0):
                break
        if not self._closed:
            self._closed = True
            await send(
                {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "signed out"}
            )


def register(app: Quart, config: Config) -> None:
    """Guard the WebSockets that there are by now, or refuse all."""
    if not any(rule.websocket for rule in app.url_map.iter_rules()):
        app.asgi_websocket_class = NoWebsockets
        return
    app.asgi_websocket_class = GuardedWebsocket
    hosts = Hosts(config.public_url)

    @app.before_websocket
    async def check() -> ResponseTypes | None:
        asked: Websocket = cast("Any", websocket)._get_current_object()  # noqa: SLF001 - documented
        client.introduce(asked)
        hosts.refuse_foreign(asked)
        if not csrf.is_own(asked.headers.getlist("Origin")):
            return Response("Open this WebSocket from a page of this site.\n", 403)
        return _demand_login(asked, await resolve())


def _demand_login(asked: Websocket, user: CurrentUser) -> ResponseTypes | None:
    page = current_app.view_functions.get(asked.endpoint or "")
    if page is None or is_open(page):
        return None
    if user.session is None:
        return Response("Sign in first.\n", 401)
    permission = needed(page)
    if permission is not None and not user.can(permission):
        return Response("Your account doesn't have permission to do this.\n", 403)
    lacks = missing(page, user.session)
    if lacks is not None:
        return Response(f"{lacks or 'Show your password again first.'}\n", 403)
    cast("Any", asked.scope)[PAGE] = user.auth_id, permission
    return None
