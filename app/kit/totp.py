"""Codes of authenticator apps (RFC 6238), and the ``otpauth:`` addresses that apps read."""

import base64
import binascii
import hmac
import re
import secrets
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

SECRET_BYTES = 20  # RFC 4226, 4: 160 bits
WINDOW = 1  # steps before and after the present one
ALGORITHMS = ("sha1", "sha256", "sha512")
_CODE = re.compile(r"[0-9]{6}|[0-9]{8}")
_SECRET_LEAST, _SECRET_MOST = 10, 64  # bytes; exports of old applications have 80 bits
_PERIODS = range(15, 121)


class WrongOtpauthUri(ValueError):
    """Not an ``otpauth:`` address that a login could use; the message says why."""


class AppSecret(NamedTuple):
    """What an app and the server share. ``period`` is a code's life in seconds."""

    secret: bytes
    algorithm: str = "sha1"
    digits: int = 6
    period: int = 30

    @property
    def text(self) -> str:
        """The secret as people type it into an app."""
        return base64.b32encode(self.secret).decode().rstrip("=")


def new_secret() -> AppSecret:
    """Make a secret in the one form that all apps know."""
    return AppSecret(secrets.token_bytes(SECRET_BYTES))


def code_at(app: AppSecret, step: int) -> str:
    """Return the code of a time step (RFC 4226, 5.3)."""
    digest = hmac.digest(app.secret, step.to_bytes(8, "big"), app.algorithm)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**app.digits).zfill(app.digits)


def clean(typed: str) -> str | None:
    """Return a code without the spaces that people type, None if it can be none (MF-08)."""
    code = typed.replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    return code if _CODE.fullmatch(code) else None


def step_of(app: AppSecret, code: str, *, now: float) -> int | None:
    """Return the time step that a code is of, None if of none near ``now`` (seconds of Unix)."""
    present = int(now // app.period)
    steps = range(max(0, present - WINDOW), present + WINDOW + 1)
    fitting = [
        step for step in steps if hmac.compare_digest(code_at(app, step).encode(), code.encode())
    ]
    return fitting[-1] if fitting else None


def address(app: AppSecret, *, site: str, username: str) -> str:
    """Return what the QR code says (Google's Key URI format)."""
    plain = site.replace(":", " ")  # it parts the site from the name
    facts = {"secret": app.text, "issuer": plain, "algorithm": app.algorithm.upper()}
    query = urlencode({**facts, "digits": app.digits, "period": app.period}, quote_via=quote)
    return f"otpauth://totp/{quote(plain)}:{quote(username)}?{query}"


def read_address(text: str) -> AppSecret:
    """Return the secret of an ``otpauth:`` address, as other applications export it.

    Raises:
        WrongOtpauthUri: no such address, or one that no app's codes could come from.
    """
    try:
        parts = urlsplit(text.strip())
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        secret = _decoded(given.get("secret", ""))
        digits, period = int(given.get("digits", "6")), int(given.get("period", "30"))
    except (ValueError, binascii.Error):
        raise WrongOtpauthUri("This isn't an otpauth:// address with a valid secret.") from None
    algorithm = unquote(given.get("algorithm", "SHA1")).lower().replace("-", "")
    if (parts.scheme, parts.netloc) != ("otpauth", "totp"):
        raise WrongOtpauthUri("Only otpauth://totp/… addresses can be imported.")
    if algorithm not in ALGORITHMS or digits not in {6, 8} or period not in _PERIODS:
        raise WrongOtpauthUri("This authenticator's algorithm, digits or period aren't supported.")
    if not _SECRET_LEAST <= len(secret) <= _SECRET_MOST:
        raise WrongOtpauthUri("This authenticator's secret is too short or too long.")
    return AppSecret(secret, algorithm, digits, period)


def _decoded(text: str) -> bytes:
    plain = text.replace(" ", "").replace("-", "").upper().rstrip("=")
    return base64.b32decode(plain + "=" * (-len(plain) % 8))
