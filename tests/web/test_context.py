"""On whose behalf a page acts."""

import pytest

from app.http.current_user import actor
from app.http.marks import anyone
from tests.administration import as_root
from tests.browser import Browser


@pytest.mark.parametrize(("is_open", "expected"), [(True, "nobody"), (False, "somebody")])
async def test_an_open_page_acts_on_nobodys_behalf(
    browser: Browser, *, is_open: bool, expected: str
) -> None:
    async def page() -> str:
        return "somebody" if actor() else "nobody"

    browser.app.add_url_rule("/extra", view_func=anyone(page) if is_open else page)
    window = await as_root(browser)
    await window.get("/extra")
    assert window.text == expected
