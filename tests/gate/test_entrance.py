"""Getting in: no open redirect, one ticket once, in one browser, for one site."""

from datetime import timedelta
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quart import Quart
from sqlalchemy import text

from app.flows.gate import page_there
from app.testing import Browser
from tests.gate.harness import SHOP, WIKI, Application, add_rule, add_site, sign_in, state_of
from tests.mailbox import last_link
from tests.users import ALICE, BOB, block, create_user, events, move_time

PAYLOADS = [
    "https://evil.example/", "http://evil.example", "//evil.example/", "///evil.example",
    "////evil.example", "/\\evil.example",
    "\\\\evil.example", "/\\/evil.example", "\\/evil.example",
    "https:evil.example", "https:/evil.example", "http:/\\evil.example", "javascript:alert(1)",
    "data:text/html,x", "//evil.example\\@wiki.localhost", "/\tevil.example", "/\t/evil.example",
    "/\n/evil.example", "/\r\nLocation: https://evil.example", "\t//evil.example",
    " //evil.example",
    "/ /evil.example", "//wiki.localhost@evil.example", "//evil.example#wiki.localhost",
    "//evil.example?wiki.localhost", ".evil.example", "@evil.example", ":80@evil.example/",
    "evil.example", "/%09/evil.example\n", "/\x00/evil.example", "/\u2028/evil.example",
    "/\uff0f/evil.example", "\uff0f\uff0fevil.example", "/.vestibule/start?to=/x",
    "/.vestibule/enter?ticket=x", "//google%E3%80%82com", "/..//evil.example", "/x//evil.example",
    "https://wiki.localhost:8100.evil.example/", "http://wiki.localhost:8100@evil.example/",
    "/x\\\\evil.example", "/" + "a" * 3000, "",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_no_payload_leads_elsewhere(wiki: Application, payload: str) -> None:
    await sign_in(wiki.browser, ALICE)
    start = await wiki.own(f"/.vestibule/start?to={quote(payload, safe='')}")
    assert start.status_code == 302
    there = urlsplit(start.headers["Location"])
    assert f"{there.scheme}://{there.netloc}" == "http://127.0.0.1:8000"
    await wiki.browser.get(f"{there.path}?{there.query}")
    assert f'content="0; url={WIKI}/.vestibule/enter?ticket=' in wiki.browser.text
    ticket = wiki.browser.text.partition('content="0; url=')[2].partition('"')[0]
    entered = await wiki.own(ticket)
    assert entered.headers["Location"] == f"{WIKI}/"


@given(st.text(max_size=30))
def test_a_page_there_is_a_path_there(text: str) -> None:
    path = page_there(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert urlsplit(f"{WIKI}{path}").netloc == urlsplit(WIKI).netloc


async def test_nobody_signs_in_first_and_comes_back(wiki: Application) -> None:
    sent = await wiki.ask("/page?q=1", Accept="text/html")
    start = await wiki.own(sent.headers["Location"])
    there = start.headers["Location"].removeprefix("http://127.0.0.1:8000")
    to_login = await wiki.browser.get(there)
    assert to_login.headers["Location"].startswith("/login?next=/gate%3Fstate%3D")
    await wiki.browser.follow(to_login)
    wanted = wiki.browser.text.partition('name="next" type="hidden" value="')[2].partition('"')[0]
    signed_in = await wiki.browser.post(
        "/login", email_or_user="alice", password=ALICE.password, next=wanted
    )
    await wiki.browser.follow(signed_in)
    ticket = wiki.browser.text.partition('content="0; url=')[2].partition('"')[0]
    entered = await wiki.own(ticket)
    assert entered.headers["Location"] == f"{WIKI}/page?q=1"
    assert "gate.entered" in await events(wiki.browser.services)


async def test_a_ticket_is_good_once(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    ticket = await wiki.ticket()
    assert (await wiki.own(ticket)).status_code == 303
    again = await wiki.own(ticket)
    assert again.status_code == 410
    assert "Set-Cookie" not in again.headers


async def test_a_ticket_given_to_a_victim_opens_nothing(wiki: Application) -> None:
    """Else somebody would work in an account that a stranger sees."""
    await sign_in(wiki.browser, ALICE)
    ticket = await wiki.ticket()
    victim = Application(wiki.browser.new_window())
    assert (await victim.own(ticket)).status_code == 410  # keeps no nonce
    await victim.own("/.vestibule/start?to=/")
    assert (await victim.own(ticket)).status_code == 410  # keeps another
    assert (await wiki.own(ticket)).status_code == 303


async def test_a_ticket_of_one_site_opens_no_other(wiki: Application) -> None:
    await add_site(wiki.browser.services, SHOP, name="Shop")
    await sign_in(wiki.browser, ALICE)
    ticket = await wiki.ticket()
    shop = Application(wiki.browser, SHOP)
    shop.jar = wiki.jar
    assert (await shop.own(ticket.removeprefix(WIKI))).status_code == 410


async def test_a_ticket_is_good_for_a_minute(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    ticket = await wiki.ticket()
    await move_time(wiki.browser.services, "gate_tickets", "expires_at", "61 seconds")
    assert (await wiki.own(ticket)).status_code == 410


@pytest.mark.parametrize("ends", ["logout", "block", "expiry"])
async def test_a_ticket_ends_with_the_session(wiki: Application, ends: str) -> None:
    await sign_in(wiki.browser, ALICE)
    ticket = await wiki.ticket()
    if ends == "logout":
        await wiki.browser.post("/logout")
    elif ends == "block":
        await block(wiki.browser.services, ALICE)
    else:
        await move_time(wiki.browser.services, "login_sessions", "expires_at", "13 hours")
    assert (await wiki.own(ticket)).status_code == 410


async def test_a_state_of_a_stranger_is_no_way_in(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    start = await wiki.own("/.vestibule/start?to=/")
    state = state_of(start.headers["Location"])
    for garbled in ("", "x", state[:-2], state + "a", state.replace(".", "", 1), "a" * 3000):
        page = await wiki.browser.get(f"/gate?state={garbled}")
        assert page.status_code == 410
    assert "http-equiv" not in wiki.browser.text


async def test_a_state_lasts_ten_minutes(
    wiki: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(wiki.browser, ALICE)
    start = await wiki.own("/.vestibule/start?to=/")
    monkeypatch.setattr("app.flows.gate.START_MINUTES", -5)
    state = state_of(start.headers["Location"])
    await wiki.browser.get(f"/gate?state={state}")
    assert "ticket" not in wiki.browser.text
    monkeypatch.setattr("app.flows.gate.LATE", timedelta(minutes=-5))
    page = await wiki.browser.new_window().get(f"/gate?state={state}")
    assert page.status_code == 303
    assert (await wiki.browser.get(f"/gate?state={state}")).status_code == 410


async def test_who_comes_late_begins_anew_at_the_site_but_once(
    wiki: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A way that led through an email takes longer. Clocks that differ must not make a circle."""
    await sign_in(wiki.browser, ALICE)
    start = await wiki.own("/.vestibule/start?to=/page%3Fq=1")
    late = f"/gate?state={state_of(start.headers['Location'])}"
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr("app.flows.gate.START_MINUTES", -5)
            assert (await wiki.browser.get(late)).status_code == 200
            assert f'content="0; url={WIKI}/page?q=1"' in wiki.browser.text
            assert (await wiki.browser.get(late)).status_code == 410
            assert (await wiki.browser.get(late)).status_code == 200
        wiki.jar.clear()
        assert await wiki.enter("/page?q=1") == f"{WIKI}/page?q=1"


async def test_who_registers_at_the_gate_gets_in_over_the_email(wiki: Application) -> None:
    sent = await wiki.ask("/page?q=1", Accept="text/html")
    start = await wiki.own(sent.headers["Location"])
    there = urlsplit(start.headers["Location"])
    browser = wiki.browser
    await browser.follow(await browser.get(f"{there.path}?{there.query}"))
    carried = browser.text.partition('name="next" type="hidden" value="')[2].partition('"')[0]
    fields = {"username": "bob", "email": BOB.email, "password": BOB.password}
    await browser.post("/register", fields, confirm=BOB.password, next=carried)
    await browser.open_link(await last_link(browser.services, BOB.email))
    kept = browser.text.partition('name="next" type="hidden" value="')[2].partition('"')[0]
    assert kept == carried
    await browser.follow(await browser.post("/confirm", next=kept))
    ticket = browser.text.partition('content="0; url=')[2].partition('"')[0]
    entered = await wiki.own(ticket)
    assert entered.headers["Location"] == f"{WIKI}/page?q=1"


async def test_who_may_not_gets_a_page_here_and_no_ticket(browser: Browser) -> None:
    await create_user(browser.services, BOB)
    await add_site(browser.services, need="permission:MODERATE")
    await sign_in(browser, BOB)
    wiki = Application(browser)
    start = await wiki.own("/.vestibule/start?to=/")
    for _ in range(2):
        page = await browser.get(f"/gate?state={state_of(start.headers['Location'])}")
        assert page.status_code == 403
        assert "Your account can&#39;t open Wiki." in browser.text
    async with browser.services.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM gate_tickets")) == 0
    assert (await events(browser.services)).count("gate.refused") == 1


async def test_the_rule_of_the_page_is_asked_not_that_of_the_site(wiki: Application) -> None:
    await add_rule(wiki.browser.services, "/admin", "permission:ADMIN")
    await sign_in(wiki.browser, ALICE)
    start = await wiki.own("/.vestibule/start?to=/admin/users")
    page = await wiki.browser.get(f"/gate?state={state_of(start.headers['Location'])}")
    assert page.status_code == 403


async def test_two_tabs_share_a_nonce(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    first = await wiki.ticket("/a")
    second = await wiki.ticket("/b")
    assert (await wiki.own(first)).headers["Location"] == f"{WIKI}/a"
    assert (await wiki.own(second)).headers["Location"] == f"{WIKI}/b"


async def test_a_browser_has_few_sessions_at_a_site(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    for _ in range(6):
        wiki.jar = {}
        await wiki.enter()
    async with wiki.browser.services.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM gate_sessions")) == 4
    assert (await wiki.ask()).status_code == 200


@pytest.mark.parametrize("path", ["/", "/login", "/account", "/.vestibule/x", "/gate"])
async def test_no_page_of_ours_answers_at_a_sites_address(wiki: Application, path: str) -> None:
    answer = await wiki.own(path)
    assert answer.status_code in {404, 421}


async def test_a_form_is_no_way_in(wiki: Application) -> None:
    client = wiki.app.test_client(use_cookies=False)
    for page in ("start", "enter", "sign-out"):
        answer = await client.post(
            f"/.vestibule/{page}", headers={"Host": "wiki.localhost:8100"},
            scope_base={"client": ("127.0.0.1", 4711)},
        )  # fmt: skip
        assert answer.status_code == 405


async def test_at_an_unknown_address_nothing_of_the_gate_is_there(app: Quart) -> None:
    client = app.test_client(use_cookies=False)
    peer = {"client": ("127.0.0.1", 4711)}
    for host, status in {"evil.example": 421, "127.0.0.1:8000": 404, "localhost:8000": 404}.items():
        answer = await client.get("/.vestibule/start", headers={"Host": host}, scope_base=peer)
        assert answer.status_code == status, host


async def test_signing_out_there_leads_to_signing_out_here(wiki: Application) -> None:
    answer = await wiki.own("/.vestibule/sign-out")
    assert answer.headers["Location"] == "http://127.0.0.1:8000/logout"


class TestHttps:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"public_url": "https://login.example.com"}

    async def test_cookies_there_are_of_that_host_alone(self, app: Quart) -> None:
        browser = Browser(app)
        await add_site(browser.services, "https://wiki.example.com")
        client = app.test_client(use_cookies=False)
        answer = await client.get(
            "/.vestibule/start?to=/x",
            headers={"Host": "wiki.example.com", "X-Forwarded-Proto": "https"},
            scope_base={"client": ("127.0.0.1", 4711)},
        )
        assert answer.headers["Location"].startswith("https://login.example.com/gate?state=")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-vestibule-start=")
        for part in ("; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"):
            assert part in cookie
        assert "Domain" not in cookie

    async def test_no_page_of_ours_answers_there(self, app: Quart) -> None:
        browser = Browser(app)
        await add_site(browser.services, "https://wiki.example.com")
        client = app.test_client(use_cookies=False)
        answer = await client.get(
            "/login",
            headers={"Host": "wiki.example.com", "X-Forwarded-Proto": "https"},
            scope_base={"client": ("127.0.0.1", 4711)},
        )
        assert answer.status_code == 421
