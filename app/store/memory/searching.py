"""The search in memory: every row is looked at, by the same rules and in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.desk import Found
from app.domain.views import Page
from app.store import rows
from app.store.memory.database import Part, full_order, order_name
from app.store.memory.tables import Row, Tables
from app.store.pages import after_pair, pair_page
from app.store.words import MOST_HITS, REFS, SHORTEST

Hit = tuple[int, int, str, str]  # order, rank, what, text


class Searching(Part):
    """The part of the store behind the search."""

    async def search(
        self, tenant_id: int, text_: str, cursor: str | None, limit: int
    ) -> Page[Found]:
        before = after_pair(cursor)
        tables = await self._db.read("search")
        best: dict[int, Hit] = {}
        for hit in _hits(tables, tenant_id, text_):
            known = best.get(hit[0])
            if known is None or (hit[1], hit[3].encode()) < (known[1], known[3].encode()):
                best[hit[0]] = hit
        ordered = sorted(best.values(), key=lambda hit: (hit[1], -hit[0]))
        rest = [hit for hit in ordered if (hit[1], -hit[0]) > (before[0], -before[1])]
        found: list[dict[str, Any]] = []
        for number, rank, what, said in rest[: limit + 1]:
            order = tables.orders.get(number)
            assert order is not None  # noqa: S101 - its hit came from it
            found.append({**full_order(tables, order), "rank": rank, "what": what, "text": said})
        return pair_page(
            found, limit, "rank", lambda row: Found(rows.order(row), row["what"], row["text"])
        )


def _hits(tables: Tables, tenant_id: int, given: str) -> Iterator[Hit]:
    wanted, inside = given.lower(), len(given) >= SHORTEST
    orders = [row for row in tables.orders.all() if row["tenant_id"] == tenant_id]
    stored = sorted(tables.document.all(), key=lambda row: row["id"])
    placed = [
        row for row in stored if row["tenant_id"] == tenant_id and row["order_id"] is not None
    ]
    papers = [row for row in placed if row["kind"] != "sales_order"]
    yield from _newest(
        (row["id"], 1, "order", order_name(row))
        for row in reversed(orders)
        if _begins(row["number"], wanted)
    )
    yield from _newest(
        (row["order_id"], 2, row["kind"], row["number"])
        for row in reversed(papers)
        if _begins(row["number"], wanted)
    )
    yield from _newest(
        (row["id"], 3, "customer", row["customer"])
        for row in reversed(orders)
        if _begins(row["customer"], wanted)
    )
    for ref in tables.external_ref.all():
        if ref["tenant_id"] == tenant_id and ref["external_id"] == given and ref["kind"] in REFS:
            for own in tables.order_ref.find("ref", ref["id"]):
                yield (own["order_id"], 4, ref["kind"], given)
    for row in orders:
        if row["source_id"] == given:
            yield (row["id"], 5, "commerce", given)
    if inside:
        yield from _newest(_within(row, wanted) for row in reversed(orders))
        yield from _newest(_worded(row, wanted) for row in reversed(placed))


def _begins(value: str | None, wanted: str) -> bool:
    return value is not None and value.lower().startswith(wanted)


def _within(row: Row, wanted: str) -> Hit | None:
    if wanted in (row["number"] or "").lower():
        return (row["id"], 6, "order", row["number"])
    if wanted in (row["customer"] or "").lower():
        return (row["id"], 8, "customer", row["customer"])
    return None


def _worded(row: Row, wanted: str) -> Hit | None:
    of_sale = row["kind"] == "sales_order"
    words = (row["words"] or ("" if of_sale else row["number"]) or "").split("\n")
    fitting = [word for word in words if wanted in word.lower()]
    what = "reference" if of_sale else row["kind"]
    return (row["order_id"], 7, what, min(fitting, key=str.encode)) if fitting else None


def _newest(hits: Any) -> Iterator[Hit]:
    """The first so many, as one branch gives them."""
    many = 0
    for hit in hits:
        if hit is None:
            continue
        yield hit
        many += 1
        if many == MOST_HITS:
            return
