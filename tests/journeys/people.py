"""People who walk through pages in a real browser."""

from tests.journeys.conftest import Visitor
from tests.visitors import Visitor as Somebody

PASSWORD = "alice likes long walks"


def create_user(visitor: Visitor, name: str) -> str:
    """Let somebody be registered and confirmed already; return the address."""
    return Somebody(visitor.server).arrive(name, PASSWORD)


def log_in(visitor: Visitor, name: str) -> None:
    visitor.page.goto(visitor.server.url + "/login")
    visitor.fill(email_or_user=name, password=PASSWORD)
    visitor.send()
