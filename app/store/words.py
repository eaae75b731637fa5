"""What a search finds a document by beside its number, and how far it looks.

Owns these for every store. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.documents import Kind
from app.store.texts import text

MOST_HITS = 1000  # of one branch, the newest: a few letters may stand in every number of a year
SHORTEST = 3  # characters of a part; shorter texts are looked for at beginnings only
LONGEST = 2000  # characters of all words of a document
REFS = [
    "bill", "estimate", "invoice", "ledger_invoice", "ledger_purchase_order", "opportunity",
    "purchase_order", "sales_order", "ticket",
]  # fmt: skip


def words_of(kind: Kind, body: Mapping[str, Any], number: str | None) -> str | None:
    """A word a line, None where there is none but the number: of a receipt the supplier's invoice,
    tracking and serials with the number; of a sales order the customer's own reference."""
    if kind is Kind.RECEIPT:
        told = [body.get("supplierInvoiceNumber"), body.get("trackingNumber"), *_serials(body)]
        first = [number] if number is not None else []
    elif kind is Kind.SALES_ORDER:
        told, first = [body.get("reference")], []
    else:
        return None
    words = [" ".join(one.split()) for one in told if isinstance(one, str) and one.strip()]
    return text("\n".join([*first, *words]))[:LONGEST] if words else None


def _serials(body: Mapping[str, Any]) -> Iterator[Any]:
    lines = body.get("lines")
    for line in lines if isinstance(lines, list) else ():
        serials = line.get("serialNumbers") if isinstance(line, Mapping) else None
        yield from serials if isinstance(serials, list) else ()
