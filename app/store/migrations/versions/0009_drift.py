"""the drift sweep and what it found"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
TEXTS = (
    "key", "digest", "standing", "code", "system", "kind", "record", "about", "step", "subject",
    "says", "stands", "sentence", "who",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "drift_sweep",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("lease_owner", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("drift_sweep_tenant_id_fkey")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("drift_sweep_pkey")),
    )
    op.create_table(
        "drift_finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TEXTS),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("fix", sa.JSON(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("drift_finding_order_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("drift_finding_tenant_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("drift_finding_pkey")),
    )
    op.create_index(
        "drift_finding_standing",
        "drift_finding",
        ["order_id", "key"],
        unique=True,
        postgresql_where=sa.text("standing <> 'closed'"),
    )
    op.create_index("drift_finding_of_tenant", "drift_finding", ["tenant_id", "standing", "id"])


def downgrade() -> None:
    op.drop_table("drift_finding")
    op.drop_table("drift_sweep")
