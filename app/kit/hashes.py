"""Hashes of passwords that other applications made: which are taken, and what each kind is.

Whatever is taken here ``kit.passwords`` can verify, at a bounded cost: one login with a hash of
absurd cost would stop the server.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable
from typing import NamedTuple

from passlib.hash import (
    argon2,
    bcrypt,
    bcrypt_sha256,
    django_bcrypt,
    django_bcrypt_sha256,
    django_pbkdf2_sha1,
    django_pbkdf2_sha256,
    pbkdf2_sha1,
    pbkdf2_sha256,
    pbkdf2_sha512,
    scrypt,
    sha256_crypt,
    sha512_crypt,
)

OWN = "bcrypt_sha256"
MOST_BCRYPT_ROUNDS = 16  # 2^16; a second or more
MOST_PBKDF2_ROUNDS = 2_000_000
MOST_CRYPT_ROUNDS = 1_000_000
MOST_SCRYPT_BLOCKS = 2**20  # of 128 bytes: 128 MiB
MOST_ARGON2_KIB = 2**17  # 128 MiB
MOST_ARGON2_WORK = 2**20  # KiB times passes: about a second
MOST_ARGON2_LANES = 16
HASH_LONGEST = 1000
FLASK_SECURITY = "flask-security:"  # a hash of an HMAC of the password; the salt stands behind it
SALT_LONGEST = 256
BCRYPT_BYTES = 72

_BCRYPT_SALT = r"[./A-Za-z0-9]{21}[.Oeu]"
_BCRYPT_SUM = r"[./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"
_BCRYPT = rf"\$2[aby]\$(?P<log>[0-9]{{2}})\${_BCRYPT_SALT}{_BCRYPT_SUM}"
_ROUNDS = r"(?P<rounds>[1-9][0-9]{0,18})"
_AB64 = r"[./A-Za-z0-9]"
_NUMBERS = r"(?P<n>[1-9][0-9]{0,18}):(?P<r>[1-9][0-9]{0,18}):(?P<p>[1-9][0-9]{0,18})"
_HEX_LENGTHS = {"sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
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


class HashScheme(NamedTuple):
    """One kind of hash; ``begins`` tells it from the others, ``pattern`` whether it is whole."""

    name: str
    begins: str
    pattern: re.Pattern[str]
    parse: Callable[[str], object] | None = None


def _kind(name: str, begins: str, pattern: str, handler: type | None = None) -> HashScheme:
    parse: Callable[[str], object] | None = getattr(handler, "from_string", None)
    return HashScheme(name, begins, re.compile(pattern), parse)


KINDS = (
    _kind(
        OWN,
        "$bcrypt-sha256$v=2",
        rf"\$bcrypt-sha256\$v=2,t=2b,r=(?P<log>[0-9]{{1,2}})\${_BCRYPT_SALT}\${_BCRYPT_SUM}",
        bcrypt_sha256,
    ),
    _kind(
        "bcrypt_sha256, first version",
        "$bcrypt-sha256$2",
        rf"\$bcrypt-sha256\$2[ab],(?P<log>[0-9]{{1,2}})\${_BCRYPT_SALT}\${_BCRYPT_SUM}",
        bcrypt_sha256,
    ),
    _kind("bcrypt", "$2", _BCRYPT, bcrypt),
    _kind("pbkdf2 (passlib, sha256)", "$pbkdf2-sha256$",
          rf"\$pbkdf2-sha256\${_ROUNDS}\${_AB64}*\${_AB64}{{43}}", pbkdf2_sha256),
    _kind("pbkdf2 (passlib, sha512)", "$pbkdf2-sha512$",
          rf"\$pbkdf2-sha512\${_ROUNDS}\${_AB64}*\${_AB64}{{86}}", pbkdf2_sha512),
    _kind("pbkdf2 (passlib, sha1)", "$pbkdf2$",
          rf"\$pbkdf2\${_ROUNDS}\${_AB64}*\${_AB64}{{27}}", pbkdf2_sha1),
    _kind("scrypt (passlib)", "$scrypt$",
          r"\$scrypt\$ln=(?P<ln>[0-9]{1,2}),r=(?P<r>[1-9][0-9]{0,18}),"
          r"p=(?P<p>[1-9][0-9]{0,18})\$[A-Za-z0-9+/]*\$[A-Za-z0-9+/]{43}", scrypt),
    _kind("argon2", "$argon2",
          r"\$argon2(?:i|d|id)\$(?:v=(?:16|19)\$)?m=(?P<kib>[1-9][0-9]{0,9}),"
          r"t=(?P<passes>[1-9][0-9]{0,9}),p=(?P<lanes>[1-9][0-9]{0,9})"
          r"\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}", argon2),
    _kind("sha256_crypt", "$5$",
          rf"\$5\$(?:rounds={_ROUNDS}\$)?[./A-Za-z0-9]{{0,16}}\$[./A-Za-z0-9]{{43}}",
          sha256_crypt),
    _kind("sha512_crypt", "$6$",
          rf"\$6\$(?:rounds={_ROUNDS}\$)?[./A-Za-z0-9]{{0,16}}\$[./A-Za-z0-9]{{86}}",
          sha512_crypt),
    _kind("bcrypt_sha256 (Django)", "bcrypt_sha256$",
          rf"bcrypt_sha256\${_BCRYPT}", django_bcrypt_sha256),
    _kind("bcrypt (Django)", "bcrypt$", rf"bcrypt\${_BCRYPT}", django_bcrypt),
    _kind("pbkdf2 (Django, sha256)", "pbkdf2_sha256$",
          rf"pbkdf2_sha256\${_ROUNDS}\$[A-Za-z0-9]+\$[A-Za-z0-9+/]{{43}}=", django_pbkdf2_sha256),
    _kind("pbkdf2 (Django, sha1)", "pbkdf2_sha1$",
          rf"pbkdf2_sha1\${_ROUNDS}\$[A-Za-z0-9]+\$[A-Za-z0-9+/]{{27}}=", django_pbkdf2_sha1),
    *(
        _kind(f"pbkdf2 (werkzeug, {name})", f"pbkdf2:{name}:",
              rf"pbkdf2:{name}:{_ROUNDS}\$[!-#%-~]{{1,200}}\$[0-9a-f]{{{length}}}")
        for name, length in _HEX_LENGTHS.items()
    ),
    _kind("scrypt (werkzeug)", "scrypt:",
          rf"scrypt:{_NUMBERS}\$[!-#%-~]{{1,200}}\$[0-9a-f]{{128}}"),
)  # fmt: skip
WERKZEUG = ("pbkdf2:", "scrypt:")


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


def may_be_flask_securitys(text: str) -> bool:
    """Whether Flask-Security would have hashed twice, if this hash is its own."""
    return text.startswith("$")


def flask_security_form(password: str, salt: str, stored: str) -> str:
    """Return what Flask-Security hashes in place of a password (its ``get_hmac``).

    Bcrypt knows the first 72 of its 88 characters.
    """
    digest = hmac.digest(salt.encode(), password.encode(), "sha512")
    longest = BCRYPT_BYTES if stored.startswith("$2") else None
    return base64.b64encode(digest).decode()[:longest]


def peeled(stored: str) -> tuple[str, str]:
    """Return the hash within one of Flask-Security, and the salt of the HMAC; else none."""
    if not stored.startswith(FLASK_SECURITY):
        return stored, ""
    inner, _, salt = stored.removeprefix(FLASK_SECURITY).rpartition(":")
    return inner, base64.b64decode(salt, validate=True).decode()


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


def kind_of(text: str) -> HashScheme | None:
    """Return the kind that a hash begins like."""
    if text.startswith(FLASK_SECURITY):
        inner = kind_of(text.removeprefix(FLASK_SECURITY))
        return inner and inner._replace(name=f"{inner.name} (Flask-Security)")
    return next((kind for kind in KINDS if text.startswith(kind.begins)), None)


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
