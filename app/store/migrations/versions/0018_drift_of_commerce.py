"""the drift sweep in Commerce: how far it came, and findings of documents that never came in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UNTOLD = """
CREATE UNIQUE INDEX CONCURRENTLY drift_finding_untold ON drift_finding (tenant_id, key)
WHERE order_id IS NULL AND standing <> 'closed'
"""


def upgrade() -> None:
    op.add_column("drift_sweep", sa.Column("commerce", sa.JSON(), nullable=True))
    op.alter_column("drift_finding", "order_id", existing_type=sa.BigInteger(), nullable=True)
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5min'")  # it waits for who reads, and nobody waits for it
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS drift_finding_untold")
        op.execute(UNTOLD)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.drop_index("drift_finding_untold", table_name="drift_finding")
    op.execute("DELETE FROM drift_finding WHERE order_id IS NULL")
    op.alter_column("drift_finding", "order_id", existing_type=sa.BigInteger(), nullable=False)
    op.drop_column("drift_sweep", "commerce")
