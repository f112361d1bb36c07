"""The mail server that takes our emails, as ``SMTP_URL`` names it."""

from typing import Literal, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from app.kit.urls import is_loopback, refuse_raw_signs

DEFAULT_PORTS = {"smtp": 587, "smtps": 465}
_WAYS = {"starttls": "STARTTLS", "implicit": "TLS", "none": "no TLS"}
EXAMPLE = "must be an address like smtp://user@mail.example.com:587 or smtps://user@host"


class Relay(NamedTuple):
    """Where emails are handed over; TLS from the start, by STARTTLS, or not at all."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    username: str | None
    password: str | None

    def __str__(self) -> str:
        """Return where it is and how safe the way there, for the log: never the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port} ({_WAYS[self.tls]})"


def relay_of(url: str, password: str | None = None) -> Relay:
    """Read an ``SMTP_URL``; ``password``, if given, is put into it.

    TLS is demanded unless the address says ``?tls=none``; a password is never sent without it,
    but to this machine itself.

    Raises:
        ValueError: it is no such address.
    """
    refuse_raw_signs(url, setting="SMTP_PASSWORD")
    parts, port = _split(url)
    plain = parts.query == "tls=none" and parts.scheme == "smtp"
    if parts.query and not plain:
        raise ValueError("supports only one option: smtp://host:25?tls=none")
    if parts.password and not parts.username:
        raise ValueError("has a password but no username: smtp://user@host")
    password = password or (unquote(parts.password) if parts.password else None)
    host = parts.hostname or ""
    if plain and (parts.username or password) and not is_loopback(host):
        raise ValueError("would send the password unencrypted; remove ?tls=none")
    return Relay(
        host=host,
        port=port,
        tls="none" if plain else "implicit" if parts.scheme == "smtps" else "starttls",
        username=unquote(parts.username) if parts.username else None,
        password=password,
    )


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(EXAMPLE) from None
    is_whole = parts.path in {"", "/"} and not parts.fragment
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or not is_whole:
        raise ValueError(EXAMPLE)
    return parts, port or DEFAULT_PORTS[parts.scheme]
