"""What a user may do. A site adds its own permissions here, as the next powers of two."""

from enum import IntFlag


class Permission(IntFlag):
    """Bits of ``roles.permissions`` (the course's book, chapter 9)."""

    FOLLOW = 1
    COMMENT = 2
    WRITE = 4
    MODERATE = 8
    ADMIN = 16
