"""Who is knocking."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

IPV6_NETWORK_BITS = 64
IPV6_WIDER = {56: 4, 48: 16}  # what one customer may get, and how many times as much room it has
ADDRESSES_REMEMBERED = 4096
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*:[^\]]*)\](?::[0-9]{1,5})?|(?P<four>[0-9.]+):[0-9]{1,5}")


@dataclass(frozen=True)
class Client:
    """One request's sender.

    ``ip`` is a parsed address as text; ``user_agent`` is what the browser says of itself, at most
    400 printable characters; ``request_id`` is ours and stands in the log and on error pages.
    """

    ip: str
    user_agent: str
    request_id: str

    @property
    def network(self) -> str:
        """The network that throttles count as one: IPv4 /32, IPv6 /64 (BF-04)."""
        return _network(self.ip, IPV6_NETWORK_BITS)

    @property
    def wider_networks(self) -> list[tuple[str, int]]:
        """The networks around an IPv6 one that may be one user's too, and their times of room."""
        if ":" not in self.network:
            return []
        return [(_network(self.ip, bits), times) for bits, times in IPV6_WIDER.items()]

    @property
    def group(self) -> str:
        """The widest network that may be one user's: who comes from it shares one turn."""
        return _network(self.ip, min(IPV6_WIDER))


def _network(ip: str, bits: int) -> str:
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address.packed, bits), strict=False))
    return str(address)


@lru_cache(maxsize=ADDRESSES_REMEMBERED)
def parsed(text: str) -> str | None:
    """Return an address in its one form, without port and zone; None if it is none.

    Some proxies write ``192.0.2.1:4711``, ``[2001:db8::1]`` and ``[2001:db8::1]:4711``.
    """
    found = _WITH_PORT.fullmatch(text.strip())
    try:
        address = ipaddress.ip_address((found["six"] or found["four"]) if found else text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.IPv6Address(address.packed))
    return str(address)


def is_within(ip: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether an address belongs to one of the networks."""
    address = ipaddress.ip_address(ip)
    return any(address in network for network in networks)


OPERATOR = Client(ip="127.0.0.1", user_agent="command line", request_id="command-line")
