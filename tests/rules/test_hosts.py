"""Only requests that are meant for us, and who sent them (PX-01, PX-02, TK-05, BF-07)."""

import re

import pytest
from quart import Quart

from app.http.client import client
from tests.browser import SAME_ORIGIN, Browser
from tests.mailbox import last_link
from tests.users import ALICE

BAD_HOSTS = [
    "",
    "evil.example",
    "login.example.com.evil.example",
    "login.example.com@evil.example",
    "evil.example/x?y@login.example.com",
    "127.0.0.1",
    "login.example.com, evil.example",
    "[::1",
    "login.example.com\t.evil",
    "\xe9",
]


class TestPublic:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"public_url": "https://login.example.com"}

    @pytest.mark.parametrize("host", BAD_HOSTS)
    async def test_a_foreign_host_is_refused(self, app: Quart, host: str) -> None:
        visitor = app.test_client(use_cookies=False)
        for path in ("/", "/login", "/register", "/secret"):
            response = await visitor.get(path, headers={"Host": host})
            assert response.status_code == 421

    @pytest.mark.parametrize(
        "host", ["login.example.com", "LOGIN.example.com", "login.example.com:443"]
    )
    async def test_the_public_host_is_taken(self, app: Quart, host: str) -> None:
        assert (await app.test_client().get("/", headers={"Host": host})).status_code == 200

    async def test_health_is_asked_by_address(self, app: Quart) -> None:
        for path in ("/health/live", "/health/ready"):
            response = await app.test_client().get(path, headers={"Host": "10.0.0.5:5000"})
            assert response.status_code == 200

    async def test_a_letters_link_leads_to_the_public_address(self, browser: Browser) -> None:
        headers = SAME_ORIGIN | {
            "Host": "login.example.com",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "http",
            "Forwarded": "host=evil.example",
        }
        form = {
            "username": "alice",
            "email": ALICE.email,
            "password": ALICE.password,
            "confirm": ALICE.password,
        }
        await browser.client.post("/register", form=form, headers=headers)
        link = await last_link(browser.services, ALICE.email)
        assert link.startswith("https://login.example.com/confirm/")


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
async def test_on_a_laptop_any_name_of_this_machine_will_do(app: Quart, host: str) -> None:
    assert (await app.test_client().get("/", headers={"Host": host})).status_code == 200


async def test_on_a_laptop_another_name_is_refused(app: Quart) -> None:
    """A page of another site must not reach us by a name that it points here (rebinding)."""
    response = await app.test_client().get("/", headers={"Host": "rebound.evil.example"})
    assert response.status_code == 421


async def test_who_came_by_another_name_is_led_to_ours(app: Quart) -> None:
    """Links on this page that begin with a slash would come by the wrong name again."""
    response = await app.test_client().get("/", headers={"Host": "192.168.1.5:8000"})
    text = await response.get_data(as_text=True)
    links = re.findall(r'<a [^>]*href="([^"#]+)"', text)
    assert links == ["http://127.0.0.1:8000/"]


async def seen_as(app: Quart, headers: dict[str, str], *, peer: str = "192.0.2.50") -> str:
    """Return the address under which a request with these headers is known."""
    seen = []
    app.before_request_funcs[None].append(note := lambda: seen.append(client().ip))
    scope_client = {"client": (peer, 1234)}
    await app.test_client().get("/", headers=headers, scope_base=scope_client)
    app.before_request_funcs[None].remove(note)
    return seen[0]


SPOOFED = [
    {"X-Forwarded-For": "198.51.100.1"},
    {"Forwarded": "for=198.51.100.1"},
    {"X-Real-IP": "198.51.100.1"},
    {"Client-IP": "198.51.100.1"},
    {"Remote-Addr": "198.51.100.1"},
    {"X-Forwarded-For": "a"},
]


@pytest.mark.parametrize("headers", SPOOFED, ids=str)
async def test_without_a_proxy_the_peer_is_the_client(app: Quart, headers: dict[str, str]) -> None:
    assert await seen_as(app, headers) == "192.0.2.50"


class TestBehindAProxy:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"trusted_proxies": 1, "trusted_networks": "192.0.2.0/24"}

    @pytest.mark.parametrize(
        ("forwarded", "ip"),
        [
            ("198.51.100.1", "198.51.100.1"),
            ("203.0.113.9, 198.51.100.1", "198.51.100.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("", "192.0.2.50"),
            ("garbage", "192.0.2.50"),
            ("198.51.100.1, ", "192.0.2.50"),
            ("203.0.113.9, 192.0.2.7", "192.0.2.7"),  # one proxy, so one entry
            ("198.51.100.1:80", "198.51.100.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("198.51.100.1:port", "192.0.2.50"),
            ("[198.51.100.1]", "192.0.2.50"),
            ("fe80::1%eth0", "fe80::1"),
        ],
    )
    async def test_the_entry_that_our_proxy_wrote_is_the_client(
        self, app: Quart, forwarded: str, ip: str
    ) -> None:
        assert await seen_as(app, {"X-Forwarded-For": forwarded}) == ip


class TestBehindTwoProxies:
    """The outer one at 198.51.100.9, the inner one, our peer, at 192.0.2.50."""

    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"trusted_proxies": 2, "trusted_networks": "192.0.2.0/24 198.51.100.9"}

    @pytest.mark.parametrize(
        ("forwarded", "ip"),
        [
            ("203.0.113.1, 198.51.100.9", "203.0.113.1"),
            ("10.9.9.9, 203.0.113.1, 198.51.100.9", "203.0.113.1"),
            ("10.9.9.9, 203.0.113.1", "203.0.113.1"),  # who comes to the inner one past the outer
            ("garbage, 198.51.100.9", "198.51.100.9"),
            ("203.0.113.1", "203.0.113.1"),
        ],
    )
    async def test_only_what_our_own_proxies_say_is_believed(
        self, app: Quart, forwarded: str, ip: str
    ) -> None:
        assert await seen_as(app, {"X-Forwarded-For": forwarded}) == ip


class TestByAStranger:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"trusted_proxies": 1}

    @pytest.mark.parametrize("headers", SPOOFED, ids=str)
    async def test_who_does_not_stand_in_a_trusted_network_is_not_believed(
        self, app: Quart, headers: dict[str, str]
    ) -> None:
        assert await seen_as(app, headers) == "192.0.2.50"

    async def test_a_proxy_on_a_private_network_is(self, app: Quart) -> None:
        headers = {"X-Forwarded-For": "203.0.113.1"}
        assert await seen_as(app, headers, peer="172.18.0.2") == "203.0.113.1"
