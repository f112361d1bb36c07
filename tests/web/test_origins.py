"""Where a form comes from, as browsers of all ages say it (CS-01, CS-02)."""

from collections.abc import Mapping

import pytest
from quart import Quart, Response
from quart.testing.utils import sentinel

from tests.acts import NEW, ask_email
from tests.browser import Browser
from tests.invitations import invite
from tests.mailbox import last_link, link_about
from tests.users import ALICE, ROOT, count, create_user, register

OLD_BROWSER = {"Origin": "http://127.0.0.1:8000"}  # Safari before 16.4 sends no Sec-Fetch-Site
HIDDEN = {"Origin": "null"}
CHOSEN = {"password": NEW, "confirm": NEW}


async def send(
    browser: Browser, path: str, headers: Mapping[str, str], fields: Mapping[str, str] | None = None
) -> Response:
    """Send a form with nothing but these headers and the cookies."""
    return await browser.client.post(path, form=dict(fields or {}), headers=dict(headers))


async def open_confirmation(browser: Browser) -> None:
    await register(browser.services, ALICE)
    await browser.open_link(await last_link(browser.services, ALICE.email))


class TestLinksInOldBrowsers:
    """``Referrer-Policy: no-referrer`` makes a page's own form say ``Origin: null``."""

    @pytest.mark.parametrize(
        "path", ["/confirm", "/reset/password", "/invitation", "/change-email", "/not-me", "/login"]
    )
    async def test_a_foreign_form_that_hides_its_origin_is_refused(
        self, browser: Browser, path: str
    ) -> None:
        """It comes without the link's cookie, which is ``SameSite=Lax``."""
        assert (await send(browser, path, HIDDEN, CHOSEN)).status_code == 403
        browser.set_cookie("x")
        assert (await send(browser, path, HIDDEN, CHOSEN)).status_code == 403

    async def test_the_links_cookie_opens_its_own_page_alone(self, browser: Browser) -> None:
        await open_confirmation(browser)
        for path in ("/reset/password", "/login", "/register", "/account/email", "/logout"):
            assert (await send(browser, path, HIDDEN, CHOSEN)).status_code == 403

    async def test_a_browser_that_says_cross_site_is_believed(self, browser: Browser) -> None:
        await open_confirmation(browser)
        for more in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            assert (await send(browser, "/confirm", HIDDEN | more)).status_code == 403
        assert await count(browser.services, "users") == 0

    async def test_a_named_foreign_origin_is_refused(self, browser: Browser) -> None:
        await open_confirmation(browser)
        for origin in ("https://evil.example", "NULL", "null, null", ""):
            assert (await send(browser, "/confirm", {"Origin": origin})).status_code == 403
        assert await count(browser.services, "users") == 0

    async def test_a_registration_is_confirmed(self, browser: Browser) -> None:
        await open_confirmation(browser)
        fields = {"password": ALICE.password}
        assert (await send(browser, "/confirm", HIDDEN, fields)).status_code == 303

    async def test_a_new_password_is_chosen(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await browser.post("/reset", {"email_or_user": "alice"})
        await browser.open_link(await link_about(browser.services, ALICE.email, "Choose a new"))
        assert (await send(browser, "/reset/password", HIDDEN, CHOSEN)).status_code == 303

    async def test_an_invitation_is_accepted(self, browser: Browser) -> None:
        await browser.open_link(await invite(browser.services, ROOT))
        assert (await send(browser, "/invitation", HIDDEN, CHOSEN)).status_code == 303

    async def test_an_address_is_changed(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await ask_email(browser.services, "new@example.com")
        await browser.open_link(await last_link(browser.services, "new@example.com"))
        assert (await send(browser, "/change-email", HIDDEN)).status_code == 303

    async def test_only_the_redirect_hides_where_it_was(self, browser: Browser) -> None:
        await register(browser.services, ALICE)
        link = await last_link(browser.services, ALICE.email)
        response = await browser.get(link.removeprefix("http://127.0.0.1:8000"))
        assert response.headers["Referrer-Policy"] == "no-referrer"
        page = await browser.follow(response)
        assert page.headers["Referrer-Policy"] == "same-origin"


class TestNeitherHeader:
    """A login form on another site arrives without a cookie, by ``SameSite`` itself."""

    async def test_nobody_is_signed_in_and_nothing_is_written(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        fields = {"email_or_user": ALICE.email, "password": ALICE.password}
        response = await send(browser, "/login", {}, fields)
        assert response.status_code == 403
        assert "Set-Cookie" not in response.headers
        assert "Origin: http://127.0.0.1:8000" in await response.get_data(as_text=True)
        assert await count(browser.services, "login_sessions") == 0

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
    async def test_no_page_takes_it(self, app: Quart, method: str) -> None:
        for path in ("/login", "/register", "/reset", "/logout", "/confirm/resend", "/keep-account",
                     "/confirm", "/reset/password", "/nothing-here"):  # fmt: skip
            for more in ({}, {"Referer": "http://127.0.0.1:8000/login"}, {"Cookie": "a=b"}):
                response = await app.test_client().open(
                    path, json=sentinel, method=method, headers=more
                )
                assert response.status_code == 403, path

    async def test_a_script_that_sends_the_origin_is_let_in(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        fields = {"email_or_user": ALICE.email, "password": ALICE.password}
        assert (await send(browser, "/login", OLD_BROWSER, fields)).status_code == 303


class TestOnALaptop:
    """Any name of this machine will do for the Host, so for the Origin too."""

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
    async def test_the_origin_of_the_page_that_is_open_is_taken(
        self, browser: Browser, host: str
    ) -> None:
        await create_user(browser.services, ALICE)
        fields = {"email_or_user": ALICE.email, "password": ALICE.password}
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert (await send(browser, "/login", headers, fields)).status_code == 303

    @pytest.mark.parametrize("origin", ["http://localhost:3000", "https://localhost:8000"])
    async def test_another_server_on_it_is_foreign(self, browser: Browser, origin: str) -> None:
        headers = {"Host": "localhost:8000", "Origin": origin}
        assert (await send(browser, "/login", headers)).status_code == 403


class TestPublic:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"public_url": "https://login.example.com:443"}

    async def test_a_port_that_browsers_leave_out_is_left_out(self, browser: Browser) -> None:
        headers = {"Host": "login.example.com", "Origin": "https://login.example.com"}
        assert (await send(browser, "/login", headers)).status_code == 422

    async def test_the_host_says_nothing_of_the_origin(self, browser: Browser) -> None:
        headers = {"Host": "login.example.com", "Origin": "http://login.example.com"}
        assert (await send(browser, "/login", headers)).status_code == 403
