"""Links in emails: a random secret, sealed for its purpose, under the public address."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from app.kit.sealing import Purpose, seal, unseal
from app.kit.tokens import digest, new_secret

CONFIRM_VALID_HOURS = 24
INVITE_VALID_HOURS = 24
RESET_VALID_MINUTES = 30
CHANGE_EMAIL_VALID_MINUTES = 60
NOT_ME_VALID_DAYS = 7
KEEP_VALID_DAYS = 7
FACTOR_RESET_VALID_MINUTES = 60
KEEP_FACTORS_VALID_DAYS = 91  # longer than any wait

PATHS = {
    Purpose.CONFIRM: "/confirm",
    Purpose.INVITE: "/invitation",
    Purpose.RESET: "/reset",
    Purpose.CHANGE_EMAIL: "/change-email",
    Purpose.NOT_ME: "/not-me",
    Purpose.KEEP: "/keep-account",
    Purpose.FACTOR_RESET: "/lost-factor",
    Purpose.KEEP_FACTORS: "/keep-factors",
}
VALID = {
    Purpose.CONFIRM: timedelta(hours=CONFIRM_VALID_HOURS),
    Purpose.INVITE: timedelta(hours=INVITE_VALID_HOURS),
    Purpose.RESET: timedelta(minutes=RESET_VALID_MINUTES),
    Purpose.CHANGE_EMAIL: timedelta(minutes=CHANGE_EMAIL_VALID_MINUTES),
    Purpose.NOT_ME: timedelta(days=NOT_ME_VALID_DAYS),
    Purpose.KEEP: timedelta(days=KEEP_VALID_DAYS),
    Purpose.FACTOR_RESET: timedelta(minutes=FACTOR_RESET_VALID_MINUTES),
    Purpose.KEEP_FACTORS: timedelta(days=KEEP_FACTORS_VALID_DAYS),
}


class Link(NamedTuple):
    """``url`` goes into the email, ``digest`` into the table of one-time tokens."""

    url: str
    digest: bytes


def new_link(purpose: Purpose, *, public_url: str, keys: Sequence[str]) -> Link:
    """Make a link; its address is built from ``PUBLIC_URL`` alone (TK-05)."""
    secret = new_secret()
    return Link(f"{public_url}{PATHS[purpose]}/{seal(keys, purpose, secret.text)}", secret.digest)


def open_link(purpose: Purpose, sealed: str, *, keys: Sequence[str]) -> bytes | None:
    """Return the digest that a link's last part stands for, None if it is garbled or too old."""
    secret = unseal(keys, purpose, sealed, valid=VALID[purpose])
    return None if secret is None else digest(secret)
