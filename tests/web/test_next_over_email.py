"""Who has to open the link of an email first goes on where they were going: refusals first."""

import re
from typing import Any

import pytest

from app.http import kept_next
from app.kit.sealing import Purpose, seal
from tests.browser import Browser
from tests.factors import add_app
from tests.mailbox import last_link
from tests.payloads import FOREIGN_TARGETS
from tests.users import ALICE, BOB, Someone, create_user, register

COOKIE = "vestibule-next"
OTHER = "https://www.example.com"


def field(browser: Browser, name: str = "next") -> str:
    """Return what a hidden field of the page carries along."""
    found = re.search(rf'name="{name}" type="hidden" value="([^"]*)"', browser.text)
    return found[1].replace("&amp;", "&") if found else ""


def link(browser: Browser, path: str) -> str:
    """Return a link of the page to another page of signing in."""
    found = re.search(rf'href="({path}(?:\?[^"]*)?)"', browser.text)
    assert found, browser.text
    return found[1].replace("&amp;", "&")


async def apply(browser: Browser, wanted: str, someone: Someone = ALICE) -> None:
    """Register as a browser does that came with ``next``."""
    names = {"username": someone.username, "email": someone.email}
    passwords = {"password": someone.password, "confirm": someone.password}
    answer = await browser.post("/register", names | passwords, next=wanted)
    assert answer.status_code == 200, browser.text


async def confirm(browser: Browser, someone: Someone = ALICE, **more: str) -> str:
    """Open the link of the newest email and press its button; return where that leads."""
    await browser.open_link(await last_link(browser.services, someone.email))
    fields = {"link": field(browser, "link"), "next": field(browser)} | more
    return (await browser.post("/confirm", fields)).headers["Location"]


class TestRefusals:
    @pytest.mark.parametrize("target", [each for each in FOREIGN_TARGETS if "\0" not in each])
    async def test_a_foreign_address_is_not_followed(self, browser: Browser, target: str) -> None:
        await browser.client.get("/register", query_string={"next": target})
        assert not field(browser)
        await apply(browser, target)
        assert browser.cookie(COOKIE) is None
        assert await confirm(browser, next=target) == "/"

    @pytest.mark.parametrize("door", ["/login", "/logout", "/login/factor?x=1"])
    async def test_a_page_of_signing_in_or_out_is_none_to_go_to(
        self, browser: Browser, door: str
    ) -> None:
        await apply(browser, door)
        assert await confirm(browser, next=door) == "/"

    @pytest.mark.parametrize("forge", ["plain", "of another purpose", "of another name"])
    async def test_what_others_make_up_is_no_cookie_of_ours(
        self, browser: Browser, forge: str
    ) -> None:
        await apply(browser, "")
        keys = browser.services.config.signing_keys
        text = f"{kept_next._mark(ALICE.email)} /secret"
        forged = {
            "plain": "/secret",
            "of another purpose": seal(keys, Purpose.GATE, text),
            "of another name": seal(keys, Purpose.NEXT, f"{kept_next._mark(BOB.email)} /secret"),
        }
        browser.set_cookie(forged[forge], COOKIE)
        assert await confirm(browser) == "/"

    async def test_nobody_goes_where_another_one_at_this_browser_was_going(
        self, browser: Browser
    ) -> None:
        await apply(browser, "", BOB)
        await apply(browser, "/secret?of=alice")
        assert await confirm(browser, BOB) == "/"

    async def test_another_browser_is_not_led(self, browser: Browser) -> None:
        """Who registers with a stranger's address does not say where that one goes."""
        await apply(browser, "/secret")
        other = browser.new_window()
        assert await confirm(other, password=ALICE.password) == "/"
        assert "next=" not in await last_link(browser.services, ALICE.email)

    async def test_more_than_fits_a_cookie_is_not_kept(self, browser: Browser) -> None:
        await apply(browser, "/secret?" + "a" * 1700)
        assert browser.cookie(COOKIE) is None
        assert await confirm(browser) == "/"


class TestRegistration:
    async def test_who_confirms_goes_on(self, browser: Browser) -> None:
        await browser.follow(await browser.get("/secret?a=1"))
        await browser.get(link(browser, "/register"))
        await apply(browser, field(browser))
        assert await confirm(browser) == "/secret?a=1"
        assert not browser.cookie(COOKIE)
        await browser.get("/secret?a=1")
        assert "Only signed-in users can see this page" in browser.text
        assert "You&#39;re signed in." in browser.text

    async def test_a_mistake_in_the_form_does_not_lose_it(self, browser: Browser) -> None:
        await browser.post("/register", username="alice", email="nonsense", next="/secret")
        assert field(browser) == "/secret"

    async def test_who_signs_in_before_they_confirmed_goes_on(self, browser: Browser) -> None:
        await register(browser.services, ALICE)
        await browser.post("/login", email_or_user="alice", password=ALICE.password, next="/secret")
        await browser.post("/confirm/resend", ticket=field(browser, "ticket"))
        assert await confirm(browser, password=ALICE.password) == "/secret"

    async def test_who_is_signed_in_needs_no_account(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await browser.post("/login", email_or_user="alice", password=ALICE.password)
        assert (await browser.get("/register?next=/secret")).headers["Location"] == "/secret"


class TestLinksBetween:
    @pytest.mark.parametrize(
        ("page", "other"),
        [
            ("/login", "/register"),
            ("/login", "/reset"),
            ("/register", "/login"),
            ("/reset", "/login"),
        ],
    )
    async def test_they_take_it_along(self, browser: Browser, page: str, other: str) -> None:
        await browser.get(f"{page}?next=/secret%3Fa%3D1")
        await browser.get(link(browser, other))
        assert field(browser) == "/secret?a=1"
        await browser.get(page)
        assert link(browser, other) == other

    async def test_so_does_the_page_of_the_second_factor(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await add_app(browser.services, ALICE)
        await browser.follow(
            await browser.post(
                "/login", email_or_user="alice", password=ALICE.password, next="/secret"
            )
        )
        assert link(browser, "/login") == "/login?next=/secret"

    async def test_so_does_the_page_that_says_check_your_email(self, browser: Browser) -> None:
        await apply(browser, "/secret")
        for path in ("/login", "/register"):
            assert link(browser, path) == f"{path}?next=/secret"

    async def test_a_foreign_address_is_not_taken_along(self, browser: Browser) -> None:
        for page in ("/login", "/register", "/reset"):
            await browser.get(f"{page}?next=https://evil.example/")
            assert "evil" not in browser.text


class TestReset:
    async def ask(self, browser: Browser, name: str) -> None:
        await browser.post("/reset", email_or_user=name, next="/secret")

    async def choose(self, browser: Browser) -> str:
        await browser.open_link(await last_link(browser.services, ALICE.email))
        fields = {"link": field(browser, "link"), "next": field(browser)}
        new = "an entirely new password"
        answer = await browser.post("/reset/password", fields, password=new, confirm=new)
        return answer.headers["Location"]

    async def test_a_new_password_signs_in_nobody_but_leads_on(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await self.ask(browser, "alice")
        assert await self.choose(browser) == "/login?next=/secret"

    async def test_whether_there_is_such_a_user_does_not_show(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        answers = []
        for name in (ALICE.email, "nobody@example.com"):
            one = browser.new_window()
            await self.ask(one, name)
            cookie = one.cookie(COOKIE) or ""
            answers.append((one.text.replace(name, ""), len(cookie.partition(".")[0])))
        assert answers[0] == answers[1]

    async def test_another_browser_is_not_led(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await self.ask(browser, "alice")
        assert await self.choose(browser.new_window()) == "/login"


class TestClosed:
    @pytest.fixture
    def settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        return settings | {"registration": "closed"}

    async def test_the_link_to_sign_in_takes_it_along(self, browser: Browser) -> None:
        await browser.get("/register?next=/secret")
        await browser.get(link(browser, "/login"))
        assert field(browser) == "/secret"


class TestOtherSites:
    @pytest.fixture
    def settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        return settings | {"allowed_next": OTHER}

    async def test_an_allowed_one_is_reached(self, browser: Browser) -> None:
        await apply(browser, f"{OTHER}/shop?a=1")
        assert await confirm(browser) == f"{OTHER}/shop?a=1"

    async def test_one_that_only_looks_alike_is_not(self, browser: Browser) -> None:
        await apply(browser, f"{OTHER}.evil.example/")
        assert await confirm(browser) == "/"
