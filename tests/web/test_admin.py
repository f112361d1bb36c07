"""The administrator's pages: refusals first."""

import csv
import io
import json
import re
import uuid

import pytest
from quart import Response
from quart.testing.utils import sentinel
from sqlalchemy import text

from app.services import Services
from tests.administration import as_root, enter, page_of
from tests.browser import SAME_ORIGIN, Browser
from tests.mailbox import key_of, last_link, link_in, messages
from tests.rules.routes import Route, documented
from tests.users import (
    ALICE,
    BOB,
    ROOT,
    Someone,
    block,
    confirm,
    count,
    create_user,
    events,
    id_of,
    move_time,
    register,
    signed_in,
    who,
)

ROUTES = [route for route in documented() if route.path.startswith("/admin")]
CAROL = Someone("carol", "carol@example.com", "carol paints her bicycle")
GARBLED = ["x", "0", "%00", "urn:uuid:{id}", "{ID}", "{id}x", "1 OR 1=1", "..%2f", "🦊"]


async def ask(browser: Browser, route: Route) -> Response:
    path = route.example.replace("/x", f"/{uuid.uuid4()}")
    return await browser.client.open(path, json=sentinel, method=route.method, headers=SAME_ORIGIN)


async def last_detail(services: Services) -> tuple[str, dict[str, str], object, object]:
    async with services.engine.connect() as connection:
        row = (
            await connection.execute(
                text(
                    "SELECT event, detail, actor_id, subject_id FROM audit_events "
                    "ORDER BY id DESC LIMIT 1"
                )
            )
        ).one()
    return row[0], row[1], row[2], row[3]


class TestDoors:
    """AZ-01, AZ-02: who may open what."""

    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
    async def test_only_administrators_come_in(self, browser: Browser, route: Route) -> None:
        await create_user(browser.services, ALICE)
        await create_user(browser.services, BOB, role="Moderator")
        response = await ask(browser, route)
        assert response.headers["Location"].startswith("/login")
        for someone in (ALICE, BOB):
            response = await ask(await enter(browser, someone), route)
            assert response.status_code == 403

    async def test_there_are_many_routes(self) -> None:
        assert len(ROUTES) >= 18
        assert {route.who for route in ROUTES} == {"ADMIN"}

    async def test_only_administrators_see_the_way(self, browser: Browser) -> None:
        await create_user(browser.services, BOB, role="Moderator")
        for window in (browser, await enter(browser, BOB)):
            await window.get("/")
            assert 'href="/admin"' not in window.text
        root = await as_root(browser)
        await root.get("/")
        assert 'href="/admin"' in root.text

    async def test_a_role_that_is_gone_closes_the_door_at_once(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE, role="Administrator")
        alice = await enter(browser, ALICE)
        assert (await alice.get("/admin")).status_code == 200
        await root.post(await page_of(browser.services, ALICE) + "/role", role="User")
        assert (await alice.get("/admin")).status_code == 403

    async def test_a_blocked_administrators_session_dies_at_once(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE, role="Administrator")
        alice = await enter(browser, ALICE)
        path = await page_of(browser.services, ALICE)
        await root.post(path + "/block")
        response = await alice.get("/admin")
        assert response.headers["Location"].startswith("/login")
        await root.post(path + "/unblock")
        response = await alice.get("/admin")
        assert response.headers["Location"].startswith("/login")


class TestIds:
    """EN-07: unknown and garbled look the same."""

    @pytest.mark.parametrize("garbled", GARBLED)
    async def test_a_garbled_id_looks_like_an_unknown_one(
        self, browser: Browser, garbled: str
    ) -> None:
        root = await as_root(browser)
        own = str(await id_of(browser.services, ROOT))
        garbled = garbled.format(id=own, ID=own.upper())
        for method, suffix in (
            ("GET", ""), ("POST", "/block"), ("POST", "/unblock"), ("POST", "/role"),
            ("POST", "/sessions/end"), ("POST", f"/sessions/{own}/end"), ("POST", "/invite"),
            ("POST", "/delete"),
        ):  # fmt: skip
            pages = []
            for user in (garbled, str(uuid.uuid4())):
                path = f"/admin/users/{user}{suffix}"
                if method == "GET":
                    response = await root.get(path)
                else:
                    response = await root.post(path, role="User", word="root")
                assert response.status_code == 404, (user, suffix)
                page = await response.get_data(as_text=True)
                pages.append(re.sub(r"<code>\w+", "", page))
            assert pages[0] == pages[1]

    async def test_a_session_of_another_is_not_ended(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        secret = await signed_in(browser.services, ALICE)
        async with browser.services.engine.connect() as connection:
            session_id = await connection.scalar(
                text("SELECT s.id FROM login_sessions s JOIN users u ON u.id = user_id "
                     "WHERE username = 'alice'")
            )  # fmt: skip
        path = await page_of(browser.services, ROOT)
        for wrong in (session_id, uuid.uuid4(), "x"):
            response = await root.post(f"{path}/sessions/{wrong}/end")
            assert response.status_code == 404
        assert await who(browser.services, secret) == "alice"
        right = await page_of(browser.services, ALICE)
        assert (await root.post(f"{right}/sessions/{session_id}/end")).status_code == 303
        assert await who(browser.services, secret) is None


class TestLastAdministrator:
    @pytest.mark.parametrize(
        ("deed", "fields"),
        [("block", {}), ("role", {"role": "User"}), ("delete", {"word": "root"})],
    )
    async def test_the_last_one_stays(
        self, browser: Browser, deed: str, fields: dict[str, str]
    ) -> None:
        root = await as_root(browser)
        path = await page_of(browser.services, ROOT)
        before = await events(browser.services)
        response = await root.post(f"{path}/{deed}", fields)
        assert response.status_code == 409
        assert "Make another user an administrator first." in root.text
        assert (await root.get("/admin")).status_code == 200
        assert await events(browser.services) == before


class TestFinding:
    async def test_a_wrong_filter_is_explained(self, browser: Browser) -> None:
        root = await as_root(browser)
        for query in ("state=dead", "role=Emperor", "q=" + "a" * 255, "q=a%00b"):
            response = await root.get(f"/admin/users?{query}")
            assert response.status_code == 422, query
            assert "There's a problem" in root.text

    async def test_garbage_behind_after_is_no_fault(self, browser: Browser) -> None:
        root = await as_root(browser)
        for after in ("%00", "%ff", "%F0%9F%A6%8A", "'", "a" * 5000):
            assert (await root.get(f"/admin/users?after={after}")).status_code == 200

    async def test_people_are_found_by_a_part(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        await root.get("/admin/users?q=LIC")
        assert "alice@example.com" in root.text
        assert "root@example.com" not in root.text
        await root.get("/admin/users?q=LIC&state=&role=")
        assert "alice@example.com" in root.text
        await root.get("/admin/users?q=nobody%25")
        assert "No matching users." in root.text

    async def test_what_was_typed_is_inert(self, browser: Browser) -> None:
        root = await as_root(browser)
        await root.get("/admin/users?q=%3Cimg+src%3Dx%3E%7B%7B7*7%7D%7D")
        assert "<img" not in root.text
        assert "{{7*7}}" in root.text

    async def test_an_address_that_looks_like_another_is_marked(self, browser: Browser) -> None:
        root = await as_root(browser)
        await root.post(
            "/admin/invite", username="fake", email="r\u043eot@ex\u0430mple.com", role="User"
        )
        await root.get("/admin/users?q=fake")
        assert "unusual letters" in root.text
        assert r"r\u043eot@xn--exmple-4nf.com" in root.text


class TestPerson:
    async def test_a_person_is_shown_without_secrets(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        await signed_in(browser.services, ALICE)
        await root.get(await page_of(browser.services, ALICE))
        for words in (
            "alice@example.com", "confirmed", "192.0.2.7", "An unknown browser", "alice signed in",
        ):  # fmt: skip
            assert words in root.text
        assert "bcrypt" not in root.text
        assert "$2b$" not in root.text

    async def test_a_reason_is_for_administrators_only(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        path = await page_of(browser.services, ALICE)
        response = await root.post(path + "/block", reason="sells <b>hats</b>")
        assert response.status_code == 303
        await root.follow(response)
        assert "sells &lt;b&gt;hats&lt;/b&gt;" in root.text
        event, detail, actor, subject = await last_detail(browser.services)
        assert (event, detail) == ("account.blocked", {"reason": "sells <b>hats</b>"})
        assert actor == await id_of(browser.services, ROOT)
        assert subject == await id_of(browser.services, ALICE)
        await browser.post("/login", email_or_user="alice", password=ALICE.password)
        assert "hats" not in browser.text

    async def test_a_reason_has_its_limits(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        path = await page_of(browser.services, ALICE)
        for reason in ("x" * 501, "line\nline", "ev\u202eil"):
            response = await root.post(path + "/block", reason=reason)
            assert response.status_code == 422
            assert 'id="reason-error"' in root.text

    async def test_an_unknown_role_is_refused(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        path = await page_of(browser.services, ALICE)
        assert (await root.post(path + "/role", role="Emperor")).status_code == 422
        assert (await root.post(path + "/role", role="Moderator")).status_code == 303
        assert (await last_detail(browser.services))[:2] == (
            "account.role_set",
            {"role": "Moderator"},
        )

    async def test_deleting_wants_the_name(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        path = await page_of(browser.services, ALICE)
        for word in ("", "bob", "Alice"):
            assert (await root.post(path + "/delete", word=word)).status_code == 422
            assert 'id="word-error"' in root.text
        response = await root.post(path + "/delete", word=" alice ")
        assert response.headers["Location"] == "/admin/users"
        assert (await root.get(path)).status_code == 404
        assert (await last_detail(browser.services))[0] == "account.deleted"
        await root.get("/admin/audit-log")
        assert "root deleted a deleted user" in root.text

    async def test_all_sessions_of_a_person_end(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        secrets = [await signed_in(browser.services, ALICE) for _ in range(3)]
        response = await root.post(await page_of(browser.services, ALICE) + "/sessions/end")
        await root.follow(response)
        assert "Sessions ended: 3." in root.text
        assert [await who(browser.services, secret) for secret in secrets] == [None] * 3

    async def test_extra_fields_change_nothing(self, browser: Browser) -> None:
        """PW-11, AZ-04: an administrator sets no password."""
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        path = await page_of(browser.services, ALICE)
        extra = dict.fromkeys(
            ("password", "password_hash", "email", "confirmed_at", "id", "permissions"),
            "owned owned",
        )
        for deed in ("/role", "/block", "/unblock", "/sessions/end"):
            await root.post(path + deed, extra | {"role": "User"})
        assert await signed_in(browser.services, ALICE)


class TestAskedForThePasswordAgain:
    async def test_the_reason_of_a_block_is_not_lost(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        await move_time(browser.services, "login_sessions", "reauthenticated_at", "11 minutes")
        path = await page_of(browser.services, ALICE)
        headers = {**SAME_ORIGIN, "Referer": f"http://127.0.0.1:8000{path}"}
        asked = await root.client.post(
            f"{path}/block", form={"reason": "sells hats"}, headers=headers
        )
        assert asked.headers["Location"] == f"/reauthenticate?next={path}"
        await root.follow(
            await root.post("/reauthenticate", {"password": ROOT.password, "next": path})
        )
        assert "Nothing has been saved yet" in root.text
        assert 'value="sells hats"' in root.text or ">sells hats<" in root.text
        assert "account.blocked" not in await events(browser.services)


class TestInviting:
    @pytest.mark.parametrize(
        ("field", "value"),
        [("email", "nonsense"), ("email", ""), ("username", "1"), ("role", "Emperor")],
    )
    async def test_a_wrong_field_is_explained(
        self, browser: Browser, field: str, value: str
    ) -> None:
        root = await as_root(browser)
        fields = {"email": CAROL.email, "username": "carol", "role": "User"}
        response = await root.post("/admin/invite", fields | {field: value})
        assert response.status_code == 422
        assert f'id="{field}-error"' in root.text

    async def test_who_is_there_is_not_invited(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        response = await root.post(
            "/admin/invite", email=ALICE.email, username="else1", role="User"
        )
        assert response.status_code == 409
        assert "already" in root.text

    async def test_the_link_goes_by_email_and_nowhere_else(self, browser: Browser) -> None:
        root = await as_root(browser)
        response = await root.post(
            "/admin/invite",
            email=CAROL.email, username="carol", role="Moderator", password="set by root",
        )  # fmt: skip
        await root.follow(response)
        assert "The invitation is on its way." in root.text
        assert "/invitation/" not in root.text
        for fields in ({"password": "set by root"}, {}):
            await root.follow(
                await root.post(await page_of(browser.services, CAROL) + "/invite", fields)
            )
            assert "/invitation/" not in root.text
        first, _, last = [
            re.search(r"http\S+/invitation/\S+", message.text)
            for message in await messages(browser.services, CAROL.email)
        ]
        assert first
        assert last
        assert (await browser.open_link(first.group())).status_code == 410
        await browser.open_link(last.group())
        fields = {"password": CAROL.password, "confirm": CAROL.password}
        assert (await browser.post("/invitation", fields)).status_code == 303
        carol = await enter(browser, CAROL)
        await carol.get("/")
        assert "Hello, carol" in carol.text
        assert (await events(browser.services))[-6:] == [
            "account.created", "account.invited", "account.invited", "account.invited",
            "account.password_set", "login.succeeded",
        ]  # fmt: skip

    async def test_who_has_a_password_is_not_invited_again(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        before = len(await messages(browser.services))
        response = await root.post(await page_of(browser.services, ALICE) + "/invite")
        assert response.status_code == 409
        assert len(await messages(browser.services)) == before


class TestHistory:
    @pytest.mark.parametrize(
        "query",
        ["event=dance", "network=here", "since=tomorrow", "since=0001-01-01", "until=9999-12-31",
         "user=a%00b"],
    )  # fmt: skip
    async def test_a_wrong_filter_is_explained(self, browser: Browser, query: str) -> None:
        root = await as_root(browser)
        response = await root.get(f"/admin/audit-log?{query}")
        assert response.status_code == 422
        assert "There's a problem" in root.text

    async def test_nobody_has_no_history(self, browser: Browser) -> None:
        root = await as_root(browser)
        assert (await root.get("/admin/audit-log?user=nobody")).status_code == 422
        assert 'id="user-error"' in root.text
        for who_ in (uuid.uuid4(), uuid.UUID(int=0)):
            assert (await root.get(f"/admin/audit-log?user={who_}")).status_code == 200
            assert "No matching events" in root.text

    async def test_garbage_behind_before_is_no_fault(self, browser: Browser) -> None:
        root = await as_root(browser)
        for before in ("x", "-", "1-", "9" * 40 + "-1", "1-" + "9" * 30, "-1--1", "%00"):
            response = await root.get(f"/admin/audit-log?before={before}")
            assert response.status_code == 200, before

    async def test_lines_are_told_in_plain_words(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        await block(browser.services, ALICE)
        await root.get("/admin/audit-log?user=alice")
        assert "The command line blocked alice" in root.text
        await root.get("/admin/audit-log?event=account.role_set&network=127.0.0.0/8")
        assert "The command line changed the role of root to Administrator" in root.text
        assert "blocked" not in root.text.split("<tbody>")[1]

    @pytest.mark.parametrize("form", ["", "xlsx", "CSV"])
    async def test_an_unknown_format_is_refused(self, browser: Browser, form: str) -> None:
        root = await as_root(browser)
        assert (await root.post("/admin/audit-log/export", format=form)).status_code == 422

    async def test_the_book_is_taken_along_whole(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        async with browser.services.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO audit_events (event, ip, user_agent, request_id, subject_id) "
                    "SELECT 'login.failed', '192.0.2.1', '=cmd|'' /C calc''!A0', 'r' || n, "
                    "gen_random_uuid() FROM generate_series(1, 1234) AS n"
                )
            )
        wanted = await count(browser.services, "audit_events")
        await root.post("/admin/audit-log/export", format="jsonl")
        lines = [json.loads(line) for line in root.text.splitlines()]
        assert len(lines) == wanted + 1  # the export is in it
        assert len({line["request_id"] for line in lines}) > 1234
        await root.post("/admin/audit-log/export", format="csv", network="192.0.2.1")
        rows = list(csv.DictReader(io.StringIO(root.text)))
        assert len(rows) == 1234
        assert {row["user_agent"] for row in rows} == {"'=cmd|' /C calc'!A0"}

    async def test_an_export_is_on_record(self, browser: Browser) -> None:
        root = await as_root(browser)
        response = await root.post("/admin/audit-log/export", format="csv")
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in response.headers["Content-Disposition"]
        assert (await last_detail(browser.services))[0] == "audit_log.exported"


class TestLetters:
    async def test_a_wiped_email_is_not_tried_again(self, browser: Browser) -> None:
        root = await as_root(browser)
        async with browser.services.engine.begin() as connection:
            await connection.execute(
                text("UPDATE outbox SET gave_up_at = now(), text = NULL, trouble = 'no such box'")
            )
            message = await connection.scalar(text("SELECT id FROM outbox"))
        await root.get("/admin/outbox")
        assert "no such box" in root.text
        assert "Try again</button>" not in root.text
        for wrong, status in ((message, 409), (uuid.uuid4(), 409), ("x", 404)):
            response = await root.post(f"/admin/outbox/{wrong}/retry")
            assert response.status_code == status

    async def test_an_email_whose_words_are_there_is_tried_again(self, browser: Browser) -> None:
        root = await as_root(browser)
        async with browser.services.engine.begin() as connection:
            await connection.execute(text("UPDATE outbox SET gave_up_at = now(), trouble = 'x'"))
            message = await connection.scalar(text("SELECT id FROM outbox"))
        await root.get("/admin/outbox")
        assert "Try again</button>" in root.text
        assert "/confirm/" not in root.text
        await root.follow(await root.post(f"/admin/outbox/{message}/retry"))
        assert "We&#39;ll try to send that email again." in root.text
        assert (await root.post(f"/admin/outbox/{message}/retry")).status_code == 409
        assert (await events(browser.services))[-1] == "email.retried"


class TestSessions:
    async def test_ending_all_wants_the_word(self, browser: Browser) -> None:
        root = await as_root(browser)
        for word in ("", "all"):
            assert (await root.post("/admin/sessions/end", word=word)).status_code == 422
        assert (await root.get("/admin")).status_code == 200

    async def test_everybody_is_signed_out(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        secrets = [await signed_in(browser.services, someone) for someone in (ALICE, ROOT, ALICE)]
        response = await root.post("/admin/sessions/end", word="everybody")
        assert response.headers["Location"] == "/login"
        assert [await who(browser.services, secret) for secret in secrets] == [None] * 3
        assert (await root.get("/admin")).status_code == 303


class TestResetLink:
    async def test_a_blocked_person_gets_none(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        await block(browser.services, ALICE)
        response = await root.post(await page_of(browser.services, ALICE) + "/reset")
        assert response.status_code == 409
        assert "Unblock them before" in root.text
        assert not [each for each in await messages(browser.services) if "Choose" in each.subject]

    async def test_it_goes_by_email_and_nowhere_else(self, browser: Browser) -> None:
        root = await as_root(browser)
        await create_user(browser.services, ALICE)
        path = await page_of(browser.services, ALICE)
        await root.follow(await root.post(path + "/reset"))
        assert "password reset link is on its way" in root.text
        message = (await messages(browser.services, ALICE.email))[-1]
        key = key_of(link_in(message))
        assert key not in root.text
        event, _, actor, subject = await last_detail(browser.services)
        assert event == "account.reset_sent"
        assert (actor, subject) == (
            await id_of(browser.services, ROOT),
            await id_of(browser.services, ALICE),
        )
        window = browser.new_window()
        await window.open_link(link_in(message))
        assert "Choose a new password" in window.text


class TestWaiting:
    async def test_nobody_waits(self, browser: Browser) -> None:
        root = await as_root(browser)
        await root.get("/admin/registrations")
        assert "No pending registrations." in root.text
        await root.get("/admin/registrations?email=x@example.com")
        assert "No pending registrations for this address." in root.text

    @pytest.mark.parametrize("unknown", ["x", str(uuid.UUID(int=7)), "%00"])
    async def test_who_does_not_wait_gets_no_email(self, browser: Browser, unknown: str) -> None:
        root = await as_root(browser)
        response = await root.post(f"/admin/registrations/{unknown}/resend")
        assert response.status_code == 404

    async def test_the_email_goes_once_more(self, browser: Browser) -> None:
        root = await as_root(browser)
        receipt = await register(browser.services, ALICE)
        await root.get("/admin/registrations?email=ALICE@example.com")
        assert ALICE.email in root.text
        found = re.search(r"/admin/registrations/([0-9a-f-]{36})/resend", root.text)
        assert found
        await root.follow(await root.post(found.group()))
        assert "The email is on its way" in root.text
        assert len(await messages(browser.services, ALICE.email)) == 2
        assert "account.confirmation_sent" in await events(browser.services)
        await confirm(
            browser.services, await last_link(browser.services, ALICE.email), receipt=receipt
        )
        assert (await root.post(found.group())).status_code == 404
