"""On whose behalf something is done."""

from enum import IntFlag
from typing import NamedTuple
from uuid import UUID


class Actor(NamedTuple):
    """A person in a session. ``permission`` is what the deed demands of the role, if anything.

    The operator at the command line has no session: None stands for them.
    """

    user_id: UUID
    session_id: UUID
    permission: IntFlag | None = None

    @property
    def actions(self) -> str:
        """The bucket that counts what this user does."""
        return f"deeds:person:{self.user_id}"
