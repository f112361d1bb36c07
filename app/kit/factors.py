"""The kinds of second factors."""

from enum import IntFlag


class Factor(IntFlag):
    """The second factors that a user has, as bits of ``users.factors``."""

    NONE = 0
    APP = 1
    PASSKEY = 2

    @property
    def words(self) -> str:
        """What lists call them."""
        names = {Factor.APP: "app", Factor.PASSKEY: "passkey"}
        return ", ".join(name for factor, name in names.items() if factor in self)
