"""alerts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.text("now()")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("created_at", moment, server_default=now, nullable=False),
        sa.Column("seen_at", moment, server_default=now, nullable=False),
        sa.Column("due_at", moment, server_default=now, nullable=False),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column(
            "told", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("over_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("alert_tenant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_pkey")),
        sa.UniqueConstraint(
            "tenant_id",
            "subject",
            "code",
            "since",
            name=op.f("alert_tenant_id_subject_code_since_key"),
        ),
    )
    op.create_index(
        "alert_unsent",
        "alert",
        ["tenant_id", "id"],
        postgresql_where=sa.text("sent_at IS NULL AND over_at IS NULL"),
    )
    # The last webhook of a connection is asked for every few seconds.
    op.create_index("inbox_event_of_connection", "inbox_event", ["connection_id", "id"])


def downgrade() -> None:
    op.drop_index("inbox_event_of_connection", "inbox_event")
    op.drop_table("alert")
