"""Rows that have expired, and rows that have not, in all tables."""

from datetime import timedelta

from sqlalchemy import text

from app.models import (
    audit,
    known_browser,
    outbox_retention,
    rate_limit,
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
}


async def fill(services: Services, rows: int, end: str = "now() - interval '1 h'") -> None:
    """Make so many throttle buckets."""
    async with services.engine.begin() as connection:
        await connection.execute(
            text(f"{BUCKET.format(end=end)} FROM generate_series(1, :rows)"), {"rows": rows}
        )
