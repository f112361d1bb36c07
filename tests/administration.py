"""An administrator with a browser, for the tests of their pages."""

from app.services import Services
from tests.browser import Browser
from tests.users import ROOT, Someone, create_user, id_of, signed_in


async def enter(browser: Browser, someone: Someone) -> Browser:
    """Return a window in which somebody, who is settled already, is signed in."""
    window = browser.new_window()
    secret = await signed_in(browser.services, someone)
    window.set_cookie(browser.app.extensions["QUART_AUTH"][0].dump_token(secret, browser.app))
    return window


async def as_root(browser: Browser) -> Browser:
    """Return a window in which root, an administrator, is signed in."""
    await create_user(browser.services, ROOT, role="Administrator")
    return await enter(browser, ROOT)


async def page_of(services: Services, someone: Someone) -> str:
    """Return the address of a user's page."""
    return f"/admin/users/{await id_of(services, someone)}"
