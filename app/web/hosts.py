"""Only requests that are meant for us: the Host must be the public one (SECURITY.md PX-02)."""

from urllib.parse import urlsplit

from quart import request
from werkzeug.exceptions import MisdirectedRequest

from app.house import house
from app.kit.urls import is_loopback

UNCHECKED = "health."  # the machines beside us knock by address


async def refuse_foreign() -> None:
    """Refuse a Host that is not ``PUBLIC_URL``'s; on a laptop any name of this machine will do."""
    if (request.endpoint or "").startswith(UNCHECKED):
        return
    public = urlsplit(house().config.public_url)
    host = _host_name()
    both_here = is_loopback(public.hostname or "") and is_loopback(host)
    if not both_here and host != public.hostname:
        raise MisdirectedRequest


def _host_name() -> str:
    hosts = request.headers.getlist("Host")
    try:
        return urlsplit(f"//{hosts[0]}").hostname or "" if len(hosts) == 1 else ""
    except ValueError:
        return ""
