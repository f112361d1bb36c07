"""What people have names by."""

from typing import Protocol


class HasNames(Protocol):
    """Somebody with both names."""

    @property
    def username(self) -> str:
        """What others see."""

    @property
    def email(self) -> str:
        """Their address."""
