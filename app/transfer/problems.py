"""What is wrong with a user who could be read, but cannot come in."""

from typing import Protocol

from app.transfer.parsing import StagedUser
from app.transfer.rows import Problem


class Conflict(Protocol):
    """A user whose address or username is another's: in line ``other``, or (None) of this site."""

    @property
    def line(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def other(self) -> int | None: ...


def unknown_role(user: StagedUser) -> Problem:
    """Say that the role has to be made first."""
    sentence = f"The role “{user.role}” doesn't exist. Create it first."
    return Problem(user.line, user.email, "role", sentence)


def email_twice(found: Conflict) -> Problem:
    """Say where else the address stands."""
    sentence = f"This email address is already in line {found.other}."
    return Problem(found.line, found.email, "email", sentence)


def username_taken(found: Conflict) -> Problem:
    """Say whose the username is."""
    where = "here" if found.other is None else f"in line {found.other}"
    sentence = f"The username “{found.username}” is already taken {where}."
    return Problem(found.line, found.email, "username", sentence)
