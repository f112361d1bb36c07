"""Forgetting people with a long history: their lines of the audit are wiped some at a time.

Revision 0007, after 0006. A new table; the program before this revision does not notice it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "forgotten_people",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reached", MOMENT, nullable=False),
        sa.Column("since", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_forgotten_people")),
    )


def downgrade() -> None:
    # What is left to be wiped would be forgotten with the table.
    op.execute(
        "UPDATE audit_events SET ip = '0.0.0.0', user_agent = '' FROM forgotten_people p "
        "WHERE actor_id = p.user_id OR (subject_id = p.user_id AND actor_id IS NULL)"
    )
    op.drop_table("forgotten_people")
