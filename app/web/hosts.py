"""Only requests that are meant for us: the Host must be the public one (PX-02)."""

import re
from urllib.parse import urlsplit

from quart import request
from werkzeug.exceptions import MisdirectedRequest

from app.house import house
from app.kit.urls import is_loopback

UNCHECKED = "health."  # the machines beside us knock by address
_HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]+|\[(?P<address>[0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")


async def refuse_foreign() -> None:
    """Refuse a Host that is not ``PUBLIC_URL``'s; on a laptop any name of this machine will do."""
    if (request.endpoint or "").startswith(UNCHECKED):
        return
    public = urlsplit(house().config.public_url).hostname or ""
    host = _host_name()
    both_here = is_loopback(public) and is_loopback(host)
    if not both_here and host != public:
        raise MisdirectedRequest


def _host_name() -> str:
    hosts = request.headers.getlist("Host")
    found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return (found["address"] or found["name"]).lower() if found else ""
