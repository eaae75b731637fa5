"""due orders and new events by tenant; how often people resumed a connection"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


NEW = {
    "orders_due_of_tenant": "orders (tenant_id, due_at, id) WHERE due_at IS NOT NULL",
    "inbox_event_new_of_tenant": "inbox_event (tenant_id, id) WHERE status = 'new'",
}


def upgrade() -> None:
    op.add_column("connection", sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "connection",
        sa.Column("resumed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    # Each piece by itself, while others read and write; all of it may be done again after one failed.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5min'")  # it waits for who reads, and nobody waits for it
        for name, on in NEW.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS inbox_event_new")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.drop_index("inbox_event_new_of_tenant", table_name="inbox_event")
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
