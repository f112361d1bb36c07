"""An administrator with a browser, for the tests of his pages."""

from app.services import House
from tests.browser import Browser
from tests.people import ROOT, Someone, id_of, settle, signed_in


async def enter(browser: Browser, someone: Someone) -> Browser:
    """Return a window in which somebody, who is settled already, is signed in."""
    window = browser.new_window()
    secret = await signed_in(browser.house, someone)
    window.set_cookie(browser.app.extensions["QUART_AUTH"][0].dump_token(secret, browser.app))
    return window


async def as_root(browser: Browser) -> Browser:
    """Return a window in which root, an administrator, is signed in."""
    await settle(browser.house, ROOT, role="Administrator")
    return await enter(browser, ROOT)


async def page_of(house: House, someone: Someone) -> str:
    """Return the address of a person's page."""
    return f"/admin/people/{await id_of(house, someone)}"
