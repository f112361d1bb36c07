"""A user's time zone: refusals first."""

import re
from datetime import UTC, datetime

import pytest

from app.flows import deletion
from app.kit.time_zones import day, zone
from tests.browser import Browser
from tests.mailbox import messages
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


async def asked_for_another_name(alice: Browser) -> str:
    """Return what the notice about a new username says."""
    await alice.post("/account/username", username="alice2")
    return (await messages(alice.services))[-1].text


async def test_emails_tell_times_in_utc_to_who_chose_none(alice: Browser) -> None:
    text = await asked_for_another_name(alice)
    now = datetime.now(UTC)
    assert re.search(rf"When: +{now.day} {now:%B %Y}, \d\d:\d\d UTC\n", text)


async def test_emails_tell_times_in_it(alice: Browser) -> None:
    await alice.post("/account/time-zone", time_zone="Asia/Tokyo")
    text = await asked_for_another_name(alice)
    there = day(datetime.now(UTC), zone("Asia/Tokyo"))
    assert re.search(rf"When: +{there}, \d\d:\d\d JST\n", text)


@pytest.mark.parametrize("name", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_so_they_tell_the_day_of_a_deletion(alice: Browser, name: str) -> None:
    await alice.post("/account/time-zone", time_zone=name)
    await alice.post("/account/delete", current_password=ALICE.password)
    text = (await messages(alice.services))[-1].text
    due = datetime.now(UTC) + deletion.GRACE
    assert f"will be deleted on {day(due, zone(name))}" in " ".join(text.split())
