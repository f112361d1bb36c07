"""Email addresses and usernames: what is taken, and the one canonical form of each."""

import re
import unicodedata
from collections.abc import Iterable
from uuid import UUID

import idna
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from app.kit.errors import WrongAddress

EMAIL_LONGEST = 254
USERNAME_SHORTEST, USERNAME_LONGEST = 3, 64
USERNAME_PATTERN = r"[A-Za-z][A-Za-z0-9._-]*"
# What comes along when text is copied from a page or a chat, and nobody sees.
INVISIBLE = (
    "".join(map(chr, (*range(0x09, 0x0E), *range(0x1C, 0x21), *range(0x2000, 0x2010))))
    + "".join(map(chr, (*range(0x2028, 0x2030), *range(0x205F, 0x2070))))
    + "\x85\xa0\xad\u034f\u061c\u115f\u1160\u1680\u180e\u2800\u3000\u3164\ufeff\uffa0"
)
_AT = str.maketrans("\uff20\ufe6b", "@@")  # what a Japanese keyboard types
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PUBLIC = ".example.com"  # behind a name of any kind it makes one that the library takes


def meant(text: str) -> str:
    """Return what was typed without the space and the invisible characters around it."""
    return text.strip(INVISIBLE)


def normal_email(text: str, *, special: Iterable[str] = ()) -> str:
    """Return the address as emails are sent to it: trimmed, its domain in one form.

    Two mailboxes never have one such form: compare these where an email or a power goes.
    ``special`` are normal domains that the Internet does not know, and that are taken all the
    same, with all below them.

    Raises:
        WrongAddress: too long (checked first, IN-05), not an address, or one if only its domain
            were allowed.
    """
    text = meant(text).translate(_AT)
    if len(text) > EMAIL_LONGEST:
        raise WrongAddress("too_long", longest=EMAIL_LONGEST)
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        found, why = _anywhere(text), error
    if found is None:
        raise WrongAddress("malformed", why=str(why)) from None
    domain = found.ascii_domain.removesuffix(_PUBLIC)
    if not is_of(f"a@{domain}", [f".{each}" for each in special]):
        raise WrongAddress("special_domain", domain=domain)
    return found.normalized.removesuffix(_PUBLIC)


def ascii_domain(address: str) -> str:
    """Return an address with its domain in ASCII (``xn--…``), as every mail server knows it.

    Raises:
        WrongAddress: it has no such form.
    """
    if address.isascii():
        return address
    found = _anywhere(address)
    if found is None:
        raise WrongAddress("no_mailbox")
    return f"{found.local_part}@{found.ascii_domain.removesuffix(_PUBLIC)}"


def normal_domain(text: str, *, special: Iterable[str] | None = None) -> str:
    """Return a mail domain in ASCII and small letters; a dot before it stays (IDNA).

    ``special`` as for ``normal_email``; None: any is taken.

    Raises:
        WrongAddress: it is none.
    """
    dot, name = ("." if text.startswith(".") else ""), text.removeprefix(".")
    found = _anywhere(f"a@{name}")
    if found is None:
        raise WrongAddress("no_domain", domain=text)
    domain = found.ascii_domain.removesuffix(_PUBLIC).lower()
    if special is not None:
        normal_email(f"a@{domain}", special=special)
    return dot + domain


def shown_domain(domain: str) -> str:
    """Return a normal domain as people write it, not ``xn--…``."""
    found = _anywhere(f"a@{domain.removeprefix('.')}")
    return found.domain.removesuffix(_PUBLIC) if found else domain


def is_of(address: str, domains: Iterable[str]) -> bool:
    """Whether an address belongs to one of these normal domains; ``.x`` is ``x`` and all below."""
    own = _ascii(address.rpartition("@")[2])
    return any(
        f".{own}".endswith(each) if each.startswith(".") else own == each for each in domains
    )


def canonical(text: str) -> str:
    """Return the form by which addresses and usernames are found, and are unique (TK-10).

    What it contains decides what it is: an ``@`` makes an address, also a full-width one. Of an
    address: the domain by IDNA 2008, the part before it as mail takes it, but in small letters.

    Two mailboxes can have one canonical form (``Anna@`` and ``anna@``): it decides neither where
    an email goes nor who is given a power. ``normal_email`` does.
    """
    text = meant(text).translate(_AT)
    local, at, domain = text.rpartition("@")
    if not at:
        return unicodedata.normalize("NFKC", text).casefold()
    return f"{unicodedata.normalize('NFC', local.lower())}@{_ascii(domain)}"


def is_username(text: str) -> bool:
    """Whether ``text`` is what usernames look like, and is not what an id looks like."""
    fits = USERNAME_SHORTEST <= len(text) <= USERNAME_LONGEST
    return fits and re.fullmatch(USERNAME_PATTERN, text) is not None and id_of(text) is None


def username_for(email: str) -> str:
    """Return a username made of what stands before the @, as close to it as usernames can be."""
    local = unicodedata.normalize("NFKD", email.partition("@")[0])
    plain = re.sub(r"[^A-Za-z0-9._-]", "", local).lstrip("0123456789._-")[:USERNAME_LONGEST]
    return plain if is_username(plain) else f"user.{plain}"[:USERNAME_LONGEST].rstrip(".")


def id_of(text: str) -> UUID | None:
    """Return the id that a text is: only its form with hyphens is one, and no username."""
    text = meant(text)
    return UUID(text) if _ID.fullmatch(text) else None


def _ascii(domain: str) -> str:
    """Return a domain by IDNA 2008, as far as it is one: ``ß`` and ``ss`` stay two letters."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except UnicodeError:
        return unicodedata.normalize("NFC", domain).lower()


def _anywhere(address: str) -> ValidatedEmail | None:
    """Return what an address says, whether or not the Internet knows its domain."""
    try:
        return validate_email(f"{address}{_PUBLIC}", check_deliverability=False)
    except EmailNotValidError:
        return None


def revealed(address: str) -> str | None:
    """Return an address without anything that looks like something else; None if it is plain.

    Emails outside ASCII are written as their code points, a domain as ``xn--…`` (IN-10).
    """
    if address.isascii():
        return None if address.isprintable() else ascii(address)[1:-1]
    return canonical(address).encode("ascii", "backslashreplace").decode()
