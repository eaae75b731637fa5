"""replay_item: the runs that an order is still in, which every commit that gives it back asks for"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

NAME = "replay_item_open"


def upgrade() -> None:
    # While others read and write; it may be done again after it failed.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5min'")  # it waits for who reads, and nobody waits for it
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {NAME} ON replay_item (order_id)"
            " WHERE result_state = 'running'"
        )
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.drop_index(NAME)
