"""An account's whole life: known browsers, proofs, addresses that change, people who leave.

Revision 0003, after 0002.

The new columns are empty or have a constant for a default: adding them rewrites nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("users", sa.Column("blocked_reason", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("delete_at", MOMENT, nullable=True))
    op.add_column("users", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("terms_accepted_at", MOMENT, nullable=True))
    op.create_index(
        "ix_users_delete_at",
        "users",
        ["delete_at"],
        unique=False,
        postgresql_where=sa.text("delete_at IS NOT NULL"),
    )
    op.add_column("registrations", sa.Column("terms_accepted_at", MOMENT, nullable=True))
    op.add_column("login_sessions", sa.Column("proven_at", MOMENT, nullable=True))
    op.add_column("one_time_tokens", sa.Column("email", sa.Text(), nullable=True))
    op.create_table(
        "devices",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("length(digest) = 32", name=op.f("ck_devices_digest_length")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_devices_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "digest", name=op.f("pk_devices")),
    )
    op.create_table(
        "held_addresses",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_held_addresses_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "email_key", name=op.f("pk_held_addresses")),
    )


def downgrade() -> None:
    # The program before this revision knows neither these links nor people who are leaving.
    op.execute("DELETE FROM one_time_tokens WHERE purpose NOT IN ('confirm', 'invite')")
    op.drop_table("held_addresses")
    op.drop_table("devices")
    op.drop_column("one_time_tokens", "email")
    op.drop_column("login_sessions", "proven_at")
    op.drop_column("registrations", "terms_accepted_at")
    op.drop_index("ix_users_delete_at", table_name="users")
    op.drop_column("users", "terms_accepted_at")
    op.drop_column("users", "failures")
    op.drop_column("users", "delete_at")
    op.drop_column("users", "blocked_reason")
