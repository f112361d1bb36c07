"""A user's time zone: refusals first."""

import re

import pytest

from tests.browser import Browser
from tests.users import ALICE, create_user


@pytest.fixture
async def alice(browser: Browser) -> Browser:
    await create_user(browser.services, ALICE)
    await browser.post("/login", email_or_user="alice", password=ALICE.password)
    return browser


@pytest.mark.parametrize("name", ["Nowhere/Land", "../etc", "Etc/UTC", "x" * 300, "Europe"])
async def test_no_zone_is_refused(alice: Browser, name: str) -> None:
    response = await alice.post("/account/time-zone", time_zone=name)
    assert response.status_code == 422
    assert "time_zone-error" in alice.text


async def test_times_are_told_in_it(alice: Browser) -> None:
    await alice.get("/account/sessions")
    assert "Times are in UTC." in alice.text
    assert re.search(r'<time datetime="[^"]+Z" title="[^"]+ UTC">just now</time>', alice.text)
    response = await alice.post("/account/time-zone", time_zone="Asia/Tokyo")
    assert response.headers["Location"] == "/account"
    await alice.get("/account/sessions")
    assert "Times are in Asia/Tokyo." in alice.text
    assert re.search(r'title="[^"]+ JST">just now</time>', alice.text)
    await alice.get("/account/time-zone")
    assert re.search(r'<option selected value="Asia/Tokyo">Tokyo</option>', alice.text)
    await alice.post("/account/time-zone", time_zone="")
    await alice.get("/account")
    assert "<dd>UTC</dd>" in alice.text
