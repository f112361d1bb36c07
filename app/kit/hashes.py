"""Kinds of password hashes, our own and others': how each begins, and what a whole one is.

passlib's handlers alone would not do: they take a hash without its sum, mend the salt of a bcrypt
hash with a warning at each login, and do not tell a cost that there is not from a garbled text.
"""

import base64
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
FLASK_SECURITY = "flask-security:"  # a hash of an HMAC of the password; the salt stands behind it
BCRYPT_BYTES = 72

_BCRYPT_SALT = r"[./A-Za-z0-9]{21}[.Oeu]"
_BCRYPT_SUM = r"[./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"
_BCRYPT = rf"\$2[aby]\$(?P<log>[0-9]{{2}})\${_BCRYPT_SALT}{_BCRYPT_SUM}"
_ROUNDS = r"(?P<rounds>[1-9][0-9]{0,18})"
_AB64 = r"[./A-Za-z0-9]"
_NUMBERS = r"(?P<n>[1-9][0-9]{0,18}):(?P<r>[1-9][0-9]{0,18}):(?P<p>[1-9][0-9]{0,18})"
_HEX_LENGTHS = {"sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}


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


def kind_of(text: str) -> HashScheme | None:
    """Return the kind that a hash begins like."""
    if text.startswith(FLASK_SECURITY):
        inner = kind_of(text.removeprefix(FLASK_SECURITY))
        return inner and inner._replace(name=f"{inner.name} (Flask-Security)")
    return next((kind for kind in KINDS if text.startswith(kind.begins)), None)
