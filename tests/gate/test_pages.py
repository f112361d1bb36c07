"""The administrators' pages of sites and groups, and the account's of applications."""

from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from app.testing import Browser
from tests.gate.harness import WIKI, Application, join, sign_in
from tests.users import ALICE, BOB, ROOT, create_user

SITE = {
    "origin": "https://wiki.example.com", "name": "Wiki", "need": "signed-in", "identity": "id"
}  # fmt: skip


@pytest.fixture
async def root(browser: Browser) -> Browser:
    """Return the browser of an administrator."""
    await create_user(browser.services, ROOT, role="Administrator")
    await sign_in(browser, ROOT)
    return browser


class TestSites:
    async def test_a_site_is_added_changed_and_removed(self, root: Browser) -> None:
        added = await root.post("/admin/sites", SITE)
        place = urlsplit(added.headers["Location"]).path
        await root.follow(added)
        assert "https://wiki.example.com" in root.text
        await root.post(f"{place}/rules", prefix="/public/", need="public")
        await root.get(place)
        assert "/public/" in root.text
        await root.post(place, {k: v for k, v in SITE.items() if k != "origin"})
        await root.get("/admin/sites")
        assert "disabled" in root.text
        await root.post(f"{place}/rules/remove", prefix="/public/")
        await root.get(place)
        assert "<code>/public/</code>" not in root.text
        await root.post(f"{place}/remove")
        await root.get("/admin/sites")
        assert "No sites yet." in root.text
        assert (await root.post(f"{place}/remove")).status_code == 303
        assert (await root.get(place)).status_code == 404

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"origin": "wiki"}, "https://wiki.example.com."),
            ({"origin": "http://wiki.example.com"}, "must start with https://"),
            ({"name": ""}, "Enter a name."),
            ({"need": "everybody"}, "isn&#39;t something a site can require"),
            ({"need": ""}, "Say what visitors need."),
            ({"need": "group:staff"}, "There is no group “staff”"),
            ({"identity": "x"}, "Choose how the site knows its users"),
        ],
    )
    async def test_what_is_wrong_is_told_and_stays_typed(
        self, root: Browser, change: dict[str, str], said: str
    ) -> None:
        answer = await root.post("/admin/sites", SITE | change)
        assert answer.status_code == 422
        assert said in root.text
        assert "Wiki" in root.text or "name" in change

    @pytest.mark.parametrize("path", ["x", "11111111-2222-4333-8444-555555555555"])
    async def test_a_site_that_is_not_there(self, root: Browser, path: str) -> None:
        assert (await root.get(f"/admin/sites/{path}")).status_code == 404
        for page in ("", "/rules", "/rules/remove"):
            form = SITE | {"prefix": "/x", "need": "public"}
            answer = await root.post(f"/admin/sites/{path}{page}", form)
            assert answer.status_code == 404


class TestGroups:
    async def test_a_group_is_made_filled_and_deleted(self, root: Browser) -> None:
        await create_user(root.services, ALICE)
        await root.follow(await root.post("/admin/groups", name="staff"))
        assert "Nobody is in this group." in root.text
        await root.follow(await root.post("/admin/groups/staff/add", user="alice"))
        assert ">alice<" in root.text
        async with root.services.engine.connect() as connection:
            alice = await connection.scalar(text("SELECT id FROM users WHERE username = 'alice'"))
        await root.follow(await root.post(f"/admin/groups/staff/remove/{alice}"))
        assert "Nobody is in this group." in root.text
        await root.follow(await root.post("/admin/groups/staff/delete"))
        assert "No groups yet." in root.text

    async def test_what_is_wrong_is_told(self, root: Browser) -> None:
        assert (await root.post("/admin/groups", name="a b")).status_code == 422
        assert (await root.post("/admin/groups", name="users")).status_code == 422
        await root.post("/admin/groups", name="staff")
        assert (await root.post("/admin/groups", name="STAFF")).status_code == 409
        assert (await root.post("/admin/groups/staff/add", user="nobody")).status_code == 404
        assert "No user has that email address or username." in root.text
        assert (await root.get("/admin/groups/nothing")).status_code == 404
        assert (await root.post("/admin/groups/nothing/delete")).status_code == 404
        await root.post("/admin/sites", SITE | {"need": "group:staff"})
        assert (await root.post("/admin/groups/staff/delete")).status_code == 409
        assert "https://wiki.example.com" in root.text


class TestApplications:
    async def test_one_signs_out_there(self, wiki: Application) -> None:
        await sign_in(wiki.browser, ALICE)
        await wiki.browser.get("/account/applications")
        assert "None at the moment." in wiki.browser.text
        await wiki.enter()
        await wiki.browser.get("/account/applications")
        assert WIKI in wiki.browser.text
        action = wiki.browser.text.partition('action="/account/applications/')[2].partition('"')[0]
        await wiki.browser.follow(await wiki.browser.post(f"/account/applications/{action}"))
        assert "None at the moment." in wiki.browser.text
        assert (await wiki.ask()).status_code == 401
        assert (await wiki.browser.get("/account")).status_code == 200
        again = await wiki.browser.post(f"/account/applications/{action}")
        assert again.status_code == 404

    async def test_nobody_signs_another_out(self, wiki: Application) -> None:
        await create_user(wiki.browser.services, BOB)
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        await wiki.browser.get("/account/applications")
        action = wiki.browser.text.partition('action="/account/applications/')[2].partition('"')[0]
        window = wiki.browser.new_window()
        await sign_in(window, BOB)
        assert (await window.post(f"/account/applications/{action}")).status_code == 404
        assert (await wiki.ask()).status_code == 200

    async def test_all_of_it_is_in_ones_data(self, wiki: Application) -> None:
        await join(wiki.browser.services, ALICE, "staff")
        await sign_in(wiki.browser, ALICE)
        await wiki.enter()
        await wiki.browser.post("/account/tokens", name="backup", days="30", reads_account="y")
        await wiki.browser.post("/account/data")
        for word in ('"staff"', WIKI, '"backup"'):
            assert word in wiki.browser.text
        assert "vst_" not in wiki.browser.text
