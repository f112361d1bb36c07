"""Doing one thing to many users, inviting many, taking the list along: refusals first."""

import csv
import io
from urllib.parse import urlencode

import pytest
from quart import Response
from sqlalchemy import text

from app.services import Services
from tests.administration import as_root
from tests.browser import SAME_ORIGIN, Browser
from tests.mailbox import messages
from tests.users import ALICE, BOB, ROOT, create_user, events, id_of, signed_in, who

SELECTED = "/admin/users/selected"


@pytest.fixture
async def root(browser: Browser) -> Browser:
    window = await as_root(browser)
    await create_user(browser.services, ALICE)
    await create_user(browser.services, BOB)
    return window


async def blocked(services: Services) -> list[str]:
    async with services.engine.connect() as connection:
        found = text("SELECT username FROM users WHERE blocked_at IS NOT NULL ORDER BY 1")
        return list(await connection.scalars(found))


@pytest.mark.parametrize(
    "query", ["deed=block", "deed=block&user=x", "deed=block&everyone=1&q=nobody", "deed=fly"]
)
async def test_who_chooses_nobody_goes_back_to_the_list(root: Browser, query: str) -> None:
    response = await root.get(f"{SELECTED}?{query}")
    assert response.status_code == 303
    await root.follow(response)
    assert "Choose at least one user." in root.text


async def test_a_garbled_filter_chooses_nobody(root: Browser) -> None:
    response = await root.get(f"{SELECTED}?deed=block&everyone=1&role=Emperor")
    assert response.headers["Location"] == "/admin/users"
    response = await root.post(SELECTED, deed="block", number="3", everyone="1", role="Emperor")
    assert response.status_code == 303
    assert await blocked(root.services) == []


async def test_more_than_can_be_done_at_once_are_refused(
    root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.flows.bulk.BULK_MOST", 2)
    for query in ("deed=block&everyone=1", "deed=block&everyone=1&q=example.com"):
        await root.follow(await root.get(f"{SELECTED}?{query}"))
        assert "Choose at most 2 users at once." in root.text


async def test_all_of_a_list_are_chosen_at_once(root: Browser) -> None:
    await root.get("/admin/users?q=example.com")
    assert "All 3 users of this list" in root.text
    await root.get("/admin/users?q=alice")
    assert 'name="everyone"' not in root.text


async def test_another_number_than_was_confirmed_does_nothing(root: Browser) -> None:
    response = await root.post(SELECTED, deed="block", number="1", everyone="1", q="example.com")
    assert response.status_code == 409
    assert "there are 3 users now" in root.text
    assert 'name="number" value="3"' in root.text
    assert await blocked(root.services) == []
    response = await root.post(SELECTED, deed="block", number="x", everyone="1")
    assert response.status_code == 422


async def test_ones_own_account_is_left_out(root: Browser) -> None:
    ids = [str(await id_of(root.services, each)) for each in (ROOT, ALICE, BOB)]
    await root.get(f"{SELECTED}?deed=block&" + "&".join(f"user={each}" for each in ids))
    assert "Block: 3 users" in root.text
    fields = [("deed", "block"), ("number", "3"), ("reason", "spam")]
    response = await post(root, [*fields, *(("user", each) for each in ids)])
    await root.follow(response)
    assert "Blocked: 2. Your own account was left out." in root.text
    assert await blocked(root.services) == ["alice", "bob"]
    assert (await events(root.services))[-2:] == ["account.blocked", "account.blocked"]


async def post(window: Browser, fields: list[tuple[str, str]]) -> Response:
    """Send a form with a field that comes more than once."""
    headers = {**SAME_ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    return await window.client.post(SELECTED, data=urlencode(fields), headers=headers)


async def test_each_deed_acts_on_each(root: Browser) -> None:
    secrets = [await signed_in(root.services, each) for each in (ALICE, BOB)]
    all_of_them = {"number": "2", "everyone": "1", "q": "@example.com", "factor": "without"}
    for deed, more, said in (
        ("end-sessions", {}, "Sessions ended: 2."),
        ("role", {"new_role": "Moderator"}, "Role changed: 2."),
        ("block", {}, "Blocked: 2."),
        ("unblock", {}, "Unblocked: 2."),
        ("resend", {}, "Nothing to change: 2."),
    ):
        fields = all_of_them | {"deed": deed, "role": "Moderator" if deed != "role" else ""}
        if deed in {"end-sessions", "role"}:
            fields["role"] = "User"
        await root.get(f"{SELECTED}?deed={deed}&everyone=1&role={fields['role']}")
        await root.follow(await root.post(SELECTED, fields | more))
        assert said in root.text, deed
    assert [await who(root.services, secret) for secret in secrets] == [None, None]


async def test_deleting_wants_the_number_typed(root: Browser) -> None:
    fields = {"deed": "delete", "number": "2", "everyone": "1", "role": "User"}
    for word in ("", "3", "two"):
        assert (await root.post(SELECTED, fields | {"word": word})).status_code == 422
        assert "Type the number of users, 2." in root.text
    await root.follow(await root.post(SELECTED, fields | {"word": "2"}))
    assert "Deleted: 2." in root.text
    await root.get("/admin/users")
    assert "alice@example.com" not in root.text


async def test_an_unknown_role_changes_nothing(root: Browser) -> None:
    fields = {"deed": "role", "number": "2", "everyone": "1", "role": "User"}
    assert (await root.post(SELECTED, fields | {"new_role": "Emperor"})).status_code == 422


class TestFile:
    async def test_a_wrong_filter_sends_none(self, root: Browser) -> None:
        assert (await root.post("/admin/users/export", role="Emperor")).status_code == 422

    async def test_it_has_all_who_match_and_no_secret(self, root: Browser) -> None:
        response = await root.post("/admin/users/export", q="alic", seen="never")
        page = await response.get_data(as_text=True)
        rows = list(csv.DictReader(io.StringIO(page)))
        assert [row["username"] for row in rows] == ["alice"]
        assert "bcrypt" not in page
        assert (await events(root.services))[-1] == "account.list_exported"


class TestInvitingMany:
    @pytest.mark.parametrize(
        "addresses", ["", "nonsense", "a@example.com\nnonsense", "a@example.com\n" * 2000]
    )
    async def test_a_wrong_line_invites_nobody(self, root: Browser, addresses: str) -> None:
        response = await root.post("/admin/invite/many", addresses=addresses, role="User")
        assert response.status_code == 422
        assert 'id="addresses-error"' in root.text
        assert not await messages(root.services, "a@example.com")

    async def test_an_unknown_role_invites_nobody(self, root: Browser) -> None:
        response = await root.post("/admin/invite/many", addresses="a@example.com", role="Emperor")
        assert response.status_code == 422
        assert "a@example.com" in root.text

    async def test_each_gets_an_email_and_a_name_of_their_own(self, root: Browser) -> None:
        addresses = "Ann <ann@example.com>, ann@example.org; alice@example.com\n\nx@example.com\n"
        response = await root.post("/admin/invite/many", addresses=addresses, role="User")
        assert response.status_code == 200
        assert "Invitations on their way: 3. Already had an account: 1." in root.text
        assert "ann2" in root.text
        for email in ("ann@example.com", "ann@example.org", "x@example.com"):
            assert len(await messages(root.services, email)) == 1
