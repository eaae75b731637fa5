"""the doctor's probe: whose turn it is, and what was announced in ConnectWise"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "probe_turn",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("probe_turn_tenant_id_fkey")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("probe_turn_pkey")),
    )
    op.create_table(
        "probe_record",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("external_id", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "announced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("probe_record_tenant_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("probe_record_pkey")),
    )


def downgrade() -> None:
    op.drop_table("probe_record")
    op.drop_table("probe_turn")
