"""A user's page, roles, the overview, the audit log by groups, settings: refusals first."""

import html
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from app.config import Config, told
from app.kit.audit import Event
from app.kit.errors import WrongCredentials
from app.services import DOCTOR, Services
from app.words.event_titles import GROUPS
from tests.administration import as_root, enter, page_of
from tests.browser import Browser
from tests.mailbox import link_about, messages
from tests.users import ALICE, BOB, ROOT, Someone, block, create_user, events, sign_in, who
from tests.users import signed_in as enter_by_password

EMAIL = "anna@example.org"
KEY = "tests-only-9fK2mQ7xR4tB8wZ1cV6nJ3hL"


async def fail(services: Services, someone: Someone) -> None:
    with pytest.raises(WrongCredentials):
        await sign_in(services, someone, password="wrong")


@pytest.fixture
async def root(browser: Browser) -> Browser:
    window = await as_root(browser)
    await create_user(browser.services, ALICE)
    return window


@pytest.fixture
async def alice(root: Browser) -> str:
    return await page_of(root.services, ALICE)


class TestUsername:
    @pytest.mark.parametrize(("name", "status"), [("", 422), ("1", 422), ("root", 422)])
    async def test_a_wrong_or_taken_one_is_refused(
        self, root: Browser, alice: str, name: str, status: int
    ) -> None:
        assert (await root.post(f"{alice}/username", username=name)).status_code == status
        assert 'id="username-error"' in root.text
        assert Event.USERNAME_SET not in await events(root.services)

    async def test_the_user_is_told_and_where_the_administrator_sits_is_not(
        self, root: Browser, alice: str
    ) -> None:
        await root.follow(await root.post(f"{alice}/username", username="anna"))
        assert "Username changed to anna." in root.text
        assert "root changed the username of anna" in root.text
        message = (await messages(root.services, ALICE.email))[-1]
        assert "An administrator changed your username" in message.text
        assert "192.0.2.7" not in message.text
        assert "127.0.0.1" not in message.text.replace("http://127.0.0.1:8000", "")


class TestAddress:
    async def test_what_cannot_be_is_refused(self, root: Browser, alice: str) -> None:
        for email, status in (("nonsense", 422), (ALICE.email, 422), (ROOT.email, 409)):
            assert (await root.post(f"{alice}/email", email=email)).status_code == status, email
            assert 'id="email-error"' in root.text, email
        await block(root.services, ALICE)
        assert (await root.post(f"{alice}/email", email=EMAIL)).status_code == 409
        assert "Unblock them before you change" in root.text

    async def test_it_changes_once_the_link_is_used(self, root: Browser, alice: str) -> None:
        await root.follow(await root.post(f"{alice}/email", email=EMAIL))
        assert f"sent a link to {EMAIL}" in root.text
        assert ALICE.email in root.text
        told_old = (await messages(root.services, ALICE.email))[-1]
        assert "An administrator asked to change" in told_old.text
        window = root.new_window()
        await window.open_link(await link_about(root.services, EMAIL, "Confirm your new"))
        await window.post("/change-email")
        await root.get(alice)
        assert EMAIL in root.text

    async def test_this_was_not_me_brings_the_old_one_back(self, root: Browser, alice: str) -> None:
        await root.post(f"{alice}/email", email=EMAIL)
        window = root.new_window()
        await window.open_link(await link_about(root.services, EMAIL, "Confirm your new"))
        await window.post("/change-email")
        other = root.new_window()
        await other.open_link(await link_about(root.services, ALICE.email, "about to change"))
        await other.post("/not-me")
        await root.get(alice)
        assert f'<span class="mail">{ALICE.email}</span>' in root.text

    async def test_an_invitation_with_a_slip_goes_to_the_right_one(self, root: Browser) -> None:
        await root.post("/admin/invite", email="guset@example.com", username="guest", role="User")
        guest = await page_of(root.services, Someone("guest", "", ""))
        await root.follow(await root.post(f"{guest}/email", email="guest@example.com"))
        assert "Address changed to guest@example.com." in root.text
        old = await link_about(root.services, "guset@example.com", "Your account")
        new = await link_about(root.services, "guest@example.com", "Your account")
        window = root.new_window()
        await window.open_link(old)
        assert "This link doesn" in window.text
        await window.open_link(new)
        assert "Choose" in window.text


class TestNotes:
    async def test_an_empty_or_endless_one_is_refused(self, root: Browser, alice: str) -> None:
        for words in ("", "   ", "x" * 2001):
            assert (await root.post(f"{alice}/notes", note=words)).status_code == 422
            assert 'id="note-error"' in root.text

    async def test_a_note_of_another_user_is_not_removed(self, root: Browser, alice: str) -> None:
        await root.post(f"{alice}/notes", note="likes hats")
        await root.get(alice)
        found = re.search(r"/notes/(\d+)/remove", root.text)
        assert found
        other = await page_of(root.services, ROOT)
        for wrong in (f"{other}/notes/{found[1]}/remove", f"{alice}/notes/{10**30}/remove"):
            assert (await root.post(wrong)).status_code == 404
        await root.follow(await root.post(f"{alice}/notes/{found[1]}/remove"))
        assert "Note removed." in root.text
        assert "likes hats" not in root.text

    async def test_the_user_reads_it_in_their_download_only_and_it_goes_with_them(
        self, root: Browser, alice: str
    ) -> None:
        await root.follow(await root.post(f"{alice}/notes", note="likes <b>hats</b>\nand maps"))
        assert "likes &lt;b&gt;hats&lt;/b&gt;" in root.text
        window = await enter(root, ALICE)
        for page in ("/account", "/account/history"):
            await window.get(page)
            assert "hats" not in window.text
        await window.post("/account/data")
        (note,) = json.loads(window.text)["notes"]
        assert note["text"] == "likes <b>hats</b>\nand maps"
        assert note["author"] == "an administrator"
        assert "root" not in window.text
        await root.post(f"{alice}/delete", word="alice")
        async with root.services.engine.connect() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM user_notes")) == 0


class TestRoles:
    @pytest.fixture(autouse=True)
    async def clean(self, root: Browser) -> object:
        yield
        async with root.services.engine.begin() as connection:
            await connection.execute(
                text("DELETE FROM roles WHERE name NOT IN ('User', 'Moderator', 'Administrator')")
            )

    @pytest.mark.parametrize(("name", "status"), [("", 422), ("x", 422), ("user", 409)])
    async def test_a_wrong_name_is_refused(self, root: Browser, name: str, status: int) -> None:
        assert (await root.post("/admin/roles", name=name)).status_code == status
        assert "There&#39;s a problem" in root.text or "There's a problem" in root.text

    async def test_an_unknown_role_or_permission_is_refused(self, root: Browser) -> None:
        for number in ("999", str(10**30)):
            assert (await root.get(f"/admin/roles/{number}")).status_code == 404
        assert (await root.post("/admin/roles", name="Ed", permissions="FLY")).status_code == 422

    async def test_what_would_lock_out_is_refused(self, root: Browser) -> None:
        assert (await root.post("/admin/roles/3/permissions")).status_code == 409
        assert "last administrator" in root.text
        assert (await root.post("/admin/roles/3/name", name="Chief")).status_code == 409
        assert "keeps its name" in root.text
        assert (await root.post("/admin/roles/3/default")).status_code == 409
        assert (await root.post("/admin/roles/1/delete")).status_code == 409
        assert (await root.post("/admin/roles/3/factor", required="1")).status_code == 409

    async def test_a_roles_life(self, root: Browser) -> None:
        await root.follow(await root.post("/admin/roles", name="Editor", permissions="WRITE"))
        assert "Role Editor created." in root.text
        found = re.search(r'/admin/roles/(\d+)">Editor', root.text)
        assert found
        path = f"/admin/roles/{found[1]}"
        await root.follow(await root.post(f"{path}/name", name="Author"))
        assert "Renamed to Author." in root.text
        assert (await root.post(f"{path}/name", name="user")).status_code == 409
        await root.post(f"{path}/permissions", permissions="COMMENT")
        await root.get(path)
        assert re.search(
            r"checked[^>]* value=\"COMMENT\"|value=\"COMMENT\"[^>]* checked", root.text
        )
        await root.follow(await root.post(f"{path}/factor", required="1"))
        assert "A second factor is required" in root.text
        await root.follow(await root.post(f"{path}/delete"))
        assert "Role Author deleted." in root.text
        kinds = ["role.created", "role.renamed", "role.changed", "role.factor_required"]
        happened = [each for each in await events(root.services) if each.startswith("role.")]
        assert happened == [*kinds, "role.deleted"]


class TestOverview:
    async def test_it_counts_and_leads_to_the_lists(self, root: Browser) -> None:
        await block(root.services, ALICE)
        await fail(root.services, ROOT)
        await root.get("/admin")
        shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", root.text))
        for words in ("Users 2", "New in 7 days 2", "Failed today 1", "Blocked 1", "Pending 0"):
            assert words in shown, words
        for link in ("state=blocked", "event=failed-sign-ins", "factor=without", "sort=newest"):
            assert link in root.text
        for path in set(re.findall(r'href="(/admin/[^"]+)"', root.text)):
            response = await root.get(path.replace("&amp;", "&"))
            assert response.status_code == 200, path

    async def test_the_chart_has_a_table_behind_it(self, root: Browser) -> None:
        await root.get("/admin")
        assert root.text.count('<rect class="bar"') >= 1
        today = datetime.now(UTC).date().isoformat()
        link = f'href="/admin/audit-log?since={today}&amp;until={today}"'
        assert f"{link}>{today}</a>" in root.text
        assert f'{link} tabindex="-1"><title>{today}</title>' in root.text


class TestAuditLog:
    def test_each_event_is_in_one_group(self) -> None:
        found = [event for group in GROUPS.values() for event in group.events]
        assert sorted(found) == sorted(Event)

    async def test_a_group_and_an_event_are_found_by_words(self, root: Browser) -> None:
        await fail(root.services, ALICE)
        await root.get("/admin/audit-log?event=failed-sign-ins")
        assert "Failed sign-in attempt for alice" in root.text
        assert "alice confirmed" not in root.text
        assert "Events in each hour of" in root.text
        await root.get("/admin/audit-log?event=account.confirmed&user=alice")
        assert "alice confirmed" in root.text
        await root.get("/admin/audit-log?event=emails")
        assert "No matching events." in root.text
        assert (await root.get("/admin/audit-log?event=dances")).status_code == 422

    @pytest.mark.parametrize(
        "query",
        ["hour=3", "hour=24&{day}", "hour=x&{day}", "hour=-1&{day}", "hour=3&since={today}"],
    )
    async def test_an_hour_of_no_day_is_none(self, root: Browser, query: str) -> None:
        today = datetime.now(UTC).date().isoformat()
        query = query.format(day=f"since={today}&until={today}", today=today)
        assert (await root.get(f"/admin/audit-log?{query}")).status_code == 422

    async def test_a_bar_leads_to_its_hour_and_back(self, root: Browser) -> None:
        await fail(root.services, ALICE)
        early = "UPDATE audit_events SET at = date_trunc('day', now(), 'UTC') + interval '{}' "
        async with root.services.engine.begin() as connection:
            await connection.execute(text(early.format("5 minutes")))
            moved = early.format("65 minutes") + "WHERE event LIKE 'login.failed%'"
            await connection.execute(text(moved))
        await root.get("/admin/audit-log?user=alice")
        log = html.unescape(root.text)
        found = re.findall(r'href="(/admin/audit-log\?[^"]*hour=\d+[^"]*)"', log)
        assert len(found) == 4  # two hours: a bar and a line of the table each
        await root.get(next(each for each in found if "hour=1" in each))
        assert "Failed sign-in attempt for alice" in root.text
        assert "alice confirmed" not in root.text
        assert "Below: 1:00 to 2:00" in root.text
        await root.get(next(each for each in found if "hour=0" in each))
        assert "Failed sign-in attempt for alice" not in root.text
        assert "alice confirmed" in root.text
        whole = re.search(r'href="([^"]+)">Show the whole day', root.text)
        assert whole
        await root.get(html.unescape(whole[1]))
        assert "Failed sign-in attempt for alice" in root.text
        assert "alice confirmed" in root.text


class TestSettings:
    async def test_no_secret_is_shown(self, root: Browser) -> None:
        await root.get("/admin/settings")
        assert str(root.services.config.signing_keys[0]) not in root.text
        assert "PASSWORD_MIN_LENGTH" in root.text
        assert "set, not shown" in root.text
        assert "python -m app doctor" in root.text

    async def test_what_the_doctor_says_stands_there(self, root: Browser) -> None:
        from app.doctor import page  # noqa: PLC0415

        root.app.extensions[DOCTOR] = page.look
        await root.get("/admin/settings")
        assert "up to date (" in root.text
        assert "at least one can sign in" in root.text

    async def test_an_email_goes_to_who_asks(self, root: Browser) -> None:
        await root.follow(await root.post("/admin/settings/test-email"))
        assert f"A test email to {ROOT.email} is on its way." in root.text
        assert "Test email from" in (await messages(root.services, ROOT.email))[-1].subject

    def test_where_each_is_from_is_told(self, tmp_path: Path) -> None:
        environ = {"SITE_NAME": "House", "SECRET_KEY_FILE": str(tmp_path / "key")}
        config = Config.model_validate({"site_name": "House", "secret_key": KEY})
        found = {each.name: each for group in told(config, environ) for each in group.settings}
        assert set(found) == {name.upper() for name in Config.model_fields}
        assert found["SITE_NAME"][1:4] == ("House", True, "environment")
        assert found["SECRET_KEY"][1:4] == (None, True, "file")
        assert found["WORKERS"][1:4] == (None, False, "default")
        for name in ("DATABASE_URL", "DATABASE_PASSWORD", "SMTP_URL", "SMTP_PASSWORD"):
            assert found[name].value is None


async def test_a_session_of_before_ends_with_a_bulk_block(root: Browser) -> None:
    await create_user(root.services, BOB)
    secret = await enter_by_password(root.services, BOB)
    await root.post("/admin/users/selected", deed="block", number="1", everyone="1", q="bob")
    assert await who(root.services, secret) is None
