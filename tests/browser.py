"""The browser of our tests is that of everybody's."""

from app.testing import SAME_ORIGIN, Browser
from tests.users import ALICE

__all__ = ["APPLICATION", "SAME_ORIGIN", "Browser"]
APPLICATION = {
    "username": "alice",
    "email": "alice@example.com",
    "password": ALICE.password,
    "confirm": ALICE.password,
}
