"""Choosing a password: whether it is taken, and its hash."""

from app.config import Config
from app.kit import passwords
from app.kit.client import Client
from app.kit.passwords import PasswordHasher


def check(config: Config, password: str, *, username: str, email: str) -> None:
    """Pass a password that may be chosen.

    Raises:
        WeakPassword: with the reason.
    """
    context = passwords.own_words(site=config.site_name, username=username, email=email)
    passwords.check_policy(password, shortest=config.password_min_length, context=context)


async def hashed(
    config: Config,
    hasher: PasswordHasher,
    password: str,
    client: Client,
    *,
    username: str,
    email: str,
) -> str:
    """Return the hash of a password that may be chosen. Hold no connection meanwhile.

    Raises:
        WeakPassword: with the reason.
        TooBusy: too many passwords wait to be hashed.
    """
    check(config, password, username=username, email=email)
    async with hasher.place(client.group):
        return await hasher.hash(password)
