"""A user's walks through the front door."""

import subprocess
import sys

import pytest
from playwright.sync_api import Browser as Chromium

from tests.journeys.conftest import NewVisitor, Visitor
from tests.journeys.people import PASSWORD, create_user, log_in
from tests.payloads import FOREIGN_TARGETS
from tests.server import ROOT, Server

pytestmark = [pytest.mark.journey, pytest.mark.slow]


def test_from_the_street_to_the_secret_and_out_again(visitor: Visitor) -> None:
    visitor.go("/")
    visitor.reads("Welcome to The Reading Room")
    visitor.go("/secret")
    visitor.is_at("/login?next=/secret")
    visitor.reads("Please sign in to continue.")
    visitor.go("/register")
    visitor.fill(username="1", email="nonsense", password="short", confirm="other")
    visitor.press("Register")
    assert visitor.page.input_value("#email") == "nonsense"
    assert visitor.page.input_value("#password") == ""
    visitor.fill(
        username="alice",
        email="alice@example.com",
        password="passwordpassword",
        confirm="passwordpassword",
    )
    visitor.press("Register")
    visitor.reads("This password is too common.")
    visitor.fill(password=PASSWORD, confirm=PASSWORD)
    visitor.press("Register")
    visitor.reads("Check your email")
    visitor.reads("The message is in the server log")
    link = visitor.server.link("alice@example.com")
    visitor.go(link)
    visitor.is_at("/confirm")
    visitor.reads("alice")
    visitor.press("Confirm my address")
    visitor.is_at("/")
    visitor.reads("Your email address is confirmed. You're signed in.")
    visitor.go("/logout")
    visitor.press("Sign out")
    visitor.go("/secret")
    visitor.fill(email_or_user="alice@example.com", password="wrong")
    visitor.press("Sign in")
    visitor.reads("Incorrect email, username or password.")
    assert visitor.page.input_value("#email_or_user") == "alice@example.com"
    visitor.fill(password=PASSWORD)
    visitor.press("Sign in")
    visitor.is_at("/secret")
    visitor.reads("Only signed-in users can see this page")
    visitor.reads("alice")
    visitor.go("/")
    visitor.reads("Hello, alice")
    visitor.go("/logout")
    visitor.press("Sign out")
    visitor.reads("You've been signed out")
    visitor.go(link)
    visitor.reads("This link doesn't work")
    key = link.rsplit("/", 1)[1]
    assert not [referer for referer in visitor.referers if key in referer]


def test_who_registers_on_the_way_arrives(visitor: Visitor) -> None:
    visitor.go("/secret?a=1")
    visitor.page.click("text=Register")
    visitor.page.click("text=Sign in >> nth=-1")
    visitor.page.click("text=Forgot your password?")
    visitor.page.click("text=Sign in")
    visitor.page.click("text=Register")
    visitor.fill(username="wendy", email="wendy@example.com", password=PASSWORD, confirm=PASSWORD)
    visitor.press("Register")
    visitor.go(visitor.server.link("wendy@example.com"))
    visitor.press("Confirm my address")
    visitor.is_at("/secret?a=1")
    visitor.reads("Only signed-in users can see this page")


def test_the_email_is_sent_again(visitor: Visitor) -> None:
    visitor.go("/register")
    visitor.fill(username="late", email="late@example.com", password=PASSWORD, confirm=PASSWORD)
    visitor.press("Register")
    first = visitor.server.link("late@example.com")
    visitor.go("/login")
    visitor.fill(email_or_user="late", password=PASSWORD)
    visitor.press("Sign in")
    visitor.reads("You still need to confirm your email address")
    visitor.press("Send a new link")
    visitor.reads("Check your email")
    second = visitor.server.link("late@example.com", other_than=first)
    visitor.go(second)
    visitor.press("Confirm my address")
    visitor.reads("Your email address is confirmed.")


def test_in_another_browser_the_password_is_asked_for(
    visitor: Visitor, new_visitor: NewVisitor
) -> None:
    visitor.go("/register")
    visitor.fill(username="mover", email="mover@example.com", password=PASSWORD, confirm=PASSWORD)
    visitor.press("Register")
    phone = new_visitor()
    phone.go(visitor.server.link("mover@example.com"))
    phone.reads("Enter the password you chose when you registered")
    phone.press("Confirm my address")
    phone.reads("Please enter the password that you registered with.")
    phone.fill(password="wrong")
    phone.press("Confirm my address")
    phone.reads("This is not the password that you registered with.")
    phone.fill(password=PASSWORD)
    phone.press("Confirm my address")
    phone.reads("Your email address is confirmed.")


def test_an_administrator_is_invited_and_signs_in(visitor: Visitor) -> None:
    link = invite(visitor.server, "root@example.com")
    visitor.go(link)
    visitor.is_at("/invitation")
    visitor.fill(password="short", confirm="short")
    visitor.press("Save password")
    visitor.reads("At least 15 characters")
    visitor.fill(password=PASSWORD, confirm=PASSWORD)
    visitor.press("Save password")
    visitor.reads("Your password is set")
    visitor.fill(email_or_user="root", password=PASSWORD)
    visitor.press("Sign in")
    visitor.reads("Hello, root")


def invite(server: Server, email: str) -> str:
    """Invite somebody from the command line of the same deployment."""
    done = subprocess.run(
        [sys.executable, "-m", "app", "users", "create", email, "--admin"],
        cwd=ROOT, env=server.environ, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()[-1]


def test_refusals_have_pages_in_the_house(visitor: Visitor) -> None:
    visitor.go("/nothing-here")
    visitor.reads("Page not found")
    visitor.go("/confirm/garbage")
    visitor.reads("This link doesn't work")
    for _ in range(15):  # the wait grows faster than we can type
        visitor.page.goto(visitor.server.url + "/login")
        visitor.fill(email_or_user="nobody", password="wrong")
        visitor.send()
        if "Too many" in visitor.page.inner_text("main"):
            break
    visitor.reads("Too many attempts. Please try again in")
    visitor.look()


def test_a_login_is_kept_when_it_is_asked_for(visitor: Visitor, new_visitor: NewVisitor) -> None:
    create_user(visitor, "keeper")
    visitor.go("/login")
    visitor.fill(email_or_user="keeper", password=PASSWORD)
    visitor.page.check("#remember_me")
    visitor.press("Sign in")
    (cookie,) = [c for c in visitor.context.cookies() if c["name"].endswith("-session")]
    assert cookie["expires"] > 0
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    again = new_visitor(storage_state=visitor.context.storage_state())
    again.go("/")
    again.reads("Hello, keeper")


def test_a_cookie_replayed_after_logout_is_refused_by_every_worker(visitor: Visitor) -> None:
    create_user(visitor, "leaver")
    log_in(visitor, "leaver")
    stolen = visitor.context.cookies()
    visitor.go("/logout")
    visitor.press("Sign out")
    for _ in range(20):
        visitor.context.clear_cookies()
        visitor.context.add_cookies(stolen)  # type: ignore[arg-type]
        answer = visitor.context.request.get(visitor.server.url + "/secret")
        assert answer.url == visitor.server.url + "/login?next=/secret"


def test_no_next_leads_to_another_site(visitor: Visitor) -> None:
    create_user(visitor, "follower")
    log_in(visitor, "follower")
    for target in FOREIGN_TARGETS:
        with visitor.page.expect_navigation():
            visitor.page.evaluate(
                "target => { location.href = '/login?next=' + encodeURIComponent(target) }", target
            )
        visitor.is_at("/")


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    create_user(visitor, "typist")
    page = visitor.page
    page.goto(visitor.server.url + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.goto(visitor.server.url + "/login")
    page.focus("#email_or_user")
    page.keyboard.type("typist")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    visitor.is_at("/")
    visitor.reads("Hello, typist")


def test_pages_need_no_script(chromium: Chromium, server: Server) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url + "/login")
    page.fill("#email_or_user", "nobody-at-all")
    page.fill("#password", "wrong")
    with page.expect_navigation():
        page.click("main button[type=submit]")
    assert "Incorrect email, username or password." in page.inner_text("main")
    context.close()


def test_an_injected_script_is_blocked(visitor: Visitor) -> None:
    visitor.page.goto(visitor.server.url + "/")
    visitor.page.evaluate(
        "() => { const s = document.createElement('script');"
        "s.textContent = 'window.injected = 1'; document.body.append(s) }"
    )
    assert visitor.page.evaluate("window.injected") is None
    assert any("Content Security Policy" in complaint for complaint in visitor.complaints)
