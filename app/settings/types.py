"""How each setting is read: the types of their values, and what is wrong with a wrong one."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
    ValidationInfo,
)

from app.kit.addresses import normal_domain, normal_email
from app.kit.colours import normal_colour
from app.kit.errors import WrongAddress
from app.kit.keys import SECRET_KEY_MIN_BYTES, is_weak_key
from app.kit.logos import read_logo
from app.kit.urls import asyncpg_url, local_path, normal_origin, split_address
from app.mail.mime import is_greeting, sender_address
from app.mail.relay import relay_of
from app.words.refusals import sentence_for_operators

SECRET_KEY_HINT = "make one with: python -m app secret-key"  # noqa: S105 - a hint, no secret


FOOTER_LINKS_MOST = 8
LABEL_LONGEST = 40


class FooterLink(NamedTuple):
    """A link at the foot of every page."""

    label: str
    url: str


_WEB_ADDRESS = re.compile(r"https?://[^\s\"'<>\\/][^\s\"'<>\\]{0,1999}", re.IGNORECASE)


def _secret_key(value: SecretStr) -> SecretStr:
    if is_weak_key(value.get_secret_value()):
        raise ValueError(f"must be at least {SECRET_KEY_MIN_BYTES} random bytes; {SECRET_KEY_HINT}")
    return value


def _origin(value: str, info: ValidationInfo) -> str:
    return normal_origin(value, allow_http=bool(info.data.get("allow_http")))


def _bind(value: str) -> str:
    split_address(value)
    return value


def _database_url(value: SecretStr) -> SecretStr:
    return SecretStr(asyncpg_url(value.get_secret_value()))


def _smtp_url(value: SecretStr) -> SecretStr:
    relay_of(value.get_secret_value())
    return value


def _helo(value: str) -> str:
    if not is_greeting(value):
        raise ValueError(
            "must be a full host name like login.example.com or an address like [192.0.2.1]"
        )
    return value


def _mail_from(value: str, info: ValidationInfo) -> str:
    _email(sender_address(value), info)
    return value


def _email(value: str, info: ValidationInfo) -> str:
    try:
        return normal_email(value, special=_special(info))
    except WrongAddress as error:
        raise ValueError(sentence_for_operators(error)) from None


def _domain(value: str, info: ValidationInfo) -> str:
    try:
        return normal_domain(value, special=_special(info))
    except WrongAddress as error:
        raise ValueError(sentence_for_operators(error)) from None


def _special_domain(value: str) -> str:
    try:
        return normal_domain(value)
    except WrongAddress as error:
        raise ValueError(sentence_for_operators(error)) from None


def _special(info: ValidationInfo) -> tuple[str, ...]:
    allowed: tuple[str, ...] = info.data.get("allowed_special_domains", ())
    return allowed


def _web_address(value: str) -> str:
    if local_path(value) is None and not _WEB_ADDRESS.fullmatch(value):
        raise ValueError("must be an address like https://example.com/terms, or a path like /terms")
    return value


def _picture(value: Path) -> Path:
    read_logo(value)
    return value


def _footer_link(value: object) -> FooterLink:
    label, _, url = (part.strip() for part in str(value).partition("="))
    if not label or len(label) > LABEL_LONGEST or not url:
        raise ValueError("must be like Privacy=https://example.com/privacy, Terms=/terms")
    return FooterLink(label, _web_address(url))


def _footer_links(value: object) -> object:
    if not isinstance(value, str):
        return value
    links = [_footer_link(part) for part in value.split(",") if part.strip()]
    if len(links) > FOOTER_LINKS_MOST:
        raise ValueError(f"must be at most {FOOTER_LINKS_MOST} links")
    return tuple(links)


def _security_contact(value: str, info: ValidationInfo) -> str:
    """Return a contact as security.txt has it (RFC 9116 2.5.3)."""
    if value.lower().startswith("https://"):
        return _web_address(value)
    try:
        return f"mailto:{_email(value.removeprefix('mailto:'), info)}"
    except ValueError:
        raise ValueError("must be an email address or an address with https://") from None


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _split_at_commas(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _network(value: object) -> object:
    try:
        return ip_network(str(value), strict=False)
    except ValueError:
        raise ValueError("must be networks like 10.0.0.0/8, separated by spaces") from None


SecretKey = Annotated[SecretStr, AfterValidator(_secret_key)]
SecretKeys = Annotated[tuple[SecretKey, ...], BeforeValidator(_split)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
Bind = Annotated[str, AfterValidator(_bind)]
Origin = Annotated[str, AfterValidator(_origin)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_split)]
Colour = Annotated[str, AfterValidator(normal_colour)]
Picture = Annotated[Path, AfterValidator(_picture)]
FooterLinks = Annotated[tuple[FooterLink, ...], BeforeValidator(_footer_links)]
SecurityContact = Annotated[str, AfterValidator(_security_contact)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Greeting = Annotated[str, AfterValidator(_helo)]
Sender = Annotated[str, AfterValidator(_mail_from)]
Email = Annotated[str, AfterValidator(_email)]
Domain = Annotated[str, AfterValidator(_domain)]
Domains = Annotated[tuple[Domain, ...], BeforeValidator(_split)]
SpecialDomain = Annotated[str, AfterValidator(_special_domain)]
SpecialDomains = Annotated[tuple[SpecialDomain, ...], BeforeValidator(_split_at_commas)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_split)]
