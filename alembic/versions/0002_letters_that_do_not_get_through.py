"""Letters that do not get through: when the postman gave one up, and what the answer was.

Revision 0002, after 0001.

The columns are empty at first: adding them rewrites nothing. The index is built in the same
transaction, for a concurrent build would wait for the migrations that wait for this one. It
reads the table once and holds only what still waits.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("gave_up_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outbox", sa.Column("trouble", sa.Text(), nullable=True))
    op.drop_index("ix_outbox_waiting", table_name="outbox")
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL AND gave_up_at IS NULL"),
    )


def downgrade() -> None:
    # The postman before this revision would send them, empty.
    op.execute("DELETE FROM outbox WHERE gave_up_at IS NOT NULL")
    op.drop_index("ix_outbox_waiting", table_name="outbox")
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.drop_column("outbox", "trouble")
    op.drop_column("outbox", "gave_up_at")
