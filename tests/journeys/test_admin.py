"""An administrator's day."""

import subprocess
import sys

import pytest
from sqlalchemy import make_url

from tests import databases
from tests.journeys.conftest import NewVisitor, Visitor
from tests.journeys.people import PASSWORD, create_user, log_in
from tests.server import ROOT, Server
from tests.visitors import Visitor as Somebody

pytestmark = [pytest.mark.journey, pytest.mark.slow]


def give_up(visitor: Visitor, words: str) -> None:
    """Have an email that did not get through; ``words`` is what is left of its text, as SQL."""
    databases.execute(
        make_url(visitor.server.environ["DATABASE_URL"]),
        "INSERT INTO outbox (recipient, subject, text, html, gave_up_at, trouble) "  # noqa: S608
        f"VALUES ('lost@example.com', 'Hello', {words}, {words}, now(), 'no such box')",
    )


@pytest.fixture(scope="module")
def administrator(server: Server) -> str:
    """Return the name of the only administrator."""
    Somebody(server).arrive("warden", PASSWORD)
    arguments = ["users", "set-role", "warden", "Administrator"]
    subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT, env=server.environ, check=True, capture_output=True,
    )  # fmt: skip
    return "warden"


@pytest.fixture
def warden(visitor: Visitor, administrator: str) -> Visitor:
    """Return a visitor who is signed in as an administrator."""
    log_in(visitor, administrator)
    return visitor


def unfold(visitor: Visitor, words: str) -> None:
    visitor.page.get_by_role("main").locator("summary", has_text=words).first.click()


def open_person(visitor: Visitor, name: str) -> None:
    visitor.page.goto(f"{visitor.server.url}/admin/users?q={name}")
    visitor.follow(name)


def test_finding_blocking_and_deleting_somebody(warden: Visitor, new_visitor: NewVisitor) -> None:
    visitor, other = warden, new_visitor()
    create_user(other, "mallory")
    log_in(other, "mallory")
    visitor.go("/")
    visitor.follow("Admin")
    visitor.is_at("/admin")
    visitor.go("/admin/users")
    unfold(visitor, "Filter and sort")
    visitor.page.select_option("#state", "blocked")
    visitor.press("Find")
    visitor.reads("No matching users.")
    visitor.go("/admin/users?role=nonsense")
    visitor.reads("There's a problem")
    visitor.go("/admin/users")
    open_person(visitor, "mallory")
    visitor.reads("mallory@example.com")
    unfold(visitor, "Block user")
    visitor.fill(reason="Sells forged library cards")
    visitor.press("Block")
    visitor.reads("Blocked. All their sessions have ended.")
    visitor.reads("Sells forged library cards")
    visitor.reads("No active sessions.")
    other.page.goto(visitor.server.url + "/secret")
    other.is_at("/login?next=/secret")
    visitor.press("Unblock")
    unfold(visitor, "Change role")
    visitor.page.select_option("#role", "Moderator")
    visitor.press("Save role")
    visitor.reads("Role changed to Moderator.")
    unfold(visitor, "Delete user")
    visitor.fill(word="somebody")
    visitor.press("Delete account")
    visitor.reads("To delete this user, type mallory.")
    visitor.fill(word="mallory")
    visitor.press("Delete account")
    visitor.is_at("/admin/users")
    visitor.reads("The account is deleted.")
    open_person(visitor, "warden")
    unfold(visitor, "Block user")
    visitor.press("Block")
    visitor.reads("Make another user an administrator first.")


def test_inviting_somebody(warden: Visitor) -> None:
    warden.go("/admin/invite")
    warden.fill(email="nonsense", username="1")
    warden.press("Send invitation")
    warden.reads("There's a problem")
    warden.fill(email="guest@ex\u00e4mple.com", username="guest")
    warden.press("Send invitation")
    warden.reads("The invitation is on its way.")
    warden.reads("unusual letters")
    warden.press("Resend invitation")
    warden.reads("A new invitation is on its way.")


def test_reading_what_happened(warden: Visitor) -> None:
    warden.go("/admin/audit-log")
    warden.reads("Someone registered")
    warden.go("/admin/audit-log?network=here&since=2001-01-01")
    warden.reads("Enter an IP address like")
    warden.go("/admin/audit-log?until=2001-01-01")
    warden.reads("No matching events.")
    warden.page.goto(warden.server.url + "/admin/audit-log")
    with warden.page.expect_download() as download:
        warden.page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "audit-log.csv"
    warden.go("/admin/users/nonsense")
    warden.reads("Page not found")


def test_seeing_letters_that_did_not_get_through(warden: Visitor) -> None:
    warden.go("/admin/outbox")
    warden.reads("Every email was delivered")
    give_up(warden, "NULL")
    give_up(warden, "'words'")
    warden.go("/admin/outbox")
    warden.reads("no such box")
    warden.reads("erase")
    warden.press("Try again")
    warden.reads("We'll try to send that email again.")


def test_ending_all_sessions(warden: Visitor) -> None:
    warden.go("/admin/sessions")
    warden.fill(word="all")
    warden.press("End all sessions")
    warden.reads("Type the word everybody.")
    warden.fill(word="everybody")
    warden.press("End all sessions")
    warden.is_at("/login")
    warden.reads("All sessions have ended, including yours.")


def test_it_is_walked_without_a_mouse(warden: Visitor) -> None:
    page = warden.page
    page.goto(warden.server.url + "/admin/users")
    page.focus("#q")
    page.keyboard.type("warden@")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/admin/users?q=warden" in page.url
    warden.reads("warden@example.com")
    assert PASSWORD not in page.content()


def test_helping_somebody_in(warden: Visitor, new_visitor: NewVisitor) -> None:
    staged = new_visitor()
    staged.page.goto(warden.server.url + "/register")
    staged.fill(username="waldo", email="waldo@example.com", password=PASSWORD, confirm=PASSWORD)
    staged.send()
    warden.go("/admin/registrations")
    warden.reads("waldo@example.com")
    warden.press("Resend the email to waldo@example.com")
    warden.reads("The email is on its way.")
    staged.page.goto(warden.server.link("waldo@example.com"))
    staged.send()
    warden.go("/admin/registrations?email=waldo@example.com")
    warden.reads("No pending registrations for this address.")
    open_person(warden, "waldo")
    warden.press("Send reset link")
    warden.reads("password reset link is on its way.")
    staged.go(warden.server.link("waldo@example.com", "reset"))
    staged.reads("Choose a new password")


def test_a_day_with_many_users(warden: Visitor) -> None:
    """Invite three, find who never came, change them all, and take the list along."""
    warden.go("/admin/invite")
    warden.follow("Invite several at once")
    warden.fill(addresses="ann@example.com\nben@example.com, nonsense")
    warden.press("Send invitations")
    warden.reads("Not an email address: “nonsense”.")
    warden.fill(addresses="ann@example.com\nben@example.com\ncat@example.com")
    warden.press("Send invitations")
    warden.reads("Invitations on their way: 3.")
    warden.go("/admin/users?state=invited&sort=newest")
    warden.reads("cat@example.com")
    warden.page.get_by_label("Choose ann").check()
    warden.page.get_by_label("Choose ben").check()
    warden.press("Change role")
    warden.reads("Change role: 2 users")
    warden.page.select_option("#new_role", "Moderator")
    warden.press("Change role")
    warden.reads("Role changed: 2.")
    warden.go("/admin/users/selected?deed=delete&everyone=1&state=invited&q=example.com")
    warden.fill(word="1")
    warden.press("Delete")
    warden.reads("Type the number of users")
    warden.page.goto(warden.server.url + "/admin/users?seen=never")
    with warden.page.expect_download() as download:
        warden.page.get_by_role("button", name="Download as CSV").click()
    assert download.value.suggested_filename == "users.csv"


def test_a_role_is_made_and_given_its_permissions(warden: Visitor) -> None:
    warden.go("/admin/roles")
    warden.fill(name="Editor")
    warden.page.get_by_label("WRITE").check()
    warden.press("Create role")
    warden.reads("Role Editor created.")
    warden.follow("Editor")
    unfold(warden, "Rename")
    warden.fill(name="Author")
    warden.press("Save name")
    warden.reads("Renamed to Author.")
    unfold(warden, "Delete role")
    warden.press("Delete role")
    warden.reads("Role Author deleted.")


def test_a_group_is_deleted_by_a_second_press(warden: Visitor) -> None:
    warden.go("/admin/groups")
    warden.fill(name="staff")
    warden.press("Create group")
    warden.go("/admin/groups/staff")
    assert not warden.page.get_by_role("button", name="Delete staff").is_visible()
    unfold(warden, "Delete group")
    warden.press("Delete staff")
    warden.reads("Group deleted.")


def test_another_address_and_a_note(warden: Visitor, new_visitor: NewVisitor) -> None:
    create_user(new_visitor(), "moved")
    open_person(warden, "moved")
    unfold(warden, "Change address")
    warden.fill(email="moved@example.org")
    warden.press("Save address")
    warden.reads("We've sent a link to moved@example.org.")
    warden.fill(note="Asked by telephone")
    warden.press("Save note")
    warden.reads("Asked by telephone")


def test_seeing_how_things_stand(warden: Visitor) -> None:
    warden.go("/admin")
    unfold(warden, "Show as a table")
    warden.reads("Sign-ins in 30 days")
    warden.go("/admin/settings")
    warden.reads("up to date (")
    warden.press("Send me a test email")
    warden.reads("A test email to warden@example.com is on its way.")
