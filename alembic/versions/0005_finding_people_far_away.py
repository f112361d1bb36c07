"""Finding people wherever they stand in the order, by one index of tokens instead of trigrams.

And two indexes, so that no statement reads the whole of a table that grows.

Revision 0005, after 0004.

People sign in while it is built. The program before this revision finds nobody any more by an
inner part of a name; all else of it works on.
"""

from alembic import op

from app.indexes import build_indexes, drop_index

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Numbers, and not the letters themselves: PostgreSQL compares them faster and keeps them smaller.
# app/models/finding.py makes the same ones for a question, and says what they are for.
SEARCH_TOKENS = """
CREATE OR REPLACE FUNCTION search_tokens(
    name text, address text, role_id integer,
    blocked boolean, leaving boolean, unconfirmed boolean, invited boolean
) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $$
DECLARE
    shelf integer := (greatest(96, least(123, ascii(name))) - 96) * 33554432;
    found integer[] := ARRAY[shelf + 8 + role_id % 1048576];
    letter text;
    place integer := 1;
    three integer := 0;
BEGIN
    FOREACH letter IN ARRAY string_to_array(name || ' ' || address || ' ', NULL) LOOP
        IF place > 3 THEN
            found := found || (shelf + three * 16 + ascii(letter) % 16);
        END IF;
        three := three * 128 % 2097152 + ascii(letter) % 128;
        place := place + 1;
    END LOOP;
    IF blocked THEN found := found || (shelf + 1); END IF;
    IF leaving THEN found := found || (shelf + 2); END IF;
    IF unconfirmed THEN found := found || (shelf + 3); END IF;
    IF invited THEN found := found || (shelf + 4); END IF;
    IF NOT (blocked OR leaving OR unconfirmed OR invited) THEN
        found := found || (shelf + 5);
    END IF;
    RETURN found;
END
$$
"""
SIGNATURE = "search_tokens(text, text, integer, boolean, boolean, boolean, boolean)"
TOKENS = (
    "search_tokens(username_key, email_key, role_id, blocked_at IS NOT NULL,"
    " delete_at IS NOT NULL, confirmed_at IS NULL, password_hash IS NULL)"
)
TRIGRAMS = """
CREATE OR REPLACE FUNCTION trigrams(name text, address text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED COST 10000 AS $$
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


def upgrade() -> None:
    op.execute(SEARCH_TOKENS)
    # With a short list of what came last (kB): each probe reads all of it.
    search = f"USING gin ({TOKENS}) WITH (gin_pending_list_limit = 128)"
    build_indexes("users", {"ix_users_search": search})
    # A search that starts helpers is slower than one that does not; the index wanted them.
    op.execute(f"ALTER FUNCTION {SIGNATURE} PARALLEL RESTRICTED")
    op.execute("ANALYZE users")
    build_indexes("outbox", {"ix_outbox_recipient": "(recipient)"})
    build_indexes("registrations", {"ix_registrations_created_at": "(created_at)"})
    drop_index("users", "ix_users_trigrams")
    op.execute("DROP FUNCTION trigrams(text, text)")


def downgrade() -> None:
    op.execute(TRIGRAMS)
    build_indexes("users", {"ix_users_trigrams": "USING gin (trigrams(username_key, email_key))"})
    drop_index("users", "ix_users_search")
    drop_index("outbox", "ix_outbox_recipient")
    drop_index("registrations", "ix_registrations_created_at")
    op.execute(f"DROP FUNCTION {SIGNATURE}")
