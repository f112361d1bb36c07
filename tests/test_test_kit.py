"""What the fixtures of a site's own tests refuse, so that no mistake passes."""

import pytest
from jinja2 import Environment, UndefinedError

from app.testing import Missing, SignIn, sign_in, visitor

__all__ = ["sign_in", "visitor"]


async def test_a_loop_over_what_no_page_hands_over_fails() -> None:
    """Jinja's StrictUndefined lets it pass where templates are async."""
    page = Environment(enable_async=True, undefined=Missing, autoescape=True)
    with pytest.raises(UndefinedError, match="gests"):
        await page.from_string("{% for guest in gests %}x{% endfor %}").render_async()


async def test_a_profile_field_that_is_not_there_is_refused(sign_in: SignIn) -> None:
    with pytest.raises(TypeError, match="no profile field company"):
        await sign_in("ann", company="A Ltd")
