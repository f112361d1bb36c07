"""What is stale, to the microsecond, and deleting some of it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.models import (
    app_secret,
    audit,
    challenge,
    known_browser,
    outbox,
    passkey,
    pending_login,
    pruning,
    rate_limit,
    recovery_code,
    registration,
    token,
)
from app.models import session as sessions
from app.models.pruning import Stale
from app.services import Services
from tests.flows.test_delivery import ALL_BUT_NESTED_LOOPS
from tests.users import ALICE, count, create_user

DAY = timedelta(days=1)
DIGEST = "sha256(gen_random_uuid()::text::bytea)"
SESSION = (
    "INSERT INTO login_sessions (digest, user_id, credential_version, remembered, seen_at, "  # noqa: S608
    f"expires_at, ip, user_agent) SELECT {DIGEST}, id, 1, "
    "{remembered}, {seen}, {expires}, '192.0.2.1', '' FROM users"
)
BUCKET = f"INSERT INTO rate_limit_buckets SELECT {DIGEST}, 1, now(), {{end}}"
LETTER = "INSERT INTO outbox (recipient, subject, {column}) VALUES ('', '', {end} - interval '1 d')"
ROWS = {
    "expired sessions": (
        sessions.expired(),
        SESSION.format(remembered="true", seen="now()", expires="{end}"),
    ),
    "idle sessions": (
        sessions.idle(DAY),
        SESSION.format(
            remembered="false", seen="{end} - interval '1 d'", expires="now() + interval '9 d'"
        ),
    ),
    "registrations": (
        registration.expired(),
        (
            "INSERT INTO registrations (email, email_key, username, username_key, password_hash, "
            "fingerprint, expires_at) VALUES ('', '', '', '', '', '', {end})"
        ),
    ),
    "links": (
        token.expired(),
        (
            "INSERT INTO one_time_tokens (digest, purpose, user_id, expires_at) "  # noqa: S608
            f"SELECT {DIGEST}, 'reset', id, {{end}} FROM users"
        ),
    ),
    "buckets": (rate_limit.forgotten(), BUCKET),
    "sent emails": (outbox.sent_before(DAY), LETTER.replace("{column}", "sent_at")),
    "emails given up": (outbox.given_up_before(DAY), LETTER.replace("{column}", "gave_up_at")),
    "browsers": (
        known_browser.unseen(DAY),
        (
            "INSERT INTO known_browsers (user_id, digest, seen_at) "  # noqa: S608
            f"SELECT id, {DIGEST}, {{end}} - interval '1 d' FROM users"
        ),
    ),
    "audit's lines": (
        audit.past(DAY),
        (
            "INSERT INTO audit_events (at, event, ip, user_agent, request_id) "
            "VALUES ({end} - interval '1 d', '', '192.0.2.1', '', '')"
        ),
    ),
    "half-finished logins": (
        pending_login.expired(),
        (
            "INSERT INTO pending_logins (digest, user_id, credential_version, remembered, "  # noqa: S608
            f"expires_at) SELECT {DIGEST}, id, 1, false, {{end}} FROM users"
        ),
    ),
    "used challenges": (
        challenge.forgotten(),
        f"INSERT INTO spent_challenges (digest, expires_at) VALUES ({DIGEST}, {{end}})",  # noqa: S608
    ),
    "removed apps": (
        app_secret.removed_before(DAY),
        (
            "INSERT INTO app_secrets (user_id, sealed, confirmed_at, removed_at) "  # noqa: S608
            f"SELECT id, {DIGEST} || '!', now(), {{end}} - interval '1 d' FROM users"
        ),
    ),
    "removed passkeys": (
        passkey.removed_before(DAY),
        (
            "INSERT INTO passkeys (user_id, credential_id, public_key, domain, sign_count, "  # noqa: S608
            "is_first_factor, backup_eligible, backed_up, name, removed_at) "
            f"SELECT id, {DIGEST}, '', 'localhost', 0, true, true, true, 'Phone', "
            "{end} - interval '1 d' FROM users"
        ),
    ),
    "removed recovery codes": (
        recovery_code.removed_before(DAY),
        (
            "INSERT INTO recovery_codes (user_id, digest, removed_at) "  # noqa: S608
            f"SELECT id, {DIGEST}, {{end}} - interval '1 d' FROM users"
        ),
    ),
}
BUCKETS = rate_limit.forgotten()


async def fill(services: Services, rows: int, end: str = "now() - interval '1 h'") -> None:
    """Make so many throttle buckets."""
    async with services.engine.begin() as connection:
        await connection.execute(
            text(f"{BUCKET.format(end=end)} FROM generate_series(1, :rows)"), {"rows": rows}
        )


async def delete(services: Services, stale: Stale = BUCKETS, *, limit: int = 10) -> int:
    async with services.session() as session, session.begin():
        return await pruning.delete_some(session, stale, limit=limit)


@pytest.mark.parametrize("kind", ROWS)
async def test_what_is_at_its_end_goes_and_nothing_else(services: Services, kind: str) -> None:
    stale, insert = ROWS[kind]
    await create_user(services, ALICE)
    async with services.session() as session, session.begin():
        await session.execute(text("TRUNCATE rate_limit_buckets"))
        for moment in ("now() - interval '1 us'", "now()", "now() + interval '1 us'"):
            await session.execute(text(insert.format(end=moment)))
        assert await pruning.count(session, stale) == 2
        assert await pruning.delete_some(session, stale, limit=10) == 2
        assert await pruning.count(session, stale) == 0
        assert await pruning.delete_some(session, stale, limit=10) == 0


async def test_a_letter_that_waits_stays_for_ever(services: Services) -> None:
    async with services.engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO outbox (recipient, subject, created_at, due_at) "
                 "SELECT '', '', now() - interval '9 y', now() - interval '9 y'")
        )  # fmt: skip
    assert await delete(services, outbox.sent_before(DAY)) == 0
    assert await delete(services, outbox.given_up_before(DAY)) == 0


async def test_a_remembered_session_may_idle(services: Services) -> None:
    await create_user(services, ALICE)
    async with services.engine.begin() as connection:
        statement = SESSION.format(
            remembered="true", seen="now() - interval '9 d'", expires="now() + interval '9 d'"
        )
        await connection.execute(text(statement))
    assert await delete(services, sessions.idle(DAY)) == 0
    assert await count(services, "login_sessions") == 1


async def test_the_links_of_a_registration_go_with_it(services: Services) -> None:
    stale, insert = ROWS["registrations"]
    async with services.engine.begin() as connection:
        await connection.execute(text(insert.format(end="now()")))
        await connection.execute(
            text("INSERT INTO one_time_tokens (digest, purpose, registration_id, expires_at) "  # noqa: S608
                 f"SELECT {DIGEST}, 'confirm', id, now() + interval '1 h' FROM registrations")
        )  # fmt: skip
    assert await delete(services, stale) == 1
    assert await count(services, "one_time_tokens") == 0


@pytest.mark.parametrize("forbidden", [[], ALL_BUT_NESTED_LOOPS, ["tidscan"]])
async def test_a_batch_is_bounded_whatever_the_planner_does(
    services: Services, forbidden: list[str]
) -> None:
    await fill(services, 30)
    async with services.session() as session, session.begin():
        for way in forbidden:
            await session.execute(text(f"SET LOCAL enable_{way} = off"))
        assert await pruning.delete_some(session, BUCKETS, limit=7) == 7
    assert await count(services, "rate_limit_buckets") == 23


async def test_the_oldest_go_first(services: Services) -> None:
    for hours in (2, 3, 1):
        await fill(services, 1, f"now() - interval '{hours} h'")
    await delete(services, limit=2)
    async with services.engine.connect() as connection:
        left = text("SELECT now() - forget_at < interval '90 min' FROM rate_limit_buckets")
        assert list(await connection.scalars(left)) == [True]


async def test_a_row_in_somebodys_hands_is_passed_by(services: Services) -> None:
    await fill(services, 3)
    async with services.engine.begin() as connection:
        await connection.execute(text("SELECT 1 FROM rate_limit_buckets LIMIT 1 FOR UPDATE"))
        async with asyncio.timeout(2):
            assert await delete(services) == 2
    assert await delete(services) == 1


async def test_a_deletion_of_audit_lines_looks_at_the_lowest_ids_only(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "IDS_LOOKED_AT", 2)
    _, insert = ROWS["audit's lines"]
    async with services.engine.begin() as connection:
        for moment in ("now()", "now() + interval '1 d'", "now()", "now()"):
            await connection.execute(text(insert.format(end=moment)))
    assert [await delete(services, audit.past(DAY)) for _ in range(2)] == [1, 1]
    assert await delete(services, audit.past(DAY)) == 0, "behind a line that stays"


async def test_one_at_a_time_has_the_turn(services: Services) -> None:
    async with services.session() as one, services.session() as other:
        async with one.begin():
            assert await pruning.take_turn(one)
            async with other.begin():
                assert not await pruning.take_turn(other)
        async with other.begin():
            assert await pruning.take_turn(other)
