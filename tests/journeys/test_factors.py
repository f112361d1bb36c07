"""A user's walks with second factors: an app, and Chromium's virtual authenticator."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import CDPSession
from sqlalchemy import URL, make_url

from app.kit import totp
from app.kit.totp import AppSecret
from tests import databases
from tests.journeys.conftest import Visitor
from tests.journeys.people import create_user, log_in
from tests.server import ROOT, Server, environment, free_port, serving

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    """Yield a server that is called by its name: browsers know no passkeys of an address."""
    port = free_port()
    with databases.migrated(worker_database) as url:
        environ = environment(
            url, WORKERS="2", BIND=f"127.0.0.1:{port}", PUBLIC_URL=f"http://localhost:{port}"
        )
        with serving(environ) as server:
            server.url = f"http://localhost:{port}"
            databases.execute(url, "UPDATE roles SET factor_required = false")
            yield server


class App:
    """An authenticator app; it shows a new code each time, by its own clock."""

    def __init__(self, visitor: Visitor) -> None:
        text = visitor.page.inner_text(".secret").replace(" ", "").strip()
        self.secret: AppSecret = totp.read_address(f"otpauth://totp/x?secret={text}")
        self.used = 0

    def code(self) -> str:
        """Return a code that was not used yet: the next one, if need be the one after."""
        now = int(time.time()) // 30
        step = max(now - 1, self.used + 1)
        while step > int(time.time()) // 30 + 1:
            time.sleep(1)
        self.used = step
        return totp.code_at(self.secret, step)


class Authenticator:
    """What keeps passkeys in a visitor's browser."""

    def __init__(self, visitor: Visitor, **options: Any) -> None:
        self.session: CDPSession = visitor.context.new_cdp_session(visitor.page)
        self.session.send("WebAuthn.enable", {"enableUI": False})
        facts = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }  # fmt: skip
        added = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": facts | options})
        self.id = added["authenticatorId"]

    def set(self, name: str, **values: Any) -> None:
        self.session.send(f"WebAuthn.{name}", {"authenticatorId": self.id, **values})

    @property
    def passkeys(self) -> list[dict[str, Any]]:
        found = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(found["credentials"])


def set_up_app(visitor: Visitor) -> tuple[App, list[str]]:
    """Set an app up; return it and the recovery codes."""
    visitor.go("/account/security")
    visitor.press("Set up")
    app = App(visitor)
    visitor.fill(code="000000")
    visitor.press("Turn on")
    visitor.reads("Incorrect code")
    visitor.fill(code=app.code())
    visitor.press("Turn on")
    visitor.reads("Your recovery codes")
    return app, visitor.page.inner_text(".codes").split()


def recover(visitor: Visitor, code: str) -> None:
    visitor.page.click("text=Use a recovery code")
    visitor.page.fill("#recovery-code", code)
    visitor.press("Use recovery code")


def sign_out(visitor: Visitor) -> None:
    visitor.page.goto(visitor.server.url + "/logout")
    visitor.send()


def add_passkey(visitor: Visitor, name: str = "Phone") -> None:
    visitor.go("/account/security/passkeys/new")
    visitor.fill(name=name)
    visitor.press("Create passkey")


def test_an_app_recovery_codes_and_a_trusted_browser(visitor: Visitor) -> None:
    create_user(visitor, "ada")
    log_in(visitor, "ada")
    app, codes = set_up_app(visitor)
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download").click()
    assert codes[0] in download.value.path().read_text()
    visitor.go("/account/security")
    visitor.reads("10 left")
    sign_out(visitor)
    log_in(visitor, "ada")
    visitor.look()
    visitor.reads("Confirm it's you")
    visitor.fill(code="000000")
    visitor.press("Continue")
    visitor.reads("Incorrect code")
    visitor.fill(code=app.code())
    visitor.page.check("#trust")
    visitor.press("Continue")
    visitor.is_at("/")
    sign_out(visitor)
    log_in(visitor, "ada")
    visitor.is_at("/")
    visitor.go("/account/password")
    visitor.reads("Show your second factor again")
    recover(visitor, codes[0])
    visitor.reads("Change your password")
    visitor.is_at("/account/password")
    visitor.go("/account/security")
    visitor.reads("9 left")
    visitor.press("Ask in all browsers")
    sign_out(visitor)
    log_in(visitor, "ada")
    recover(visitor, codes[1].upper())
    visitor.is_at("/")


def test_a_passkey_by_button_and_by_the_field(visitor: Visitor) -> None:
    create_user(visitor, "bea")
    device = Authenticator(visitor)
    log_in(visitor, "bea")
    add_passkey(visitor)
    visitor.reads("Your recovery codes")
    visitor.go("/account/security")
    visitor.reads("Signs in without password")
    sign_out(visitor)
    device.set("setAutomaticPresenceSimulation", enabled=False)
    visitor.go("/login?next=/secret")
    device.set("setAutomaticPresenceSimulation", enabled=True)
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("button", name="Sign in with a passkey").click()
    visitor.is_at("/secret")
    sign_out(visitor)
    visitor.page.goto(visitor.server.url + "/login?next=/secret")
    visitor.page.wait_for_url(visitor.server.url + "/secret")  # by itself: the field offers it
    visitor.reads("Only signed-in users")


def test_a_passkey_as_second_factor_and_before_what_is_sensitive(visitor: Visitor) -> None:
    create_user(visitor, "cleo")
    device = Authenticator(visitor)
    log_in(visitor, "cleo")
    add_passkey(visitor)
    sign_out(visitor)
    device.set("setAutomaticPresenceSimulation", enabled=False)
    log_in(visitor, "cleo")
    visitor.look()
    device.set("setAutomaticPresenceSimulation", enabled=True)
    visitor.press("Use a passkey")
    visitor.is_at("/")
    databases.execute(database(visitor), "UPDATE login_sessions SET reauthenticated_at = NULL, "
                      "factor_at = NULL")  # fmt: skip
    visitor.go("/account/username")
    visitor.reads("Confirm your password")
    visitor.follow("Use a passkey instead")
    visitor.press("Use a passkey")
    visitor.is_at("/account/username")


def test_a_copy_is_refused(visitor: Visitor) -> None:
    create_user(visitor, "dora")
    device = Authenticator(visitor)
    log_in(visitor, "dora")
    add_passkey(visitor)
    (copy,) = device.passkeys
    sign_out(visitor)
    visitor.page.goto(visitor.server.url + "/login?next=/secret")
    visitor.page.wait_for_url(visitor.server.url + "/secret")
    sign_out(visitor)
    device.set("clearCredentials")
    device.set("addCredential", credential=copy)
    visitor.page.goto(visitor.server.url + "/login")
    visitor.page.wait_for_selector("text=This passkey didn't work")


def test_one_that_does_not_verify_is_no_way_in(visitor: Visitor) -> None:
    create_user(visitor, "edda")
    device = Authenticator(visitor)
    log_in(visitor, "edda")
    add_passkey(visitor)
    sign_out(visitor)
    device.set("setAutomaticPresenceSimulation", enabled=False)
    visitor.go("/login")
    device.set("setUserVerified", isUserVerified=False)
    device.set("setAutomaticPresenceSimulation", enabled=True)
    visitor.page.get_by_role("button", name="Sign in with a passkey").click()
    visitor.page.wait_for_selector("text=/didn't work/")
    assert visitor.page.url.startswith(visitor.server.url + "/login")


def test_a_lost_factor_comes_back(visitor: Visitor) -> None:
    email = create_user(visitor, "fritz")
    log_in(visitor, "fritz")
    set_up_app(visitor)
    sign_out(visitor)
    log_in(visitor, "fritz")
    visitor.follow("I've lost my second factor")
    visitor.press("Email me a link")
    visitor.reads("Check your email")
    visitor.go(visitor.server.link(email, "lost-factor"))
    visitor.press("Remove it in 7 days")
    visitor.reads("The wait has started")
    visitor.go(visitor.server.link(email, "keep-factors"))
    visitor.press("Keep my second factors")
    log_in(visitor, "fritz")
    visitor.reads("Confirm it's you")


def test_a_role_that_requires_a_factor_gives_time_and_then_no_page(visitor: Visitor) -> None:
    create_user(visitor, "wanda")
    log_in(visitor, "wanda")
    set_up_app(visitor)  # who requires it of others has one
    command(visitor, "users", "set-role", "wanda", "Administrator")
    create_user(visitor, "late")
    command(visitor, "users", "set-role", "late", "Administrator")
    command(visitor, "roles", "require-factor", "Administrator")
    sign_out(visitor)
    log_in(visitor, "late")
    visitor.go("/admin/users")
    visitor.reads("Your role requires a second factor")
    databases.execute(database(visitor), "UPDATE users SET factor_due_at = now()")
    visitor.go("/admin/users")
    visitor.is_at("/account/security")
    visitor.go("/account/password")
    visitor.is_at("/account/security")
    set_up_app(visitor)
    visitor.go("/admin/users")
    visitor.is_at("/admin/users")


def test_without_scripts_all_but_the_button_works(chromium: Chromium, server: Server) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url + "/login")
    assert page.is_hidden("button[data-passkey]")
    assert page.is_visible("text=Forgot your password?")
    context.close()


def command(visitor: Visitor, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT, env=visitor.server.environ, check=True, capture_output=True,
    )  # fmt: skip


def database(visitor: Visitor) -> URL:
    return make_url(visitor.server.environ["DATABASE_URL"])
