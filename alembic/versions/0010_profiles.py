"""Fields of a site's own: what users tell of themselves, and those who have just registered.

Revision 0010, after 0009. A new table, and a column with a default: the program before this
revision does not notice them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "profile_values",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"],
            name=op.f("fk_profile_values_user_id"), ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "name", name=op.f("pk_profile_values")),
    )  # fmt: skip
    op.create_index("ix_profile_values_search", "profile_values", ["name", "search_key"])
    op.add_column(
        "registrations",
        sa.Column("profile", JSONB(), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("registrations", "profile")
    op.drop_table("profile_values")
