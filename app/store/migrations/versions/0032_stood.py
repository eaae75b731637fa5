"""orders: what stopped each last, since when, and when a person last acted on it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

MOMENTS = ("stood_since", "stood_until", "acted_at")


def upgrade() -> None:
    op.add_column("orders", sa.Column("stood_as", sa.Text(), nullable=True))
    for name in MOMENTS:
        op.add_column("orders", sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    for name in (*MOMENTS, "stood_as"):
        op.drop_column("orders", name)
