"""Who sends this request: address, browser, and an id for the log."""

import ipaddress
import secrets

from quart import g, request

from app.house import house
from app.kit.client import Client
from app.kit.logs import request_id

USER_AGENT_LONGEST = 400
NO_ADDRESS = "127.0.0.1"  # a Unix socket: somebody on this machine


async def introduce() -> None:
    """Note the client at the beginning of a request."""
    g.client = Client(_ip(), _user_agent(), secrets.token_hex(8))
    request_id.set(g.client.request_id)


def client() -> Client:
    """Return who sent this request."""
    found: Client = g.client
    return found


def _ip() -> str:
    """Return the entry of X-Forwarded-For that our outermost own proxy wrote, else the peer.

    The peer comes from the connection: a header named ``Remote-Addr`` is anybody's.
    """
    peer = (request.scope.get("client") or [NO_ADDRESS])[0]
    hops = house().config.trusted_proxies
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For")).split(",")
    claimed = forwarded[-hops].strip() if 0 < hops <= len(forwarded) else peer
    return _parsed(claimed) or _parsed(peer) or NO_ADDRESS


def _parsed(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        address = ipaddress.IPv6Address(address.packed)  # without a zone
    return str(address)


def _user_agent() -> str:
    text = request.headers.get("User-Agent", "")[:USER_AGENT_LONGEST]
    return "".join(letter if letter.isprintable() else "?" for letter in text)
