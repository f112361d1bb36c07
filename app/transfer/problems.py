"""What is wrong with a user who could be read, but cannot come in."""

from app.transfer.parsing import StagedUser
from app.transfer.rows import Problem


def unknown_role(user: StagedUser) -> Problem:
    """Say that the role has to be made first."""
    sentence = f"The role “{user.role}” doesn't exist. Create it first."
    return Problem(user.line, user.email, "role", sentence)


def email_twice(*, line: int, email: str, other: int | None, **_: str) -> Problem:
    """Say in which line the address stands already."""
    return Problem(line, email, "email", f"This email address is already in line {other}.")


def username_taken(*, line: int, email: str, username: str, other: int | None) -> Problem:
    """Say whose the username is: of a user in line ``other``, or (None) of one of this site."""
    where = "here" if other is None else f"in line {other}"
    sentence = f"The username “{username}” is already taken {where}."
    return Problem(line, email, "username", sentence)
