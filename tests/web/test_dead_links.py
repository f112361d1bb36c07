"""A link that cannot be used any more says what to do, and has a button to a new one."""

import re

from tests.acts import ask_email, leave
from tests.browser import Browser
from tests.flows.test_invitation import invite
from tests.mailbox import last_link, letters, link_about, link_in
from tests.people import ALICE, ROOT, entered, move_time, register, settle


async def dead(browser: Browser, link: str, button: str) -> str:
    """Open a link that is dead, check its page and its button, return the page."""
    response = await browser.open_link(link)
    assert response.status_code == 410
    found = re.search(r'<a class="button" href="([^"]+)">', browser.text)
    assert found
    assert found[1] == button
    return browser.text


async def test_an_older_link_to_a_new_password(browser: Browser) -> None:
    await settle(browser.house, ALICE)
    for _ in range(2):
        await browser.post("/reset", {"email_or_user": "alice"})
    older, newer = [
        link_in(letter)
        for letter in await letters(browser.house, ALICE.email)
        if "Choose a new" in letter.subject
    ]
    assert "newest email" in await dead(browser, older, "/reset")
    assert (await browser.open_link(newer)).status_code == 200
    await move_time(browser.house, "one_time_tokens", "expires_at", "31 minutes")
    assert "newest email" in await dead(browser, newer, "/reset")


async def test_an_older_link_to_a_new_address(browser: Browser) -> None:
    await settle(browser.house, ALICE)
    for _ in range(2):
        await ask_email(browser.house, "new@example.com")
    older = link_in((await letters(browser.house, "new@example.com"))[0])
    assert "newest email" in await dead(browser, older, "/account/email")


async def test_an_older_invitation(browser: Browser) -> None:
    older = await invite(browser.house, ROOT)
    newer = await invite(browser.house, ROOT)
    assert "newest email" in await dead(browser, older, "/reset")
    assert (await browser.open_link(newer)).status_code == 200
    await browser.post("/reset", {"email_or_user": ROOT.email})
    assert await link_about(browser.house, ROOT.email, "Choose a new")


async def test_a_link_to_confirm_that_is_too_old(browser: Browser) -> None:
    await register(browser.house, ALICE)
    link = await last_link(browser.house, ALICE.email)
    await move_time(browser.house, "one_time_tokens", "expires_at", "25 hours")
    page = await dead(browser, link, "/login")
    assert page.count('href="/login"') == 2  # the button, and the one of every page


async def test_links_to_take_back_and_to_keep_an_account(browser: Browser) -> None:
    await settle(browser.house, ALICE)
    await entered(browser.house, ALICE)
    await leave(browser.house)
    about = await letters(browser.house, ALICE.email)
    found = re.findall(r"http\S+/(?:keep-account|not-me)/\S+", about[-1].text)
    assert len(found) == 2
    await move_time(browser.house, "one_time_tokens", "expires_at", "8 days")
    for link in found:
        await dead(browser, link, "/login" if "/keep-account/" in link else "/reset")


async def test_without_the_cookie_there_is_a_button_too(browser: Browser) -> None:
    for path, button in (("/reset/password", "/reset"), ("/change-email", "/account/email")):
        assert (await browser.get(path)).status_code == 410
        assert f'<a class="button" href="{button}">' in browser.text
