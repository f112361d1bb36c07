"""How often what may be tried: the one table of the throttle's policy.

The numbers are settings; they come from several sources (NIST SP 800-63B-4 3.2.2,
OWASP's exponential lock-out, the Copenhagen Book, Authelia).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from app.config import Config
from app.kit.client import Client


@dataclass(frozen=True)
class Rate:
    """At most ``times`` per ``period``, any number of them at once."""

    times: int
    period: timedelta

    def more(self, times: int) -> "Rate":
        """Return a rate with so many times as much room."""
        return Rate(self.times * times, self.period)


@dataclass(frozen=True)
class Delay:
    """``free`` tries at once, then a wait of 1, 2, 4 … seconds after each, up to ``longest``."""

    free: int
    longest: timedelta


# What somebody who is signed in may do in all: far more than anybody does by hand, and few enough
# that nobody fills the database. Each deed is a line of the audit, kept for long.
ACTIONS_OF_USER = (Rate(120, timedelta(minutes=1)), Rate(600, timedelta(hours=1)))
PENDING_LOGIN_MINUTES = 10  # for showing a second factor
FREE_CODES = 5  # wrong codes of a second factor before each further one waits
# Downloads of all that is known of a user: each reads the whole of their history.
DOWNLOADS_OF_USER = (Rate(5, timedelta(hours=1)),)


class Limits(NamedTuple):
    """What is limited. Network: over all accounts. Account: over all networks."""

    logins_of_network: tuple[Rate, ...]
    logins_of_account: Delay
    codes_of_user: Delay
    emails_of_network: tuple[Rate, ...]
    emails_of_address: tuple[Rate, ...]


def limits(config: Config) -> Limits:
    """Return the policy of a deployment."""
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    return Limits(
        logins_of_network=(
            Rate(config.logins_per_network_5_minutes, 5 * minute),
            Rate(config.logins_per_network_hour, hour),
        ),
        logins_of_account=Delay(
            config.account_free_failures, timedelta(seconds=config.account_longest_wait_seconds)
        ),
        codes_of_user=Delay(FREE_CODES, timedelta(seconds=config.account_longest_wait_seconds)),
        emails_of_network=(
            Rate(config.emails_per_network_10_minutes, 10 * minute),
            Rate(config.emails_per_network_30_minutes, 30 * minute),
        ),
        emails_of_address=(Rate(config.emails_per_address_hour, hour),),
    )


def of_networks(kind: str, client: Client, rates: tuple[Rate, ...]) -> dict[str, tuple[Rate, ...]]:
    """Return what a client's network may do, and those around it that may be one customer's too."""
    wider = {
        f"{kind}:network:{network}": tuple(rate.more(times) for rate in rates)
        for network, times in client.wider_networks
    }
    return {f"{kind}:network:{client.network}": rates, **wider}
