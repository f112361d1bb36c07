"""Tokens for scripts: what they open, what they never do, and what ends them."""

import base64
from datetime import timedelta
from uuid import uuid4

import pytest
from quart import Quart
from sqlalchemy import text

from app.flows import api_tokens, password
from app.flows.api_tokens import OwnTokens
from app.kit.errors import SignedOut
from app.kit.gate_errors import NoSuchToken, TooManyTokens, WrongToken
from app.services import Services
from app.testing import SAME_ORIGIN
from tests.administration import as_root, page_of
from tests.contexts import context, operator
from tests.gate.harness import (
    SHOP,
    WIKI,
    Application,
    add_rule,
    add_site,
    check,
    forwarded,
    sign_in,
)
from tests.mailbox import link_in, messages
from tests.users import ALICE, BOB, actor_of, block, create_user, move_time, signed_in


async def make(
    services: Services, *, sites: str = "Wiki", account: bool = False, days: int = 90
) -> str:
    """Make a token of alice for the sites of some names."""
    async with operator(services) as ctx:
        known = (await api_tokens.tokens_of(ctx, name="alice")).sites
        return await api_tokens.create(
            ctx,
            name="script",
            sites=[each.id for each in known if each.name in sites],
            reads_account=account,
            days=days,
            user="alice",
        )


async def ask(app: Quart, authorization: str, url: str = f"{WIKI}/", **more: str) -> int:
    headers = forwarded(url) | {"Authorization": authorization} | more
    return (await check(app, headers)).status_code


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


async def test_a_token_opens_its_site_alone(wiki: Application) -> None:
    await add_site(wiki.browser.services, SHOP, name="Shop")
    token = await make(wiki.browser.services)
    answer = await check(wiki.app, forwarded(f"{WIKI}/") | {"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["Remote-User"]) == (200, "alice")
    assert await ask(wiki.app, f"Bearer {token}", f"{SHOP}/") == 401
    assert await ask(wiki.app, f"Bearer {token}", **{"X-Forwarded-Method": "POST"}) == 200


@pytest.mark.parametrize("user", ["alice", "ALICE", "alice@example.com"])
async def test_basic_takes_it_beside_the_users_name(wiki: Application, user: str) -> None:
    token = await make(wiki.browser.services)
    assert await ask(wiki.app, basic(user, token)) == 200


async def test_basic_takes_it_beside_no_other_name(wiki: Application) -> None:
    await create_user(wiki.browser.services, BOB)
    token = await make(wiki.browser.services)
    for user in ("bob", "", "root", "alice2"):
        assert await ask(wiki.app, basic(user, token)) == 401


async def test_a_password_is_never_taken(wiki: Application) -> None:
    assert await ask(wiki.app, basic("alice", ALICE.password)) == 401
    assert await ask(wiki.app, f"Bearer {ALICE.password}") == 401


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "bearer vst_", "Basic", "Basic !", "Basic YQ==", "Digest x",
     "Negotiate y",
     "vst_" + "a" * 43, "Bearer vst_" + "a" * 43, "Bearer vst_" + "a" * 44, "Basic \xff"],
)  # fmt: skip
async def test_what_is_no_token_opens_nothing_even_beside_a_cookie(
    wiki: Application, authorization: str
) -> None:
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    assert (await wiki.ask(Authorization=authorization)).status_code == 401
    assert (await wiki.ask()).status_code == 200


async def test_a_secret_of_another_purpose_is_no_token(wiki: Application) -> None:
    """SE-09."""
    services = wiki.browser.services
    await sign_in(wiki.browser, ALICE)
    await wiki.enter()
    token = await make(services, account=True)
    session = await signed_in(services, ALICE)
    for secret in (session, wiki.cookie):
        assert await ask(wiki.app, f"Bearer {secret}") == 401
        assert await ask(wiki.app, f"Bearer vst_{secret}") == 401
    name = next(each for each in wiki.jar if each.endswith("-gate"))
    for value in (token, token.removeprefix("vst_")):
        answer = await check(wiki.app, forwarded(f"{WIKI}/") | {"Cookie": f"{name}={value}"})
        assert answer.status_code == 401
    window = wiki.browser.new_window()
    for value in (token, token.removeprefix("vst_")):
        window.set_cookie(value)
        assert (await window.get("/account")).status_code == 303


async def new_password(services: Services) -> None:
    secret = await signed_in(services, ALICE)
    actor = await actor_of(services, ALICE, secret)
    async with context(services, actor=actor, session_secret=secret) as ctx:
        await password.change_password(
            ctx, current=ALICE.password, password="a quite different passphrase"
        )


async def be_blocked(services: Services) -> None:
    await block(services, ALICE)


async def expire(services: Services) -> None:
    await move_time(services, "api_tokens", "expires_at", "91 days")


async def revoke(services: Services) -> None:
    async with operator(services) as ctx:
        assert await api_tokens.revoke_all(ctx, user="alice") == 1


@pytest.mark.parametrize("happens", [new_password, be_blocked, expire, revoke])
async def test_what_ends_a_token_acts_on_the_next_request(
    wiki: Application, happens: object
) -> None:
    """SE-05, SE-06."""
    services = wiki.browser.services
    token = await make(services, account=True)
    assert await ask(wiki.app, f"Bearer {token}") == 200
    assert callable(happens)
    await happens(services)
    assert await ask(wiki.app, f"Bearer {token}") == 401
    answer = await wiki.browser.new_window().get("/api/me", {"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_a_logout_leaves_a_token(wiki: Application) -> None:
    await sign_in(wiki.browser, ALICE)
    token = await make(wiki.browser.services)
    await wiki.browser.post("/logout")
    assert await ask(wiki.app, f"Bearer {token}") == 200


async def test_a_token_shows_no_second_factor(wiki: Application) -> None:
    await add_rule(wiki.browser.services, "/vault", "factor")
    token = await make(wiki.browser.services)
    assert await ask(wiki.app, f"Bearer {token}", f"{WIKI}/vault") == 403


async def test_a_token_may_no_more_than_its_user(wiki: Application) -> None:
    await add_rule(wiki.browser.services, "/admin", "permission:ADMIN")
    token = await make(wiki.browser.services)
    assert await ask(wiki.app, f"Bearer {token}", f"{WIKI}/admin") == 403


class TestOwnAccount:
    async def test_a_token_that_may_reads_who_its_user_is(self, wiki: Application) -> None:
        token = await make(wiki.browser.services, sites="", account=True)
        window = wiki.browser.new_window()
        for said in (f"Bearer {token}", basic("alice", token)):
            answer = await window.get("/api/me", {"Authorization": said})
            assert answer.status_code == 200
            assert (await answer.get_json())["username"] == "alice"
        assert await ask(wiki.app, f"Bearer {token}") == 401  # no site

    async def test_one_for_sites_does_not(self, wiki: Application) -> None:
        token = await make(wiki.browser.services)
        answer = await wiki.browser.new_window().get(
            "/api/me", {"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 401

    async def test_beside_a_token_the_cookie_says_nothing(self, wiki: Application) -> None:
        await create_user(wiki.browser.services, BOB)
        token = await make(wiki.browser.services, account=True)
        await sign_in(wiki.browser, BOB)
        answer = await wiki.browser.get("/api/me", {"Authorization": f"Bearer {token}"})
        assert (await answer.get_json())["username"] == "alice"
        wrong = await wiki.browser.get("/api/me", {"Authorization": "Bearer x"})
        assert wrong.status_code == 401

    @pytest.mark.parametrize(
        "path", ["/account", "/account/tokens", "/account/password", "/admin", "/secret"]
    )
    async def test_no_other_page_takes_one(self, wiki: Application, path: str) -> None:
        token = await make(wiki.browser.services, account=True)
        window = wiki.browser.new_window()
        answer = await window.get(path, {"Authorization": f"Bearer {token}"})
        assert answer.headers["Location"].startswith("/login")
        post = await window.client.post(
            "/account/tokens",
            form={"name": "x", "days": "1", "reads_account": "y"},
            headers=SAME_ORIGIN | {"Authorization": f"Bearer {token}"},
        )
        assert post.headers["Location"].startswith("/login")


class TestLimits:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"logins_per_network_5_minutes": 3}

    async def test_wrong_tokens_count_against_the_network(self, wiki: Application) -> None:
        token = await make(wiki.browser.services)
        wrong = "Bearer vst_" + "a" * 43
        assert [await ask(wiki.app, wrong) for _ in range(5)] == [401, 401, 401, 429, 429]
        assert await ask(wiki.app, f"Bearer {token}") == 200


async def test_use_is_noted_once_an_hour(wiki: Application) -> None:
    services = wiki.browser.services
    token = await make(services)

    async def used() -> object:
        async with services.engine.connect() as connection:
            return await connection.scalar(text("SELECT used_at FROM api_tokens"))

    assert await used() is None
    await ask(wiki.app, f"Bearer {token}")
    first = await used()
    assert first is not None
    await ask(wiki.app, f"Bearer {token}")
    assert await used() == first
    await move_time(services, "api_tokens", "used_at", "61 minutes")
    await ask(wiki.app, f"Bearer {token}")
    assert await used() != first


class TestMaking:
    async def test_a_token_is_shown_once_and_kept_as_a_digest(self, wiki: Application) -> None:
        await sign_in(wiki.browser, ALICE)
        await wiki.browser.post("/account/tokens", name="backup", days="30", reads_account="y")
        shown = wiki.browser.text.partition(">vst_")[2].partition("<")[0]
        assert len(shown) == 43
        await wiki.browser.get("/account/tokens")
        assert shown not in wiki.browser.text
        assert "backup" in wiki.browser.text
        answer = await wiki.browser.new_window().get(
            "/api/me", {"Authorization": f"Bearer vst_{shown}"}
        )
        assert answer.status_code == 200

    async def test_its_user_is_told_and_takes_it_back(self, wiki: Application) -> None:
        services = wiki.browser.services
        await sign_in(wiki.browser, ALICE)
        await wiki.browser.post("/account/tokens", name="backup", days="30", reads_account="y")
        token = f"vst_{wiki.browser.text.partition('>vst_')[2].partition('<')[0]}"
        email = (await messages(services, ALICE.email))[-1]
        assert "the token “backup”" in email.text
        assert token not in email.text + email.html
        stranger = wiki.browser.new_window()
        asked = {"Authorization": f"Bearer {token}"}
        assert (await stranger.get("/api/me", asked)).status_code == 200
        await stranger.open_link(link_in(email))
        await stranger.post("/not-me")
        assert (await stranger.get("/api/me", asked)).status_code == 401

    async def test_of_the_operators_nobody_is_told(self, wiki: Application) -> None:
        before = await messages(wiki.browser.services)
        await make(wiki.browser.services)
        assert await messages(wiki.browser.services) == before

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"name": "", "days": "30", "reads_account": "y"}, "Enter a name."),
            ({"name": "x", "days": "", "reads_account": "y"}, "Enter a number of days."),
            ({"name": "x", "days": "0", "reads_account": "y"}, "1 to 365 days"),
            ({"name": "x", "days": "366", "reads_account": "y"}, "1 to 365 days"),
            ({"name": "x", "days": "x", "reads_account": "y"}, "Not a valid integer value."),
            ({"name": "x", "days": "30"}, "at least one thing"),
            ({"name": "x", "days": "30", "sites": "x"}, "at least one thing"),
            ({"name": "x", "days": "30", "sites": str(uuid4())}, "at least one thing"),
            ({"name": "x" * 61, "days": "30"}, "at most 60"),
        ],
    )
    async def test_what_is_wrong_is_told(
        self, wiki: Application, fields: dict[str, str], said: str
    ) -> None:
        await sign_in(wiki.browser, ALICE)
        answer = await wiki.browser.post("/account/tokens", fields)
        assert answer.status_code == 422
        assert said in wiki.browser.text

    async def test_nobody_revokes_anothers(self, wiki: Application) -> None:
        services = wiki.browser.services
        await create_user(services, BOB)
        await make(services)
        async with operator(services) as ctx:
            found: OwnTokens = await api_tokens.tokens_of(ctx, name="alice")
        async with context(services, actor=await actor_of(services, BOB)) as ctx:
            with pytest.raises(NoSuchToken):
                await api_tokens.revoke(ctx, token_id=found.tokens[0].id)
        async with context(services) as ctx:
            with pytest.raises(SignedOut):
                await api_tokens.revoke(ctx, token_id=found.tokens[0].id)

    async def test_an_administrator_sees_and_revokes_them(self, wiki: Application) -> None:
        services = wiki.browser.services
        token = await make(services)
        async with operator(services) as ctx:
            (made,) = (await api_tokens.tokens_of(ctx, name="alice")).tokens
        bobs = await page_of(services, await create_user(services, BOB))
        page, root = await page_of(services, ALICE), await as_root(wiki.browser)
        assert (await root.post(f"{bobs}/tokens/{made.id}/revoke")).status_code == 404
        await root.get(page)
        assert "Opens: Wiki" in root.text
        assert token not in root.text
        await root.follow(await root.post(f"{page}/tokens/{made.id}/revoke"))
        assert "The token is revoked." in root.text
        assert "Opens: Wiki" not in root.text
        assert await ask(wiki.app, f"Bearer {token}") == 401

    async def test_there_are_fifty_at_most(self, wiki: Application) -> None:
        for _ in range(50):
            await make(wiki.browser.services)
        with pytest.raises(TooManyTokens):
            await make(wiki.browser.services)

    async def test_a_token_has_an_end(self, wiki: Application) -> None:
        with pytest.raises(WrongToken):
            await make(wiki.browser.services, days=366)
        await make(wiki.browser.services, days=365)
        async with wiki.browser.services.engine.connect() as connection:
            lasts = await connection.scalar(text("SELECT expires_at - created_at FROM api_tokens"))
        assert lasts == timedelta(days=365)
