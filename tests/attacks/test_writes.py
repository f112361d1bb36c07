"""Who is signed in fills the database, and stands in the way of those who want to be gone (17)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import access, checkup
from app.services import Services
from app.steps import erasure
from tests.attacks.visitor import Answer, Site
from tests.contexts import context, operator
from tests.deletions import leave, names, sweep
from tests.users import ALICE, BOB, ROOT, actor_of, count, create_user, id_of

LINES = """
INSERT INTO audit_events (at, event, actor_id, subject_id, ip, user_agent, request_id, detail)
SELECT now() - n * interval '1 s', 'account.email_change_cancelled', who, subject,
    '192.0.2.7', 'Browser', 'x', '{"reason": "spam"}'
FROM generate_series(1, :number) n,
    (VALUES (CAST(:id AS uuid), CAST(:id AS uuid)), (:id, NULL), (NULL, :id)) v (who, subject)
"""
STUBBORN = """
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never'; END $$;
CREATE TRIGGER stay BEFORE DELETE ON users FOR EACH ROW WHEN (OLD.username = 'alice')
EXECUTE FUNCTION stay()
"""


@pytest.mark.parametrize("path", ["/account/email/cancel", "/account/sessions/end-others"])
async def test_doing_nothing_again_and_again_leaves_no_line(attacked: Site, path: str) -> None:
    name = path.split("/")[2]
    flooder = await attacked.create_user(name)
    before = (await attacked.sql("SELECT count(*) FROM audit_events"))[0][0]
    told = [(await flooder.post(path)).status for _ in range(4)]
    assert told == [303] * 4
    assert (await attacked.sql("SELECT count(*) FROM audit_events"))[0][0] == before


async def test_nobody_does_hundreds_of_things_a_minute(attacked: Site) -> None:
    flooder = await attacked.create_user("flooder")
    answers: list[Answer] = []
    refused: list[Answer] = []

    async def flood() -> None:
        while not refused and len(answers) < 300:
            answer = await flooder.post("/account/email/cancel")
            (refused if answer.status == 429 else answers).append(answer)

    await asyncio.gather(*(flood() for _ in range(4)))
    assert {answer.status for answer in answers} == {303}
    assert refused
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert (await flooder.get("/account")).status == 200


async def fill(services: Services, number: int) -> None:
    """Give alice a long history: what they did, what befell her, and both."""
    async with services.engine.begin() as connection:
        values = {"id": await id_of(services, ALICE), "number": number}
        await connection.execute(text(LINES), values)


async def told(services: Services) -> int:
    """Return how many lines still tell where somebody sat, or why somebody was blocked."""
    async with services.engine.connect() as connection:
        found: int = await connection.scalar(
            text(
                "SELECT count(*) FROM audit_events WHERE user_agent = 'Browser' "
                "OR ip = '192.0.2.7' OR (detail ? 'reason' AND subject_id IS NOT NULL)"
            )
        )
    return found


async def test_a_long_history_is_forgotten_a_piece_at_a_time(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "LINES_AT_ONCE", 10)
    await create_user(services, ALICE)
    await fill(services, 25)
    async with operator(services) as ctx:
        await access.delete(ctx, name="alice", typed="alice")
    assert await names(services) == set()
    assert 25 < await told(services) < 75
    assert (await sweep(services)).is_whole
    assert await told(services) == 0
    assert await count(services, "deleted_users") == 0


async def test_who_cannot_be_erased_keeps_nobody_from_it(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    for someone, since in ((ALICE, "3 h"), (BOB, "2 h"), (ROOT, "1 h")):
        await create_user(services, someone)
        await leave(services, someone, f"now() - interval '{since}'")
    alice = await id_of(services, ALICE)
    async with services.engine.begin() as connection:
        for statement in STUBBORN.split(";\n", 1):
            await connection.execute(text(statement))
    try:
        pruned = await sweep(services)
        async with context(services) as ctx:
            assert (await checkup.look(ctx)).not_deleted == 1
    finally:
        async with services.engine.begin() as connection:
            await connection.execute(text("DROP FUNCTION stay CASCADE"))
    assert await names(services) == {"alice"}
    assert pruned.passed_over == [alice]
    assert f"user {alice} cannot be erased" in caplog.text
    assert (await sweep(services)).passed_over == []
    assert await names(services) == set()


async def test_what_changes_nothing_is_not_written_down(services: Services) -> None:
    await create_user(services, ALICE)
    await create_user(services, ROOT, role="Administrator")
    await actor_of(services, ALICE)
    actions: list[Callable[[Context], Awaitable[object]]] = [
        lambda ctx: access.end_sessions(ctx, name="alice"),
        lambda ctx: access.block(ctx, name="alice", reason="spam"),
        lambda ctx: access.unblock(ctx, name="alice"),
        lambda ctx: access.set_role(ctx, name="alice", role_name="Moderator"),
    ]
    for deed in actions:
        before = await count(services, "audit_events")
        for _ in range(2):
            async with operator(services) as ctx:
                await deed(ctx)
        assert await count(services, "audit_events") == before + 1
