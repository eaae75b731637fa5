"""search inside words: parts of numbers, names, supplier invoices and serials, each indexed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Three characters each, as they stand. Without an extension, which not every database may have.
_PARTS = """
CREATE OR REPLACE FUNCTION search_parts(said text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
AS $$ SELECT array_agg(DISTINCT substr(lower(said), n, 3)) FROM generate_series(1, length(said) - 2) AS n $$
"""
INDEXES = {
    "orders_search": "orders USING gin (search_parts(coalesce(number, '') || chr(10) || coalesce(customer, '')))",
    "document_search": "document USING gin (search_parts(coalesce(words, number)))",
}
# Of documents of before, a thousand at a time; a body with an escaped U+0000 cannot be read as text.
_WORDS = """
DO $$
DECLARE done bigint := 0; upto bigint;
BEGIN
    LOOP
        SELECT max(id) INTO upto FROM (
            SELECT id FROM document WHERE id > done ORDER BY id LIMIT 1000) AS batch;
        EXIT WHEN upto IS NULL;
        UPDATE document SET words = left(CASE kind
            WHEN 'receipt' THEN concat_ws(chr(10), number, own ->> 'supplierInvoiceNumber')
            ELSE own ->> 'reference' END, 2000)
        WHERE id > done AND id <= upto AND words IS NULL AND strpos(own::text, '\\u0000') = 0
          AND ((kind = 'receipt' AND own ->> 'supplierInvoiceNumber' <> '')
            OR (kind = 'sales_order' AND own ->> 'reference' <> ''));
        COMMIT;
        done := upto;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.add_column("document", sa.Column("words", sa.Text(), nullable=True))
    op.execute(_PARTS)
    # Each piece by itself, while others read and write; all of it may be done again after one failed.
    with op.get_context().autocommit_block():
        op.execute(_WORDS)
        op.execute("SET lock_timeout = '5min'")  # it waits for who reads, and nobody waits for it
        for name, on in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name)
    op.execute("DROP FUNCTION search_parts(text)")
    op.drop_column("document", "words")
