"""The browser of our tests is that of everybody's."""

from app.testing import SAME_ORIGIN, Browser

__all__ = ["SAME_ORIGIN", "Browser"]
