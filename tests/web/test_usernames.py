"""Sites that require usernames, leave them to the user, or know none: refusals first."""

from typing import Any

import pytest
from sqlalchemy import text

from app.config import Config
from app.kit.addresses import is_username
from app.steps.usernames import chosen_or_made
from tests.browser import APPLICATION, Browser
from tests.imports import look
from tests.mailbox import last_link
from tests.users import ALICE, create_user

NAMELESS = {name: text for name, text in APPLICATION.items() if name != "username"}


@pytest.fixture
def usernames() -> str:
    return "required"


@pytest.fixture
def settings(settings: dict[str, Any], usernames: str) -> dict[str, Any]:
    return settings | {"usernames": usernames}


def with_usernames(how: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("usernames", [how])


async def test_where_one_is_required_none_is_refused(browser: Browser) -> None:
    assert (await browser.post("/register", NAMELESS)).status_code == 422
    assert 'id="username-error">Choose a username.' in browser.text


@with_usernames("optional")
async def test_one_that_cannot_be_is_refused_where_it_is_optional(browser: Browser) -> None:
    assert (await browser.post("/register", APPLICATION | {"username": "1"})).status_code == 422
    assert "username-error" in browser.text


@with_usernames("optional")
@pytest.mark.parametrize("typed", ["", "mary"])
async def test_where_it_is_optional_the_typed_one_counts(browser: Browser, typed: str) -> None:
    await browser.get("/register")
    assert "You can leave this empty." in browser.text
    await browser.post("/register", APPLICATION | {"username": typed})
    await browser.open_link(await last_link(browser.services, ALICE.email))
    await browser.post("/confirm")
    (found,) = await look(browser.services)
    assert found == typed or (not typed and found.startswith("alice-"))


@with_usernames("off")
async def test_where_there_are_none_pages_show_the_address(browser: Browser) -> None:
    await browser.get("/register")
    assert "sername" not in browser.text
    await browser.post("/register", NAMELESS | {"username": "mary"})
    await browser.open_link(await last_link(browser.services, ALICE.email))
    async with browser.services.engine.connect() as connection:
        made = await connection.scalar(text("SELECT username FROM registrations"))
    assert made is not None
    for path in ("/confirm", "/", "/account"):
        await browser.get(path)
        assert made not in browser.text, path
        assert ALICE.email in browser.text, path
        if path == "/confirm":
            await browser.post("/confirm")
    assert made.startswith("alice-")
    assert (await browser.get("/account/username")).status_code == 404
    assert (await browser.post("/account/username", username="mary")).status_code == 404


@with_usernames("off")
async def test_two_of_one_local_part_both_come_in(browser: Browser) -> None:
    for email in ("alice@example.com", "alice@example.org"):
        await create_user(browser.services, ALICE._replace(email=email))
    assert len(set(await look(browser.services))) == 2


@pytest.mark.parametrize(
    "email",
    ["a@example.com", "1@example.com", "Ä.ö@example.com", f"{'x' * 64}@example.com",
     "o'brien+news@example.com", "-.-@example.com", "...a@example.com"],
)  # fmt: skip
def test_what_is_made_may_be_a_username(config: Config, email: str) -> None:
    off = config.model_copy(update={"usernames": "off"})
    assert is_username(chosen_or_made(off, "", email=email))
