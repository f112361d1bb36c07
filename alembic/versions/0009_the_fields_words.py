"""Tables, columns and events have the names that this field uses.

Revision 0009, after 0008. The program before this revision does not know the new names: its pages
fail from here on until it is replaced, so replace all replicas together.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = {
    "devices": "known_browsers",
    "throttle_buckets": "rate_limit_buckets",
    "forgotten_people": "deleted_users",
}
EVENTS = {
    "letter.withheld": "email.withheld",
    "letter.refused": "email.refused",
    "letter.gave_up": "email.gave_up",
    "letter.retried": "email.retried",
    "account.email_asked": "account.email_change_asked",
    "account.email_kept": "account.email_change_cancelled",
    "account.disowned": "account.taken_back",
    "account.leaving": "account.deletion_asked",
    "account.stayed": "account.deletion_cancelled",
    "account.data_taken": "account.data_downloaded",
    "account.erased": "account.deleted",
    "login.leaving": "login.deletion_pending",
    "login.proven": "login.reauthenticated",
    "login.proof_failed": "login.reauthentication_failed",
    "history.exported": "audit_log.exported",
}
# Constraints first: those with an index take it along.
NAMES = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT conrelid::regclass AS owner, conname AS name FROM pg_constraint
        WHERE conrelid = '{new}'::regclass AND conname LIKE '%{old}%'
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I',
            found.owner, found.name, replace(found.name, '{old}', '{new}'));
    END LOOP;
    FOR found IN
        SELECT indexrelid::regclass AS name FROM pg_index
        WHERE indrelid = '{new}'::regclass AND indexrelid::regclass::text LIKE '%{old}%'
    LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I',
            found.name, replace(found.name::text, '{old}', '{new}'));
    END LOOP;
END $$
"""


def upgrade() -> None:
    _rename(TABLES, EVENTS, "proven_at", "reauthenticated_at")


def downgrade() -> None:
    tables = {new: old for old, new in TABLES.items()}
    events = {new: old for old, new in EVENTS.items()}
    _rename(tables, events, "reauthenticated_at", "proven_at")


def _rename(tables: dict[str, str], events: dict[str, str], column: str, to: str) -> None:
    for old, new in tables.items():
        op.rename_table(old, new)
        op.execute(NAMES.format(old=old, new=new))
    op.alter_column("login_sessions", column, new_column_name=to)
    for old, new in events.items():
        op.execute(f"UPDATE audit_events SET event = '{new}' WHERE event = '{old}'")  # noqa: S608
