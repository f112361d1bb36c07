"""Email addresses and user names: what is taken, and the one canonical form of each."""

import re
import unicodedata
from collections.abc import Iterable

from email_validator import EmailNotValidError, validate_email

EMAIL_LONGEST = 254
USERNAME_SHORTEST, USERNAME_LONGEST = 3, 64
USERNAME_PATTERN = r"[A-Za-z][A-Za-z0-9._]*"


class WrongAddress(ValueError):
    """Not an email address; the message says why, in words for the person who typed it."""


def normal_email(text: str) -> str:
    """Return the address as letters are sent to it: trimmed, its domain in one form.

    Raises:
        WrongAddress: too long (checked first, IN-05) or not an address.
    """
    text = text.strip()
    if len(text) > EMAIL_LONGEST:
        raise WrongAddress(f"An email address has at most {EMAIL_LONGEST} characters.")
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise WrongAddress(str(error)) from None


def ascii_domain(address: str) -> str:
    """Return an address with its domain in ASCII (``xn--…``), as every mail server knows it.

    Raises:
        WrongAddress: it has no such form.
    """
    if address.isascii():
        return address
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise WrongAddress(str(error)) from None
    return f"{found.local_part}@{found.ascii_domain}"


def normal_domain(text: str) -> str:
    """Return a mail domain in ASCII and small letters; a dot before it stays (IDNA).

    Raises:
        WrongAddress: it is none.
    """
    dot, name = ("." if text.startswith(".") else ""), text.removeprefix(".")
    try:
        return dot + validate_email(f"a@{name}", check_deliverability=False).ascii_domain.lower()
    except EmailNotValidError:
        raise WrongAddress(f"“{text}” is no domain of addresses") from None


def shown_domain(domain: str) -> str:
    """Return a normal domain as people write it, not ``xn--…``."""
    name = domain.removeprefix(".")
    return validate_email(f"a@{name}", check_deliverability=False).domain


def is_of(address: str, domains: Iterable[str]) -> bool:
    """Whether an address belongs to one of these normal domains; ``.x`` is ``x`` and all below."""
    own = ascii_domain(address).rpartition("@")[2].lower()
    return any(
        f".{own}".endswith(each) if each.startswith(".") else own == each for each in domains
    )


def canonical(text: str) -> str:
    """Return the form by which addresses and user names are compared: NFKC, case folded (TK-10).

    What it contains decides what it is: an ``@`` makes an address, also a full-width one.
    """
    return unicodedata.normalize("NFKC", text.strip()).casefold()


def is_username(text: str) -> bool:
    """Whether ``text`` is 3 to 64 letters, digits, dots and underscores, a letter first."""
    fits = USERNAME_SHORTEST <= len(text) <= USERNAME_LONGEST
    return fits and re.fullmatch(USERNAME_PATTERN, text) is not None


def revealed(address: str) -> str | None:
    """Return an address without anything that looks like something else; None if it is plain.

    Letters outside ASCII are written as their code points, a domain as ``xn--…`` (IN-10).
    """
    if address.isascii():
        return None if address.isprintable() else ascii(address)[1:-1]
    try:
        address = ascii_domain(canonical(address))
    except WrongAddress:
        address = canonical(address)
    return address.encode("ascii", "backslashreplace").decode()
