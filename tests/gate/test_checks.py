"""The check before each request: no doubt is a 2xx, and a 2xx names somebody (AZ-08)."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from app.flows import access, sites
from app.flows.gate_check import GateFound
from app.testing import Browser
from tests.contexts import operator
from tests.gate.harness import (
    HTML,
    NAMES,
    SHOP,
    WIKI,
    Application,
    add_rule,
    add_site,
    check,
    forwarded,
    join,
    names_of,
    original,
    sign_in,
)
from tests.users import ALICE, block, create_user, id_of, move_time

FORBIDDEN = 403


async def test_a_request_without_a_session_is_sent_to_the_start(wiki: Application) -> None:
    sent = await wiki.ask("/page?q=1", Accept="text/html")
    assert sent.status_code == 302
    assert sent.headers["Location"] == f"{WIKI}/.vestibule/start?to=/page%3Fq%3D1"


async def test_a_form_without_a_session_goes_on_at_the_first_page(wiki: Application) -> None:
    sent = await wiki.ask("/save", "POST", Accept="text/html")
    assert sent.status_code == 303
    assert sent.headers["Location"] == f"{WIKI}/.vestibule/start?to=/"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "application/json"},
        {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"},
        {"Accept": "text/html", "Sec-Fetch-Mode": "cors"},
        {"Accept": "text/html", "Sec-WebSocket-Key": "x"},
    ],
    ids=str,
)
async def test_what_is_no_page_gets_401(wiki: Application, headers: dict[str, str]) -> None:
    answer = await check(wiki.app, forwarded(f"{WIKI}/") | headers)
    assert answer.status_code == 401
    assert "Location" not in answer.headers


async def test_nginx_gets_401_and_where_to_go(wiki: Application) -> None:
    answer = await check(wiki.app, original(f"{WIKI}/page") | HTML, path="/gate/nginx")
    assert answer.status_code == 401
    assert answer.headers["Location"] == f"{WIKI}/.vestibule/start?to=/page"


async def test_who_is_in_passes_by_name(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    assert await wiki.enter("/page") == f"{WIKI}/page"
    answer = await wiki.ask("/page")
    assert answer.status_code == 200
    assert names_of(answer) == {
        "Remote-User": "alice",
        "Remote-Email": "alice@example.com",
        "Remote-Name": "alice",
        "Remote-Groups": "users",
    }
    nginx = await check(wiki.app, original(f"{WIKI}/page") | wiki.cookies, path="/gate/nginx")
    assert (nginx.status_code, names_of(nginx)) == (200, names_of(answer))


async def test_envoy_asks_by_its_own_path_and_host(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    asked = {"Host": "wiki.localhost:8100", "X-Forwarded-Proto": "http"}
    passed = await check(wiki.app, asked | wiki.cookies, path="/gate/envoy/page?q=1")
    assert (passed.status_code, passed.headers["Remote-User"]) == (200, "alice")
    sent = await check(wiki.app, asked | HTML, path="/gate/envoy/page?q=1")
    assert sent.headers["Location"] == f"{WIKI}/.vestibule/start?to=/page%3Fq%3D1"


async def test_traefik_calls_a_websocket_by_its_own_scheme(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    asked = forwarded(f"{WIKI}/live") | wiki.cookies | {"Origin": WIKI, "Sec-WebSocket-Key": "x"}
    for scheme, status in {"ws": 200, "http": 200, "wss": FORBIDDEN}.items():
        answer = await check(wiki.app, asked | {"X-Forwarded-Proto": scheme})
        assert answer.status_code == status, scheme


@pytest.mark.parametrize(
    ("identity", "name"), [("email", "alice@example.com"), ("username", "alice"), ("id", None)]
)
async def test_a_site_knows_people_as_it_says(
    browser: Browser, identity: str, name: str | None
) -> None:
    await create_user(browser.services, ALICE)
    await add_site(browser.services, identity=identity)
    await sign_in(browser, ALICE)
    wiki = Application(browser)
    await wiki.enter()
    known_as = (await wiki.ask()).headers["Remote-User"]
    assert known_as == (name or str(await id_of(browser.services, ALICE)))


class TestGroups:
    async def test_groups_are_told_and_open_what_names_them(self, browser: Browser) -> None:
        services = browser.services
        await create_user(services, ALICE)
        await join(services, ALICE, "staff")
        await add_site(services, need="group:staff")
        await sign_in(browser, ALICE)
        wiki = Application(browser)
        await wiki.enter()
        assert (await wiki.ask()).headers["Remote-Groups"] == "users,staff"

    async def test_who_is_taken_out_is_refused_at_once(self, browser: Browser) -> None:
        services = browser.services
        await create_user(services, ALICE)
        await join(services, ALICE, "staff")
        await add_site(services, need="group:staff")
        await sign_in(browser, ALICE)
        wiki = Application(browser)
        await wiki.enter()
        async with services.engine.begin() as connection:
            await connection.execute(text("DELETE FROM user_groups"))
        assert (await wiki.ask()).status_code == FORBIDDEN


async def sign_out(wiki: Application) -> None:
    await wiki.browser.post("/logout")


async def be_blocked(wiki: Application) -> None:
    await block(wiki.browser.services, ALICE)


async def sessions_end(wiki: Application) -> None:
    async with operator(wiki.browser.services) as ctx:
        await access.end_sessions(ctx, name=ALICE.username)


async def be_idle(wiki: Application) -> None:
    await move_time(wiki.browser.services, "login_sessions", "seen_at", "3 hours")


async def expire(wiki: Application) -> None:
    await move_time(wiki.browser.services, "login_sessions", "expires_at", "13 hours")


async def new_password(wiki: Application) -> None:
    await run(wiki, "UPDATE users SET credential_version = credential_version + 1")


async def ask_to_be_deleted(wiki: Application) -> None:
    await run(wiki, "UPDATE users SET delete_at = now() + interval '1 day'")


async def be_erased(wiki: Application) -> None:
    async with operator(wiki.browser.services) as ctx:
        await access.delete(ctx, name=ALICE.username, typed=ALICE.username)


async def run(wiki: Application, statement: str) -> None:
    async with wiki.browser.services.engine.begin() as connection:
        await connection.execute(text(statement))


async def remove_site(wiki: Application) -> None:
    async with operator(wiki.browser.services) as ctx:
        await sites.remove(ctx, site=WIKI)


async def disable_site(wiki: Application) -> None:
    async with operator(wiki.browser.services) as ctx:
        await sites.change(ctx, site=WIKI, enabled=False)


@pytest.mark.parametrize(
    ("happens", "status"),
    [
        (sign_out, 401),
        (be_blocked, 401),
        (sessions_end, 401),
        (be_idle, 401),
        (expire, 401),
        (new_password, 401),
        (ask_to_be_deleted, 401),
        (be_erased, 401),
        (remove_site, FORBIDDEN),
        (disable_site, FORBIDDEN),
    ],
)
async def test_what_ends_a_session_acts_on_the_next_check(
    wiki: Application, happens: Callable[[Application], Awaitable[None]], status: int
) -> None:
    """SE-06."""
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    assert (await wiki.ask()).status_code == 200
    await happens(wiki)
    assert (await wiki.ask()).status_code == status


async def test_using_an_application_keeps_the_session(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    for _ in range(3):
        await move_time(wiki.browser.services, "login_sessions", "seen_at", "90 minutes")
        assert (await wiki.ask()).status_code == 200


async def test_a_session_of_one_site_is_none_of_another(wiki: Application) -> None:
    await add_site(wiki.browser.services, SHOP, name="Shop")
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    shop = Application(wiki.browser, SHOP)
    shop.jar = wiki.jar
    assert (await shop.ask()).status_code == 401


async def test_the_logins_own_cookie_opens_no_application(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    secret = wiki.browser.cookie()
    assert secret is not None
    for name in ("vestibule-session", "vestibule-8100-gate", "vestibule-gate"):
        wiki.jar = {name: secret}
        assert (await wiki.ask()).status_code == 401


async def test_an_applications_cookie_is_no_login(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    window = wiki.browser.new_window()
    window.set_cookie(wiki.cookie)
    assert (await window.get("/account")).status_code == 303


async def test_two_cookies_of_one_name_are_none(wiki: Application) -> None:
    """A sibling host of the same domain may plant one beside ours."""
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    name = next(each for each in wiki.jar if each.endswith("-gate"))
    for cookies in (f"{name}={'a' * 43}; {name}={wiki.cookie}",
                    f"{name}={wiki.cookie}; {name}={'a' * 43}"):  # fmt: skip
        answer = await check(wiki.app, forwarded(f"{WIKI}/") | {"Cookie": cookies})
        assert answer.status_code == 401


BASE = forwarded(f"{WIKI}/page")
HOSTS = ["", "evil.example", "wiki.localhost", "wiki.localhost:8100.evil.example",
         "wiki.localhost:8101", "x@wiki.localhost:8100", "wiki.localhost:8100/x",
         "wiki.localhost:8100, evil.example", "wiki.localhost:8100\t", "[::1", "wiki.localhost:",
         "wiki.localhost:99999", "wiki.localhost.:8100", "wiki\xe9.localhost:8100"]  # fmt: skip
PROTOS = ["", "ftp", "javascript", "http, https", "https", "http:", "file"]
METHODS = ["", "get", "GET POST", "GET\t", "G" * 30, "1"]
URIS = ["", "page", "http://wiki.localhost:8100/", "*", "//x#y", "/a#b", "/" + "a" * 9000]
MUTATIONS = (
    [BASE | {"X-Forwarded-Host": each} for each in HOSTS]
    + [BASE | {"X-Forwarded-Proto": each} for each in PROTOS]
    + [BASE | {"X-Forwarded-Method": each} for each in METHODS]
    + [BASE | {"X-Forwarded-Uri": each} for each in URIS]
    + [{name: value for name, value in BASE.items() if name != left} for left in BASE]
)
NGINX = ["", "/page", "wiki.localhost:8100/page", "http://wiki.localhost:8100@evil.example/",
         "ftp://wiki.localhost:8100/", "http:///page", "http://wiki.localhost:8100 /",
         "http://wiki.localhost:8100/#x", "http://evil.example/",
         "http://wiki.localhost:8100\\@evil/", "http://wiki.localhost:8100?/"]  # fmt: skip


async def test_garbled_checks_of_who_is_in_never_pass(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    for headers in MUTATIONS:
        answer = await check(wiki.app, headers | wiki.cookies | HTML)
        assert answer.status_code == FORBIDDEN, headers
        assert not set(NAMES) & set(answer.headers)
    for url in NGINX:
        asked = {"X-Original-URL": url, "X-Original-Method": "GET"}
        answer = await check(wiki.app, asked | wiki.cookies, path="/gate/nginx")
        assert answer.status_code == FORBIDDEN, url
    answer = await check(wiki.app, original(f"{WIKI}/") | wiki.cookies)  # one's for the other
    assert answer.status_code == FORBIDDEN


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-Uri", "Host", "Authorization"])
async def test_a_header_that_comes_twice_is_nobodys(wiki: Application, name: str) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    client = wiki.app.test_client(use_cookies=False)
    headers = [*(BASE | wiki.cookies).items(), (name, "a"), (name, "a")]
    answer = await client.get(
        "/gate/check", headers=headers, scope_base={"client": ("127.0.0.1", 1)}
    )
    assert answer.status_code == FORBIDDEN


async def test_who_is_no_proxy_of_ours_is_refused(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    for peer in ("198.51.100.7", "2001:db8::7"):
        answer = await check(wiki.app, BASE | wiki.cookies, client=(peer, 4711))
        assert answer.status_code == FORBIDDEN


async def test_names_that_a_visitor_sends_are_not_echoed(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    spoofed = {name: "root" for each in NAMES for name in (each, each.replace("-", "_"))}
    answer = await check(wiki.app, BASE | wiki.cookies | spoofed)
    assert answer.headers["Remote-User"] == "alice"
    assert "root" not in str(answer.headers)
    nobody = await check(wiki.app, BASE | spoofed)
    assert nobody.status_code == 401
    assert "root" not in str(nobody.headers)


class TestForeignRequests:
    @pytest.mark.parametrize(
        ("headers", "passes"),
        [
            ({"Sec_Fetch_Site": "same-origin"}, True),
            ({"Sec_Fetch_Site": "none"}, True),
            ({"Origin": WIKI}, True),
            ({"Sec_Fetch_Site": "same-site"}, False),
            ({"Sec_Fetch_Site": "cross-site"}, False),
            ({"Sec_Fetch_Site": "cross-site", "Origin": WIKI}, False),
            ({"Sec_Fetch_Site": ""}, False),
            ({"Origin": SHOP}, False),
            ({"Origin": "null"}, False),
            ({}, False),
        ],
    )
    async def test_only_the_applications_own_pages_do_something(
        self, wiki: Application, headers: dict[str, str], *, passes: bool
    ) -> None:
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        status = 200 if passes else FORBIDDEN
        for method in ("POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
            assert (await wiki.ask("/save", method, **headers)).status_code == status
        socket = {"Sec_WebSocket_Key": "x"} | headers
        assert (await wiki.ask("/live", **socket)).status_code == status
        assert (await wiki.ask("/", **headers)).status_code == 200

    async def test_on_a_public_page_a_foreign_request_is_nobodys(self, wiki: Application) -> None:
        await add_rule(wiki.browser.services, "/public", "public")
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        for site, name in {"same-site": "-", "same-origin": "alice"}.items():
            answer = await wiki.ask("/public", "POST", Sec_Fetch_Site=site)
            assert (answer.status_code, answer.headers["Remote-User"]) == (200, name)


class TestPaths:
    async def test_the_longest_prefix_decides(self, wiki: Application) -> None:
        services = wiki.browser.services
        await add_rule(services, "/public", "public")
        await add_rule(services, "/public/not", "signed-in")
        await add_rule(services, "/admin", "permission:ADMIN")
        await sign_in(wiki.browser, ALICE)
        for path, status in {
            "/public": 200,
            "/public/x.png": 200,
            "/publicity": 401,
            "/PUBLIC/x": 401,
            "/public/not/x": 401,
            "/public/Not": 401,
            "/page": 401,
        }.items():
            assert (await wiki.ask(path)).status_code == status, path
        await wiki.enter()
        for path, status in {
            "/admin": FORBIDDEN,
            "/admin/users": FORBIDDEN,
            "/Admin/users": FORBIDDEN,
            "/admin.php": FORBIDDEN,
            "/page": 200,
        }.items():
            assert (await wiki.ask(path)).status_code == status, path

    async def test_nobody_on_a_public_page_is_called_nobody(self, wiki: Application) -> None:
        await add_rule(wiki.browser.services, "/public", "public")
        answer = await wiki.ask("/public")
        assert names_of(answer) == dict.fromkeys(NAMES, "-")
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        assert (await wiki.ask("/public")).headers["Remote-User"] == "alice"

    async def test_somebody_who_asked_for_deletion_is_nobody_there(self, wiki: Application) -> None:
        await add_rule(wiki.browser.services, "/public", "public")
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        await ask_to_be_deleted(wiki)
        assert (await wiki.ask("/public")).headers["Remote-User"] == "-"


class TestSecondFactor:
    async def test_who_should_have_one_by_now_is_nobody(self, wiki: Application) -> None:
        await add_rule(wiki.browser.services, "/public", "public")
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        await run(wiki, "UPDATE users SET factor_due_at = now() - interval '1 day'")
        await run(wiki, "UPDATE roles SET factor_required = true WHERE name = 'User'")
        try:
            assert (await wiki.ask()).status_code == 401
            assert (await wiki.ask("/public")).headers["Remote-User"] == "-"
        finally:
            await run(wiki, "UPDATE roles SET factor_required = false WHERE name = 'User'")

    async def test_a_session_without_one_is_sent_to_show_it(self, wiki: Application) -> None:
        await add_rule(wiki.browser.services, "/vault", "factor")
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        assert (await wiki.ask("/page")).status_code == 200
        sent = await wiki.ask("/vault", Accept="text/html")
        assert sent.headers["Location"].endswith("start?to=/vault")
        start = await wiki.own(sent.headers["Location"])
        page = await wiki.browser.get(
            start.headers["Location"].removeprefix("http://127.0.0.1:8000")
        )
        assert page.headers["Location"] == "/account/security"

    async def test_one_that_showed_it_passes(self, wiki: Application) -> None:
        await add_rule(wiki.browser.services, "/vault", "factor")
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        await run(wiki, "UPDATE login_sessions SET factor_at = now()")
        assert (await wiki.ask("/vault")).status_code == 200


class TestWithoutADatabase:
    async def test_no_check_passes(
        self, wiki: Application, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await add_rule(wiki.browser.services, "/public", "public")
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()

        async def away(*_: object, **__: object) -> GateFound:
            raise ConnectionRefusedError

        monkeypatch.setattr(wiki.browser.services.gate, "find", away)
        for path in ("/page", "/public"):
            answer = await wiki.ask(path, Accept="text/html")
            assert answer.status_code == 503
            assert "Retry-After" in answer.headers
            assert not set(NAMES) & set(answer.headers)

    async def test_nor_after_a_fault_of_ours(
        self, wiki: Application, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_: object, **__: object) -> GateFound:
            raise ZeroDivisionError

        monkeypatch.setattr(wiki.browser.services.gate, "find", broken)
        assert (await wiki.ask()).status_code == 500


async def test_refusals_stand_in_the_audit_log_once(wiki: Application) -> None:
    await add_rule(wiki.browser.services, "/admin", "permission:ADMIN")
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    for _ in range(3):
        assert (await wiki.ask("/admin")).status_code == FORBIDDEN
    async with wiki.browser.services.engine.connect() as connection:
        found = await connection.scalar(
            text("SELECT count(*) FROM audit_events WHERE event = 'gate.refused'")
        )
    assert found == 1
