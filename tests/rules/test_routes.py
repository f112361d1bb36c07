"""Rules that hold for every route, walked over all of them."""

import hashlib
import re

import pytest
from quart import Quart
from quart.testing.utils import sentinel
from sqlalchemy import text

from app.http.access import may
from app.http.marks import is_open
from app.kit.permissions import Permission
from app.models import Base
from app.services import Services
from tests.browser import SAME_ORIGIN, Browser
from tests.rules.routes import Route, documented
from tests.users import ALICE, ROOT, block, create_user, register, signed_in

ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"]


def registered(app: Quart) -> set[tuple[str, str]]:
    found = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"^/static/\w+/", "/static/", rule.rule)
        found |= {
            (method, path) for method in rule.methods or () if method not in {"HEAD", "OPTIONS"}
        }
    return found


def addresses(app: Quart) -> list[str]:
    found = {route.example for route in documented()} | {"/nothing-here"}
    static = app.static_url_path or ""
    return sorted(path.replace("/static", static) for path in found)


async def test_the_table_of_routes_is_complete(app: Quart) -> None:
    assert {(route.method, route.path) for route in documented()} == registered(app)


async def test_the_marks_are_those_of_the_table(app: Quart) -> None:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"^/static/\w+/", "/static/", rule.rule)
        (who,) = {
            route.who
            for route in documented()
            if route.path == path and route.method in (rule.methods or ())
        }
        if rule.endpoint != "static":
            assert is_open(app.view_functions[rule.endpoint]) == (who == "anyone"), path


@pytest.mark.parametrize("route", documented(), ids=lambda route: f"{route.method} {route.path}")
async def test_nobody_passes_a_closed_door(browser: Browser, route: Route) -> None:
    """Anonymous, unconfirmed and blocked people are all nobody."""
    path = route.example.replace("/static", browser.app.static_url_path or "")
    await register(browser.services, ALICE)
    await create_user(browser.services, ROOT)
    secret = await signed_in(browser.services, ROOT)
    await block(browser.services, ROOT)
    for window in (browser, await with_secret(browser, secret)):
        response = await window.client.open(
            path, json=sentinel, method=route.method, headers=SAME_ORIGIN
        )
        to_login = response.headers.get("Location", "").startswith("/login")
        is_stopped = response.status_code == 401 if path.startswith("/api/") else to_login
        assert is_stopped == (route.who != "anyone"), response.status_code


@pytest.mark.parametrize("route", documented(), ids=lambda route: f"{route.method} {route.path}")
async def test_a_person_passes_every_door(browser: Browser, route: Route) -> None:
    path = route.example.replace("/static", browser.app.static_url_path or "")
    await create_user(browser.services, ALICE)
    window = await with_secret(browser, await signed_in(browser.services, ALICE))
    response = await window.client.open(
        path, json=sentinel, method=route.method, headers=SAME_ORIGIN
    )
    needs_more = route.who not in {"anyone", "user"}  # a permission
    assert response.status_code != 401
    assert needs_more or response.status_code != 403
    assert not response.headers.get("Location", "").startswith("/login")


async def with_secret(browser: Browser, secret: str) -> Browser:
    window = browser.new_window()
    window.set_cookie(browser.app.extensions["QUART_AUTH"][0].dump_token(secret, browser.app))
    return window


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": ""},
        {"Cookie": "a=b"},
        {},
    ],
    ids=str,
)
async def test_a_foreign_form_is_refused_everywhere(
    app: Quart, method: str, headers: dict[str, str]
) -> None:
    for path in addresses(app):
        response = await app.test_client().open(path, json=sentinel, method=method, headers=headers)
        assert response.status_code == 403, path
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        SAME_ORIGIN,
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://127.0.0.1:8000"},
    ],
    ids=str,
)
async def test_our_own_forms_are_taken(browser: Browser, headers: dict[str, str]) -> None:
    await create_user(browser.services, ALICE)
    response = await browser.client.post(
        "/login",
        form={"email_or_user": ALICE.email, "password": ALICE.password},
        headers=headers,
    )
    assert response.status_code == 303


async def test_other_methods_do_nothing(app: Quart) -> None:
    allowed = registered(app)
    for route in documented():
        path = route.example.replace("/static", app.static_url_path or "")
        for method in ALL_METHODS:
            if method in {"HEAD", "OPTIONS"} or (method, route.path) in allowed:
                continue
            response = await app.test_client().open(
                path, json=sentinel, method=method, headers=SAME_ORIGIN
            )
            assert response.status_code in {405, 303, 401}, (method, path)


TRICKS = [
    "../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..\\..\\etc\\passwd",
    "/etc/passwd", "....//....//etc/passwd", "%252e%252e%252fetc", "style.css%00", "style.css~",
    "style.css.bak", ".style.css.swp", "../current.py", "..%2f..%2fconfig.py", "",
]  # fmt: skip
FORGOTTEN = [
    "/.git/config", "/.env", "/.ci/run", "/app/config.py", "/alembic.ini", "/var/secret_key",
    "/secrets/secret_key", "/requirements.lock", "/metrics", "/administrator", "/console", "/debug",
    "/index.php", "/server-status", "/./secret/x", "/secret/", "/login/", "/static/",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
async def test_nothing_but_static_files_is_served_as_one(app: Quart, trick: str) -> None:
    for root in (app.static_url_path, "/static"):
        response = await app.test_client().get(f"{root}/{trick}")
        assert response.status_code == 404, (root, trick)


@pytest.mark.parametrize("path", FORGOTTEN)
async def test_what_is_not_a_page_is_not_there(app: Quart, path: str) -> None:
    assert (await app.test_client().get(path)).status_code == 404


async def test_a_method_in_a_header_or_a_field_is_ignored(app: Quart) -> None:
    headers = SAME_ORIGIN | {"X-HTTP-Method-Override": "POST"}
    response = await app.test_client().get("/login?_method=POST", headers=headers)
    assert response.status_code == 200


async def test_reading_changes_nothing(browser: Browser) -> None:
    await create_user(browser.services, ALICE)
    window = await with_secret(browser, await signed_in(browser.services, ALICE))
    before = await everything(browser.services)
    for path in addresses(browser.app):
        for method in ("GET", "HEAD", "OPTIONS"):
            await window.client.open(path, json=sentinel, method=method)
            await browser.client.open(path, json=sentinel, method=method)
    assert await everything(browser.services) == before


async def everything(services: Services) -> str:
    """Return a digest of all rows of all tables."""
    digest = hashlib.sha256()
    async with services.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = await connection.execute(text(f"SELECT * FROM {table.name} ORDER BY 1"))  # noqa: S608
            digest.update(repr(list(rows)).encode())
    return digest.hexdigest()


async def test_every_answer_has_the_headers(app: Quart) -> None:
    for path in addresses(app):
        for method in ("GET", "POST", "PUT"):
            for headers in (SAME_ORIGIN, {"Sec-Fetch-Site": "cross-site"}):
                response = await app.test_client().open(
                    path, json=sentinel, method=method, headers=headers
                )
                check_headers(path, dict(response.headers), response.status_code)


def check_headers(path: str, headers: dict[str, str], status: int) -> None:
    headers = {name.lower(): value for name, value in headers.items()}
    policy = headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    # "no-referrer" would make a page's own form say "Origin: null", which we refuse
    is_of_link = status == 303 and headers["referrer-policy"] == "no-referrer"
    assert headers["referrer-policy"] == "same-origin" or is_of_link
    assert "permissions-policy" in headers
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers
    if path.startswith("/static/") and status == 200:
        assert "immutable" in headers["cache-control"]
    else:
        assert headers["cache-control"] == "no-store"
        assert "Cookie" in headers["vary"]
    kinds = "charset=utf-8", "application/json"
    assert headers["content-type"].endswith(kinds) or path.startswith("/static/")


async def test_a_thousand_anonymous_visits_leave_no_row_and_no_cookie(browser: Browser) -> None:
    for _ in range(250):
        for path in ("/", "/login", "/logout", "/secret"):
            response = await browser.get(path)
            assert "Set-Cookie" not in response.headers
    for table in Base.metadata.sorted_tables:
        if table.name != "roles":
            async with browser.services.engine.connect() as connection:
                rows = await connection.scalar(text(f"SELECT count(*) FROM {table.name}"))  # noqa: S608
            assert rows == 0, table.name


class TestPermission:
    """A page of a site's own, as the README shows it."""

    @pytest.fixture
    async def window(self, browser: Browser) -> Browser:
        @may(Permission.MODERATE)
        async def moderate() -> str:
            return "moderated"

        app = browser.app
        app._got_first_request = False
        app.add_url_rule("/moderate", "moderate", moderate)
        return browser

    async def test_nobody_is_sent_to_the_login(self, window: Browser) -> None:
        response = await window.get("/moderate")
        assert response.headers["Location"] == "/login?next=/moderate"

    async def test_who_lacks_the_permission_gets_a_page(self, window: Browser) -> None:
        await create_user(window.services, ALICE)
        visitor = await with_secret(window, await signed_in(window.services, ALICE))
        response = await visitor.get("/moderate")
        assert response.status_code == 403
        assert "You don&#39;t have access" in visitor.text

    async def test_who_has_it_passes_from_the_next_request_on(self, window: Browser) -> None:
        await create_user(window.services, ALICE)
        visitor = await with_secret(window, await signed_in(window.services, ALICE))
        await settle_role(window.services, "Moderator")
        assert (await visitor.get("/moderate")).status_code == 200
        await settle_role(window.services, "User")
        assert (await visitor.get("/moderate")).status_code == 403


async def settle_role(services: Services, role: str) -> None:
    async with services.engine.begin() as connection:
        await connection.execute(
            text("UPDATE users SET role_id = (SELECT id FROM roles WHERE name = :role)"),
            {"role": role},
        )
