"""Sites that require usernames, leave them to the user, or know none: refusals first."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from app.config import Config
from app.flows import access, authenticator_app, groups
from app.kit.addresses import is_username
from app.steps.usernames import chosen_or_made
from tests.administration import enter
from tests.browser import APPLICATION, Browser
from tests.contexts import context, operator
from tests.imports import look
from tests.mailbox import last_link, messages
from tests.users import ALICE, BOB, ROOT, actor_of, create_user, id_of, register

NAMELESS = {name: text for name, text in APPLICATION.items() if name != "username"}


@pytest.fixture
def usernames() -> str:
    return "required"


@pytest.fixture
def settings(settings: dict[str, Any], usernames: str) -> dict[str, Any]:
    return settings | {"usernames": usernames}


def with_usernames(how: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("usernames", [how])


async def test_where_one_is_required_none_is_refused(browser: Browser) -> None:
    assert (await browser.post("/register", NAMELESS)).status_code == 422
    assert 'id="username-error">Choose a username.' in browser.text


@with_usernames("optional")
async def test_one_that_cannot_be_is_refused_where_it_is_optional(browser: Browser) -> None:
    assert (await browser.post("/register", APPLICATION | {"username": "1"})).status_code == 422
    assert "username-error" in browser.text


@with_usernames("optional")
@pytest.mark.parametrize("typed", ["", "mary"])
async def test_where_it_is_optional_the_typed_one_counts(browser: Browser, typed: str) -> None:
    await browser.get("/register")
    assert "You can leave this empty." in browser.text
    await browser.post("/register", APPLICATION | {"username": typed})
    await browser.open_link(await last_link(browser.services, ALICE.email))
    await browser.post("/confirm")
    (found,) = await look(browser.services)
    assert found == typed or (not typed and found.startswith("alice-"))


@with_usernames("off")
async def test_where_there_are_none_pages_show_the_address(browser: Browser) -> None:
    await browser.get("/register")
    assert "sername" not in browser.text
    await browser.post("/register", NAMELESS | {"username": "mary"})
    await browser.open_link(await last_link(browser.services, ALICE.email))
    async with browser.services.engine.connect() as connection:
        made = await connection.scalar(text("SELECT username FROM registrations"))
    assert made is not None
    for path in ("/confirm", "/", "/account"):
        await browser.get(path)
        assert made not in browser.text, path
        assert ALICE.email in browser.text, path
        if path == "/confirm":
            await browser.post("/confirm")
    assert made.startswith("alice-")
    assert (await browser.get("/account/username")).status_code == 404
    assert (await browser.post("/account/username", username="mary")).status_code == 404


@with_usernames("off")
async def test_two_of_one_local_part_both_come_in(browser: Browser) -> None:
    for email in ("alice@example.com", "alice@example.org"):
        await create_user(browser.services, ALICE._replace(email=email))
    assert len(set(await look(browser.services))) == 2


@pytest.mark.parametrize(
    "email",
    ["a@example.com", "1@example.com", "Ä.ö@example.com", f"{'x' * 64}@example.com",
     "o'brien+news@example.com", "-.-@example.com", "...a@example.com"],
)  # fmt: skip
def test_what_is_made_may_be_a_username(config: Config, email: str) -> None:
    off = config.model_copy(update={"usernames": "off"})
    assert is_username(chosen_or_made(off, "", email=email))


class TestNone:
    """Where there are no usernames, those that were made up for the database show nowhere."""

    @pytest.fixture
    def usernames(self) -> str:
        return "off"

    @pytest.fixture
    async def root(self, browser: Browser) -> Browser:
        for someone in (ROOT, ALICE):
            await create_user(browser.services, someone)
        await register(browser.services, BOB)
        async with operator(browser.services) as ctx:
            await access.set_role(ctx, name=ROOT.email, role_name="Administrator")
            await groups.create(ctx, name="editors")
            await groups.add_user(ctx, name="editors", user=ALICE.email)
        return await enter(browser, ROOT)

    @pytest.fixture
    async def made(self, root: Browser) -> list[str]:
        names = "SELECT username FROM users UNION SELECT username FROM registrations"
        async with root.services.engine.connect() as connection:
            return list((await connection.scalars(text(names))).all())

    async def test_no_page_shows_them(self, root: Browser, made: list[str]) -> None:
        alice = f"/admin/users/{await id_of(root.services, ALICE)}"
        await root.post(f"{alice}/notes", note="likes hats")
        await root.post("/account/security/app")
        await root.post("/admin/invite", email="new@example.com", username="typed", role="User")
        chosen = f"/admin/users/selected?deed=block&user={alice.rpartition('/')[2]}"
        pages = [
            each.rule
            for each in root.app.url_map.iter_rules()
            if "GET" in (each.methods or ()) and not each.arguments
        ]
        shown = 0
        for path in [*pages, alice, chosen, "/admin/groups/editors", "/admin/users?q=alice"]:
            answer = await root.get(path)
            assert answer.status_code < 500, path
            for name in made:
                assert name not in root.text, (path, name)
            shown += ALICE.email in root.text
        assert shown >= 6  # overview or not: lists, the user, the group, the log

    async def test_no_file_has_them(self, root: Browser, made: list[str]) -> None:
        for path, fields in (
            ("/admin/users/export", {}),
            ("/admin/audit-log/export", {"format": "csv"}),
            ("/admin/audit-log/export", {"format": "jsonl"}),
        ):
            answer = await root.post(path, fields)
            assert answer.status_code == 200, path
            assert ALICE.email in root.text
            for name in made:
                assert name not in root.text, (path, name)
        answer = await root.post("/account/data")
        assert 'filename="account.json"' in answer.headers["Content-Disposition"]

    async def test_no_email_and_no_app_has_them(self, root: Browser, made: list[str]) -> None:
        async with context(root.services, actor=await actor_of(root.services, ROOT)) as ctx:
            await authenticator_app.begin(ctx)
            address = (await authenticator_app.begun(ctx)).address
        assert quote(ROOT.email) in address
        sent = " ".join(each.text + each.html for each in await messages(root.services))
        for name in made:
            assert name not in sent + address

    async def test_who_is_signed_in_is_called_by_their_address(self, root: Browser) -> None:
        await root.get("/api/me")
        assert json.loads(root.text)["username"] == ROOT.email

    async def test_a_user_is_deleted_by_typing_their_address(
        self, root: Browser, made: list[str]
    ) -> None:
        alice = f"/admin/users/{await id_of(root.services, ALICE)}"
        name = next(each for each in made if each.startswith("alice"))
        assert (await root.post(f"{alice}/delete", word=name)).status_code == 422
        assert f"To delete this user, type {ALICE.email}." in root.text
        assert (await root.post(f"{alice}/delete", word=ALICE.email)).status_code == 303

    async def test_administrators_set_none(self, root: Browser) -> None:
        alice = f"/admin/users/{await id_of(root.services, ALICE)}"
        await root.get(alice)
        assert "sername" not in root.text
        assert (await root.post(f"{alice}/username", username="mary")).status_code == 404

    async def test_who_is_invited_again_is_the_same_user(self, root: Browser) -> None:
        invited = [
            (await root.post("/admin/invite", email="new@example.com", role="User")).headers
            for _ in range(2)
        ]
        assert invited[0]["Location"] == invited[1]["Location"]
