"""What users are called on pages."""

from typing import Protocol

from app.services import services


class HasNames(Protocol):
    """Somebody with both names."""

    @property
    def username(self) -> str:
        """What others see."""

    @property
    def email(self) -> str:
        """Their address."""


def called(owner: HasNames) -> str:
    """Return what to call somebody: their address where there are no usernames."""
    return owner.email if services().config.usernames == "off" else owner.username
