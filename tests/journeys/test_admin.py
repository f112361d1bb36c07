"""An administrator's day."""

import asyncio
import subprocess
import sys
from uuid import uuid4

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.databases import in_thread
from tests.journeys.conftest import Visitor
from tests.journeys.test_front_door import PASSWORD, log_in, settle
from tests.server import ROOT

pytestmark = [pytest.mark.journey, pytest.mark.slow]


def command(visitor: Visitor, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT, env=visitor.server.environ, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def give_up(visitor: Visitor, words: str) -> None:
    """Let the newest letter be one that did not get through."""

    async def update() -> None:
        engine = create_async_engine(make_url(visitor.server.environ["DATABASE_URL"]))
        async with engine.begin() as connection:
            await connection.execute(
                text(
                    f"UPDATE outbox SET gave_up_at = now(), trouble = 'no such box', {words} "  # noqa: S608
                    "WHERE id = (SELECT id FROM outbox WHERE gave_up_at IS NULL LIMIT 1)"
                )
            )
        await engine.dispose()

    in_thread(asyncio.run, update())


@pytest.fixture
def warden(visitor: Visitor) -> Visitor:
    """Return a visitor who is signed in as an administrator."""
    name = f"warden{uuid4().hex[:8]}"
    settle(visitor, name)
    command(visitor, "users", "set-role", name, "Administrator")
    log_in(visitor, name)
    return visitor


def open_person(visitor: Visitor, name: str) -> None:
    visitor.page.goto(f"{visitor.server.url}/admin/people?q={name}")
    visitor.page.get_by_role("main").get_by_role("link", name=name, exact=True).click()
    visitor.look()


def test_finding_blocking_and_deleting_somebody(visitor: Visitor, chromium: Chromium) -> None:
    other = Visitor(chromium.new_context(), visitor.server)
    settle(other, "mallory")
    log_in(other, "mallory")
    settle(visitor, "warden")
    command(visitor, "users", "set-role", "warden", "Administrator")
    log_in(visitor, "warden")
    visitor.go("/")
    visitor.page.get_by_role("link", name="Admin").click()
    visitor.is_at("/admin")
    visitor.look()
    visitor.go("/admin/people")
    visitor.page.select_option("#state", "blocked")
    visitor.press("Find")
    visitor.reads("Nobody here is like that.")
    visitor.go("/admin/people?role=nonsense")
    visitor.reads("Please correct this")
    visitor.go("/admin/people")
    open_person(visitor, "mallory")
    visitor.reads("mallory@example.com")
    visitor.fill(reason="Sells forged library cards")
    visitor.press("Block")
    visitor.reads("Blocked. All their sessions have ended.")
    visitor.reads("Sells forged library cards")
    visitor.reads("Not signed in anywhere.")
    other.page.goto(visitor.server.url + "/secret")
    other.is_at("/login?next=/secret")
    visitor.press("Unblock")
    visitor.page.select_option("#role", "Moderator")
    visitor.press("Set the role")
    visitor.reads("The role is now Moderator.")
    visitor.fill(word="somebody")
    visitor.press("Delete the account")
    visitor.reads("Please type the user name, mallory, to delete it.")
    visitor.fill(word="mallory")
    visitor.press("Delete the account")
    visitor.is_at("/admin/people")
    visitor.reads("The account is deleted.")
    open_person(visitor, "warden")
    visitor.press("Block")
    visitor.reads("Make somebody else one first.")


def test_inviting_somebody(warden: Visitor) -> None:
    warden.go("/admin/invite")
    warden.fill(email="nonsense", username="1")
    warden.press("Send the invitation")
    warden.reads("Please correct this")
    warden.fill(email="guest@ex\u00e4mple.com", username="guest")
    warden.press("Send the invitation")
    warden.reads("The invitation is on its way.")
    warden.reads("unusual letters")
    warden.press("Invite again")
    warden.reads("A new invitation is on its way.")


def test_reading_what_happened(warden: Visitor) -> None:
    warden.go("/admin/history")
    warden.reads("Somebody registered")
    warden.go("/admin/history?network=here&since=2001-01-01")
    warden.reads("Please enter an address like")
    warden.go("/admin/history?until=2001-01-01")
    warden.reads("Nothing of that kind is written down.")
    warden.page.goto(warden.server.url + "/admin/history")
    with warden.page.expect_download() as download:
        warden.page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "history.csv"
    warden.go("/admin/people/nonsense")
    warden.reads("Nothing here")


def test_seeing_letters_that_did_not_get_through(warden: Visitor) -> None:
    warden.go("/admin/outbox")
    warden.reads("every letter got through")
    give_up(warden, "text = NULL")
    give_up(warden, "text = 'words'")
    warden.go("/admin/outbox")
    warden.reads("no such box")
    warden.reads("wiped")
    warden.page.get_by_role("button", name="Try again").first.click()
    warden.reads("The letter is tried again.")


def test_ending_all_sessions(warden: Visitor) -> None:
    warden.go("/admin/sessions")
    warden.fill(word="all")
    warden.press("End the sessions of everybody")
    warden.reads("Please type the word everybody.")
    warden.fill(word="everybody")
    warden.press("End the sessions of everybody")
    warden.is_at("/login")
    warden.reads("All sessions have ended, yours too.")


def test_it_is_walked_without_a_mouse(visitor: Visitor) -> None:
    settle(visitor, "keys")
    command(visitor, "users", "set-role", "keys", "Administrator")
    log_in(visitor, "keys")
    visitor.page.goto(visitor.server.url + "/admin/people")
    visitor.page.focus("#q")
    visitor.page.keyboard.type("keys@")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/admin/people?q=keys**")
    visitor.reads("keys@example.com")
    assert PASSWORD not in visitor.page.content()


def test_helping_somebody_in(warden: Visitor, chromium: Chromium) -> None:
    newcomer = Visitor(chromium.new_context(), warden.server)
    newcomer.page.goto(warden.server.url + "/register")
    newcomer.fill(username="waldo", email="waldo@example.com", password=PASSWORD, confirm=PASSWORD)
    newcomer.send()
    warden.go("/admin/registrations")
    warden.reads("waldo@example.com")
    warden.press("Send the letter to waldo@example.com again")
    warden.reads("The letter is on its way.")
    newcomer.page.goto(warden.server.link("waldo@example.com"))
    newcomer.send()
    warden.go("/admin/registrations?email=waldo@example.com")
    warden.reads("Nobody waits under this address.")
    open_person(warden, "waldo")
    warden.press("Send a reset link")
    warden.reads("The link is on its way.")
    newcomer.go(warden.server.link("waldo@example.com", "reset"))
    newcomer.reads("Choose a new password")
