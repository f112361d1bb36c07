"""The site's own name, colour, logo, links and home: refusals first."""

import re
from pathlib import Path
from typing import Any

import pytest

from app import config as settings_of
from app.config import WrongSettings
from app.kit.urls import wanted_address
from tests.browser import Browser
from tests.users import ALICE, create_user

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
NEEDED = {"PUBLIC_URL": "https://login.example.com"}
ORIGINS = ("https://www.example.com", "https://shop.example.com:8443")


@pytest.fixture
def brand() -> dict[str, Any]:
    return {}


@pytest.fixture
def settings(settings: dict[str, Any], brand: dict[str, Any]) -> dict[str, Any]:
    return settings | brand


def with_brand(**brand: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("brand", [brand])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("BRAND_COLOUR", "blue", "BRAND_COLOUR: must be a colour like #9a4321"),
        ("BRAND_COLOUR", "#fff", "BRAND_COLOUR: #ffffff is too light"),
        ("BRAND_LOGO", "/nowhere.png", "BRAND_LOGO: can't read /nowhere.png (FileNotFoundError)"),
        ("BRAND_LOGO", __file__, "must be an SVG, PNG, JPEG or GIF picture"),
        ("HOME_URL", "javascript:alert(1)", "HOME_URL: must be an address like"),
        ("HOME_URL", "//evil.example", "HOME_URL: must be an address like"),
        ("ALLOWED_NEXT", "https://a.example/path", "ALLOWED_NEXT: must be an address like"),
        ("ALLOWED_NEXT", "http://a.example", "ALLOWED_NEXT: must start with https://"),
        ("ALLOWED_NEXT", "https://*.example", "ALLOWED_NEXT: must be an address like"),
        ("FOOTER_LINKS", "Privacy", "FOOTER_LINKS: must be like Privacy=https://"),
        ("FOOTER_LINKS", "Privacy=javascript:x", "FOOTER_LINKS: must be an address like"),
        ("FOOTER_LINKS", ",".join(["A=/a"] * 9), "FOOTER_LINKS: must be at most 8 links"),
        ("SUPPORT_EMAIL", "nobody", "SUPPORT_EMAIL: "),
        ("SECURITY_CONTACT", "http://example.com", "SECURITY_CONTACT: must be an email address or"),
        ("USERNAMES", "maybe", "USERNAMES: must be "),
    ],
)
def test_a_wrong_setting_stops_the_start(name: str, value: str, words: str) -> None:
    with pytest.raises(WrongSettings) as found:
        settings_of.load({**NEEDED, name: value})
    assert words in str(found.value)


def test_a_large_logo_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG + b"0" * 256 * 1024)
    with pytest.raises(WrongSettings, match="larger than 256 KB"):
        settings_of.load({**NEEDED, "BRAND_LOGO": str(tmp_path / "logo.png")})


class TestNext:
    @pytest.mark.parametrize(
        "text",
        [
            "https://evil.example/",
            "https://www.example.com.evil.example/",
            "https://www.example.com@evil.example/",
            "https://www.example.com:8443/",
            "https://shop.example.com/",
            "http://www.example.com/",
            "HTTPS://WWW.EXAMPLE.COM/",
            "https://www.example.com\\@evil.example",
            "https://www.example.com//evil.example",
            "https://www.example.com/\\evil.example",
            "https://www.example.com/\r\nSet-Cookie: a=b",
            "https://www.example.com?x=1",
            "//www.example.com/",
            "www.example.com",
        ],
    )
    def test_another_site_is_refused(self, text: str) -> None:
        assert wanted_address(text, ORIGINS) is None

    @pytest.mark.parametrize(
        ("text", "led"),
        [
            ("https://www.example.com", "https://www.example.com/"),
            ("https://www.example.com/a?b=c&d", "https://www.example.com/a?b=c&d"),
            ("https://shop.example.com:8443/x", "https://shop.example.com:8443/x"),
            ("/secret", "/secret"),
        ],
    )
    def test_an_allowed_site_is_led_to(self, text: str, led: str) -> None:
        assert wanted_address(text, ORIGINS) == led

    @with_brand(allowed_next="https://www.example.com")
    async def test_who_signs_in_goes_there(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        fields = {"email_or_user": ALICE.email, "password": ALICE.password}
        for wanted, led in (("https://www.example.com/a", ...), ("https://evil.example/", "/")):
            response = await browser.post("/login", fields | {"next": wanted})
            assert response.headers["Location"] == (wanted if led is ... else led)
            policy = response.headers["Content-Security-Policy"]
            assert "form-action 'self' https://www.example.com;" in policy

    @with_brand(home_url="https://www.example.com/app")
    async def test_without_one_they_go_home(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        fields = {"email_or_user": ALICE.email, "password": ALICE.password}
        response = await browser.post("/login", fields)
        assert response.headers["Location"] == "https://www.example.com/app"
        assert (await browser.get("/login")).headers["Location"] == "https://www.example.com/app"
        page = await browser.get("/account")
        assert '<a class="brand" href="https://www.example.com/app">' in browser.text
        policy = page.headers["Content-Security-Policy"]
        assert "form-action 'self' https://www.example.com;" in policy


class TestDemoPages:
    async def test_are_there_by_default(self, browser: Browser) -> None:
        assert (await browser.get("/secret")).status_code == 303

    @with_brand(demo_pages=False)
    async def test_can_be_left_out(self, browser: Browser) -> None:
        await create_user(browser.services, ALICE)
        assert (await browser.get("/secret")).status_code == 404
        await browser.post("/login", email_or_user="alice", password=ALICE.password)
        await browser.get("/")
        assert "/secret" not in browser.text
        assert "Your account" in browser.text


@pytest.fixture
def logo(tmp_path: Path, brand: dict[str, Any]) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(PNG)
    brand["brand_logo"] = path


class TestLooks:
    async def test_without_settings_there_is_no_footer(self, browser: Browser) -> None:
        await browser.get("/login")
        assert "<footer" not in browser.text
        await browser.get("/nothing")
        assert "Need help?" not in browser.text

    @with_brand(brand_colour="#0b5fff")
    async def test_a_colour_is_in_the_stylesheet_and_the_mark(self, browser: Browser) -> None:
        await browser.get("/login")
        path = re.search(r'href="(/static/\w+)/style.css"', browser.text)
        assert path
        style = await browser.get(f"{path[1]}/style.css")
        assert style.headers["Content-Type"].startswith("text/css")
        assert "immutable" in style.headers["Cache-Control"]
        assert "--fill: #0b5fff; --fill-strong" in browser.text
        assert browser.text.count("prefers-color-scheme: dark") == 2
        await browser.get(f"{path[1]}/mark.svg")
        assert "#0b5fff" in browser.text
        assert "#9a4321" not in browser.text

    @pytest.mark.usefixtures("logo")  # before the application
    async def test_a_logo_is_on_pages_and_the_icon(self, browser: Browser) -> None:
        await browser.get("/")
        found = re.search(r'<img class="mark" src="(/static/\w+/logo.png)" alt="">', browser.text)
        assert found
        assert f'<link rel="icon" href="{found[1]}">' in browser.text
        response = await browser.client.get(found[1])
        assert response.headers["Content-Type"] == "image/png"
        assert await response.get_data() == PNG

    @with_brand(
        footer_links="Privacy=https://example.com/privacy, Imprint=/imprint",
        support_email="help@example.com",
    )
    async def test_links_stand_at_the_foot(self, browser: Browser) -> None:
        await browser.get("/login")
        assert '<li><a href="https://example.com/privacy">Privacy</a></li>' in browser.text
        assert '<li><a href="/imprint">Imprint</a></li>' in browser.text
        assert '<li><a href="mailto:help@example.com">Help</a></li>' in browser.text
        await browser.get("/nothing")
        assert 'Need help? <a href="mailto:help@example.com">help@example.com</a>' in browser.text

    @with_brand(footer_links="<b>=/x")
    async def test_what_the_owner_wrote_is_inert(self, browser: Browser) -> None:
        await browser.get("/")
        assert "&lt;b&gt;" in browser.text
        assert "<b>=" not in browser.text


class TestSecurityTxt:
    async def test_there_is_none_by_default(self, browser: Browser) -> None:
        assert (await browser.get("/.well-known/security.txt")).status_code == 404

    @with_brand(security_contact="security@example.com")
    async def test_it_says_where_to_report(self, browser: Browser) -> None:
        response = await browser.get("/.well-known/security.txt")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert "Contact: mailto:security@example.com\n" in browser.text
        assert re.search(r"^Expires: \d{4}-\d\d-\d\dT00:00:00Z$", browser.text, re.MULTILINE)
