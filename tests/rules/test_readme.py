"""The README's example is a page that works."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import ChoiceLoader, DictLoader
from quart import Quart
from sqlalchemy import URL

from app import create_app
from app.config import Config
from tests.browser import Browser
from tests.users import ALICE, create_user, move_time

README = (Path(__file__).parents[2] / "README.md").read_text()
CODE = dict(re.findall(r"```(python|html)\n(.*?)```", README, re.DOTALL))


PATHS = ["/readme/hello", "/readme/moderate", "/readme/payout", "/readme/about"]


@pytest.fixture
async def app(config: Config, database: URL) -> AsyncIterator[Quart]:
    example: dict[str, Any] = {"__name__": "hello"}
    exec(CODE["python"], example)  # noqa: S102 - it is our own
    app = create_app(config, database)
    app.register_blueprint(example["pages"], name="readme", url_prefix="/readme")
    pages = dict.fromkeys(
        ["hello.html", "moderate.html", "payout.html", "about.html"], CODE["html"]
    )
    app.jinja_env.loader = ChoiceLoader([DictLoader(pages), app.jinja_env.loader])  # type: ignore[list-item, arg-type]
    async with app.test_app():
        yield app


async def statuses(browser: Browser) -> list[int]:
    return [(await browser.get(path)).status_code for path in PATHS]


async def sign_in(browser: Browser) -> None:
    await browser.post("/login", email_or_user=ALICE.email, password=ALICE.password)


async def test_nobody_passes_the_open_page_alone(browser: Browser) -> None:
    assert await statuses(browser) == [303, 303, 303, 200]


async def test_a_person_passes_what_his_role_may(browser: Browser) -> None:
    await create_user(browser.services, ALICE)
    await sign_in(browser)
    assert await statuses(browser) == [200, 403, 200, 200]
    assert "Moderate</a>" not in browser.text


async def test_a_sensitive_page_asks_for_the_password_again(browser: Browser) -> None:
    await create_user(browser.services, ALICE)
    await sign_in(browser)
    await move_time(browser.services, "login_sessions", "reauthenticated_at", "11 minutes")
    response = await browser.get("/readme/payout")
    assert response.headers["Location"] == "/reauthenticate?next=/readme/payout"


async def test_a_moderator_passes_all_and_sees_the_link(browser: Browser) -> None:
    await create_user(browser.services, ALICE, role="Moderator")
    await sign_in(browser)
    assert await statuses(browser) == [200, 200, 200, 200]
    assert '<a href="/moderate">Moderate</a>' in browser.text
