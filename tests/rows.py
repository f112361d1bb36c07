"""Rows that have expired, and rows that have not, in all tables."""

from datetime import timedelta

from sqlalchemy import text

from app.models import (
    api_token,
    app_secret,
    audit,
    challenge,
    gate_ticket,
    known_browser,
    outbox_retention,
    passkey,
    pending_login,
    rate_limit,
    recovery_code,
    registration,
    token,
)
from app.models import session as sessions
from app.services import Services

DAY = timedelta(days=1)
DIGEST = "sha256(gen_random_uuid()::text::bytea)"
SESSION = (
    "INSERT INTO login_sessions (digest, user_id, credential_version, remembered, seen_at, "  # noqa: S608
    f"expires_at, ip, user_agent) SELECT {DIGEST}, id, 1, "
    "{remembered}, {seen}, {expires}, '192.0.2.1', '' FROM users"
)
SOON = "now() + interval '9 d'"
BUCKET = f"INSERT INTO rate_limit_buckets SELECT {DIGEST}, 1, now(), {{end}}"
LETTER = "INSERT INTO outbox (recipient, subject, {column}) VALUES ('', '', {end} - interval '1 d')"
TICKET = (
    "WITH site AS (INSERT INTO sites (origin, name, need, identity) VALUES "  # noqa: S608
    "(gen_random_uuid()::text, 'x', 'public', 'id') RETURNING id), session AS ("
    f"{SESSION.format(remembered='true', seen='now()', expires=SOON)} RETURNING id) "
    "INSERT INTO gate_tickets (digest, site_id, session_id, nonce, path, expires_at) "
    f"SELECT {DIGEST}, site.id, session.id, {DIGEST}, '/', {{end}} FROM site, session"
)
TOKEN = (
    "INSERT INTO api_tokens (user_id, digest, name, site_ids, reads_account, "  # noqa: S608
    f"credential_version, expires_at) SELECT id, {DIGEST}, 'x', ARRAY[]::uuid[], true, 1, {{end}} "
    "FROM users"
)
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
    "sent emails": (outbox_retention.sent_before(DAY), LETTER.replace("{column}", "sent_at")),
    "emails given up": (
        outbox_retention.given_up_before(DAY),
        LETTER.replace("{column}", "gave_up_at"),
    ),
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
    "tickets": (gate_ticket.expired(), TICKET),
    "tokens": (api_token.expired(), TOKEN),
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


async def fill(services: Services, rows: int, end: str = "now() - interval '1 h'") -> None:
    """Make so many throttle buckets."""
    async with services.engine.begin() as connection:
        await connection.execute(
            text(f"{BUCKET.format(end=end)} FROM generate_series(1, :rows)"), {"rows": rows}
        )
