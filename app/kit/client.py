"""Who is knocking."""

import ipaddress
from dataclasses import dataclass

IPV6_NETWORK_BITS = 64


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
        address = ipaddress.ip_address(self.ip)
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped:
                return str(address.ipv4_mapped)
            return str(ipaddress.ip_network((address.packed, IPV6_NETWORK_BITS), strict=False))
        return str(address)


OPERATOR = Client(ip="127.0.0.1", user_agent="command line", request_id="command-line")
