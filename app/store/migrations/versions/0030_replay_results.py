"""replay_item: how the run of an order ended, kept with the moment"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TEXTS = ("result_state", "result_code", "result_sentence")


def upgrade() -> None:
    # Without defaults: the catalogue alone changes. What ran before has no result, and says so.
    for name in TEXTS:
        op.add_column("replay_item", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("replay_item", sa.Column("result_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("result_at", *reversed(TEXTS)):
        op.drop_column("replay_item", name)
