"""documents by the opportunity that they name"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "document_by_opportunity",
        "document",
        ["tenant_id", "opportunity"],
        unique=False,
        postgresql_where=sa.text("opportunity IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("document_by_opportunity", table_name="document")
