"""Pages of second factors, and the doors that ask for one."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from quart.testing.utils import sentinel
from sqlalchemy import text

from app.http.marks import factor
from tests.browser import SAME_ORIGIN, Browser
from tests.factors import (
    add_app,
    add_passkey,
    code_of,
    let_codes_pass,
    wrong_code,
)
from tests.rules.routes import documented
from tests.softkey import SoftKey
from tests.users import ALICE, BOB, ROOT, count, create_user, events, move_time, who

SENSITIVE = [
    "/account/username",
    "/account/password",
    "/account/email",
    "/account/delete",
    "/account/security/app/confirm",
]
HALF = "vestibule-pending-login"


@pytest.fixture
async def codes(browser: Browser) -> list[str]:
    """Return Alice's recovery codes; she has an app."""
    await create_user(browser.services, ALICE)
    return (await add_app(browser.services)).codes


async def show_password(browser: Browser, **more: str) -> str:
    fields = {"email_or_user": ALICE.email, "password": ALICE.password, **more}
    response = await browser.post("/login", fields)
    location: str = response.headers["Location"]
    return location


async def enter(browser: Browser, **more: str) -> None:
    """Sign Alice in by password and code."""
    await show_password(browser)
    await let_codes_pass(browser.services)
    fields = {"code": await code_of(browser.services), **more}
    response = await browser.post("/login/factor", fields)
    assert response.status_code == 303, browser.text


@pytest.mark.usefixtures("codes")
class TestHalfWay:
    async def test_the_cookie_opens_no_page(self, browser: Browser) -> None:
        """Not one of all routes, but for that of the factor (MF-03)."""
        await show_password(browser)
        half = browser.cookie(HALF)
        assert half
        sessions = await count(browser.services, "login_sessions")
        for route in documented():
            if route.who == "anyone":
                continue
            window = browser.new_window()
            for name in (HALF, "vestibule-session"):
                window.set_cookie(half, name)
            path = route.example.replace("/static", browser.app.static_url_path or "")
            response = await window.client.open(
                path, json=sentinel, method=route.method, headers=SAME_ORIGIN
            )
            to_login = response.headers.get("Location", "").startswith("/login")
            assert to_login or response.status_code == 401, route
        assert await who(browser.services, half) is None
        assert await count(browser.services, "login_sessions") == sessions

    async def test_nothing_of_the_site_is_shown_to_it(self, browser: Browser) -> None:
        await show_password(browser)
        await browser.get("/")
        assert "alice" not in browser.text

    async def test_a_wrong_code_is_told_beside_its_field(self, browser: Browser) -> None:
        await show_password(browser)
        response = await browser.post(
            "/login/factor", code=await wrong_code(browser.services), next="/account/data"
        )
        assert response.status_code == 401
        assert "Incorrect code" in browser.text
        assert 'value="/account/data"' in browser.text

    async def test_after_five_one_starts_over(self, browser: Browser) -> None:
        await show_password(browser)
        for _ in range(6):
            response = await browser.post("/login/factor", code=await wrong_code(browser.services))
        assert response.status_code == 401
        assert "Please sign in again" in browser.text
        assert not browser.cookie(HALF)

    async def test_who_has_nothing_to_finish_gets_the_sign_in_page(self, browser: Browser) -> None:
        for path in ("/login/factor", "/login/factor/lost"):
            response = await browser.get(path)
            assert response.status_code == 401
            assert "Forgot your password?" in browser.text

    async def test_it_goes_on_where_it_was_wanted(self, browser: Browser) -> None:
        assert await show_password(browser, next="/secret") == "/login/factor?next=/secret"
        await browser.get("/login/factor?next=/secret")
        response = await browser.post(
            "/login/factor", code=await code_of(browser.services), next="/secret"
        )
        assert response.headers["Location"] == "/secret"
        assert (await browser.follow(response)).status_code == 200

    @pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/login"])
    async def test_but_nowhere_else(self, browser: Browser, wanted: str) -> None:
        await show_password(browser, next=wanted)
        code = await code_of(browser.services)
        response = await browser.post("/login/factor", code=code, next=wanted)
        assert response.headers["Location"] in {"/", "/login"}

    async def test_a_recovery_code_does_too(self, browser: Browser, codes: list[str]) -> None:
        await show_password(browser)
        response = await browser.post("/login/factor", code=codes[0])
        assert response.headers["Location"] == "/"

    async def test_a_trusted_browser_is_not_asked(self, browser: Browser) -> None:
        await enter(browser, trust="y")
        await browser.post("/logout")
        assert await show_password(browser) == "/"

    async def test_the_cookie_goes_with_the_login(self, browser: Browser) -> None:
        await enter(browser)
        assert not browser.cookie(HALF)


@pytest.mark.usefixtures("codes")
class TestStepUp:
    @pytest.mark.parametrize("path", SENSITIVE)
    async def test_the_password_alone_is_not_enough(self, browser: Browser, path: str) -> None:
        await enter(browser)
        await move_time(browser.services, "login_sessions", "factor_at", "11 minutes")
        asked = await browser.get(path)
        assert asked.headers["Location"] == f"/reauthenticate?next={path}"
        await browser.follow(asked)
        assert "Show your second factor again" in browser.text
        response = await browser.post(
            "/reauthenticate/factor", code=await wrong_code(browser.services), next=path
        )
        assert response.status_code == 401
        await let_codes_pass(browser.services)
        code = await code_of(browser.services)
        response = await browser.post("/reauthenticate/factor", code=code, next=path)
        assert response.headers["Location"] == path
        assert (await browser.get(path)).status_code in {200, 303}

    async def test_both_are_asked_for(self, browser: Browser) -> None:
        await enter(browser)
        for column in ("factor_at", "reauthenticated_at"):
            await move_time(browser.services, "login_sessions", column, "11 minutes")
        await browser.follow(await browser.get("/account/username"))
        assert "Confirm your password" in browser.text
        wanted = {"password": ALICE.password, "next": "/account/username"}
        response = await browser.post("/reauthenticate", wanted)
        assert response.headers["Location"] == "/reauthenticate?next=/account/username"
        await browser.follow(response)
        assert "Show your second factor again" in browser.text

    async def test_who_has_no_factor_is_asked_for_the_password_alone(
        self, browser: Browser
    ) -> None:
        await create_user(browser.services, BOB)
        window = browser.new_window()
        await window.post("/login", email_or_user=BOB.email, password=BOB.password)
        assert (await window.get("/account/password")).status_code == 200


class TestAccount:
    async def test_an_app_is_set_up_by_its_first_code(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        assert await show_password(browser) == "/"
        await browser.get("/account/security")
        assert "Not set up" in browser.text
        await browser.follow(await browser.post("/account/security/app"))
        secret = "".join(re.findall(r"<span>([A-Z2-7]{4})</span>", browser.text))
        assert len(secret) == 32
        assert "<svg" in browser.text
        assert "style=" not in browser.text
        response = await browser.post(
            "/account/security/app/confirm", code=await wrong_code(browser.services)
        )
        assert response.status_code == 401
        again = "".join(re.findall(r"<span>([A-Z2-7]{4})</span>", browser.text))
        assert again == secret
        code = await code_of(browser.services)
        assert (await browser.post("/account/security/app/confirm", code=code)).status_code == 200
        codes = re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", browser.text)
        assert len(set(codes)) == 10
        assert "Sign out" in browser.text  # though the session has just been renewed
        assert f"%0A{ALICE.username}%0A%0A" in browser.text  # the file says whose codes they are
        await browser.get("/account/security")
        assert "10 left" in browser.text
        assert secret not in browser.text
        response = await browser.get("/account/security/app/confirm")
        assert response.headers["Location"] == "/account/security"

    async def test_codes_are_renewed_as_a_set(self, browser: Browser, codes: list[str]) -> None:
        await enter(browser)
        await browser.post("/account/security/recovery-codes")
        assert "Your recovery codes" in browser.text
        await browser.post("/logout")
        await show_password(browser)
        assert (await browser.post("/login/factor", code=codes[0])).status_code == 401

    async def test_an_app_is_removed(self, browser: Browser, codes: list[str]) -> None:
        del codes
        await enter(browser)
        await browser.post("/account/security/app/remove")
        await browser.post("/logout")
        assert await show_password(browser) == "/"
        assert "factor.app_removed" in await events(browser.services)

    async def test_there_are_no_passkeys_at_an_address(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await show_password(browser)
        await browser.get("/account/security/passkeys/new")
        assert "data-passkey" not in browser.text

    async def test_data_name_factors_without_secrets(
        self, browser: Browser, codes: list[str]
    ) -> None:
        await enter(browser)
        await browser.post("/account/data")
        assert '"recovery_codes_left": 10' in browser.text
        assert codes[0] not in browser.text
        assert "sealed" not in browser.text


@pytest.fixture
async def role_wants_factor(browser: Browser) -> AsyncIterator[None]:
    async with browser.services.engine.begin() as connection:
        await connection.execute(text("UPDATE roles SET factor_required = true"))
    yield
    async with browser.services.engine.begin() as connection:
        await connection.execute(
            text("UPDATE roles SET factor_required = (name = 'Administrator')")
        )


@pytest.mark.usefixtures("role_wants_factor")
class TestRole:
    async def test_who_is_late_sees_the_pages_of_enrolment_alone(self, browser: Browser) -> None:
        """Also an administrator (MF-09)."""
        await create_user(browser.services, ROOT, role="Administrator")
        await browser.post("/login", email_or_user=ROOT.email, password=ROOT.password)
        assert (await browser.get("/admin/users")).status_code == 200
        assert "Your role requires a second factor" in browser.text
        await move_time(browser.services, "users", "factor_due_at", "14 days")
        for route in documented():
            if route.who == "anyone" or route.path.startswith(("/reauth", "/account/security")):
                continue
            response = await browser.client.open(
                route.example, json=sentinel, method=route.method, headers=SAME_ORIGIN
            )
            to_enrolment = response.headers.get("Location") == "/account/security"
            is_refused = route.path.startswith("/api/") and response.status_code == 403
            assert to_enrolment or is_refused, route
        assert (await browser.get("/account/security")).status_code == 200
        await browser.follow(await browser.post("/account/security/app"))
        code = await code_of(browser.services, ROOT)
        await browser.post("/account/security/app/confirm", code=code)
        assert (await browser.get("/admin/users")).status_code == 200


class TestAdministrator:
    async def test_removes_lost_factors_with_a_reason(
        self, browser: Browser, codes: list[str]
    ) -> None:
        del codes
        services = browser.services
        await create_user(services, ROOT, role="Administrator")
        await browser.post("/login", email_or_user=ROOT.email, password=ROOT.password)
        async with services.engine.connect() as connection:
            alice = await connection.scalar(text("SELECT id FROM users WHERE username = 'alice'"))
        await browser.get("/admin/users")
        assert ">app<" in browser.text
        path = f"/admin/users/{alice}"
        response = await browser.post(f"{path}/factors/remove")
        assert response.status_code == 422
        assert "Say how you know" in browser.text
        await browser.follow(await browser.post(f"{path}/factors/remove", factor_reason="met her"))
        assert "Second factors removed" in browser.text
        assert "(met her)" in browser.text
        assert await show_password(browser.new_window()) == "/"


class TestMark:
    """A page of a site's own that wants a second factor."""

    @pytest.fixture
    async def window(self, browser: Browser) -> Browser:
        @factor
        async def vault() -> str:
            return "the vault"

        app: Quart = browser.app
        app._got_first_request = False
        app.add_url_rule("/vault", "vault", vault)
        return browser

    async def test_who_has_none_is_sent_to_set_one_up(self, window: Browser) -> None:
        await create_user(window.services, ALICE)
        await show_password(window)
        response = await window.get("/vault")
        assert response.headers["Location"] == "/account/security"
        await window.follow(response)
        assert "requires a second factor" in window.text

    async def test_who_showed_one_passes(self, window: Browser) -> None:
        await create_user(window.services, ALICE)
        await add_app(window.services)
        await enter(window)
        assert (await window.get("/vault")).status_code == 200

    async def test_a_trusted_browser_shows_it_first(self, window: Browser) -> None:
        await create_user(window.services, ALICE)
        await add_app(window.services)
        await enter(window, trust="y")
        await window.post("/logout")
        await show_password(window)
        response = await window.get("/vault")
        assert response.headers["Location"] == "/reauthenticate?next=/vault"
        await window.follow(response)
        assert "Show your second factor again" in window.text
        await let_codes_pass(window.services)
        code = await code_of(window.services)
        await window.post("/reauthenticate/factor", code=code, next="/vault")
        assert (await window.get("/vault")).status_code == 200


class TestPasskeys:
    @pytest.fixture
    def settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        return settings | {"public_url": "http://localhost:8000"}

    async def test_the_script_is_allowed_where_it_is_needed_alone(self, browser: Browser) -> None:
        policies = {}
        for path in ("/login", "/", "/register", "/reset"):
            response = await browser.get(path)
            policies[path] = "script-src" in response.headers["Content-Security-Policy"]
            assert ("<script" in browser.text) == policies[path]
        assert policies == {"/login": True, "/": False, "/register": True, "/reset": False}
        assert (await browser.get("/nothing")).headers["Content-Security-Policy"].count(
            "script"
        ) == 0

    async def test_a_passkey_signs_in_by_the_page(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        key = SoftKey()
        await add_passkey(browser.services, key)
        answer = key.get(await self.options(browser, "/login?next=/secret"))
        response = await browser.post("/login/passkey", answer=answer, next="/secret")
        assert response.headers["Location"] == "/secret"
        await browser.follow(response)
        assert "alice" in browser.text

    async def test_it_does_not_in_another_browser(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        key = SoftKey()
        await add_passkey(browser.services, key)
        answer = key.get(await self.options(browser, "/login"))
        response = await browser.new_window().post("/login/passkey", answer=answer)
        assert response.status_code == 401
        assert (await browser.post("/login/passkey")).status_code == 422

    async def test_a_name_is_inert(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await show_password(browser)
        key = SoftKey()
        options = await self.options(browser, "/account/security/passkeys/new")
        fields = {"name": "<script>alert(1)</script>", "answer": key.create(options)}
        assert (await browser.post("/account/security/passkeys/new", fields)).status_code == 200
        await browser.get("/account/security")
        assert "<script>alert" not in browser.text
        assert "&lt;script&gt;" in browser.text
        long = {"name": "x" * 61, "answer": "{}"}
        assert (await browser.post("/account/security/passkeys/new", long)).status_code == 422

    async def test_there_is_no_button_at_an_address(self, browser: Browser) -> None:
        await browser.get("/login", {"Host": "127.0.0.1:8000"})
        assert "data-passkey" not in browser.text
        assert "http://localhost:8000/login" in browser.text

    @staticmethod
    async def options(browser: Browser, path: str) -> str:
        await browser.get(path)
        found = re.search(r'data-options="([^"]+)"', browser.text)
        assert found
        return found[1].replace("&#34;", '"')


def test_the_script_is_small() -> None:
    script = Path("app/web/static/passkey.js").read_bytes()
    assert len(script) < 3000
    assert b"innerHTML" not in script
