"""A user's own pages, and the links in letters that need no more than a button."""

import json
import re
from uuid import uuid4

import pytest
from quart import Response
from sqlalchemy import text

from app.flows import access
from app.kit.client import Client
from app.services import Services
from tests.acts import NEW, ask_email, leave
from tests.browser import SAME_ORIGIN, Browser
from tests.contexts import context
from tests.mailbox import link_about, messages
from tests.users import (
    ALICE,
    BOB,
    ROOT,
    Someone,
    actor_of,
    block,
    create_user,
    entered,
    id_of,
    move_time,
    register,
    who,
)

PATHS = ["", "/password", "/email", "/username", "/sessions", "/data", "/delete"]


@pytest.fixture
async def alice(browser: Browser) -> Browser:
    """Return a browser in which Alice is signed in, just now."""
    await create_user(browser.services, ALICE)
    await log_in(browser, ALICE)
    return browser


async def log_in(browser: Browser, someone: Someone, password: str | None = None) -> Response:
    fields = {"email_or_user": someone.email, "password": password or someone.password}
    return await browser.post("/login", fields)


async def name_of(browser: Browser) -> str | None:
    """Return who is signed in."""
    await browser.get("/account")
    found = re.search(r'class="me"[^>]*>([^<]+)<', browser.text)
    return found and found.group(1)


async def forget_proofs(services: Services) -> None:
    await move_time(services, "login_sessions", "reauthenticated_at", "11 minutes")


async def test_pages_name_what_can_be_changed(alice: Browser) -> None:
    for path in PATHS:
        assert (await alice.get("/account" + path)).status_code == 200, path
    await alice.get("/account")
    assert ALICE.email in alice.text
    assert "<dd>1</dd>" in alice.text


class TestSudo:
    async def test_a_sensitive_page_asks_and_then_goes_on(self, alice: Browser) -> None:
        await forget_proofs(alice.services)
        asked = await alice.get("/account/username")
        assert asked.headers["Location"] == "/reauthenticate?next=/account/username"
        await alice.follow(asked)
        assert "Confirm your password" in alice.text
        wrong = {"password": "wrong", "next": "/account/username"}
        assert (await alice.post("/reauthenticate", wrong)).status_code == 401
        assert "Incorrect password." in alice.text
        assert 'value="/account/username"' in alice.text
        right = {"password": ALICE.password, "next": "/account/username"}
        before = alice.cookie()
        on = await alice.post("/reauthenticate", right)
        assert on.headers["Location"] == "/account/username"
        assert alice.cookie() != before
        assert (await alice.follow(on)).status_code == 200

    async def test_what_was_typed_is_there_again_but_no_password(self, alice: Browser) -> None:
        await forget_proofs(alice.services)
        typed = {"username": "alice.in.wonderland", "password": "typed-p4ssword", "confirm": "x"}
        asked = await alice.post("/account/username", typed)
        assert asked.headers["Location"] == "/reauthenticate?next=/account/username"
        flash = alice.cookie("vestibule-flash") or ""
        assert "typed-p4ssword" not in flash
        right = {"password": ALICE.password, "next": "/account/username"}
        await alice.follow(await alice.post("/reauthenticate", right))
        assert 'value="alice.in.wonderland"' in alice.text
        await alice.get("/account/username")
        assert 'value="alice"' in alice.text

    async def test_what_was_typed_is_for_nobody_else(self, alice: Browser) -> None:
        await create_user(alice.services, BOB)
        await forget_proofs(alice.services)
        await alice.post("/account/username", username="alices.secret.wish")
        await alice.post("/logout")
        await log_in(alice, BOB)
        await alice.get("/account/username")
        assert "alices.secret.wish" not in alice.text

    async def test_it_says_that_a_button_has_to_be_pressed_again(self, alice: Browser) -> None:
        await forget_proofs(alice.services)
        right = {"password": ALICE.password, "next": "/account"}
        await alice.post("/account/sessions/end-others")
        await alice.follow(await alice.post("/reauthenticate", right))
        assert "Nothing has been saved yet" in alice.text
        await forget_proofs(alice.services)
        await alice.get("/account/username")
        await alice.follow(await alice.post("/reauthenticate", right))
        assert "Nothing has been saved yet" not in alice.text

    async def test_a_button_leads_back_to_the_page_it_stands_on(self, alice: Browser) -> None:
        await forget_proofs(alice.services)
        for referer, wanted in (
            ("http://127.0.0.1:8000/account/sessions", "/account/sessions"),
            ("http://127.0.0.1:8000//evil.example/", "/account"),
            ("https://evil.example/account/sessions", "/account"),
            ("", "/account"),
            ("http://[", "/account"),
        ):
            asked = await alice.client.post(
                "/account/sessions/end-others", form={}, headers={**SAME_ORIGIN, "Referer": referer}
            )
            assert asked.headers["Location"] == f"/reauthenticate?next={wanted}"

    @pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example", "/\\evil", "x"])
    async def test_it_goes_on_nowhere_else(self, alice: Browser, evil: str) -> None:
        on = await alice.post("/reauthenticate", {"password": ALICE.password, "next": evil})
        assert on.headers["Location"] == "/account"

    async def test_nothing_is_done_without_it(self, alice: Browser) -> None:
        other = await entered(alice.services, ALICE)
        await forget_proofs(alice.services)
        await alice.post("/account/sessions/end-others")
        await alice.post("/account/data")
        assert "alice@example.com" not in alice.text
        assert await who(alice.services, other.secret) == "alice"


class TestPassword:
    async def test_each_mistake_stands_beside_its_field(self, alice: Browser) -> None:
        wrong = {"current_password": "wrong", "password": NEW, "confirm": NEW}
        assert (await alice.post("/account/password", wrong)).status_code == 401
        assert 'id="current_password-error">Incorrect password.' in alice.text
        weak = {"current_password": ALICE.password, "password": "short", "confirm": "short"}
        assert (await alice.post("/account/password", weak)).status_code == 422
        assert 'id="password-error">Use at least' in alice.text
        differ = {"current_password": ALICE.password, "password": NEW, "confirm": NEW + "x"}
        assert (await alice.post("/account/password", differ)).status_code == 422
        assert "The passwords don&#39;t match" in alice.text
        assert NEW not in alice.text
        assert ALICE.password not in alice.text

    async def test_it_is_changed_and_this_browser_stays_in(self, alice: Browser) -> None:
        other = alice.new_window()
        await log_in(other, ALICE)
        before = alice.cookie()
        fields = {"current_password": ALICE.password, "password": NEW, "confirm": NEW}
        await alice.follow(await alice.post("/account/password", fields))
        assert "Your password is changed" in alice.text
        assert alice.cookie() != before
        assert await name_of(alice) == "alice"
        assert await name_of(other) is None
        assert (await log_in(other, ALICE)).status_code == 401
        assert (await log_in(other, ALICE, NEW)).status_code == 303


class TestReset:
    async def test_known_unknown_blocked_and_unconfirmed_look_the_same(
        self, browser: Browser
    ) -> None:
        await create_user(browser.services, ALICE)
        await create_user(browser.services, BOB)
        await block(browser.services, BOB)
        await register(browser.services, Someone("carol", "carol@example.com", NEW))
        said = set()
        for name in ("alice@example.com", "bob@example.com", "carol@example.com", "x@example.com"):
            response = await browser.post("/reset", {"email_or_user": name})
            assert response.status_code == 200
            assert "Set-Cookie" not in response.headers
            said.add(browser.text.replace(name, "NAME"))
        assert len(said) == 1

    async def test_nothing_typed_is_a_mistake(self, browser: Browser) -> None:
        assert (await browser.post("/reset", {"email_or_user": " "})).status_code == 422
        assert (await browser.post("/reset", {"email_or_user": "a" * 255})).status_code == 422

    async def test_the_whole_way(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await browser.post("/reset", {"email_or_user": "Alice"})
        link = await link_about(browser.services, ALICE.email, "Choose a new")
        await browser.open_link(link)
        assert "Choose a new password" in browser.text
        assert "alice" in browser.text
        weak = {"password": "short", "confirm": "short"}
        assert (await browser.post("/reset/password", weak)).status_code == 422
        fields = {"password": NEW, "confirm": NEW}
        on = await browser.post("/reset/password", fields)
        assert on.headers["Location"] == "/login"
        await browser.follow(on)
        assert "Please sign in with it" in browser.text
        assert await name_of(browser) is None
        assert (await browser.post("/reset/password", fields)).status_code == 410
        assert (await log_in(browser, ALICE, NEW)).status_code == 303

    async def test_the_link_leaves_the_address_bar(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await browser.post("/reset", {"email_or_user": "alice"})
        link = await link_about(browser.services, ALICE.email, "Choose a new")
        response = await browser.get(link.removeprefix("http://127.0.0.1:8000"))
        assert response.headers["Location"] == "/reset/password"
        assert response.headers["Referrer-Policy"] == "no-referrer"

    async def test_another_link_opened_meanwhile_is_said(self, browser: Browser) -> None:
        for someone in (ALICE, BOB):
            await create_user(browser.services, someone)
            await browser.post("/reset", {"email_or_user": someone.email})
        await browser.open_link(await link_about(browser.services, ALICE.email, "Choose a new"))
        mark = re.search(r'name="link"[^>]*value="([0-9a-f]+)"', browser.text)
        assert mark
        await browser.open_link(await link_about(browser.services, BOB.email, "Choose a new"))
        fields = {"password": NEW, "confirm": NEW, "link": mark.group(1)}
        assert (await browser.post("/reset/password", fields)).status_code == 400
        assert "opened another link" in browser.text
        assert (await log_in(browser, BOB)).status_code == 303


class TestDomains:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"registration_domains": "example.com"}

    async def test_a_change_leads_to_no_other_domain(self, alice: Browser) -> None:
        fields = {"email": "alice@example.org", "current_password": ALICE.password}
        assert (await alice.post("/account/email", fields)).status_code == 422
        assert "example.com" in alice.text
        assert 'value="alice@example.org"' in alice.text


class TestEmail:
    async def test_what_was_typed_stays(self, alice: Browser) -> None:
        fields = {"email": "new@example.org", "current_password": "wrong"}
        assert (await alice.post("/account/email", fields)).status_code == 401
        assert 'value="new@example.org"' in alice.text
        fields = {"email": ALICE.email, "current_password": ALICE.password}
        assert (await alice.post("/account/email", fields)).status_code == 422
        assert "already your email address." in alice.text

    async def test_the_whole_way(self, alice: Browser) -> None:
        fields = {"email": "new@example.org", "current_password": ALICE.password}
        await alice.follow(await alice.post("/account/email", fields))
        assert "sent a link to new@example.org" in alice.text
        assert "Open it to change your address" in alice.text
        await alice.open_link(
            await link_about(alice.services, "new@example.org", "Confirm your new")
        )
        assert "new@example.org" in alice.text
        before = alice.cookie()
        await alice.follow(await alice.post("/change-email"))
        assert "Your new email address is confirmed" in alice.text
        assert alice.cookie() != before
        assert ALICE.email not in alice.text
        assert (await alice.post("/change-email")).status_code == 410

    async def test_it_can_be_called_off(self, alice: Browser) -> None:
        await ask_email(alice.services, "new@example.org")
        await alice.follow(await alice.post("/account/email/cancel"))
        assert "Open it to change your address" not in alice.text

    async def test_looking_at_a_link_changes_nothing(self, alice: Browser) -> None:
        await ask_email(alice.services, "new@example.org")
        link = await link_about(alice.services, "new@example.org", "Confirm your new")
        for _ in range(5):
            await alice.new_window().open_link(link)
        await alice.open_link(link)
        assert (await alice.post("/change-email")).status_code == 303

    async def test_a_known_and_an_unknown_address_look_the_same_on_every_page(
        self, alice: Browser
    ) -> None:
        await create_user(alice.services, BOB)
        said = set()
        for email in (BOB.email, "nobody@example.com"):
            fields = {"email": email, "current_password": ALICE.password}
            await alice.follow(await alice.post("/account/email", fields))
            said.add(alice.text.replace(email, "EMAIL"))
            await alice.post("/account/data")
            waiting = json.loads(alice.text)["address_waiting"]
            assert waiting == email
        assert len(said) == 1


class TestNotMe:
    async def test_the_whole_way(self, alice: Browser) -> None:
        await ask_email(alice.services, "new@example.org")
        owner = alice.new_window()
        await owner.open_link(await link_about(alice.services, ALICE.email, "about to change"))
        assert "Don't recognise this?" in owner.text
        assert await name_of(alice) == "alice"
        assert (await owner.post("/not-me")).status_code == 200
        assert "You've been signed out everywhere" in owner.text
        assert await name_of(alice) is None
        await owner.open_link(await link_about(alice.services, ALICE.email, "Choose a new"))
        await owner.post("/reset/password", {"password": NEW, "confirm": NEW})
        assert (await log_in(owner, ALICE, NEW)).status_code == 303
        assert (await owner.post("/not-me")).status_code == 410

    async def test_another_person_in_that_browser_is_signed_out_for_good(
        self, alice: Browser
    ) -> None:
        await create_user(alice.services, BOB)
        await ask_email(alice.services, "new@example.org")
        bob = alice.new_window()
        await log_in(bob, BOB, BOB.password)
        kept = bob.cookie()
        assert kept
        await bob.open_link(await link_about(alice.services, ALICE.email, "about to change"))
        assert (await bob.post("/not-me")).status_code == 200
        replayed = alice.new_window()
        replayed.set_cookie(kept)
        assert await name_of(replayed) is None


class TestUsername:
    async def test_taken_and_unfit_ones(self, alice: Browser) -> None:
        await create_user(alice.services, BOB)
        for name in ("BOB", "", "a", "1abc", "a b c", "аlice"):
            assert (await alice.post("/account/username", {"username": name})).status_code == 422

    async def test_it_is_changed_and_the_owner_is_told(self, alice: Browser) -> None:
        await alice.follow(await alice.post("/account/username", {"username": "alicia"}))
        assert await name_of(alice) == "alicia"
        assert "username" in (await messages(alice.services, ALICE.email))[-1].subject
        fields = {"email_or_user": "alicia", "password": ALICE.password}
        assert (await alice.new_window().post("/login", fields)).status_code == 303


class TestManyUsernames:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"emails_per_address_hour": 2}

    async def test_each_is_an_email_so_they_are_limited(self, alice: Browser) -> None:
        statuses = [
            (await alice.post("/account/username", username=f"alice{number}")).status_code
            for number in range(3)
        ]
        assert statuses == [303, 303, 429]


class TestExtraFields:
    EXTRA = dict.fromkeys(
        ["role", "role_id", "is_admin", "permissions", "email_key", "confirmed_at", "blocked_at",
         "password_hash", "credential_version", "id", "user_id", "failures", "delete_at"],
        "1",
    )  # fmt: skip

    async def test_they_change_nothing(self, alice: Browser) -> None:
        await create_user(alice.services, BOB)
        extra = self.EXTRA | {"user_id": str(await id_of(alice.services, BOB))}
        own = {"username": "alicia", "email": "new@example.org", "current_password": "wrong"}
        before = await rows(alice.services)
        for path in ("password", "email", "email/cancel", "username", "sessions/end-others"):
            await alice.post(f"/account/{path}", own | extra)
        after = await rows(alice.services)
        assert after["bob"] == before["bob"]
        old, new = before["alice"], after["alicia"]
        assert {name for name in old if old[name] != new[name]} == {"username", "username_key"}


async def rows(services: Services) -> dict[str, dict[str, object]]:
    async with services.engine.connect() as connection:
        found = await connection.execute(text("SELECT * FROM users"))
        return {row["username"]: dict(row) for row in found.mappings()}


class TestSessions:
    async def test_anothers_and_no_ones_are_the_same_nothing(self, alice: Browser) -> None:
        await create_user(alice.services, BOB)
        bob = alice.new_window()
        await log_in(bob, BOB)
        await bob.get("/account/sessions")
        await entered(alice.services, BOB)
        await bob.get("/account/sessions")
        his = re.search(r"/account/sessions/([0-9a-f-]{36})/end", bob.text)
        assert his
        said = set()
        for session_id in (his.group(1), str(uuid4())):
            response = await alice.post(f"/account/sessions/{session_id}/end")
            assert response.status_code == 404
            said.add(re.sub(r"<code>\w+</code>", "", alice.text))
        assert len(said) == 1
        assert await name_of(bob) == "bob"

    async def test_one_and_all_others_are_ended(self, alice: Browser) -> None:
        first, second = alice.new_window(), alice.new_window()
        for window in (first, second):
            await log_in(window, ALICE)
        await alice.get("/account/sessions")
        assert alice.text.count("/end") == 3
        assert alice.text.count("This browser") == 1
        one = re.findall(r"/account/sessions/([0-9a-f-]{36})/end", alice.text)[0]
        await alice.follow(await alice.post(f"/account/sessions/{one}/end"))
        assert "That browser is signed out" in alice.text
        assert [await name_of(each) for each in (first, second)].count(None) == 1
        await alice.follow(await alice.post("/account/sessions/end-others"))
        assert await name_of(first) is None
        assert await name_of(second) is None
        assert await name_of(alice) == "alice"


class TestHistory:
    async def test_it_is_in_plain_words_and_ones_own(self, alice: Browser) -> None:
        await create_user(alice.services, BOB)
        await log_in(alice.new_window(), BOB)
        await log_in(alice.new_window(), ALICE, "wrong")
        await alice.get("/account/history")
        assert "You signed in" in alice.text
        assert "Failed sign-in attempt" in alice.text
        assert "You confirmed your email address" in alice.text
        assert "bob" not in alice.text
        assert "login." not in alice.text

    async def test_where_an_administrator_sat_is_not_told(self, alice: Browser) -> None:
        await create_user(alice.services, ROOT, role="Administrator")
        office = Client(ip="198.51.100.200", user_agent="curl/8.5.0", request_id="0" * 16)
        async with context(
            alice.services, client=office, actor=await actor_of(alice.services, ROOT)
        ) as ctx:
            await access.send_reset(ctx, name="alice")
        await alice.get("/account/history")
        assert "You were sent a password reset link" in alice.text
        assert office.ip not in alice.text
        assert "curl" not in alice.text
        await alice.post("/account/data")
        assert office.ip not in alice.text

    async def test_it_is_shown_in_pages(self, alice: Browser) -> None:
        async with alice.services.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO audit_events (event, subject_id, ip, user_agent, request_id) "
                    "SELECT 'login.ended', :id, '192.0.2.1', '', 'x' FROM generate_series(1, 120)"
                ),
                {"id": await id_of(alice.services, ALICE)},
            )
        shown = 0
        path: str | None = "/account/history"
        while path:
            await alice.get(path)
            shown += alice.text.count('<li class="event">')
            older = re.search(r'href="(/account/history[?]before=[^"]+)" rel="next"', alice.text)
            path = older and older.group(1)
        assert shown == 120 + 2  # confirmed, signed in

    @pytest.mark.parametrize("before", ["x", "1-", "-1--1", "9" * 99 + "-1", "%00"])
    async def test_garbage_behind_before_is_no_fault(self, alice: Browser, before: str) -> None:
        assert (await alice.get(f"/account/history?before={before}")).status_code == 200


class TestData:
    async def test_all_of_ones_own_and_nothing_secret(self, alice: Browser) -> None:
        await create_user(alice.services, BOB)
        response = await alice.post("/account/data")
        assert response.content_type == "application/json; charset=utf-8"
        assert 'filename="alice.json"' in response.headers["Content-Disposition"]
        data = json.loads(alice.text)
        assert data["account"]["email"] == ALICE.email
        assert [line["event"] for line in data["history"]][-1] == "account.confirmed"
        assert len(data["sessions"]) == len(data["browsers"]) == 1
        for secret in ("bcrypt", "digest", "password_hash", "bob"):
            assert secret not in alice.text


class TestDeletionOfAnAdministrator:
    async def test_the_last_one_stays(self, browser: Browser) -> None:
        await create_user(browser.services, ROOT, role="Administrator")
        await log_in(browser, ROOT)
        response = await browser.post("/account/delete", current_password=ROOT.password)
        assert response.status_code == 409
        assert "Make another user an administrator first" in browser.text
        assert await name_of(browser) == "root"
        await create_user(browser.services, ALICE, role="Administrator")
        response = await browser.post("/account/delete", current_password=ROOT.password)
        assert response.status_code == 303


class TestDeletion:
    async def test_the_whole_way_and_back(self, alice: Browser) -> None:
        assert (await alice.post("/account/delete", current_password="wrong")).status_code == 401
        await alice.follow(await alice.post("/account/delete", current_password=ALICE.password))
        assert "Your account will be deleted on" in alice.text
        assert await name_of(alice) is None
        response = await log_in(alice, ALICE)
        assert response.status_code == 403
        ticket = re.search(r'name="ticket"[^>]*value="([^"]+)"', alice.text)
        assert ticket
        kept = await alice.post("/keep-account", ticket=ticket.group(1))
        assert kept.location == "/login"
        await alice.follow(kept)
        assert "Welcome back. Your account is kept" in alice.text
        await log_in(alice, ALICE)
        assert await name_of(alice) == "alice"

    @pytest.mark.parametrize(
        ("wanted", "then"),
        [("/secret", "/login?next=/secret"), ("https://elsewhere.example/", "/login")],
    )
    async def test_who_stays_goes_on_to_where_they_were_going(
        self, alice: Browser, wanted: str, then: str
    ) -> None:
        await alice.post("/account/delete", current_password=ALICE.password)
        fields = {"email_or_user": ALICE.email, "password": ALICE.password, "next": wanted}
        await alice.post("/login", fields)
        typed = dict(re.findall(r'name="(ticket|next)"[^>]*value="([^"]+)"', alice.text))
        kept = await alice.post("/keep-account", typed | {"next": wanted})
        assert typed["next"] == wanted
        assert kept.location == then

    async def test_the_letters_link_shows_a_button(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        await leave(browser.services)
        link = await link_about(browser.services, ALICE.email, "will be deleted")
        await browser.open_link(link)
        assert "Keep your account?" in browser.text
        assert (await log_in(browser, ALICE)).status_code == 403
        await browser.follow(await browser.post("/keep-account"))
        assert (await log_in(browser, ALICE)).status_code == 303


async def test_a_browser_gets_its_name_when_somebody_signs_in_and_not_before(
    browser: Browser,
) -> None:
    await create_user(browser.services, ALICE)
    await log_in(browser, ALICE, "wrong")
    assert browser.cookie("vestibule-browser") is None
    await log_in(browser, ALICE)
    name = browser.cookie("vestibule-browser")
    assert name
    await browser.post("/logout")
    assert browser.cookie("vestibule-browser") == name
    before = len(await messages(browser.services))
    await log_in(browser, ALICE)
    assert len(await messages(browser.services)) == before


@pytest.mark.parametrize("name", ["", "x", "é", '"', "a.b.c", "x" * 4000])
async def test_a_garbled_name_of_a_browser_is_none(browser: Browser, name: str) -> None:
    await create_user(browser.services, ALICE)
    browser.set_cookie(name, "vestibule-browser")
    assert (await log_in(browser, ALICE)).status_code == 303
