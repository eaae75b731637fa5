"""lists of a year: orders by connection, code and who acts, what closed lately, findings, alerts"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None

INDEXES = {
    "orders_of_connection": "orders (connection_id, id)",
    "orders_by_code": "orders (tenant_id, code, id) WHERE code <> 'RELEASED'",
    "orders_by_who": "orders (tenant_id, who, id) WHERE who <> 'nobody'",
    "orders_closed": "orders (tenant_id, updated_at) WHERE state IN ('done', 'cancelled')",
    "applied_linked": (
        "applied (tenant_id, applied_at) WHERE step = 'link_demand' AND applied_at IS NOT NULL"
    ),
    "drift_finding_of_order": "drift_finding (order_id, id)",
    "drift_finding_by_code": "drift_finding (tenant_id, code, id)",
    "alert_of_tenant": "alert (tenant_id, id)",
}


def upgrade() -> None:
    # Each piece by itself, while others read and write; all of it may be done again after one failed.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5min'")  # it waits for who reads, and nobody waits for it
        for name, on in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name)
