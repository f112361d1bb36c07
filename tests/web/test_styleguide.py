"""Every component stands on one page, for who builds a site on their own machine."""

from typing import Any

import pytest

from app.web import styleguide
from tests.browser import Browser


@pytest.fixture
def on_a_server() -> bool:
    return False


@pytest.fixture
def settings(settings: dict[str, Any], on_a_server: bool) -> dict[str, Any]:  # noqa: FBT001
    more = {"database_url": "postgresql://somebody@somewhere/name"} if on_a_server else {}
    return settings | more


@pytest.mark.parametrize("on_a_server", [True])
async def test_a_server_has_none(browser: Browser, on_a_server: bool) -> None:  # noqa: FBT001
    assert on_a_server
    assert (await browser.get("/styleguide")).status_code == 404


async def test_it_shows_every_example_of_the_documentation(browser: Browser) -> None:
    assert (await browser.get("/styleguide")).status_code == 200
    for title, _ in styleguide._SECTION.findall(styleguide.SOURCE.read_text()):
        assert f"<h2>{title}</h2>" in browser.text
    for told in ("Give it a title.", 'class="state good"', "3 hours ago", "</table>"):
        assert told in browser.text
