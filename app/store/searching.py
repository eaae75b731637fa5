"""Orders by any part of what people call them: numbers, customers, supplier invoices, serials.

Owns the queries, each branch over an index: beginnings by text_pattern_ops, parts inside by the
three-character parts of `search_parts`, whole ids by their unique rule. A text of less than three
characters is looked for at beginnings only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.desk import Found
from app.domain.views import Page
from app.store import rows
from app.store.database import Part, Session, fetch_anew
from app.store.pages import after_pair, pair_page
from app.store.texts import escaped, text
from app.store.words import MOST_HITS, REFS, SHORTEST

# $1 tenant, $2 the text, $3 its pattern of the beginning, $4 of a part inside, $5 kinds of records,
# $6 and $7 where the page before ended, $8 how many. What stands in a subquery with OFFSET 0 is
# planned by itself: only by the index of parts, never by the order that its hits are wanted in.
_BEGINNING = f"""
    (SELECT id, 1 AS rank, 'order' AS what, {rows.ORDER_NAME} AS text FROM orders AS o
     WHERE tenant_id = $1 AND lower(number) LIKE lower($3) ORDER BY id DESC LIMIT {MOST_HITS})
    UNION ALL
    (SELECT order_id, 2, kind, number FROM document
     WHERE tenant_id = $1 AND number IS NOT NULL AND lower(number) LIKE lower($3)
       AND order_id IS NOT NULL AND kind <> 'sales_order' ORDER BY id DESC LIMIT {MOST_HITS})
    UNION ALL
    (SELECT id, 3, 'customer', customer FROM orders
     WHERE tenant_id = $1 AND lower(customer) LIKE lower($3) ORDER BY id DESC LIMIT {MOST_HITS})
    UNION ALL
    SELECT r.order_id, 4, e.kind, e.external_id FROM external_ref AS e
    JOIN order_ref AS r ON r.ref_id = e.id
    WHERE e.tenant_id = $1 AND e.external_id = $2 AND e.kind = ANY ($5::text[])
    UNION ALL
    (SELECT o.id, 5, 'commerce', o.source_id FROM connection AS c
     JOIN orders AS o ON o.connection_id = c.id AND o.source_id = $2 WHERE c.tenant_id = $1)
"""  # noqa: S608 - constant text
_ORDER_PARTS = "search_parts(coalesce(number, '') || chr(10) || coalesce(customer, ''))"
_DOCUMENT_PARTS = "search_parts(coalesce(words, number))"
_IN_ORDERS = "tenant_id = $1 AND (lower(number) LIKE lower($4) OR lower(customer) LIKE lower($4))"
_IN_DOCUMENTS = """tenant_id = $1 AND order_id IS NOT NULL AND (kind <> 'sales_order' OR words IS NOT NULL)
       AND lower(coalesce(words, number)) LIKE lower($4)"""
_NEWEST = f"ORDER BY id DESC LIMIT {MOST_HITS}"
_OF_ORDERS = "SELECT id, tenant_id, number, customer FROM orders"
_OF_DOCUMENTS = "SELECT id, tenant_id, order_id, kind, number, words FROM document"


def _inside(orders: str, documents: str) -> str:
    """The branches that look inside, over the rows that may hold it."""
    return f"""
    UNION ALL
    SELECT id, CASE WHEN lower(number) LIKE lower($4) THEN 6 ELSE 8 END,
        CASE WHEN lower(number) LIKE lower($4) THEN 'order' ELSE 'customer' END,
        CASE WHEN lower(number) LIKE lower($4) THEN number ELSE customer END
    FROM ({orders}) AS o
    UNION ALL
    SELECT order_id, 7, CASE WHEN kind = 'sales_order' THEN 'reference' ELSE kind END,
        (SELECT min(word COLLATE "C") FROM unnest(string_to_array(coalesce(words, number), chr(10))) AS word
         WHERE lower(word) LIKE lower($4))
    FROM ({documents}) AS d
"""  # noqa: S608 - constant text


# Constant text. Of what few hold: all of them by their parts, then the newest.
_FEW = {
    "orders": f"SELECT * FROM ({_OF_ORDERS} WHERE {_ORDER_PARTS} @> search_parts($2) OFFSET 0) AS o"  # noqa: S608
    f" WHERE {_IN_ORDERS} {_NEWEST}",
    "documents": f"SELECT * FROM ({_OF_DOCUMENTS} WHERE {_DOCUMENT_PARTS} @> search_parts($2) OFFSET 0)"  # noqa: S608
    f" AS d WHERE {_IN_DOCUMENTS} {_NEWEST}",
}
# Of what many hold: from the newest on, until there are enough.
_MANY = {
    "orders": f"{_OF_ORDERS} WHERE {_IN_ORDERS} {_NEWEST}",
    "documents": f"{_OF_DOCUMENTS} WHERE {_IN_DOCUMENTS} {_NEWEST}",
}
_COUNT = f"""
SELECT (SELECT count(*) FROM (SELECT FROM orders
        WHERE {_ORDER_PARTS} @> search_parts($1) OFFSET 0 LIMIT $2) AS o) AS orders,
    (SELECT count(*) FROM (SELECT FROM document
        WHERE {_DOCUMENT_PARTS} @> search_parts($1) OFFSET 0 LIMIT $2) AS d) AS documents
"""  # noqa: S608 - constant text
MANY = 2 * MOST_HITS  # rows, from which a text is one that many hold


def statement(inside: str) -> str:
    """The whole query, with or without the branches that look inside."""
    return f"""
WITH hits AS ({_BEGINNING}{inside}), best AS (
    SELECT DISTINCT ON (id) id, rank, what, text FROM hits
    WHERE $4::text IS NOT NULL ORDER BY id DESC, rank, text COLLATE "C"
), page AS (
    SELECT * FROM best WHERE (rank, -id) > ($6::bigint, -$7::bigint)
    ORDER BY rank, id DESC LIMIT $8
)
SELECT {rows.ORDER_COLUMNS}, b.rank, b.what, b.text FROM page AS b
JOIN orders AS o ON o.id = b.id JOIN connection AS c ON c.id = o.connection_id
ORDER BY b.rank, o.id DESC
"""  # noqa: S608 - constant text


SHORT, LONG = statement(""), statement(_inside(**_FEW))


async def _told(session: Session, plain: str) -> str:
    """The query that fits how many rows hold the parts of a text: statistics do not know it."""
    if len(plain) < SHORTEST:
        return SHORT
    found = await session.fetchrow(_COUNT, plain, MANY)
    assert found is not None  # noqa: S101 - a row of counts
    of = {name: (_MANY if found[name] >= MANY else _FEW)[name] for name in ("orders", "documents")}
    return statement(_inside(**of))


class Searching(Part):
    """The part of the store behind the search."""

    async def search(
        self, tenant_id: int, text_: str, cursor: str | None, limit: int
    ) -> Page[Found]:
        rank, last = after_pair(cursor)
        plain = text(text_)
        inside = escaped(plain)
        patterns = (f"{inside}%", f"%{inside}%")
        async with self._db.session() as session:
            told = await _told(session, plain)
            found = await fetch_anew(
                session, told, tenant_id, plain, *patterns, REFS, rank, last, limit + 1
            )
        return pair_page(found, limit, "rank", _found)


def _found(row: Mapping[str, Any]) -> Found:
    return Found(rows.order(row), row["what"], row["text"] or "")
