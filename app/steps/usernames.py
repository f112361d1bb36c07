"""Usernames of who chose none: the setting ``USERNAMES``."""

import re
import secrets
import string

from app.config import Config
from app.kit.addresses import USERNAME_LONGEST

SIGNS = string.ascii_lowercase + string.digits
RANDOM_SIGNS = 6
_FOREIGN = re.compile(r"[^a-z0-9._-]")
_BEGINNING = re.compile(r"^[^a-z]+")


def chosen_or_made(config: Config, username: str, *, email: str) -> str:
    """Return the username that somebody chose, or one made of their address.

    Its end is random: so nobody is asked whether it is taken, and nobody learns that it is.
    """
    if config.usernames == "required" or (config.usernames == "optional" and username):
        return username
    local = _FOREIGN.sub("", email.rpartition("@")[0].lower())
    local = _BEGINNING.sub("", local)[: USERNAME_LONGEST - RANDOM_SIGNS - 1].rstrip("._-")
    return f"{local or 'user'}-{''.join(secrets.choice(SIGNS) for _ in range(RANDOM_SIGNS))}"
