"""deliveries of one source under one status, by an index of each month"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# Why the version before this one goes on working.
CONTRACT = (
    "The index of the whole table is only a name until each month has its own; those are built while"
    " others read and write, and no statement of the version before names either."
)

NAME, TABLE, COLUMNS = "inbox_event_of_source", "inbox_event", "(tenant_id, source, status, id)"
_PARTS = f"""
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = '{TABLE}'::regclass ORDER BY 1
"""  # noqa: S608 - constant text


def _parts() -> list[str]:
    if op.get_context().as_sql:
        return [f"{TABLE}_default"]  # which months there are, the database alone knows
    return list(op.get_bind().execute(sa.text(_PARTS)).scalars())


def upgrade() -> None:
    # A table of months takes no index concurrently, but each month does. The name comes first: a month
    # that is made from then on has its index by it. All of it may be done again after a piece failed.
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX IF EXISTS {NAME}")
        op.execute(f"CREATE INDEX {NAME} ON ONLY {TABLE} {COLUMNS}")
        for part in _parts():
            op.execute("SET lock_timeout = '5min'")  # it waits for who reads; nobody waits for it
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {part}_of_source")
            op.execute(f"CREATE INDEX CONCURRENTLY {part}_of_source ON {part} {COLUMNS}")
            op.execute("RESET lock_timeout")
            op.execute(f"ALTER INDEX {NAME} ATTACH PARTITION {part}_of_source")


def downgrade() -> None:
    op.drop_index(NAME)
