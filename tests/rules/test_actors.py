"""Who is signed out, blocked or demoted behind the door does nothing more (AZ-06): all pages."""

import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import access, audit_log, data_download
from app.flows.audit_log import AuditLogFilter, ExportFormat
from app.kit.actor import Actor
from app.kit.client import OPERATOR
from app.kit.errors import NotPermitted, Refusal, SignedOut
from app.kit.permissions import Permission
from app.models import Base
from app.services import Services
from app.words.audit_log import tell_owner, what
from tests.acts import ask_email
from tests.administration import enter
from tests.browser import Browser
from tests.contexts import context, operator
from tests.rules.routes import documented
from tests.users import ALICE, BOB, ROOT, Someone, actor_of, block, create_user, id_of, register
from tests.users import signed_in as sign_in

CAROL = Someone("carol", "carol@example.com", "carol paints her bicycle")
NEW = "a quite different passphrase"
PERSON = "/admin/users/<user>"
SITE = {"name": "Shop", "need": "signed-in", "identity": "id"}
FORMS = {
    "/account/applications/<uuid:site_id>/<uuid:session_id>/sign-out": {},
    "/account/tokens": {"name": "script", "days": "30", "reads_account": "y"},
    "/account/tokens/<uuid:token_id>/revoke": {},
    "/account/data": {},
    "/account/delete": {"current_password": ROOT.password},
    "/account/email": {"email": "another@example.org", "current_password": ROOT.password},
    "/account/email/cancel": {},
    "/account/password": {"current_password": ROOT.password, "password": NEW, "confirm": NEW},
    "/account/profile": {},
    "/account/security/app": {},
    "/account/security/app/confirm": {"code": "123456"},
    "/account/security/app/remove": {},
    "/account/security/browsers/distrust": {},
    "/account/security/passkeys/new": {"name": "Phone", "answer": "{}"},
    "/account/security/passkeys/<uuid:passkey_id>/remove": {},
    "/account/security/passkeys/<uuid:passkey_id>/rename": {"name": "Phone"},
    "/account/security/recovery-codes": {},
    "/account/sessions/<uuid:session_id>/end": {},
    "/account/sessions/end-others": {},
    "/account/time-zone": {"time_zone": "Europe/Berlin"},
    "/account/username": {"username": "radix"},
    "/admin/groups": {"name": "staff2"},
    "/admin/groups/<name>/add": {"user": "alice"},
    "/admin/groups/<name>/delete": {},
    "/admin/groups/<name>/remove/<user>": {},
    "/admin/sites": SITE | {"origin": "https://shop.example.com"},
    "/admin/sites/<site_id>": SITE | {"enabled": "y"},
    "/admin/sites/<site_id>/remove": {},
    "/admin/sites/<site_id>/rules": {"prefix": "/x", "need": "public"},
    "/admin/sites/<site_id>/rules/remove": {"prefix": "/open/"},
    "/admin/audit-log/export": {"format": "csv"},
    "/admin/invite/many": {"addresses": "m@example.net", "role": "Administrator"},
    "/admin/roles": {"name": "Editor"},
    "/admin/roles/<int:role_id>/default": {},
    "/admin/roles/<int:role_id>/delete": {},
    "/admin/roles/<int:role_id>/factor": {"required": "1"},
    "/admin/roles/<int:role_id>/name": {"name": "Editor"},
    "/admin/roles/<int:role_id>/permissions": {"permissions": "WRITE"},
    "/admin/settings/test-email": {},
    "/admin/users/export": {},
    "/admin/users/selected": {"deed": "unblock", "number": "3", "everyone": "1"},
    "/admin/invite": {"email": "m@example.net", "username": "mallory", "role": "Administrator"},
    "/admin/outbox/<email_id>/retry": {},
    "/admin/registrations/<registration_id>/resend": {},
    "/admin/sessions/end": {"word": "everybody"},
    "/reauthenticate": {"password": ROOT.password},
    "/reauthenticate/factor": {"code": "123456"},
    "/reauthenticate/passkey": {"answer": "{}"},
    f"{PERSON}/block": {"reason": "spam"},
    f"{PERSON}/delete": {"word": ALICE.username},
    f"{PERSON}/factors/remove": {"factor_reason": "seen in person"},
    f"{PERSON}/email": {"email": "another@example.org"},
    f"{PERSON}/invite": {},
    f"{PERSON}/notes": {"note": "seen in person"},
    f"{PERSON}/notes/<int:note_id>/remove": {},
    f"{PERSON}/username": {"username": "radix"},
    f"{PERSON}/profile": {},
    f"{PERSON}/reset": {},
    f"{PERSON}/role": {"role": "Administrator"},
    f"{PERSON}/sessions/<session_id>/end": {},
    f"{PERSON}/sessions/end": {},
    f"{PERSON}/tokens/<uuid:token_id>/revoke": {},
    f"{PERSON}/unblock": {},
}
OTHER_TABLES = sorted(set(Base.metadata.tables) - {"rate_limit_buckets"})


async def run(services: Services, statement: str) -> None:
    async with services.engine.begin() as connection:
        await connection.execute(text(statement))


async def sign_out(services: Services) -> None:
    await run(services, "DELETE FROM login_sessions USING users WHERE users.id = user_id "
                     "AND username = 'root'")  # fmt: skip


async def expire(services: Services) -> None:
    await run(services, "UPDATE login_sessions SET expires_at = now()")


async def shut_out(services: Services) -> None:
    """Set what the look-up asks, and leave the sessions."""
    await run(services, "UPDATE users SET blocked_at = now() WHERE username = 'root'")


async def leave(services: Services) -> None:
    await run(services, "UPDATE users SET delete_at = now() WHERE username = 'root'")


async def change(services: Services) -> None:
    await run(services, "UPDATE users SET credential_version = credential_version + 1")


async def demote(services: Services) -> None:
    async with operator(services) as ctx:
        await access.set_role(ctx, name="root", role_name="Moderator")


async def weaken(services: Services) -> None:
    await run(services, "UPDATE roles SET permissions = 0 WHERE name = 'Administrator'")


Meanwhile = Callable[[Services], Awaitable[None]]


async def everything(services: Services) -> dict[str, list[str]]:
    """Return all rows."""
    async with services.engine.connect() as connection:
        return {
            name: list(await connection.scalars(text(f"SELECT t::text FROM {name} t ORDER BY 1")))  # noqa: S608
            for name in OTHER_TABLES
        }


@pytest.fixture
async def prepared(browser: Browser) -> Browser:
    """Prepare all that an administrator can do something to."""
    services = browser.services
    for someone in (ROOT, BOB):
        await create_user(services, someone, role="Administrator")
    await create_user(services, ALICE)
    await register(services, CAROL)
    await ask_email(services, "waiting@example.org", someone=ROOT)
    await sign_in(services, ALICE)
    await run(services, "INSERT INTO sites (origin, name, need, identity) "
                        "VALUES ('https://a.example.com', 'A', 'signed-in', 'id')")  # fmt: skip
    await run(services, "INSERT INTO site_paths SELECT id, '/open/', 'public' FROM sites")
    await run(services, "INSERT INTO groups (name) VALUES ('staff')")
    await run(services, "INSERT INTO user_groups SELECT users.id, groups.id FROM users, groups")
    await run(services, "INSERT INTO api_tokens (user_id, digest, name, site_ids, reads_account, "
                        "credential_version, expires_at) SELECT id, sha256(username::bytea), 'x', "
                        "'{}', true, "
                        "credential_version, now() + interval '1 day' FROM users "
                        "WHERE username IN ('root', 'alice')")  # fmt: skip
    await run(
        services, "UPDATE outbox SET gave_up_at = now() WHERE recipient = 'carol@example.com'"
    )
    return browser


async def address(services: Services, path: str) -> str:
    """Fill in the ids of what was prepared."""
    whose = "alice" if path.startswith(PERSON) else "root"
    wanted = {
        "user": "SELECT id FROM users WHERE username = 'alice'",
        "email_id": "SELECT id FROM outbox WHERE gave_up_at IS NOT NULL",
        "note_id": "SELECT 1",
        "role_id": "SELECT 2",
        "passkey_id": "SELECT gen_random_uuid()",
        "registration_id": "SELECT id FROM registrations",
        "name": "SELECT name FROM groups",
        "site_id": "SELECT id FROM sites",
        "token_id": "SELECT t.id FROM api_tokens t JOIN users ON users.id = user_id "
        "WHERE username = :whose",
        "session_id": "SELECT s.id FROM login_sessions s JOIN users ON users.id = user_id "
        "WHERE username = :whose ORDER BY s.created_at LIMIT 1",
    }
    async with services.engine.connect() as connection:
        ids = {
            name: await connection.scalar(text(each), {"whose": whose} if "whose" in each else {})
            for name, each in wanted.items()
        }
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids[found[1]]), path)


async def too_late(prepared: Browser, path: str, meanwhile: Meanwhile) -> tuple[int, bool]:
    """Send a form that passes the door before something happens.

    Return the answer's status, and whether it changed nothing.
    """
    services, before = prepared.services, {}
    window = await enter(prepared, ROOT)
    where = await address(services, path)

    async def behind_the_door() -> None:
        await meanwhile(services)
        before.update(await everything(services))

    checks = prepared.app.before_request_funcs[None]
    checks.append(behind_the_door)
    try:
        response = await window.post(where, FORMS[path])
    finally:
        checks.remove(behind_the_door)
    return response.status_code, before == await everything(services)


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
            await run(prepared.services, "UPDATE users SET role_id = 3 WHERE username = 'root'")


async def test_whose_role_may_less_by_now_does_nothing(prepared: Browser) -> None:
    try:
        assert await too_late(prepared, f"{PERSON}/unblock", weaken) == (403, True)
    finally:
        await run(prepared.services, "UPDATE roles SET permissions = 31 WHERE id = 3")


@pytest.mark.parametrize(("meanwhile", "refusal"), [(block, SignedOut), (None, NotPermitted)])
async def test_a_file_ends_where_its_reader_may_read_no_further(
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[Services, Someone], Awaitable[None]] | None,
    refusal: type[Refusal],
) -> None:
    monkeypatch.setattr(audit_log, "LINES_AT_ONCE", 2)
    for someone in (ROOT, BOB):
        await create_user(services, someone, role="Administrator")
    actor = (await actor_of(services, ROOT))._replace(permission=Permission.ADMIN)
    async with context(services, actor=actor) as ctx:
        pieces = audit_log.export(ctx, AuditLogFilter(), form=ExportFormat.JSON_LINES, what=what)
        assert await anext(pieces)
        await (meanwhile(services, ROOT) if meanwhile else demote(services))
        with pytest.raises(refusal):
            await anext(pieces)


async def test_ones_own_data_end_where_the_session_does(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_download, "LINES_AT_ONCE", 2)
    await create_user(services, ALICE)
    actor = await actor_of(services, ALICE)
    async with context(services, actor=actor) as ctx:
        pieces = data_download.download(ctx, tell=tell_owner)
        for _ in range(3):
            assert await anext(pieces)
        await block(services, ALICE)
        with pytest.raises(SignedOut):
            await anext(pieces)


async def test_nobody_acts_in_a_session_of_somebody_else(services: Services) -> None:
    await create_user(services, ALICE)
    await create_user(services, BOB)
    bobs: UUID = (await actor_of(services, BOB)).session_id
    actor = Actor(await id_of(services, ALICE), bobs)
    async with context(services, actor=actor, client=OPERATOR) as ctx:
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
    services: Services, deed: Callable[[Context], Awaitable[object]]
) -> None:
    await create_user(services, ALICE)
    before = await everything(services)
    async with context(services) as ctx:
        with pytest.raises(SignedOut):
            await deed(ctx)
    assert await everything(services) == before
