"""What the looks promise, in a real browser."""

import pytest

from tests.journeys.conftest import NewVisitor, Visitor
from tests.journeys.people import create_user, log_in

pytestmark = [pytest.mark.journey, pytest.mark.slow]

WORDS = "four quiet words here"


def test_a_password_is_shown_and_typed_once(visitor: Visitor) -> None:
    visitor.go("/register")
    page = visitor.page
    assert not page.is_visible("#confirm")
    page.fill("#username", "robin")
    page.fill("#email", "robin@example.com")
    page.fill("#password", "short")
    assert page.inner_text("[data-strength]") == "10 more characters"
    page.fill("#password", "robin robin robin")
    assert page.inner_text("[data-strength]") == "Leave out your name and address"
    page.fill("#password", WORDS)
    assert page.inner_text("[data-strength]") == "Long enough"
    page.get_by_role("button", name="Show password").click()
    assert page.get_attribute("#password", "type") == "text"
    visitor.press("Register")
    visitor.reads("Check your email")


def test_without_scripts_it_is_typed_twice(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(java_script_enabled=False)
    visitor.page.goto(visitor.server.url + "/register")
    assert visitor.page.is_visible("#confirm")
    assert not visitor.page.is_visible("[data-reveal]")
    visitor.page.fill("#username", "wren")
    visitor.page.fill("#email", "wren@example.com")
    visitor.page.fill("#password", WORDS)
    visitor.page.fill("#confirm", "another")
    visitor.page.click("main button[type=submit]")
    assert "The passwords don't match." in visitor.page.inner_text("main")


def test_register_fits_a_screen_of_800_px(visitor: Visitor) -> None:
    visitor.page.set_viewport_size({"width": 1280, "height": 800})
    visitor.page.goto(visitor.server.url + "/register")
    button = visitor.page.locator("main button[type=submit]").bounding_box()
    assert button
    assert button["y"] + button["height"] <= 800


def test_the_menu_of_a_phone_works_by_keyboard(visitor: Visitor) -> None:
    create_user(visitor, "finch")
    log_in(visitor, "finch")
    page = visitor.page
    page.set_viewport_size({"width": 320, "height": 640})
    header = page.locator("body > header").bounding_box()
    assert header
    assert header["height"] <= 64
    page.keyboard.press("Tab")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_by_role("link", name="Your account").first.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Secret"
    for _ in range(2):
        page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    visitor.reads("You've been signed out")


def test_what_a_finger_meets_is_large_enough(visitor: Visitor) -> None:
    create_user(visitor, "heron")
    log_in(visitor, "heron")
    for path in ("/", "/account", "/account/sessions", "/account/security", "/account/password"):
        visitor.page.set_viewport_size({"width": 390, "height": 844})
        visitor.page.goto(visitor.server.url + path)
        small = visitor.page.evaluate(
            """() => [...document.querySelectorAll('button, .button, summary, .tabs a, input')]
              .filter(each => each.offsetParent && each.type !== 'checkbox')
              .filter(each => each.getBoundingClientRect().height
                + (each.matches('.compact') ? 10 : 0) < 43.5)
              .map(each => each.outerHTML)"""
        )
        assert small == [], path
