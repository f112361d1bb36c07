"""What stands before an application: configurations of proxies, ready to be copied."""

import re
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(__file__).parent
FILES = {
    "nginx": "nginx.conf",
    "caddy": "Caddyfile",
    "traefik": "traefik.yml",
    "haproxy": "haproxy.cfg",
    "haproxy-lua": "vestibule.lua",
    "envoy": "envoy.yaml",
}
APPLICATION, LOGIN = "127.0.0.1:3000", "127.0.0.1:8000"


def sample(proxy: str, *, origin: str, application: str = APPLICATION, login: str = LOGIN) -> str:
    """Return a configuration for a site; ``application`` and ``login`` are where each listens."""
    parts = urlsplit(origin)
    host, is_https = parts.hostname or "", parts.scheme == "https"
    facts = {
        "ORIGIN": origin,
        "SCHEME": parts.scheme,
        "HOST": host,
        "NETLOC": parts.netloc,
        "LISTEN": f"{parts.port or 443} ssl" if is_https else str(parts.port or 80),
        "BIND": f":{parts.port or 443} ssl crt /etc/haproxy/certs/"
        if is_https
        else f":{parts.port or 80}",
        "SLUG": re.sub(r"[^a-z0-9]+", "-", host).strip("-") or "site",
        "APPLICATION": application,
        "LOGIN": login,
        **_host_and_port("APPLICATION", application),
        **_host_and_port("LOGIN", login),
    }
    text = (FOLDER / FILES[proxy]).read_text()
    return re.sub(r"@([A-Z_]+)@", lambda found: facts[found[1]], text)


def _host_and_port(name: str, address: str) -> dict[str, str]:
    host, _, port = address.rpartition(":")
    return {f"{name}_HOST": host or address, f"{name}_PORT": port or "80"}
