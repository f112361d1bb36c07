"""The pages, as a browser meets them: refusals first."""

import re

import pytest
from quart import Response

from app.services import Services
from tests.browser import APPLICATION, Browser
from tests.invitations import invite
from tests.mailbox import last_link, link_in, messages
from tests.payloads import FOREIGN_TARGETS
from tests.users import ALICE, BOB, ROOT, block, count, create_user, move_time, register, signed_in


async def log_in(browser: Browser, **more: str) -> Response:
    fields = {"email_or_user": ALICE.email, "password": ALICE.password}
    return await browser.post("/login", fields | more)


def cookie_in(response: Response, name: str) -> str:
    """Return the header that sets a cookie."""
    (found,) = [
        header
        for header in response.headers.getlist("Set-Cookie")
        if header.split("=")[0].endswith(f"vestibule-{name}")
    ]
    return found


class TestRegister:
    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("username", "", "Choose a username"),
            ("username", "1alice", "starting with a letter"),
            ("username", "<script>", "starting with a letter"),
            ("email", "", "Enter your email"),
            ("email", "alice", "@-sign"),
            ("email", "a" * 300 + "@example.com", "at most 254"),
            ("password", "", "Choose a password"),
            ("confirm", "", "Type the password again"),
            ("confirm", "something else", "match"),
        ],
    )
    async def test_a_wrong_field_is_explained_beside_it(
        self, browser: Browser, field: str, value: str, words: str
    ) -> None:
        response = await browser.post("/register", APPLICATION | {field: value})
        assert response.status_code == 422
        error = re.search(rf'id="{field}-error">([^<]*)', browser.text)
        assert error, browser.text
        assert words in error.group(1)
        assert f'href="#{field}"' in browser.text
        assert await count(browser.services, "registrations") == 0

    async def test_what_was_typed_stays_but_passwords(self, browser: Browser) -> None:
        await browser.post("/register", APPLICATION | {"confirm": "something else"})
        assert 'value="alice"' in browser.text
        assert 'value="alice@example.com"' in browser.text
        assert ALICE.password not in browser.text
        assert "something else" not in browser.text

    async def test_all_that_is_wrong_is_said_at_once(self, browser: Browser) -> None:
        fields = APPLICATION | {"username": "1", "email": "nowhere", "password": "short"}
        await browser.post("/register", fields | {"confirm": "longer"})
        for name in ("username", "email", "password", "confirm"):
            assert f'id="{name}-error"' in browser.text, name

    async def test_a_weak_password_is_refused_with_the_reason(self, browser: Browser) -> None:
        weak = {"password": "passwordpassword", "confirm": "passwordpassword"}
        response = await browser.post("/register", APPLICATION | weak)
        assert response.status_code == 422
        assert 'id="password-error">This password is too common' in browser.text

    async def test_a_taken_user_name_is_refused_beside_it(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        response = await browser.post("/register", APPLICATION | {"email": "new@example.com"})
        assert response.status_code == 422
        assert 'id="username-error">This username is taken' in browser.text

    async def test_a_known_and_a_new_address_get_the_same_page(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        known = await browser.post("/register", APPLICATION | {"username": "somebody"})
        page = browser.text
        browser = browser.new_window()
        new = await browser.post(
            "/register", APPLICATION | {"username": "else1", "email": "fresh@example.com"}
        )
        assert browser.text.replace("fresh@example.com", ALICE.email) == page
        assert known.status_code == new.status_code == 200
        assert set(known.headers.keys()) == set(new.headers.keys())
        assert len(known.headers["Set-Cookie"]) == len(new.headers["Set-Cookie"])
        assert len(await messages(browser.services)) == 3

    async def test_extra_fields_change_nothing(self, browser: Browser) -> None:
        extra = dict.fromkeys(("role", "role_id", "is_admin", "confirmed_at", "id"), "1")
        await browser.post("/register", APPLICATION | extra)
        await browser.post("/login", {"email_or_user": "alice", "password": ALICE.password})
        assert "You still need to confirm your email address" in browser.text

    async def test_a_person_is_told_where_the_email_is(self, browser: Browser) -> None:
        response = await browser.post("/register", APPLICATION)
        assert response.status_code == 200
        assert "Check your email" in browser.text
        assert "alice@example.com" in browser.text
        assert "The message is in the server log" in browser.text


class TestConfirm:
    async def test_a_link_that_cannot_be_used_says_so_whatever_the_reason(
        self, browser: Browser
    ) -> None:
        await browser.post("/register", APPLICATION)
        link = await last_link(browser.services, ALICE.email)
        await browser.open_link(link)
        assert (await browser.post("/confirm")).status_code == 303
        pages = set()
        for address in (
            link,
            link[:-3] + "abc",
            "http://x/confirm/garbage",
            "http://x/confirm/%00",
        ):
            response = await browser.new_window().open_link(address)
            assert response.status_code == 410
            pages.add(re.sub(r"<code>\w+", "", await response.get_data(as_text=True)))
        assert len(pages) == 1
        assert ALICE.email not in pages.pop()

    async def test_without_its_cookie_the_page_says_that_the_link_is_missing(
        self, browser: Browser
    ) -> None:
        for path in ("/confirm", "/invitation"):
            for response in (await browser.get(path), await browser.post(path)):
                assert response.status_code == 410
                assert "Open the link in the email again" in browser.text

    async def test_opening_a_link_changes_nothing(self, browser: Browser) -> None:
        await browser.post("/register", APPLICATION)
        link = await last_link(browser.services, ALICE.email)
        path = link.removeprefix("http://127.0.0.1:8000")
        for window in (browser.new_window() for _ in range(5)):
            await window.open_link(link)
            await window.client.head(path)
            await window.client.options(path)
        await browser.open_link(link)
        response = await browser.post("/confirm")
        assert response.headers["Location"] == "/"

    async def test_the_key_leaves_the_address_and_is_told_to_nobody(self, browser: Browser) -> None:
        await register(browser.services, ALICE)
        link = await last_link(browser.services, ALICE.email)
        response = await browser.get(link.removeprefix("http://127.0.0.1:8000"))
        assert response.headers["Location"] == "/confirm"
        cookie = response.headers["Set-Cookie"]
        assert all(
            word in cookie for word in ("HttpOnly", "SameSite=Lax", "Max-Age=3600", "Path=/")
        )
        page = await browser.follow(response)
        assert response.headers["Referrer-Policy"] == "no-referrer"
        for answer in (response, page):
            assert answer.headers["Cache-Control"] == "no-store"
        assert link.rsplit("/", 1)[1] not in browser.text
        assert "alice" in browser.text

    async def test_a_confirmed_person_is_signed_in(self, browser: Browser) -> None:
        await browser.post("/register", APPLICATION)
        await browser.open_link(await last_link(browser.services, ALICE.email))
        assert "current-password" not in browser.text
        await browser.follow(await browser.post("/confirm"))
        assert "Your email address is confirmed. You&#39;re signed in." in browser.text
        assert (await browser.get("/secret")).status_code == 200
        assert browser.cookie("vestibule-confirm-link") is None

    async def test_in_another_browser_the_password_is_asked_for(self, browser: Browser) -> None:
        await browser.post("/register", APPLICATION)
        other = browser.new_window()
        await other.open_link(await last_link(browser.services, ALICE.email))
        assert 'autocomplete="current-password"' in other.text
        for password in ("", "wrong"):
            response = await other.post("/confirm", password=password)
            assert response.status_code == 401
            assert 'id="password-error"' in other.text
        assert other.cookie() is None
        response = await other.post("/confirm", password=ALICE.password)
        assert response.headers["Location"] == "/"
        assert other.cookie() is not None

    async def test_the_email_is_sent_again_from_the_login_page(self, browser: Browser) -> None:
        await register(browser.services, ALICE)
        response = await log_in(browser)
        assert response.status_code == 403
        ticket = re.search(r'name="ticket"[^>]*value="([^"]+)"', browser.text)
        assert ticket
        await browser.post("/confirm/resend", ticket=ticket.group(1))
        assert "Check your email" in browser.text
        assert len(await messages(browser.services, ALICE.email)) == 2

    async def test_a_garbled_ticket_is_refused(self, browser: Browser) -> None:
        assert (await browser.post("/confirm/resend", ticket="x")).status_code == 410
        assert (await browser.post("/confirm/resend")).status_code == 410


class TestTwoTabs:
    async def test_the_button_acts_on_the_link_that_its_page_was_about(
        self, browser: Browser
    ) -> None:
        for name in ("first", "second"):
            await browser.post("/register", APPLICATION | {"username": name})
        first, second = [link_in(message) for message in await messages(browser.services)]
        await browser.open_link(first)
        found = re.search(r'name="link"[^>]*value="(\w+)"', browser.text)
        assert found
        await browser.open_link(second)
        response = await browser.post("/confirm", link=found.group(1))
        assert response.status_code == 400
        assert "opened another link" in browser.text
        assert "second" in browser.text
        assert await count(browser.services, "users") == 0
        found = re.search(r'name="link"[^>]*value="(\w+)"', browser.text)
        assert found
        assert (await browser.post("/confirm", link=found.group(1))).status_code == 303

    async def test_both_registrations_of_a_browser_are_proven(self, browser: Browser) -> None:
        for name in ("first", "second"):
            await browser.post("/register", APPLICATION | {"username": name})
        for message in await messages(browser.services):
            await browser.open_link(link_in(message))
            assert "current-password" not in browser.text


class TestLogin:
    @pytest.mark.parametrize(
        ("field", "words"),
        [("email_or_user", "Enter your email"), ("password", "Enter your password")],
    )
    async def test_an_empty_field_is_explained(
        self, browser: Browser, field: str, words: str
    ) -> None:
        response = await log_in(browser, **{field: ""})
        assert response.status_code == 422
        assert words in browser.text

    async def test_every_failure_looks_the_same(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await create_user(browser.services, BOB)
        await block(browser.services, BOB)
        await register(browser.services, ALICE._replace(username="late", email="late@example.com"))
        tries = [
            ("nobody@example.com", "wrong"),
            (ALICE.email, "wrong"),
            (BOB.email, BOB.password),
            ("late@example.com", "wrong"),
            (ALICE.email, "x" * 200),
            ("nobody@example.com", "x" * 200),
        ]
        pages, headers = set(), set()
        for name, password in tries:
            response = await log_in(browser, email_or_user=name, password=password)
            assert response.status_code == 401
            assert f'value="{name}"' in browser.text
            pages.add(browser.text.replace(name, ""))
            headers.add(tuple(sorted(response.headers.keys())))
        assert len(pages) == len(headers) == 1
        assert "Incorrect email, username or password." in pages.pop()

    async def test_too_many_tries_are_told_in_words_with_a_time(self, browser: Browser) -> None:
        for name in (ALICE.email, "nobody"):
            for _ in range(5):
                assert (await log_in(browser, email_or_user=name)).status_code == 401
            response = await log_in(browser, email_or_user=name)
            assert response.status_code == 429
            assert response.headers["Retry-After"] == "1"
            assert "Too many attempts. Please try again in 1 second." in browser.text
            assert f'value="{name}"' in browser.text

    @pytest.mark.parametrize("target", FOREIGN_TARGETS)
    async def test_a_foreign_next_leads_home(self, browser: Browser, target: str) -> None:
        await create_user(browser.services, ALICE)
        await browser.client.get("/login", query_string={"next": target})
        response = await log_in(browser, next=target.replace("\0", ""))
        if "\0" not in target:
            assert response.headers["Location"] == "/"
            response = await browser.client.get("/login", query_string={"next": target})
            assert response.headers["Location"] == "/"

    async def test_a_guarded_page_is_reached_after_the_login(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        response = await browser.get("/secret?a=1")
        assert response.status_code == 303
        assert response.headers["Location"] == "/login?next=/secret%3Fa%3D1"
        await browser.follow(response)
        assert "Please sign in to continue." in browser.text
        assert 'name="next" type="hidden" value="/secret?a=1"' in browser.text
        await browser.follow(await log_in(browser, next="/secret?a=1"))
        assert "Only signed-in users can see this page" in browser.text
        assert "alice" in browser.text

    async def test_the_login_page_leads_on_who_is_signed_in(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await log_in(browser)
        response = await browser.get("/login?next=/secret")
        assert response.headers["Location"] == "/secret"

    async def test_home_greets_by_name(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await browser.follow(await log_in(browser))
        assert "Hello, alice" in browser.text
        await browser.get("/nothing-here")
        assert "Sign out" in browser.text

    async def test_without_remember_me_the_cookie_ends_with_the_browser(
        self, browser: Browser
    ) -> None:
        await create_user(browser.services, ALICE)
        cookie = cookie_in(await log_in(browser), "session")
        assert "Max-Age" not in cookie
        assert "Expires" not in cookie
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
        assert "Domain" not in cookie

    async def test_with_remember_me_it_lasts_thirty_days(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        cookie = cookie_in(await log_in(browser, remember_me="y"), "session")
        assert f"Max-Age={30 * 24 * 3600}" in cookie

    async def test_the_cookie_says_nothing_of_the_person(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        secret = await signed_in(browser.services, ALICE)
        await log_in(browser)
        cookie = browser.cookie()
        assert cookie
        assert secret not in cookie
        assert len(cookie) < 300


class TestSession:
    async def cookie_of_alice(self, browser: Browser) -> str:
        await create_user(browser.services, ALICE)
        await log_in(browser)
        cookie = browser.cookie()
        assert cookie
        return cookie

    async def is_in(self, browser: Browser) -> bool:
        return (await browser.get("/secret")).status_code == 200

    async def test_a_cookie_replayed_after_logout_is_refused(self, browser: Browser) -> None:
        cookie = await self.cookie_of_alice(browser)
        await browser.follow(await browser.post("/logout"))
        assert "You&#39;ve been signed out" in browser.text
        thief = browser.new_window()
        thief.set_cookie(cookie)
        assert not await self.is_in(thief)

    async def test_a_cookie_replayed_after_a_block_is_refused(self, browser: Browser) -> None:
        await self.cookie_of_alice(browser)
        await block(browser.services, ALICE)
        assert not await self.is_in(browser)

    async def test_a_cookie_replayed_after_its_end_is_refused(self, browser: Browser) -> None:
        await self.cookie_of_alice(browser)
        await move_time(browser.services, "login_sessions", "expires_at", "12 hours")
        assert not await self.is_in(browser)

    async def test_who_is_signed_out_is_led_home(self, browser: Browser) -> None:
        assert (await browser.get("/logout")).headers["Location"] == "/"
        assert (await browser.post("/logout")).headers["Location"] == "/"

    async def test_a_door_is_never_the_page_that_was_asked_for(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        for door in ("/logout", "/login?next=/secret"):
            assert (await log_in(browser, next=door)).headers["Location"] == "/"

    async def test_who_is_signed_in_does_not_register(self, browser: Browser) -> None:
        await self.cookie_of_alice(browser)
        assert (await browser.get("/register")).headers["Location"] == "/"

    async def test_getting_the_logout_page_ends_nothing(self, browser: Browser) -> None:
        await self.cookie_of_alice(browser)
        await browser.get("/logout")
        assert 'method="post" action="/logout"' in browser.text
        assert await self.is_in(browser)

    async def test_a_new_login_makes_the_old_cookie_worthless(self, browser: Browser) -> None:
        cookie = await self.cookie_of_alice(browser)
        await log_in(browser)
        assert browser.cookie() != cookie
        thief = browser.new_window()
        thief.set_cookie(cookie)
        assert not await self.is_in(thief)

    async def test_a_garbled_cookie_is_nobody(self, browser: Browser) -> None:
        cookie = await self.cookie_of_alice(browser)
        for garbled in ("", "x", cookie[:-1], cookie + "x", "." * 50, "A" * 3900, cookie[::-1]):
            thief = browser.new_window()
            thief.set_cookie(garbled)
            assert not await self.is_in(thief), garbled

    async def test_a_session_is_taken_from_the_cookie_alone(self, browser: Browser) -> None:
        cookie = await self.cookie_of_alice(browser)
        thief = browser.new_window()
        path = f"/secret?vestibule-session={cookie}&sid={cookie}"
        assert (await thief.get(path, {"Authorization": f"Bearer {cookie}"})).status_code == 303


class TestRotation:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"secret_key_fallbacks": ["an-older-4tB8wZ1cV6nJ3hL9fK2mQ7xR5p"]}

    async def test_a_cookie_of_an_old_key_lives_and_a_new_one_has_the_new_key(
        self, browser: Browser
    ) -> None:
        await create_user(browser.services, ALICE)
        secret = await signed_in(browser.services, ALICE)
        extension = browser.app.extensions["QUART_AUTH"][0]
        app = browser.app
        new = extension.dump_token(secret, app)
        current, app.secret_key = app.secret_key, app.config["SECRET_KEY_FALLBACKS"][0]
        old = extension.dump_token(secret, app)
        app.secret_key = current
        for cookie in (old, new):
            browser.set_cookie(cookie)
            assert (await browser.get("/secret")).status_code == 200
        app.config["SECRET_KEY_FALLBACKS"] = []
        browser.set_cookie(old)
        assert (await browser.get("/secret")).status_code == 303


class TestInvitation:
    async def test_a_first_password_is_chosen(self, browser: Browser) -> None:
        link = await self.invited(browser.services)
        await browser.open_link(link)
        assert "Welcome, root" in browser.text
        wrong = {"password": "short", "confirm": "short"}
        assert (await browser.post("/invitation", wrong)).status_code == 422
        assert 'id="password-error">Use at least 15 characters' in browser.text
        right = {"password": "root waters the plants", "confirm": "root waters the plants"}
        await browser.follow(await browser.post("/invitation", right))
        assert "Your password is set" in browser.text
        assert (await browser.post("/invitation", right)).status_code == 410
        await browser.post(
            "/login", {"email_or_user": "root", "password": "root waters the plants"}
        )
        assert (await browser.get("/secret")).status_code == 200

    async def invited(self, services: Services) -> str:
        return await invite(services, ROOT)


class TestHttps:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"public_url": "https://login.example.com"}

    async def test_cookies_are_tied_to_the_host_and_to_tls(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        headers = {"Host": "login.example.com", "Sec-Fetch-Site": "same-origin"}
        fields = {"email_or_user": ALICE.email, "password": ALICE.password}
        response = await browser.client.post("/login", form=fields, headers=headers, scheme="https")
        for name in ("session", "browser"):
            cookie = cookie_in(response, name)
            assert cookie.startswith("__Host-")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")

    async def test_signing_out_clears_what_the_browser_keeps(self, browser: Browser) -> None:
        headers = {"Host": "login.example.com", "Sec-Fetch-Site": "same-origin"}
        response = await browser.client.post("/logout", headers=headers, scheme="https")
        assert response.headers["Clear-Site-Data"] == '"storage"'
