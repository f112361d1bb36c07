"""The outermost layer: a line in the access log and a count for every request."""

import logging
import time
from functools import cache

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, HTTPScope, Scope
from prometheus_client import Counter, Histogram

from app.kit.asgi import Application
from app.kit.logs import Trace, trace
from app.kit.metrics import REQUEST_SECONDS, REQUESTS

log = logging.getLogger("app.access")

HUNG_UP = 499  # as nginx says it
QUIET = ("/health/", "/gate/check", "/gate/nginx", "/gate/envoy")  # others ask these, all the time
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
LONGEST_SEGMENT, LONGEST_PATH = 32, 80


class Watched:
    """Wraps an application; counts and, if wanted, logs what it answers."""

    def __init__(self, application: Application, *, access_log: bool) -> None:
        self._application = application
        self._access_log = access_log

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Hand the request on and note its end."""
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        seen = Trace(ip=(scope.get("client") or ("-",))[0])
        token = trace.set(seen)
        status, begun = HUNG_UP, time.perf_counter()

        async def note_status(message: ASGISendEvent) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._application(scope, receive, note_status)
        finally:
            self._note(scope, seen, status, time.perf_counter() - begun)
            trace.reset(token)
        return None

    def _note(self, scope: HTTPScope, seen: Trace, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        _requests(method, seen.route, status).inc()
        _seconds(seen.route).observe(seconds)
        is_quiet = seen.route.startswith(QUIET) and status < HUNG_UP
        if not self._access_log or is_quiet:
            return
        path = seen.route if seen.route != "-" else shown(scope["path"])
        milliseconds = round(seconds * 1000, 1)
        fields = {"method": method, "path": path, "status": status, "ms": milliseconds}
        log.info(
            "%s %s %d, %s ms", method, path, status, milliseconds,
            extra={"fields": {"message": "request", **fields, "ip": seen.ip}},
        )  # fmt: skip


@cache  # bounded as the metrics are: by the routes
def _requests(method: str, route: str, status: int) -> Counter:
    return REQUESTS.labels(method, route, str(status))


@cache
def _seconds(route: str) -> Histogram:
    return REQUEST_SECONDS.labels(route)


def shown(path: str) -> str:
    """Return an address that no page has: short, in plain signs, without a key that was pasted in.

    What somebody sends must fill neither the log nor a line of it with secrets (LG-02, LG-06).
    """
    segments = (part if len(part) <= LONGEST_SEGMENT else "..." for part in path.split("/"))
    text = "/".join(segments)[:LONGEST_PATH]
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text)
