"""How many emails a network can cause, and an address can get (BF-09).

The limit of a network is told aloud: it is the same for all names, known or not. That of an address
is silent, for it would tell that there is an account.
"""

import logging
from enum import StrEnum

from app.context import Context
from app.kit.addresses import canonical
from app.kit.audit import Event
from app.limits import limits, of_networks
from app.models import rate_limit
from app.steps.recording import note

log = logging.getLogger(__name__)

WITHHELD = (
    "An email was not written, asked for from %s: its address has had as many as the limit allows "
    "(EMAILS_PER_ADDRESS_HOUR)"
)


NETWORKS_TIMES = 5  # as many emails to an address as one network can cause, from all of them


class EmailKind(StrEnum):
    """Emails that strangers can cause; each kind has its own limit for an address.

    Else whoever registers an address again and again would keep its owner from getting a link to
    a new password (BF-05).
    """

    CONFIRM = "account"
    RESET = "reset"
    EMAIL = "email"
    FACTOR = "factor"


def of_network(ctx: Context) -> rate_limit.Rates:
    """Return what everything is paid from that may cause an email, whether or not it does."""
    return of_networks("emails", ctx.client, limits(ctx.config).emails_of_network)


async def is_withheld(
    ctx: Context, kind: EmailKind, email: str, *, registration: str = "", is_shown: bool = False
) -> bool:
    """Count an email to an address; whether a limit keeps it from being written.

    Each network has its own number for an address, and who has shown the password of a
    registration one for that: so strangers cannot use up what the address's owner gets.
    """
    key, policy = canonical(email), limits(ctx.config).emails_of_address
    who, all_of = (registration, "shown") if is_shown else (ctx.client.group, "all")
    rates = {
        f"emails:{kind}:{who}:{key}": policy,
        f"emails:{kind}:{all_of}:{key}": [rate.more(NETWORKS_TIMES) for rate in policy],
    }
    withheld = await rate_limit.take_all(ctx.db, rates) > 0
    if withheld:
        log.warning(WITHHELD, ctx.client.network)
        await note(ctx, Event.EMAIL_WITHHELD, registration=registration)
    return withheld
