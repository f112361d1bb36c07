"""After signing in a user is where they wanted to be, with what they had typed."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
from quart import Response

from app.flows import access
from app.services import Services
from tests.browser import SAME_ORIGIN, Browser
from tests.contexts import context
from tests.users import ALICE, BOB, ROOT, Someone, count, create_user, move_time

# What a browser leaves as it is when it asks for an address, and how the same is written quoted.
RAW = [
    ("/secret?ids[]=1", "/secret?ids%5B%5D=1"),
    ("/secret?filter={a|b}^`c`", "/secret?filter=%7Ba%7Cb%7D%5E%60c%60"),
    ('/secret?q="<a>"', "/secret?q=%22%3Ca%3E%22"),
    ("/secret?to=\\evil", "/secret?to=%5Cevil"),
    ("/secret?rate=100%", "/secret?rate=100%"),
    ("/secret?a=b#c".replace("#", "%23"), "/secret?a=b%23c"),
    ("/secret?name=%C3%BC&q=a+b", "/secret?name=%C3%BC&q=a+b"),
    ("/secret?next=//evil.example", "/secret?next=//evil.example"),
]


async def sign_in(browser: Browser, someone: Someone, **more: str) -> Response:
    fields = {"email_or_user": someone.email, "password": someone.password}
    return await browser.post("/login", fields | more)


def wanted_in(browser: Browser) -> str:
    """Return the page that the form of the sign-in page carries along."""
    found = re.search(r'name="next" type="hidden" value="([^"]*)"', browser.text)
    return found[1].replace("&amp;", "&") if found else ""


async def end_sessions(services: Services) -> None:
    await move_time(services, "login_sessions", "expires_at", "12 hours")


class TestPage:
    @pytest.mark.parametrize(("asked", "quoted"), RAW)
    async def test_it_is_reached_whatever_browsers_send_raw(
        self, browser: Browser, asked: str, quoted: str
    ) -> None:
        await create_user(browser.services, ALICE)
        to_login = await browser.get(asked)
        assert parse_qs(urlsplit(to_login.headers["Location"]).query) == {"next": [quoted]}
        await browser.follow(to_login)
        assert wanted_in(browser) == quoted
        on = await sign_in(browser, ALICE, next=wanted_in(browser))
        assert on.headers["Location"] == quoted
        assert (await browser.follow(on)).status_code == 200

    async def test_a_link_to_the_sign_in_page_may_name_it_raw(self, browser: Browser) -> None:
        await browser.client.get("/login", query_string={"next": "/secret?ids[]=1"})
        await create_user(browser.services, ALICE)
        on = await sign_in(browser, ALICE, next="/secret?ids[]=1")
        assert on.headers["Location"] == "/secret?ids%5B%5D=1"

    async def test_it_is_reached_through_the_password_asked_for_again(
        self, browser: Browser
    ) -> None:
        await create_user(browser.services, ROOT, role="Administrator")
        await sign_in(browser, ROOT)
        await move_time(browser.services, "login_sessions", "reauthenticated_at", "11 minutes")
        await browser.follow(await browser.get("/admin/users?q=[a]"))
        on = await browser.post("/reauthenticate", password=ROOT.password, next=wanted_in(browser))
        assert on.headers["Location"] == "/admin/users?q=%5Ba%5D"

    async def test_who_has_just_signed_in_is_not_asked_again(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        to_login = await browser.get("/reauthenticate?next=/account/username")
        await browser.follow(to_login)
        on = await sign_in(browser, ALICE, next=wanted_in(browser))
        assert (await browser.follow(on)).headers["Location"] == "/account/username"


class TestFormOfAnEndedSession:
    @pytest.fixture
    async def alice(self, browser: Browser) -> Browser:
        """Return a browser whose session has ended while a form was open."""
        await create_user(browser.services, ALICE)
        await create_user(browser.services, BOB)
        await sign_in(browser, ALICE)
        await end_sessions(browser.services)
        return browser

    async def send(
        self, browser: Browser, path: str, fields: Mapping[str, str], referer: str = ""
    ) -> Response:
        headers = {**SAME_ORIGIN, "Referer": f"http://127.0.0.1:8000{referer}"}
        response = await browser.client.post(path, form=dict(fields), headers=headers)
        assert response.status_code == 303
        return response

    async def test_nothing_is_done(self, alice: Browser) -> None:
        await self.send(alice, "/account/email", {"email": "new@example.com"})
        assert await count(alice.services, "outbox") == 2  # the two confirmations

    async def test_the_sign_in_page_says_why_and_leads_back(self, alice: Browser) -> None:
        asked = await self.send(alice, "/account/email", {"email": "new@example.com"})
        assert asked.headers["Location"] == "/login?next=/account/email"
        await alice.follow(asked)
        assert "You were signed out" in alice.text
        assert "nothing was saved" in alice.text
        assert alice.text.count("Please sign in to continue") == 1
        on = await sign_in(alice, ALICE, next=wanted_in(alice))
        assert on.headers["Location"] == "/account/email"

    async def test_what_was_typed_is_there_again_once(self, alice: Browser) -> None:
        typed = {"email": "new@example.com", "current_password": "typed-p4ssword"}
        await alice.follow(await self.send(alice, "/account/email", typed))
        for cookie in ("vestibule-flash", "vestibule-session"):
            assert "typed-p4ssword" not in (alice.cookie(cookie) or "")
        await alice.follow(await sign_in(alice, ALICE, next=wanted_in(alice)))
        assert 'value="new@example.com"' in alice.text
        assert "typed-p4ssword" not in alice.text
        assert "Nothing has been saved yet" in alice.text
        await alice.get("/account/email")
        assert 'value="new@example.com"' not in alice.text

    async def test_it_is_for_nobody_else_who_signs_in_there(self, alice: Browser) -> None:
        await alice.follow(
            await self.send(alice, "/account/email", {"email": "alices.wish@example.com"})
        )
        await alice.follow(await sign_in(alice, BOB, next=wanted_in(alice)))
        assert "alices.wish" not in alice.text

    async def test_it_is_forgotten_when_somebody_signs_out(self, alice: Browser) -> None:
        await alice.follow(
            await self.send(alice, "/account/email", {"email": "alices.wish@example.com"})
        )
        await alice.post("/logout")
        await alice.follow(await sign_in(alice, ALICE, next="/account/email"))
        assert "alices.wish" not in alice.text
        assert "Nothing has been saved yet" not in alice.text

    @pytest.mark.parametrize(
        ("referer", "wanted"),
        [
            ("/account/sessions?a[]=1", "/account/sessions?a%5B%5D=1"),
            ("//evil.example/", "/account"),
            ("", "/account"),
        ],
    )
    async def test_a_button_leads_back_to_the_page_it_stands_on(
        self, alice: Browser, referer: str, wanted: str
    ) -> None:
        await alice.follow(await self.send(alice, "/account/sessions/end-others", {}, referer))
        assert wanted_in(alice) == wanted

    async def test_on_a_laptop_so_it_does_by_any_of_its_names(self, alice: Browser) -> None:
        headers = {
            "Host": "localhost:8000",
            "Origin": "http://localhost:8000",
            "Referer": "http://localhost:8000/account/sessions",
        }
        asked = await alice.client.post("/account/sessions/end-others", form={}, headers=headers)
        assert asked.headers["Location"] == "/login?next=/account/sessions"

    async def test_what_was_typed_before_the_password_was_asked_for_is_kept_too(
        self, alice: Browser
    ) -> None:
        await sign_in(alice, ALICE)
        await move_time(alice.services, "login_sessions", "reauthenticated_at", "11 minutes")
        asked = await alice.post("/account/username", username="alice.in.wonderland")
        await alice.follow(asked)
        await end_sessions(alice.services)
        asked = await alice.post(
            "/reauthenticate", password=ALICE.password, next="/account/username"
        )
        assert asked.headers["Location"] == "/login?next=/account/username"
        await alice.follow(asked)
        await alice.follow(await sign_in(alice, ALICE, next=wanted_in(alice)))
        assert 'value="alice.in.wonderland"' in alice.text

    async def test_more_than_a_cookie_holds_is_not_promised(self, alice: Browser) -> None:
        asked = await self.send(alice, "/account/email", {"email": "x" * 5000})
        assert len(alice.cookie("vestibule-flash") or "") < 1000
        await alice.follow(asked)
        assert "You were signed out" in alice.text
        assert "typed" not in alice.text


class TestAdministrator:
    async def test_a_reason_and_a_role_are_not_lost(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await create_user(browser.services, ROOT, role="Administrator")
        for deed, fields, words in (
            ("block", {"reason": "sells hats"}, 'value="sells hats"'),
            ("role", {"role": "Moderator"}, '<option selected value="Moderator">'),
        ):
            await sign_in(browser, ROOT)
            await browser.get("/admin/users?q=alice")
            found = re.search(r"/admin/users/[0-9a-f-]{36}", browser.text)
            assert found
            async with context(browser.services, is_operator=True) as ctx:
                await access.end_sessions(ctx, name="root")
            headers = {**SAME_ORIGIN, "Referer": f"http://127.0.0.1:8000{found[0]}"}
            asked = await browser.client.post(f"{found[0]}/{deed}", form=fields, headers=headers)
            await browser.follow(asked)
            await browser.follow(await sign_in(browser, ROOT, next=wanted_in(browser)))
            assert words in browser.text
