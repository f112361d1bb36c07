"""Who sends this request: address, browser, and an id for the log."""

import random
from collections.abc import Iterable

from quart import g
from quart.wrappers import BaseRequestWebsocket

from app.config import Config
from app.kit.client import Client, is_within, parsed
from app.kit.logs import trace
from app.services import services

USER_AGENT_LONGEST = 400
NO_ADDRESS = "127.0.0.1"  # a Unix socket: somebody on this machine


def introduce(request: BaseRequestWebsocket) -> None:
    """Note the client at the beginning of a request."""
    agent = printable(request.headers.get("User-Agent", ""))
    who = g.client = Client(_ip(request), agent, new_request_id())
    seen = trace.get()
    if seen is not None:
        seen.request_id, seen.ip = who.request_id, who.ip
        seen.route = request.url_rule.rule if request.url_rule else seen.route


def client() -> Client:
    """Return who sent this request."""
    found: Client = g.client
    return found


def nearest(peer: str | None, forwarded: Iterable[str], config: Config) -> str:
    """Return the nearest address that is not one of our proxies (PX-01).

    Beginning with the peer, each proxy that stands in a trusted network is believed what it says
    of who came to it, up to as many as there are. The peer comes from the connection: a header
    named ``Remote-Addr`` is anybody's.
    """
    address = parsed(peer or NO_ADDRESS) or NO_ADDRESS
    if not config.trusted_proxies:
        return address
    said = ",".join(forwarded)
    if not said:
        return address
    for claimed in said.split(",")[: -config.trusted_proxies - 1 : -1]:
        nearer = parsed(claimed)
        if nearer is None or not is_within(address, config.proxy_networks):
            break
        address = nearer
    return address


def new_request_id() -> str:
    """Return 16 hexadecimal digits: nobody must guess them, only tell requests apart."""
    return f"{random.getrandbits(64):016x}"


def printable(user_agent: str) -> str:
    """Return what a browser says of itself as far as it may be kept."""
    text = user_agent[:USER_AGENT_LONGEST]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)


def _ip(request: BaseRequestWebsocket) -> str:
    peer = (request.scope.get("client") or [NO_ADDRESS])[0]
    return nearest(peer, request.headers.getlist("X-Forwarded-For"), services().config)
