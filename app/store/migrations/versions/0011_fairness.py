"""due orders and new events by tenant: one tenant's flood is neither read nor locked for the others"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
