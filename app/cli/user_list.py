"""Printing users."""

from collections.abc import Sequence

from app.cli import tables
from app.flows.user_search import Listed


def print_users(found: Sequence[Listed], *, as_json: bool) -> None:
    """Print users as a table, or as JSON."""
    if as_json:
        tables.as_json([{**user._asdict(), "factors": user.factor_words} for user in found])
        return
    rows = [
        (user.username, user.email, user.role, ", ".join(user.states), user.factor_words)
        for user in found
    ]
    tables.as_table(("USERNAME", "EMAIL", "ROLE", "STATUS", "SECOND FACTOR"), rows)
