"""How many letters a network can cause, and an address can get. The limits are silent (BF-09)."""

import logging
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit.addresses import canonical
from app.kit.client import Client
from app.limits import limits
from app.models import audit, throttle
from app.models.audit import Event

log = logging.getLogger(__name__)

WITHHELD = (
    "A letter was not written: its address or the network %s has had as many as the limits allow "
    "(ACCOUNT_LETTERS_HOUR, NETWORK_LETTERS_…). If all people seem to be of one network, is "
    "TRUSTED_PROXIES right?"
)


class Kind(StrEnum):
    """Letters that strangers can cause; each kind has its own limit for an address.

    Else whoever registers an address again and again would keep its owner from getting a link to
    a new password (BF-05).
    """

    CONFIRM = "account"
    RESET = "reset"
    EMAIL = "email"


async def is_withheld(
    session: AsyncSession,
    config: Config,
    kind: Kind,
    email: str,
    client: Client,
    *,
    registration: str = "",
) -> bool:
    """Count a letter to an address; whether a limit keeps it from being written."""
    policy = limits(config)
    rates = {
        f"letters:network:{client.network}": policy.letters_of_network,
        f"letters:{kind}:{canonical(email)}": policy.letters_of_account,
    }
    withheld = await throttle.take_all(session, rates) > 0
    if withheld:
        log.warning(WITHHELD, client.network)
        await audit.write(session, Event.LETTER_WITHHELD, client=client, registration=registration)
    return withheld
