"""What the looks promise, in a real browser."""

import pytest
from sqlalchemy import make_url

from tests import databases
from tests.journeys.conftest import FITS, NewVisitor, Visitor
from tests.journeys.people import create_user, log_in

pytestmark = [pytest.mark.journey, pytest.mark.slow]

WORDS = "four quiet words here"
LONG = "marguerite.de-la-tour-dauvergne-and-of-many-other-places"
ADDRESS = f"{LONG}@consulting.example.com"
IP = "2001:db8:85a3:8d3:1319:8a2e:370:7348"
ID = "11111111-2222-4333-8444-555555555555"
# Somebody with all that is long, who has everything that pages can show.
SOMEBODY = f"""
DO $$ BEGIN
    UPDATE roles SET factor_required = false;
    UPDATE users SET role_id = (SELECT id FROM roles WHERE name = 'Administrator');
    INSERT INTO users (id, email, email_key, username, username_key, role_id, factors, blocked_at,
        blocked_reason, delete_at)
    SELECT '{ID}', '{ADDRESS}', '{ADDRESS}', '{LONG}', '{LONG}', min(id), 3, now(), '{ADDRESS}',
        now() FROM roles;
    INSERT INTO registrations (email, email_key, username, username_key, password_hash, fingerprint,
        expires_at)
    VALUES ('{ADDRESS}', '{ADDRESS}', 'o-{LONG}', 'o-{LONG}', '', '', now() + interval '1 d');
    INSERT INTO outbox (recipient, subject, text, gave_up_at, trouble)
    VALUES ('{ADDRESS}', 'Reset your password', '', now(), '550 5.1.1 <{ADDRESS}>');
    INSERT INTO groups (name) VALUES ('{LONG}');
    INSERT INTO user_groups (user_id, group_id) SELECT '{ID}', id FROM groups;
    INSERT INTO sites (id, origin, name, need, identity)
    VALUES ('{ID}', 'https://{LONG}.example.com', '{LONG}', 'group:{LONG}', 'id');
    INSERT INTO site_paths (site_id, prefix, need) VALUES ('{ID}', '/{LONG}', 'group:{LONG}');
    INSERT INTO user_notes (user_id, author_id, text) SELECT '{ID}', '{ID}', '{ADDRESS}';
    INSERT INTO audit_events (event, actor_id, subject_id, ip, user_agent, request_id, detail)
    SELECT 'account.blocked', '{ID}', id, '{IP}', '', '{LONG}',
        jsonb_build_object('reason', '{ADDRESS}') FROM users;
    INSERT INTO login_sessions (digest, user_id, credential_version, remembered, seen_at,
        expires_at, ip, user_agent)
    SELECT sha256(id::text::bytea), id, 1, true, now(), now() + interval '1 d', '{IP}', ''
    FROM users;
END $$
"""  # noqa: S608 - our own words
PAGES = [
    *(f"/account{page}" for page in (
        "", "/security", "/sessions", "/applications", "/tokens", "/history", "/data", "/email",
        "/time-zone", "/delete",
    )),
    *(f"/admin{page}" for page in (
        "", "/users", f"/users/{ID}", f"/users/selected?deed=delete&user={ID}", "/roles",
        "/roles/1", "/registrations", "/groups", f"/groups/{LONG}", "/sites", f"/sites/{ID}",
        "/invite", "/invite/many", "/audit-log", "/outbox", "/sessions", "/settings",
    )),
]  # fmt: skip
WIDTHS = (320, 600, 768, 900, 1024, 1280)


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


def test_what_is_long_fits_every_page_at_every_width(visitor: Visitor) -> None:
    create_user(visitor, LONG[:20])
    databases.execute(make_url(visitor.server.environ["DATABASE_URL"]), SOMEBODY)
    log_in(visitor, LONG[:20])
    for path in PAGES:
        answer = visitor.page.goto(visitor.server.url + path)
        assert answer
        assert answer.status == 200, path
        for width in WIDTHS:
            visitor.page.set_viewport_size({"width": width, "height": 800})
            assert visitor.page.evaluate(FITS), f"{path} at {width}: wider than the window"
        visitor.enlarge()
