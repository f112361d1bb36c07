"""What the gate's tests share."""

import pytest

from app.testing import Browser
from tests.gate.harness import Application, add_site
from tests.users import ALICE, create_user


@pytest.fixture
async def wiki(browser: Browser) -> Application:
    """Return the wiki as alice's browser sees it, in which she is not signed in yet."""
    await create_user(browser.services, ALICE)
    await add_site(browser.services)
    return Application(browser)
