"""Who may have an account here: the settings ``REGISTRATION`` and ``REGISTRATION_DOMAINS``."""

from app.config import Config
from app.kit.addresses import is_of
from app.kit.errors import AddressNotAllowed, RegistrationClosed


def require_open(config: Config) -> None:
    """Pass where everybody may register.

    Raises:
        RegistrationClosed: with the reason.
    """
    if config.registration != "open":
        raise RegistrationClosed(config.registration)


def require_allowed(config: Config, email: str) -> None:
    """Pass an address that may be used here.

    Raises:
        AddressNotAllowed: naming the domains that may.
    """
    domains = config.registration_domains
    if domains and not is_of(email, domains):
        raise AddressNotAllowed(domains=domains)
