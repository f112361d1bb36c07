"""What a user may do."""

from collections.abc import Mapping
from enum import IntFlag


class Permission(IntFlag):
    """Bits of ``roles.permissions`` (the course's book, chapter 9)."""

    FOLLOW = 1
    COMMENT = 2
    WRITE = 4
    MODERATE = 8
    ADMIN = 16


OURS: Mapping[str, int] = {str(each.name): int(each) for each in Permission}
# The bits of a site's own permissions: those below are kept for ours, the highest is the column's.
FIRST_OF_SITE, LAST_OF_SITE = 2**8, 2**30


def covers(held: int, wanted: int) -> bool:
    """Whether somebody who holds some permissions has all of the wanted ones."""
    return held & wanted == wanted


def in_words(permissions: int, names: Mapping[str, int] = OURS) -> str:
    """Return the names of permissions, “nothing” if there are none."""
    return ", ".join(name for name, bit in names.items() if covers(permissions, bit)) or "nothing"
