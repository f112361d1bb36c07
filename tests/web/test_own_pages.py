"""The pages of an owner's own package beside ours: as closed, and as free where they say so."""

from collections.abc import AsyncIterator
from importlib import import_module

import pytest
from quart.testing import WebsocketResponseError
from quart.testing.connections import WebsocketDisconnectError
from sqlalchemy import URL, text

from app import create_app
from app.flows import access, roles
from app.http import websockets
from app.http.headers import CONTENT_SECURITY_POLICY
from tests.browser import Browser
from tests.contexts import operator
from tests.mailbox import last_link
from tests.sites import WriteSite, config_of, write_site
from tests.users import ALICE, create_user

__all__ = ["write_site"]

PAGES = """
import asyncio
from quart import Blueprint, render_template, websocket
from app.extending import anyone, content_security_policy, may
from .permissions import Permission

pages = Blueprint("own", __name__)

@pages.get("/")
@anyone
async def home():
    return "my own home"

@pages.get("/mine")
@content_security_policy("default-src 'self'")
async def mine():
    return await render_template("mine.html")

@pages.get("/shipping")
@may(Permission.SHIP)
async def shipping():
    return "ships"

@pages.websocket("/talk")
@may(Permission.SHIP)
async def talk():
    while True:
        await websocket.send(await websocket.receive())

ended = []

@pages.websocket("/push")
async def push():
    await websocket.send("begun")
    try:
        await asyncio.sleep(3600)
    finally:
        ended.append("push")

@pages.websocket("/news")
@anyone
async def news():
    await websocket.send("news")
"""
PERMISSIONS = """
from enum import IntFlag
from app.extending import FIRST_PERMISSION

class Permission(IntFlag):
    SHIP = FIRST_PERMISSION
"""
FIELDS = """
from app.extending import ProfileField
fields = [
    ProfileField(name="town", label="Town", required=True, hint="Where you live."),
    ProfileField(name="size", label="Size", kind="choice", choices={"s": "Small", "l": "Large"}),
    ProfileField(name="news", label="Send me news", kind="checkbox"),
]
"""
SITE = {
    "pages.py": PAGES,
    "permissions.py": PERMISSIONS,
    "profile.py": FIELDS,
    "templates/mine.html": (
        '{% extends "base.html" %}{% block main %}mine, {{ site }}{% endblock %}'
    ),
    "templates/base.html": (
        '{% extends "vestibule/base.html" %}'
        '{% block nav %}<a href="{{ url_for("own.mine") }}">Mine</a>{% endblock %}'
    ),
    "templates/mail/confirm.txt": (
        '{% set subject = "Welcome to " ~ site %}My own words: {{ link }} for {{ username }}'
    ),
    "static/style.css": "/* my own */",
    "static/own.js": "// mine",
}
ORIGIN = {"Origin": "http://127.0.0.1:8000"}
REGISTRATION = {
    "username": ALICE.username,
    "email": ALICE.email,
    "password": ALICE.password,
    "confirm": ALICE.password,
}


@pytest.fixture
async def visitor(write_site: WriteSite, database: URL) -> AsyncIterator[Browser]:
    """Yield a browser before a site with pages of its own."""
    app = create_app(config_of(write_site(SITE)), database)
    async with app.test_app():
        yield (browser := Browser(app))
        async with browser.services.engine.begin() as connection:
            await connection.execute(text("DELETE FROM users"))
            await connection.execute(text("DELETE FROM roles WHERE name = 'Shipper'"))


@pytest.fixture
async def alice(visitor: Browser) -> Browser:
    """Return the browser of somebody who is signed in."""
    await create_user_of_site(visitor)
    return await signed_in(visitor)


async def create_user_of_site(visitor: Browser) -> None:
    await visitor.post("/register", REGISTRATION, town="Bath")
    await visitor.open_link(await last_link(visitor.services, ALICE.email))
    await visitor.post("/confirm")


async def signed_in(visitor: Browser) -> Browser:
    window = visitor.new_window()
    await window.post("/login", email_or_user=ALICE.email, password=ALICE.password)
    return window


async def may_ship(visitor: Browser, *, is_so: bool = True) -> None:
    """Give alice a role that has the site's own permission, or take it."""
    async with operator(visitor.services) as ctx:
        bits = ctx.site.permissions["SHIP"]
        if is_so:
            await roles.create(ctx, name="Shipper", permissions=bits)
        await access.set_role(ctx, name="alice", role_name="Shipper" if is_so else "User")


class TestPages:
    async def test_they_are_closed_unless_they_are_marked(self, visitor: Browser) -> None:
        response = await visitor.get("/mine")
        assert response.headers["Location"] == "/login?next=/mine"

    async def test_ours_at_the_root_makes_room(self, visitor: Browser) -> None:
        await visitor.get("/")
        assert visitor.text == "my own home"

    async def test_a_permission_of_the_sites_opens_its_page(self, alice: Browser) -> None:
        assert (await alice.get("/shipping")).status_code == 403
        await may_ship(alice)
        assert (await alice.get("/shipping")).status_code == 200

    async def test_a_page_has_its_own_policy_and_the_others_ours(self, alice: Browser) -> None:
        own = await alice.get("/mine")
        assert own.headers.getlist("Content-Security-Policy") == ["default-src 'self'"]
        assert own.headers["X-Frame-Options"] == "DENY"
        ours = await alice.get("/account")
        assert ours.headers.getlist("Content-Security-Policy") == [CONTENT_SECURITY_POLICY]


class TestTemplates:
    async def test_ours_are_built_into_the_sites_frame(self, alice: Browser) -> None:
        await alice.get("/account")
        assert '<a href="/mine">Mine</a>' in alice.text
        await alice.get("/mine")
        assert "mine, Vestibule" in alice.text

    async def test_emails_too(self, visitor: Browser) -> None:
        await visitor.post("/register", REGISTRATION, town="Bath")
        async with visitor.services.engine.connect() as connection:
            subject, written = (
                await connection.execute(text("SELECT subject, text FROM outbox"))
            ).one()
        assert subject == "Welcome to Vestibule"
        assert written.startswith("My own words: http://127.0.0.1:8000/confirm/")

    async def test_static_files_come_first_by_name(self, visitor: Browser) -> None:
        static = visitor.app.static_url_path
        await visitor.get(f"{static}/style.css")
        assert visitor.text == "/* my own */"
        response = await visitor.get(f"{static}/own.js")
        assert "immutable" in response.headers["Cache-Control"]
        assert (await visitor.get(f"{static}/mark.svg")).status_code == 200
        assert (await visitor.get(f"{static}/../pages.py")).status_code == 404
        assert (await visitor.get(f"{static}/..%2fpages.py")).status_code == 404


class TestScripts:
    async def test_a_script_hears_401_and_not_the_way_to_a_page(self, visitor: Browser) -> None:
        for path, headers in (("/api/me", {}), ("/mine", {"Accept": "application/json"})):
            response = await visitor.get(path, headers)
            assert response.status_code == 401, path
            assert (await response.get_json())["error"] == "Please sign in"
            assert "WWW-Authenticate" in response.headers

    async def test_a_browsers_own_request_is_led_to_the_login(self, visitor: Browser) -> None:
        accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        assert (await visitor.get("/mine", {"Accept": accept})).status_code == 303
        assert (await visitor.get("/mine", {"Accept": "*/*"})).status_code == 303

    async def test_a_script_hears_what_is_wrong_as_json(self, alice: Browser) -> None:
        for path, status in (("/shipping", 403), ("/nothing", 404)):
            response = await alice.get(path, {"Accept": "application/json"})
            assert response.status_code == status
            assert set(await response.get_json()) == {"error", "message", "request_id"}

    async def test_me_tells_who_one_is(self, alice: Browser) -> None:
        await may_ship(alice)
        me = await (await alice.get("/api/me")).get_json()
        assert me.pop("id")
        assert me == {
            "username": "alice",
            "email": "alice@example.com",
            "role": "Shipper",
            "permissions": ["SHIP"],
            "profile": {"town": "Bath"},
        }


class TestProfile:
    async def test_all_that_is_wrong_is_said_at_once_and_stays_typed(
        self, visitor: Browser
    ) -> None:
        response = await visitor.post("/register", REGISTRATION, username="a", size="x", news="y")
        assert response.status_code == 422
        for words in ("Fill this in.", "Choose one of the options.", "3 to 64 letters"):
            assert words in visitor.text
        assert "checked" in visitor.text
        assert "Where you live." in visitor.text

    async def test_users_see_and_change_it(self, alice: Browser) -> None:
        await alice.get("/account")
        assert "Bath" in alice.text
        assert (await alice.post("/account/profile", town="")).status_code == 422
        response = await alice.post("/account/profile", town="Leeds", size="l", news="y")
        await alice.follow(response)
        assert "Leeds" in alice.text
        assert "Large" in alice.text
        await alice.get("/account/profile")
        assert "checked" in alice.text

    async def test_an_administrator_changes_it(self, alice: Browser) -> None:
        async with operator(alice.services) as ctx:
            await access.set_role(ctx, name="alice", role_name="Administrator")
        me = await (await alice.get("/api/me")).get_json()
        path = f"/admin/users/{me['id']}"
        assert (await alice.post(f"{path}/profile", size="x")).status_code == 422
        assert "Choose one of the options." in alice.text
        await alice.follow(await alice.post(f"{path}/profile", town="York"))
        assert 'value="York"' in alice.text

    async def test_without_fields_there_is_no_such_page(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        window = await signed_in(browser)
        assert (await window.get("/account/profile")).status_code == 404


class TestWebsockets:
    @pytest.mark.parametrize(
        "headers", [{}, {"Origin": "null"}, {"Origin": "https://evil.example"}], ids=str
    )
    async def test_another_sites_page_opens_none(
        self, alice: Browser, headers: dict[str, str]
    ) -> None:
        await may_ship(alice)
        assert await refused(alice, "/talk", headers) == 403

    async def test_nobody_opens_a_closed_one(self, visitor: Browser) -> None:
        assert await refused(visitor, "/talk", ORIGIN) == 401
        async with visitor.client.websocket("/news", headers=ORIGIN) as socket:
            assert await socket.receive() == "news"

    async def test_who_lacks_the_permission_opens_none(self, alice: Browser) -> None:
        assert await refused(alice, "/talk", ORIGIN) == 403

    async def test_who_has_it_talks(self, alice: Browser) -> None:
        await may_ship(alice)
        async with alice.client.websocket("/talk", headers=ORIGIN) as socket:
            await socket.send("hello")
            assert await socket.receive() == "hello"

    @pytest.mark.parametrize("end", ["out", "demoted", "blocked"])
    async def test_it_closes_when_its_user_may_not_be_there_any_more(
        self, alice: Browser, monkeypatch: pytest.MonkeyPatch, end: str
    ) -> None:
        monkeypatch.setattr(websockets, "CHECKED_SECONDS", 0.05)
        await may_ship(alice)
        async with alice.client.websocket("/talk", headers=ORIGIN) as socket:
            await socket.send("hello")
            assert await socket.receive() == "hello"
            if end == "out":
                await alice.post("/logout")
            elif end == "demoted":
                await may_ship(alice, is_so=False)
            else:
                async with operator(alice.services) as ctx:
                    await access.block(ctx, name="alice")
            with pytest.raises(WebsocketDisconnectError) as closed:
                await socket.receive()
        assert closed.value.args == (1008,)

    async def test_what_its_page_does_ends_too(
        self, alice: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(websockets, "CHECKED_SECONDS", 0.05)
        ended = import_module(f"{alice.services.config.site}.pages").ended
        async with alice.client.websocket("/push", headers=ORIGIN) as socket:
            assert await socket.receive() == "begun"
            await alice.post("/logout")
            with pytest.raises(WebsocketDisconnectError):
                await socket.receive()
        assert ended == ["push"]

    async def test_without_a_page_of_the_kind_there_is_none(self, browser: Browser) -> None:
        assert browser.app.asgi_websocket_class is websockets.NoWebsockets


async def refused(browser: Browser, path: str, headers: dict[str, str]) -> int:
    """Return the status with which a WebSocket is refused."""
    with pytest.raises(WebsocketResponseError) as wrong:
        async with browser.client.websocket(path, headers=headers) as socket:
            await socket.receive()
    return wrong.value.response.status_code
