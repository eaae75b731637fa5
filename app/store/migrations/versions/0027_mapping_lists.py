"""mappings by thousands: pages of a tenant and of a kind, what keys hold, the scenarios bound to;
and what the shell offers: orders without a number, replays by a beginning, what is not over"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

INDEXES = {
    "mapping_of_tenant": "mapping (tenant_id, id)",
    "mapping_of_kind": "mapping (tenant_id, kind, id)",
    "mapping_bound": "mapping (tenant_id, connectwise_key) WHERE kind = 'scenario'",
    "orders_unnumbered": "orders (tenant_id, id) WHERE number IS NULL",
    "drift_finding_open": "drift_finding (tenant_id, id) WHERE standing <> 'closed'",
    "replay_under_way": "replay (tenant_id, created_at) WHERE state IN ('planned', 'running')",
    "replay_by_beginning": "replay (tenant_id, id text_pattern_ops)",
    "mapping_search": (
        "mapping USING gin (mapping_parts(tenant_id, kind, commerce_key, connectwise_key))"
    ),
}
# What a mapping is found by: the parts of its keys as a search finds them, one or two characters that
# a key begins with, its kind and its tenant. So few of a kind are found among many of another. The parts
# are those of search_parts, which cannot be called here: an index is built without a search path.
_PARTS = """
CREATE OR REPLACE FUNCTION mapping_parts(tenant bigint, kind text, one text, other text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
AS $$ SELECT array_agg(DISTINCT substr(said, n, 3)) || ARRAY['#' || tenant::text, kind,
        '^' || left(lower(one), 1), '^' || left(lower(one), 2),
        '^' || left(lower(other), 1), '^' || left(lower(other), 2)]
    FROM lower(one || chr(10) || other) AS said, generate_series(1, length(said) - 2) AS n $$
"""


def upgrade() -> None:
    op.execute(_PARTS)
    # Each piece by itself, while others read and write; all of it may be done again after one failed.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5min'")  # it waits for who reads, and nobody waits for it
        for name, on in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name)
    op.execute("DROP FUNCTION mapping_parts(bigint, text, text, text)")
