"""The examples of README and docs are pages that work."""

import ast
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import URL

from app import create_app, extending
from tests.browser import Browser
from tests.sites import WriteSite, config_of, write_site
from tests.users import ALICE, create_user, move_time

__all__ = ["write_site"]

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```(python|html)\n(.*?)```", re.DOTALL)
PAGES, TEMPLATE, FIELDS = (text for _, text in BLOCK.findall((ROOT / "README.md").read_text()))
EXTENDING = [
    text
    for kind, text in BLOCK.findall((ROOT / "docs/extending.md").read_text())
    if kind == "python"
]
PATHS = ["/hello", "/moderate", "/payout", "/about"]


@pytest.fixture
async def app(write_site: WriteSite, database: URL) -> AsyncIterator[Quart]:
    templates = {f"templates{path}.html": TEMPLATE for path in PATHS}
    name = write_site({"pages.py": PAGES, "profile.py": FIELDS, **templates})
    app = create_app(config_of(name), database)
    async with app.test_app():
        yield app


async def statuses(browser: Browser) -> list[int]:
    return [(await browser.get(path)).status_code for path in PATHS]


async def sign_in(browser: Browser) -> None:
    await browser.post("/login", email_or_user=ALICE.email, password=ALICE.password)


async def test_nobody_passes_the_open_page_alone(browser: Browser) -> None:
    assert await statuses(browser) == [303, 303, 303, 200]


async def test_a_person_passes_what_their_role_may(browser: Browser) -> None:
    await create_user(browser.services, ALICE)
    await sign_in(browser)
    assert await statuses(browser) == [200, 403, 200, 200]
    assert "Moderate</a>" not in browser.text


async def test_a_sensitive_page_asks_for_the_password_again(browser: Browser) -> None:
    await create_user(browser.services, ALICE)
    await sign_in(browser)
    await move_time(browser.services, "login_sessions", "reauthenticated_at", "11 minutes")
    response = await browser.get("/payout")
    assert response.headers["Location"] == "/reauthenticate?next=/payout"


async def test_a_moderator_passes_all_and_sees_the_link(browser: Browser) -> None:
    await create_user(browser.services, ALICE, role="Moderator")
    await sign_in(browser)
    assert await statuses(browser) == [200, 200, 200, 200]
    assert '<a href="/moderate">Moderate</a>' in browser.text


async def test_the_field_is_asked_for(browser: Browser) -> None:
    await browser.get("/register")
    assert 'autocomplete="tel"' in browser.text


@pytest.mark.parametrize("text", EXTENDING, ids=lambda text: text.split("\n")[-3][:30])
def test_a_recipe_names_what_there_is(text: str) -> None:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module == "app.extending":
            assert {each.name for each in node.names} <= set(extending.__all__)
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert not str(node.module).startswith("app.") or node.module == "app.extending"
