"""Addresses: of the site, of the database, and the local pages that a ``next`` may name."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import quote, unquote, urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.kit.authorities import driver_options

LOCAL_PATH_LONGEST = 2000
ASYNCPG_OPTIONS = {"dsn", "host", "port", "ssl", "target_session_attrs", "passfile", "service"}
_SEVERAL_HOSTS = re.compile(
    r"(?P<before>[a-z+]+://(?:[^@/?]*@)?)(?P<hosts>[^/?@]*,[^/?@]*)(?P<after>/.*)"
)
POSTGRES_PORT = 5432
PORT_MOST = 65535
_RAW_SIGN = re.compile(r"[@/:?#\[\]]|%(?![0-9A-Fa-f]{2})")
_PORT = re.compile(r":[0-9]+$")
# A path of this site, as a browser reads it too: one slash first, no second one and no backslash
# after it anywhere, no control characters, ASCII only (RD-01, L25).
_LOCAL_PATH = re.compile(
    r"(?:/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)


_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]*[a-z0-9]|\[[0-9a-f:.]+\])(?P<port>:[0-9]{1,5})?/?",
    re.IGNORECASE,
)
_USUAL_PORTS = {"https": ":443", "http": ":80"}
_QUERY_SAFE = "/._~!$&'()*+,;=:@-?%"
# What browsers send in a query or a path as it is, though no address may have it (RFC 3986).
_SENT_RAW = str.maketrans({sign: quote(sign) for sign in '"<>[]^`{|}'})


def local_path(text: str | None) -> str | None:
    """Return ``text`` if it is a path of this site by the strict pattern, else None."""
    if not text or len(text) > LOCAL_PATH_LONGEST or not _LOCAL_PATH.fullmatch(text):
        return None
    return text


def wanted_path(text: str | None) -> str | None:
    """Return a path of this site that somebody named as browsers show it, judged when quoted."""
    return local_path(text.translate(_SENT_RAW)) if text else None


def wanted_address(text: str | None, origins: Collection[str]) -> str | None:
    """Return a path of this site, or an address on one of the other ``origins``, exactly these.

    After the origin a path by the same strict pattern must follow: nothing can make a browser read
    another host in it.
    """
    for origin in origins:
        if text and (text == origin or text.startswith(f"{origin}/")):
            path = wanted_path(text.removeprefix(origin) or "/")
            return None if path is None else origin + path
    return wanted_path(text)


def origin_of(url: str) -> str | None:
    """Return the origin of an address, None if it is a path of this site."""
    if local_path(url) is not None:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def quoted_path(path: str, query: bytes) -> str:
    """Return a decoded path and a query as it came as one address, for ``local_path`` to judge."""
    asked = quote(path, safe="/._~!$&'()*+,;=:@-")
    return f"{asked}?{quote(query, safe=_QUERY_SAFE)}" if query else asked


def normal_origin(text: str, *, allow_http: bool = False) -> str:
    """Return where a site is, as browsers say it in ``Origin``: without its usual port.

    ``allow_http``: on other machines too.

    Raises:
        ValueError: it is no origin, or one of plain http on another machine.
    """
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError(
            "must be an address like https://login.example.com, without a path or query"
        )
    if int((found["port"] or ":0")[1:]) > PORT_MOST:
        raise ValueError(f"must have a port of at most {PORT_MOST}")
    is_plain = found["scheme"].lower() == "http" and not allow_http
    if is_plain and not is_loopback(found["host"].strip("[]").lower()):
        raise ValueError(
            "must start with https:// (plain http works only on this machine, or with "
            "ALLOW_HTTP=true)"
        )
    return text.rstrip("/").lower().removesuffix(_USUAL_PORTS[found["scheme"].lower()])


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_ip_address(host: str) -> bool:
    """Whether ``host`` is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of ``127.0.0.1:8000`` or ``[::1]:8000``.

    Raises:
        ValueError: it is neither.
    """
    parts = urlsplit(f"//{text}")
    more = parts.path or parts.query or parts.fragment or parts.username is not None
    if parts.hostname and not more and parts.port is None and not text.endswith(":"):
        raise ValueError(f"has no port; write {text}:8000")
    if not parts.hostname or parts.port is None or more:
        raise ValueError("must be an address and a port, like 127.0.0.1:8000")
    return parts.hostname, parts.port


def refuse_raw_signs(url: str, *, setting: str) -> None:
    """Refuse an address whose username or password has a sign that would cut it in two.

    ``setting``: where the password may stand as it is.

    Raises:
        ValueError: it has one; the message says how to write it.
    """
    credentials = url.partition("://")[2].rpartition("@")[0]
    name, _, password = credentials.partition(":")
    found = _RAW_SIGN.search(name) or _RAW_SIGN.search(password)
    if found is None and "\ufffd" in unquote(credentials):
        found = re.search("%", credentials)
    if found is not None:
        raise ValueError(
            f"has a {found[0]} in its username or password, which must be written as "
            f"%{ord(found[0]):02X}; or set the password unchanged in {setting}"
        )


def asyncpg_url(text: str) -> str:
    """Return any ``postgres://`` or ``postgresql://`` address as one for asyncpg.

    Several hosts, as libpq writes them (``//user@one,two:5433/name``), mean one database with
    replicas: the primary among them is asked, unless ``target_session_attrs`` says otherwise.

    Raises:
        ValueError: it is no address of a PostgreSQL database.
    """
    refuse_raw_signs(text, setting="DATABASE_PASSWORD")
    try:
        several = _SEVERAL_HOSTS.fullmatch(text)
        url = make_url(several["before"] + several["after"] if several else text)
    except (ArgumentError, ValueError):
        raise ValueError("must be an address like postgresql://user@host/name") from None
    is_postgres = url.drivername.split("+")[0] in {"postgres", "postgresql"}
    if not is_postgres or not url.database or (url.port or 1) > PORT_MOST:
        raise ValueError("must be an address like postgresql://user@host/name")
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    query = driver_options(query)
    unknown = sorted(set(query) - ASYNCPG_OPTIONS)
    if unknown:
        raise ValueError(f"has unknown options: {', '.join(unknown)}")
    if several:
        hosts = several["hosts"].split(",")
        if "" in hosts:
            raise ValueError("must be written like postgresql://user@one,two:5432/name")
        given = tuple(host if _PORT.search(host) else f"{host}:{POSTGRES_PORT}" for host in hosts)
        query = {"target_session_attrs": "primary", **query, "host": given}
    url = url.set(drivername="postgresql+asyncpg", query=query)
    return url.render_as_string(hide_password=False)
