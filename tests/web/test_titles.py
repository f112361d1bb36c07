"""A page's title says at once that something is wrong; password managers find their page."""

import re

import pytest

from tests.browser import Browser
from tests.users import ALICE, ROOT, create_user


def title(browser: Browser) -> str:
    found = re.search(r"<title>([^<]*)</title>", browser.text)
    assert found
    return found[1]


@pytest.fixture
async def root(browser: Browser) -> Browser:
    await create_user(browser.services, ROOT, role="Administrator")
    await browser.post("/login", {"email_or_user": "root", "password": ROOT.password})
    return browser


@pytest.mark.parametrize("path", ["/login", "/register", "/reset"])
async def test_a_form_sent_empty_is_an_error(browser: Browser, path: str) -> None:
    await browser.get(path)
    good = title(browser)
    await browser.post(path)
    assert title(browser) == f"Error: {good}"


async def test_a_refusal_is_an_error(browser: Browser) -> None:
    await browser.post("/login", {"email_or_user": ALICE.email, "password": "x"})
    assert title(browser) == "Error: Sign in – Vestibule"


@pytest.mark.parametrize(
    "path",
    ["/account/password", "/account/email", "/account/username", "/account/delete",
     "/reauthenticate", "/admin/invite"],
)  # fmt: skip
async def test_so_it_is_on_the_pages_behind_the_door(root: Browser, path: str) -> None:
    await root.get(path)
    assert not title(root).startswith("Error")
    await root.post(path)
    assert re.match("Error: [A-Z]", title(root))


async def test_a_wrong_filter_is_one(root: Browser) -> None:
    for path in ("/admin/users", "/admin/users?state=none", "/admin/audit-log?network=x"):
        await root.get(path)
        assert title(root).startswith("Error: ") == ("=" in path)


async def test_a_question_is_none(browser: Browser) -> None:
    for path in ("/", "/nothing-here"):
        await browser.get(path)
        assert not title(browser).startswith("Error")


class TestWellKnown:
    """https://www.w3.org/TR/change-password-url/."""

    async def test_a_password_manager_is_led_to_the_page(self, root: Browser) -> None:
        response = await root.get("/.well-known/change-password")
        assert response.status_code == 303
        assert response.headers["Location"] == "/account/password"

    async def test_who_is_not_signed_in_comes_there_after_it(self, browser: Browser) -> None:
        response = await browser.get("/.well-known/change-password")
        assert response.headers["Location"] == "/account/password"
        response = await browser.follow(response)
        assert response.headers["Location"] == "/login?next=/account/password"

    async def test_what_should_not_exist_does_not(self, browser: Browser) -> None:
        path = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
        assert (await browser.get(path)).status_code == 404
