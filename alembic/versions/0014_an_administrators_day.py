"""Sorting users by when they came and when they last signed in; notes; counts of finished days.

Revision 0014. New tables and indexes: the program before this revision does not notice them.
"""

from alembic import op

from app.indexes import build_indexes, drop_index

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Each may be there already, where building the last index was broken off.
UPGRADE = """
CREATE TABLE IF NOT EXISTS user_notes (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_user_notes PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT fk_user_notes_user_id REFERENCES users (id) ON DELETE CASCADE,
    author_id uuid,
    written_at timestamptz NOT NULL DEFAULT now(),
    text text NOT NULL CONSTRAINT ck_user_notes_text_length CHECK (length(text) <= 2000)
);
CREATE INDEX IF NOT EXISTS ix_user_notes_user_id ON user_notes (user_id);

CREATE TABLE IF NOT EXISTS daily_counts (
    day date NOT NULL,
    event text NOT NULL,
    number integer NOT NULL,
    CONSTRAINT pk_daily_counts PRIMARY KEY (day, event)
);
"""
SEEN = "coalesce(last_login_at, '-infinity'::timestamptz)"


def upgrade() -> None:
    for statement in filter(str.strip, UPGRADE.split(";\n")):
        op.execute(statement)
    build_indexes(
        "users", {"ix_users_created": "(created_at, id)", "ix_users_seen": f"(({SEEN}), id)"}
    )


def downgrade() -> None:
    drop_index("users", "ix_users_seen")
    drop_index("users", "ix_users_created")
    op.execute("DROP TABLE daily_counts")
    op.execute("DROP TABLE user_notes")
