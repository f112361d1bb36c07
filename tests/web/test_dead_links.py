"""A link that cannot be used any more says what to do, and has a button to a new one."""

import re

from tests.acts import ask_email, leave
from tests.browser import Browser
from tests.invitations import invite
from tests.mailbox import last_link, link_about, link_in, messages
from tests.users import ALICE, ROOT, create_user, entered, move_time, register


async def dead(browser: Browser, link: str, button: str) -> str:
    """Open a link that is dead, check its page and its button, return the page."""
    response = await browser.open_link(link)
    assert response.status_code == 410
    found = re.search(r'<a class="button" href="([^"]+)">', browser.text)
    assert found
    assert found[1] == button
    return browser.text


async def test_an_older_link_to_a_new_password(browser: Browser) -> None:
    await create_user(browser.services, ALICE)
    for _ in range(2):
        await browser.post("/reset", {"email_or_user": "alice"})
    older, newer = [
        link_in(message)
        for message in await messages(browser.services, ALICE.email)
        if "Choose a new" in message.subject
    ]
    assert "newest email" in await dead(browser, older, "/reset")
    assert (await browser.open_link(newer)).status_code == 200
    await move_time(browser.services, "one_time_tokens", "expires_at", "31 minutes")
    assert "newest email" in await dead(browser, newer, "/reset")


async def test_an_older_link_to_a_new_address(browser: Browser) -> None:
    await create_user(browser.services, ALICE)
    for _ in range(2):
        await ask_email(browser.services, "new@example.com")
    older = link_in((await messages(browser.services, "new@example.com"))[0])
    assert "newest email" in await dead(browser, older, "/account/email")


async def test_an_older_invitation(browser: Browser) -> None:
    older = await invite(browser.services, ROOT)
    newer = await invite(browser.services, ROOT)
    assert "newest email" in await dead(browser, older, "/reset")
    assert (await browser.open_link(newer)).status_code == 200
    await browser.post("/reset", {"email_or_user": ROOT.email})
    assert await link_about(browser.services, ROOT.email, "Choose a new")


async def test_a_link_to_confirm_that_is_too_old(browser: Browser) -> None:
    await register(browser.services, ALICE)
    link = await last_link(browser.services, ALICE.email)
    await move_time(browser.services, "one_time_tokens", "expires_at", "25 hours")
    page = await dead(browser, link, "/login")
    assert page.count('href="/login"') == 2  # the button, and the one of every page


async def test_links_to_take_back_and_to_keep_an_account(browser: Browser) -> None:
    await create_user(browser.services, ALICE)
    await entered(browser.services, ALICE)
    await leave(browser.services)
    about = await messages(browser.services, ALICE.email)
    found = re.findall(r"http\S+/(?:keep-account|not-me)/\S+", about[-1].text)
    assert len(found) == 2
    await move_time(browser.services, "one_time_tokens", "expires_at", "8 days")
    for link in found:
        await dead(browser, link, "/login" if "/keep-account/" in link else "/reset")


async def test_without_the_cookie_there_is_a_button_too(browser: Browser) -> None:
    for path, button in (("/reset/password", "/reset"), ("/change-email", "/account/email")):
        assert (await browser.get(path)).status_code == 410
        assert f'<a class="button" href="{button}">' in browser.text
