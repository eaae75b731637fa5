"""calls: the personal values that were taken out of them, sealed, where they are kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default: the catalogue alone changes, of every month at once.
    op.add_column("call", sa.Column("sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("call", "sealed")
