"""due orders and new events by tenant; how often people resumed a connection"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connection", sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "connection",
        sa.Column("resumed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.create_index(
        "orders_due_of_tenant",
        "orders",
        ["tenant_id", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.drop_index("inbox_event_new", table_name="inbox_event")
    op.create_index(
        "inbox_event_new",
        "inbox_event",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'new'"),
    )


def downgrade() -> None:
    op.drop_index("inbox_event_new", table_name="inbox_event")
    op.create_index(
        "inbox_event_new",
        "inbox_event",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'new'"),
    )
    op.drop_index("orders_due_of_tenant", table_name="orders")
    op.drop_column("connection", "resumed")
    op.drop_column("connection", "probed_at")
