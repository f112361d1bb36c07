"""A user's walks through their account, and back into it."""

import pytest
from sqlalchemy import make_url

from tests import databases
from tests.journeys.conftest import NewVisitor, Visitor
from tests.journeys.people import PASSWORD, create_user, log_in
from tests.server import Server

pytestmark = [pytest.mark.journey, pytest.mark.slow]

NEW = "a quite different passphrase"


def test_looking_after_an_account(visitor: Visitor) -> None:
    create_user(visitor, "harriet")
    log_in(visitor, "harriet")
    visitor.go("/account")
    visitor.reads("harriet@example.com")
    visitor.go("/account/username")
    visitor.fill(username="no good name")
    visitor.press("Save username")
    visitor.fill(username="harriet.b")
    visitor.press("Save username")
    visitor.reads("Username changed to harriet.b.")
    visitor.go("/account/password")
    visitor.fill(current_password="wrong", password=NEW, confirm=NEW)
    visitor.press("Change password")
    visitor.reads("Incorrect password.")
    visitor.fill(current_password=PASSWORD, password=NEW, confirm=NEW)
    visitor.press("Change password")
    visitor.is_at("/account")
    visitor.reads("Your password is changed")
    visitor.go("/account/email")
    visitor.fill(email="harriet@new.example", current_password=NEW)
    visitor.press("Send link")
    visitor.reads("Open it to change your address")
    visitor.go(visitor.server.link("harriet@new.example", "change-email"))
    visitor.is_at("/change-email")
    visitor.press("Confirm my address")
    visitor.reads("Your new email address is confirmed")
    visitor.go("/account/history")
    visitor.reads("You changed your password")
    visitor.go("/account/data")
    visitor.go("/account/delete")
    visitor.fill(current_password=NEW)
    visitor.press("Delete my account")
    visitor.reads("Your account will be deleted on")
    visitor.go("/login")
    visitor.fill(email_or_user="harriet.b", password=NEW)
    visitor.press("Sign in")
    visitor.reads("Keep your account?")
    visitor.go(visitor.server.link("harriet@new.example", "keep-account"))
    visitor.press("Keep my account")
    visitor.reads("Welcome back. Your account is kept")


def test_a_forgotten_password(visitor: Visitor) -> None:
    email = create_user(visitor, "rowan")
    visitor.go("/login")
    visitor.follow("Forgot your password?")
    visitor.press("Email me a link")
    visitor.reads("Enter your email address or username.")
    visitor.fill(email_or_user="rowan")
    visitor.press("Email me a link")
    visitor.reads("Check your email")
    visitor.go(visitor.server.link(email, "reset"))
    visitor.is_at("/reset/password")
    visitor.fill(password="short", confirm="other")
    visitor.press("Save password")
    visitor.fill(password=NEW, confirm=NEW)
    visitor.press("Save password")
    visitor.is_at("/login")
    visitor.reads("Please sign in with it")
    visitor.go("/reset/password")
    visitor.reads("This link doesn't work")
    keys = [
        referer
        for referer in visitor.referers
        if "/reset/" in referer and not referer.endswith("/reset/password")
    ]
    assert keys == []


def test_two_browsers_and_one_that_is_not_hers(
    visitor: Visitor, new_visitor: NewVisitor, server: Server
) -> None:
    email = create_user(visitor, "iris")
    log_in(visitor, "iris")
    intruder = new_visitor()
    log_in(intruder, "iris")
    visitor.go("/account/sessions")
    visitor.reads("This browser")
    assert visitor.page.locator("text=Sign out").count() >= 2
    visitor.go(server.link(email, "not-me"))
    visitor.is_at("/not-me")
    visitor.reads("Don't recognise this?")
    visitor.press("It wasn't me: protect my account")
    visitor.reads("You've been signed out everywhere")
    intruder.page.goto(server.url + "/account")
    intruder.reads("Please sign in to continue")
    log_in(intruder, "iris")
    intruder.reads("Incorrect email, username or password.")
    visitor.go(server.link(email, "reset"))
    visitor.fill(password=NEW, confirm=NEW)
    visitor.press("Save password")
    visitor.fill(email_or_user="iris", password=NEW)
    visitor.press("Sign in")
    visitor.reads("Hello, iris")


def let_proofs_grow_old(server: Server) -> None:
    databases.execute(
        make_url(server.environ["DATABASE_URL"]),
        "UPDATE login_sessions SET reauthenticated_at = reauthenticated_at - interval '1 hour'",
    )


def test_an_old_proof_is_asked_for_again_and_nothing_typed_is_lost(visitor: Visitor) -> None:
    create_user(visitor, "jonas")
    log_in(visitor, "jonas")
    let_proofs_grow_old(visitor.server)
    visitor.go("/account/username")
    visitor.is_at("/reauthenticate?next=/account/username")
    visitor.fill(password="wrong")
    visitor.press("Continue")
    visitor.reads("Incorrect password.")
    visitor.fill(password=PASSWORD)
    visitor.press("Continue")
    visitor.is_at("/account/username")
    visitor.fill(username="jonas.the.second")
    let_proofs_grow_old(visitor.server)
    visitor.press("Save username")
    visitor.is_at("/reauthenticate?next=/account/username")
    visitor.fill(password=PASSWORD)
    visitor.press("Continue")
    assert visitor.page.input_value("#username") == "jonas.the.second"
