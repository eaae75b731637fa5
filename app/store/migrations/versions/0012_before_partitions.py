"""what the tables that grow need before they become partitions"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

GROWING = (("journal_event", "at"), ("call", "at"), ("inbox_event", "received_at"))

# A promise about every row, so that becoming a partition need not read them. Three months: the next
# revision follows at once, and if it cannot, there is time to find out why.
_PROMISE = """
DO $$ BEGIN EXECUTE format(
    'ALTER TABLE {table} ADD CONSTRAINT {table}_before CHECK ({column} < %L) NOT VALID',
    to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '3 months', 'YYYY-MM-DD')
    || ' 00:00:00+00'); END $$
"""


def upgrade() -> None:
    # Each piece by itself and only for a moment, while others read and write; all of it may be
    # done again after a piece failed.
    with op.get_context().autocommit_block():
        for table, column in GROWING:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_before")
            op.execute(_PROMISE.format(table=table, column=column))
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {table}_before")
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {table}_before_pkey")
            # It waits for those who read before it began, and nobody waits for it.
            op.execute("SET lock_timeout = '5min'")
            op.execute(
                f"CREATE UNIQUE INDEX CONCURRENTLY {table}_before_pkey ON {table} (id, {column})"
            )
            op.execute("RESET lock_timeout")


def downgrade() -> None:
    for table, _ in GROWING:
        op.drop_index(f"{table}_before_pkey", table_name=table)
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_before")
