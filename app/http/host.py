"""Only requests that are meant for us: the Host must be the public one (PX-02)."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from quart.wrappers import BaseRequestWebsocket
from werkzeug.exceptions import MisdirectedRequest

from app.kit.urls import is_loopback

NAMES_REMEMBERED = 1024
UNCHECKED = "health."  # the machines beside us knock by address
_HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]+|\[(?P<address>[0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")


class Hosts:
    """Knows the public host; on a laptop any name of this machine will do."""

    def __init__(self, public_url: str) -> None:
        self._public = urlsplit(public_url).hostname or ""
        self._is_ours = lru_cache(maxsize=NAMES_REMEMBERED)(self._judge)

    def refuse_foreign(self, request: BaseRequestWebsocket) -> None:
        """Refuse a Host that is not ``PUBLIC_URL``'s."""
        if (request.endpoint or "").startswith(UNCHECKED):
            return
        hosts = request.headers.getlist("Host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            raise MisdirectedRequest

    def _judge(self, text: str) -> bool:
        found = _HOST.fullmatch(text)
        host = (found["address"] or found["name"]).lower() if found else ""
        return host == self._public or (is_loopback(self._public) and is_loopback(host))
