"""An administrator with a browser, for the tests of his pages."""

from uuid import UUID

from sqlalchemy import text

from app.house import House
from tests.browser import Browser
from tests.people import ROOT, Someone, settle, signed_in


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


async def id_of(house: House, someone: Someone) -> UUID:
    """Return a person's id."""
    async with house.engine.connect() as connection:
        found: UUID = await connection.scalar(
            text("SELECT id FROM users WHERE username = :name"), {"name": someone.username}
        )
    return found


async def page_of(house: House, someone: Someone) -> str:
    """Return the address of a person's page."""
    return f"/admin/people/{await id_of(house, someone)}"
