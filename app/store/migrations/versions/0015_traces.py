"""orders: the trace context of what woke them last"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("trace", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("orders", "trace")
