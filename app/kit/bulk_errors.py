"""Refusals of what is done to many users at once."""

from app.kit.errors import Refusal


class TooManyUsers(Refusal):
    """More users than may be changed in one go."""

    code = "too_many_users"
    status = 422


class NobodyChosen(Refusal):
    """No user was chosen, or none is left of those who were."""

    code = "nobody_chosen"
    status = 422


class NumberChanged(Refusal):
    """The number that was confirmed is not the number that there are by now."""

    code = "number_changed"
    status = 409


class RoleFixed(Refusal):
    """A role that the program knows by its name."""

    code = "role_fixed"
    status = 409
