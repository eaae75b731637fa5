"""the console: sessions, numbers of documents, and indexes to search by"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# A body with an escaped U+0000 cannot be read as text; such a document gets its number when it
# comes in again.
_NUMBERS = """
UPDATE document SET number = left(own ->> 'orderNumber', 300)
WHERE kind IN ('sales_order', 'purchase_order') AND strpos(own::text, '\\u0000') = 0
"""


def upgrade() -> None:
    op.create_table(
        "console_session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("console_session_tenant_id_fkey")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("console_session_pkey")),
    )
    op.create_index("console_session_by_end", "console_session", ["expires_at"], unique=False)
    op.add_column("document", sa.Column("number", sa.Text(), nullable=True))
    op.execute(_NUMBERS)
    op.create_index(
        "document_by_number",
        "document",
        ["tenant_id", sa.text("lower(number) text_pattern_ops")],
        unique=False,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    for name, column in (("number", "number"), ("customer", "customer")):
        op.create_index(
            f"orders_find_{name}",
            "orders",
            ["tenant_id", sa.text(f"lower({column}) text_pattern_ops")],
            unique=False,
        )
    op.create_index("replay_of_tenant", "replay", ["tenant_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_index("replay_of_tenant", table_name="replay")
    for name in ("number", "customer"):
        op.drop_index(f"orders_find_{name}", table_name="orders")
    op.drop_index("document_by_number", table_name="document")
    op.drop_column("document", "number")
    op.drop_index("console_session_by_end", table_name="console_session")
    op.drop_table("console_session")
