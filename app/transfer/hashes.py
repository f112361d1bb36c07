"""Hashes of passwords that other applications made: which are taken, and how they are stored.

Whatever is taken here ``kit.passwords`` can verify, at a bounded cost: one login with a hash of
absurd cost would stop the server.
"""

import base64
import binascii
import re

from app.kit.hashes import FLASK_SECURITY, HashScheme, kind_of, may_be_flask_securitys, peeled

MOST_BCRYPT_ROUNDS = 16  # 2^16; a second or more
MOST_PBKDF2_ROUNDS = 2_000_000
MOST_CRYPT_ROUNDS = 1_000_000
MOST_SCRYPT_BLOCKS = 2**20  # of 128 bytes: 128 MiB
MOST_ARGON2_KIB = 2**17  # 128 MiB
MOST_ARGON2_WORK = 2**20  # KiB times passes: about a second
MOST_ARGON2_LANES = 16
HASH_LONGEST = 1000
SALT_LONGEST = 256


_WEAK = re.compile(
    r"(?:md5|sha1|sha|unsalted_md5|unsalted_sha1|crypt)\$.*|[0-9a-fA-F]{32,128}|\$1\$.*"
)
_DJANGO_SCRYPT = re.compile(
    r"scrypt\$(?P<n>[0-9]{1,9})\$(?P<salt>[^$]{1,64})\$(?P<r>[0-9]{1,9})\$(?P<p>[0-9]{1,9})\$"
    r"(?P<sum>[A-Za-z0-9+/]{86}==)"
)
_NEW_PASSWORD = "Leave it empty, and the user will choose a new password."  # noqa: S105 - advice


class WrongHash(ValueError):
    """Not a hash that a login could use; the message says why."""


def normal_hash(text: str, *, flask_security_salt: str = "") -> str | None:
    """Return a hash as it is stored here, None for what is no password at all.

    That is an empty text, or Django's ``!…``. Django's scrypt becomes werkzeug's form of the same,
    its argon2 that of everybody. With a ``flask_security_salt`` the kinds that Flask-Security
    hashes twice are taken for hashes of an HMAC by it.

    Raises:
        WrongHash: unknown, garbled, too weak or too costly.
    """
    text = text.strip()
    if not text or text.startswith("!"):
        return None
    if text.startswith(FLASK_SECURITY):
        return _seasoned(text)
    text = _as_werkzeug(text.removeprefix("argon2") if text.startswith("argon2$") else text)
    return _wrapped(_checked(text), flask_security_salt)


def _wrapped(text: str, salt: str) -> str:
    if not salt or not may_be_flask_securitys(text):
        return text
    return f"{FLASK_SECURITY}{text}:{base64.b64encode(salt.encode()).decode()}"


def _seasoned(text: str) -> str:
    """Return a hash of Flask-Security that went in with its salt before."""
    try:
        inner, salt = peeled(text)
    except ValueError:
        inner, salt = "", ""
    if not 0 < len(salt) <= SALT_LONGEST or not may_be_flask_securitys(inner):
        raise WrongHash(f"This Flask-Security hash is corrupted. {_NEW_PASSWORD}")
    return _wrapped(_checked(inner), salt)


def _checked(text: str) -> str:
    found = kind_of(text)
    if found is None:
        raise WrongHash(_why_unknown(text))
    parts = found.pattern.fullmatch(text) if len(text) <= HASH_LONGEST else None
    if parts is not None:
        _check_cost(found, {name: int(value) for name, value in parts.groupdict().items() if value})
    if parts is None or not _is_whole(found, text):
        raise WrongHash(
            f"This hash is corrupted. It starts like {found.name}, but its {len(text)} characters "
            f"aren't a whole one. A short column may have cut it off. {_NEW_PASSWORD}"
        )
    return text


def _is_whole(kind: HashScheme, text: str) -> bool:
    if kind.parse is None:
        return True
    try:
        kind.parse(text)
    except (ValueError, TypeError):
        return False
    return True


def _check_cost(kind: HashScheme, cost: dict[str, int]) -> None:
    rounds = MOST_CRYPT_ROUNDS if kind.name.endswith("_crypt") else MOST_PBKDF2_ROUNDS
    blocks = cost.get("n", 2 ** cost.get("ln", 0)) * cost.get("r", 1) * cost.get("p", 1)
    kib = cost.get("kib", 0)
    if (
        cost.get("log", 0) > MOST_BCRYPT_ROUNDS
        or cost.get("rounds", 0) > rounds
        or blocks > MOST_SCRYPT_BLOCKS
        or kib > MOST_ARGON2_KIB
        or kib * cost.get("passes", 1) > MOST_ARGON2_WORK
        or cost.get("lanes", 1) > MOST_ARGON2_LANES
    ):
        raise WrongHash(
            f"This hash ({kind.name}) takes too long to check and would slow down everyone "
            f"else. {_NEW_PASSWORD}"
        )
    n = cost.get("n", 2)
    if cost.get("log", 4) < 4 or n < 2 or n & (n - 1):  # noqa: PLR2004 - bcrypt's and scrypt's own
        raise WrongHash(f"This hash ({kind.name}) has an invalid cost. {_NEW_PASSWORD}")


def _why_unknown(text: str) -> str:
    if _WEAK.fullmatch(text):
        return f"This kind of hash is too weak to keep. {_NEW_PASSWORD}"
    return f"This isn't a known kind of password hash. {_NEW_PASSWORD}"


def _as_werkzeug(text: str) -> str:
    parts = _DJANGO_SCRYPT.fullmatch(text)
    if parts is None:
        return text
    try:
        digest = base64.b64decode(parts["sum"], validate=True).hex()
    except binascii.Error:
        return text
    return f"scrypt:{parts['n']}:{parts['r']}:{parts['p']}${parts['salt']}${digest}"
