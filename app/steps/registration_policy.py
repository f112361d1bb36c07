"""Who may have an account here: the settings ``REGISTRATION`` and ``REGISTRATION_DOMAINS``."""

from collections.abc import Sequence

from app.config import Config
from app.kit.addresses import is_of, shown_domain
from app.kit.errors import AddressNotAllowed, RegistrationClosed

CLOSED = {
    "invitation": "You need an invitation to create an account. Ask the people who run this site.",
    "closed": "You can't create an account at the moment. Existing accounts still work.",
}


def require_open(config: Config) -> None:
    """Pass where everybody may register.

    Raises:
        RegistrationClosed: with the reason.
    """
    if config.registration != "open":
        raise RegistrationClosed(CLOSED[config.registration])


def require_allowed(config: Config, email: str) -> None:
    """Pass an address that may be used here.

    Raises:
        AddressNotAllowed: naming the domains that may.
    """
    domains = config.registration_domains
    if domains and not is_of(email, domains):
        raise AddressNotAllowed(
            f"You can't use an email address of this domain. Allowed domains: {in_words(domains)}."
        )


def in_words(domains: Sequence[str]) -> str:
    """Return domains as people read them."""
    return ", ".join(
        f"{shown_domain(each)} and subdomains" if each.startswith(".") else shown_domain(each)
        for each in domains
    )
