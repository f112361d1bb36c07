"""Two sites on two ports of one host: browsers keep cookies by host, not by port."""

from sqlalchemy import URL

from app import create_app
from app.config import Config
from app.http.cookies import cookie_name
from tests.browser import Browser
from tests.users import ALICE, create_user

AT = [
    "http://127.0.0.1:8000", "http://127.0.0.1:9000", "http://127.0.0.1", "https://example.com",
    "https://example.com:8443", "https://example.com:8000",
]  # fmt: skip


def at(settings: dict[str, object], public_url: str) -> Config:
    return Config.model_validate({**settings, "public_url": public_url})


def test_no_two_ports_share_a_name(settings: dict[str, object]) -> None:
    names = [cookie_name(at(settings, url), "session") for url in AT]
    assert len(set(names)) == len(AT)
    assert names[0] == "vestibule-session"
    assert names[3] == "__Host-vestibule-session"
    assert names[4] == "__Host-vestibule-8443-session"


async def test_two_sites_on_one_host_keep_their_logins(
    settings: dict[str, object], database: URL
) -> None:
    """Sign in at both with one browser, and still be signed in at both."""
    one = create_app(at(settings, "http://localhost:8000"), database)
    other_config = at(settings | {"secret_key": "other-8hGf2vQ5xZ0rTn7Lw3KsYb9JpCd4Ma"},
                      "http://localhost:9000")  # fmt: skip
    other = create_app(other_config, database)
    async with one.test_app(), other.test_app():
        browsers = [Browser(one), Browser(other)]
        await create_user(browsers[0].services, ALICE)
        for browser in browsers:
            browser.client.cookie_jar = browsers[0].client.cookie_jar
            await browser.post("/login", email_or_user=ALICE.email, password=ALICE.password)
        for cookie in ("session", "browser"):
            assert browsers[0].cookie(f"vestibule-{cookie}")
            assert browsers[0].cookie(f"vestibule-9000-{cookie}")
        for browser in browsers:
            assert (await browser.get("/secret")).status_code == 200
