"""Looking after people: finding them among a million, reading the book, throwing away what expired.

Revision 0004, after 0003.

Indexes and a function only: the program before this revision does not notice them, and people sign
in while they are built.
"""

from alembic import op

from app.indexes import build_indexes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Every three neighbouring letters of a name and an address. PL/pgSQL is twice as fast here as SQL.
TRIGRAMS = """
CREATE OR REPLACE FUNCTION trigrams(name text, address text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $$
DECLARE
    words text := name || ' ' || address;
    found text[] := '{}';
BEGIN
    FOR place IN 1 .. length(words) - 2 LOOP
        found := found || substr(words, place, 3);
    END LOOP;
    RETURN found;
END
$$
"""
STATES = {
    "ix_users_blocked": "blocked_at IS NOT NULL",
    "ix_users_leaving": "delete_at IS NOT NULL",
    "ix_users_unconfirmed": "confirmed_at IS NULL",
    "ix_users_invited": "password_hash IS NULL",
}
OTHERS = {
    "audit_events": {
        "ix_audit_events_at_id": "(at, id)",
        "ix_audit_events_event_at_id": "(event, at, id)",
        "ix_audit_events_actor_id_at_id": "(actor_id, at, id)",
        "ix_audit_events_ip_at_id": "(ip, at, id)",
    },
    "outbox": {
        "ix_outbox_sent_at": "(sent_at) WHERE sent_at IS NOT NULL",
        "ix_outbox_gave_up_at": "(gave_up_at) WHERE gave_up_at IS NOT NULL",
    },
    "one_time_tokens": {"ix_one_time_tokens_expires_at": "(expires_at)"},
    "devices": {"ix_devices_seen_at": "(seen_at)"},
    "login_sessions": {"ix_login_sessions_idle": "(seen_at) WHERE NOT remembered"},
}


def upgrade() -> None:
    op.execute(TRIGRAMS)
    # By code points, whatever the database's language: so that a beginning is a range.
    in_order = {
        "ix_users_in_order": '(username_key COLLATE "C") INCLUDE (email_key, id)',
        "ix_users_role_in_order": '(role_id, username_key COLLATE "C")',
        **{name: f'(username_key COLLATE "C") WHERE {state}' for name, state in STATES.items()},
    }
    trigrams = {"ix_users_trigrams": "USING gin (trigrams(username_key, email_key))"}
    build_indexes("users", {**trigrams, **in_order})
    # A search that starts helpers is slower than one that does not; the index wanted them.
    op.execute("ALTER FUNCTION trigrams(text, text) PARALLEL RESTRICTED")
    op.execute("ANALYZE users")
    for table, indexes in OTHERS.items():
        build_indexes(table, indexes)


def downgrade() -> None:
    op.drop_index("ix_login_sessions_idle", table_name="login_sessions")
    op.drop_index("ix_devices_seen_at", table_name="devices")
    op.drop_index("ix_one_time_tokens_expires_at", table_name="one_time_tokens")
    op.drop_index("ix_outbox_gave_up_at", table_name="outbox")
    op.drop_index("ix_outbox_sent_at", table_name="outbox")
    for columns in ("ip_at_id", "actor_id_at_id", "event_at_id", "at_id"):
        op.drop_index(f"ix_audit_events_{columns}", table_name="audit_events")
    for name in (*STATES, "ix_users_role_in_order", "ix_users_in_order", "ix_users_trigrams"):
        op.drop_index(name, table_name="users")
    op.execute("DROP FUNCTION trigrams(text, text)")
