"""Who is signed out, blocked or demoted behind the door does nothing more (AZ-06): all pages."""

import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import access, audit_log, data_download
from app.flows.audit_log import Filter, Format
from app.kit.actor import Actor
from app.kit.client import OPERATOR
from app.kit.errors import NotPermitted, Refusal, SignedOut
from app.kit.permissions import Permission
from app.models import Base
from app.services import House
from tests.acts import ask_email
from tests.administration import enter
from tests.browser import Browser
from tests.contexts import context, operator
from tests.people import ALICE, BOB, ROOT, Someone, actor_of, block, id_of, register, settle
from tests.people import signed_in as sign_in
from tests.rules.test_routes import documented

CAROL = Someone("carol", "carol@example.com", "carol paints her bicycle")
NEW = "a quite different passphrase"
PERSON = "/admin/people/<person>"
FORMS = {
    "/account/data": {},
    "/account/delete": {"current_password": ROOT.password},
    "/account/email": {"email": "another@example.org", "current_password": ROOT.password},
    "/account/email/cancel": {},
    "/account/password": {"current_password": ROOT.password, "password": NEW, "confirm": NEW},
    "/account/sessions/<uuid:session_id>/end": {},
    "/account/sessions/end-others": {},
    "/account/username": {"username": "radix"},
    "/admin/history/export": {"format": "csv"},
    "/admin/invite": {"email": "m@example.net", "username": "mallory", "role": "Administrator"},
    "/admin/outbox/<letter>/retry": {},
    "/admin/registrations/<waiting>/resend": {},
    "/admin/sessions/end": {"word": "everybody"},
    "/reauthenticate": {"password": ROOT.password},
    f"{PERSON}/block": {"reason": "spam"},
    f"{PERSON}/delete": {"word": ALICE.username},
    f"{PERSON}/invite": {},
    f"{PERSON}/reset": {},
    f"{PERSON}/role": {"role": "Administrator"},
    f"{PERSON}/sessions/<session_id>/end": {},
    f"{PERSON}/sessions/end": {},
    f"{PERSON}/unblock": {},
}
OTHER_TABLES = sorted(set(Base.metadata.tables) - {"throttle_buckets"})


async def run(house: House, statement: str) -> None:
    async with house.engine.begin() as connection:
        await connection.execute(text(statement))


async def sign_out(house: House) -> None:
    await run(house, "DELETE FROM login_sessions USING users WHERE users.id = user_id "
                     "AND username = 'root'")  # fmt: skip


async def expire(house: House) -> None:
    await run(house, "UPDATE login_sessions SET expires_at = now()")


async def shut_out(house: House) -> None:
    """Set what the look-up asks, and leave the sessions."""
    await run(house, "UPDATE users SET blocked_at = now() WHERE username = 'root'")


async def leave(house: House) -> None:
    await run(house, "UPDATE users SET delete_at = now() WHERE username = 'root'")


async def change(house: House) -> None:
    await run(house, "UPDATE users SET credential_version = credential_version + 1")


async def demote(house: House) -> None:
    async with operator(house) as ctx:
        await access.set_role(ctx, name="root", role_name="Moderator")


async def weaken(house: House) -> None:
    await run(house, "UPDATE roles SET permissions = 0 WHERE name = 'Administrator'")


Meanwhile = Callable[[House], Awaitable[None]]


async def everything(house: House) -> dict[str, list[str]]:
    """Return all rows."""
    async with house.engine.connect() as connection:
        return {
            name: list(await connection.scalars(text(f"SELECT t::text FROM {name} t ORDER BY 1")))  # noqa: S608
            for name in OTHER_TABLES
        }


@pytest.fixture
async def prepared(browser: Browser) -> Browser:
    """Prepare all that an administrator can do something to."""
    house = browser.house
    for someone in (ROOT, BOB):
        await settle(house, someone, role="Administrator")
    await settle(house, ALICE)
    await register(house, CAROL)
    await ask_email(house, "waiting@example.org", someone=ROOT)
    await sign_in(house, ALICE)
    await run(house, "UPDATE outbox SET gave_up_at = now() WHERE recipient = 'carol@example.com'")
    return browser


async def address(house: House, path: str) -> str:
    """Fill in the ids of what was prepared."""
    whose = "alice" if path.startswith(PERSON) else "root"
    wanted = {
        "person": "SELECT id FROM users WHERE username = 'alice'",
        "letter": "SELECT id FROM outbox WHERE gave_up_at IS NOT NULL",
        "waiting": "SELECT id FROM registrations",
        "session_id": "SELECT s.id FROM login_sessions s JOIN users ON users.id = user_id "
        "WHERE username = :whose ORDER BY s.created_at LIMIT 1",
    }
    async with house.engine.connect() as connection:
        ids = {
            name: await connection.scalar(text(each), {"whose": whose} if "whose" in each else {})
            for name, each in wanted.items()
        }
    return re.sub(r"<(?:uuid:)?(\w+)>", lambda found: str(ids[found[1]]), path)


async def too_late(prepared: Browser, path: str, meanwhile: Meanwhile) -> tuple[int, bool]:
    """Send a form that passes the door before something happens.

    Return the answer's status, and whether it changed nothing.
    """
    house, before = prepared.house, {}
    window = await enter(prepared, ROOT)
    where = await address(house, path)

    async def behind_the_door() -> None:
        await meanwhile(house)
        before.update(await everything(house))

    checks = prepared.app.before_request_funcs[None]
    checks.append(behind_the_door)
    try:
        response = await window.post(where, FORMS[path])
    finally:
        checks.remove(behind_the_door)
    return response.status_code, before == await everything(house)


def test_all_closed_forms_are_walked_through() -> None:
    closed = {each.path for each in documented() if each.method == "POST" and each.who != "anyone"}
    assert set(FORMS) == closed


async def test_whose_session_has_ended_does_nothing(prepared: Browser) -> None:
    for path in FORMS:
        assert await too_late(prepared, path, sign_out) == (401, True), path


@pytest.mark.parametrize("meanwhile", [expire, shut_out, leave, change])
async def test_a_session_ends_in_many_ways(prepared: Browser, meanwhile: Meanwhile) -> None:
    assert await too_late(prepared, "/account/sessions/end-others", meanwhile) == (401, True)


async def test_whose_role_may_no_more_does_nothing(prepared: Browser) -> None:
    for path in FORMS:
        if path.startswith("/admin"):
            assert await too_late(prepared, path, demote) == (403, True), path
            await run(prepared.house, "UPDATE users SET role_id = 3 WHERE username = 'root'")


async def test_whose_role_may_less_by_now_does_nothing(prepared: Browser) -> None:
    try:
        assert await too_late(prepared, f"{PERSON}/unblock", weaken) == (403, True)
    finally:
        await run(prepared.house, "UPDATE roles SET permissions = 31 WHERE id = 3")


@pytest.mark.parametrize(("meanwhile", "refusal"), [(block, SignedOut), (None, NotPermitted)])
async def test_a_file_ends_where_its_reader_may_read_no_further(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[House, Someone], Awaitable[None]] | None,
    refusal: type[Refusal],
) -> None:
    monkeypatch.setattr(audit_log, "LINES_AT_ONCE", 2)
    for someone in (ROOT, BOB):
        await settle(house, someone, role="Administrator")
    actor = (await actor_of(house, ROOT))._replace(permission=Permission.ADMIN)
    async with context(house, actor=actor) as ctx:
        pieces = audit_log.export(ctx, Filter(), form=Format.JSON_LINES)
        assert await anext(pieces)
        await (meanwhile(house, ROOT) if meanwhile else demote(house))
        with pytest.raises(refusal):
            await anext(pieces)


async def test_ones_own_data_end_where_the_session_does(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_download, "LINES_AT_ONCE", 2)
    await settle(house, ALICE)
    actor = await actor_of(house, ALICE)
    async with context(house, actor=actor) as ctx:
        pieces = data_download.download(ctx)
        for _ in range(3):
            assert await anext(pieces)
        await block(house, ALICE)
        with pytest.raises(SignedOut):
            await anext(pieces)


async def test_nobody_acts_in_a_session_of_somebody_else(house: House) -> None:
    await settle(house, ALICE)
    await settle(house, BOB)
    bobs: UUID = (await actor_of(house, BOB)).session_id
    actor = Actor(await id_of(house, ALICE), bobs)
    async with context(house, actor=actor, client=OPERATOR) as ctx:
        with pytest.raises(SignedOut):
            await data_download.note_download(ctx)


@pytest.mark.parametrize(
    "deed",
    [
        lambda ctx: access.block(ctx, name="alice"),
        lambda ctx: access.set_role(ctx, name="alice", role_name="Administrator"),
        lambda ctx: access.delete(ctx, name="alice", typed="alice"),
        data_download.note_download,
    ],
)
async def test_who_is_nobody_does_nothing(
    house: House, deed: Callable[[Context], Awaitable[object]]
) -> None:
    await settle(house, ALICE)
    before = await everything(house)
    async with context(house) as ctx:
        with pytest.raises(SignedOut):
            await deed(ctx)
    assert await everything(house) == before
