"""ConnectWise's records at every moment, replayed from the simulator's log.

Owns the rows and the few questions that the rules ask of them. A write is judged between `before`
and `after`; nothing here knows a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
MARK = "dl:"


class Mirror:
    """Tables of rows by id. `apply` takes what one log entry says it changed."""

    def __init__(self, first: Mapping[str, Sequence[Row]]) -> None:
        self.tables: dict[str, dict[int, Row]] = {
            name: {int(row["id"]): row for row in rows} for name, rows in first.items()
        }

    def apply(self, changed: Iterable[Mapping[str, Any]]) -> None:
        for change in changed:
            table = self.tables.setdefault(change["table"], {})
            if change["row"] is None:
                table.pop(int(change["id"]), None)
            else:
                table[int(change["id"])] = change["row"]

    def get(self, table: str, number: Any) -> Row | None:
        return self.tables.get(table, {}).get(int(number)) if number is not None else None

    def rows(self, table: str) -> Iterator[Row]:
        return iter(tuple(self.tables.get(table, {}).values()))

    def status(self, table: str, number: Any) -> Row:
        return self.get(table, number) or {}

    # Questions ----------------------------------------------------------------------------

    def sku(self, catalog_item: Any) -> str:
        item = self.get("catalog", catalog_item)
        return str(item["identifier"]) if item is not None else f"item {catalog_item}"

    def links_of_line(self, line: int) -> list[Row]:
        return [link for link in self.rows("link") if link["line"] == line]

    def links_of_product(self, product: int) -> list[Row]:
        return [link for link in self.rows("link") if link["product"] == product]

    def marked(self, prefix: str) -> list[Row]:
        """Products that carry a mark of the service that begins so, and are not cancelled."""
        return [
            row
            for row in self.rows("product")
            if str(row.get("integrationXRef") or "").startswith(prefix) and wanted(row) > 0
        ]

    def received(self, product: int) -> float:
        """Pieces received for a product, over all its links."""
        return sum(float(link.get("received") or 0) for link in self.links_of_product(product))

    def shipped(self, product: int) -> float:
        details = (row for row in self.rows("shipping") if row["productItem"] == product)
        return sum(float(row.get("shippedQuantity") or 0) for row in details)

    def open_demand(self, product: Row) -> float:
        """What is on no purchase order yet, of a product on a sales order or ticket."""
        if not placed(product) or product.get("invoice") is not None:
            return 0.0
        linked = sum(float(link["quantity"]) for link in self.links_of_product(product["id"]))
        return max(wanted(product) - linked, 0.0)


def placed(product: Row) -> bool:
    """Whether a product stands on what raises demand and is invoiced."""
    return product.get("salesOrder") is not None or product.get("ticket") is not None


def wanted(product: Row) -> float:
    """Ordered less cancelled."""
    cancelled = float(product.get("quantityCancelled") or 0)
    return max(float(product.get("quantity") or 0) - cancelled, 0.0)


def order_of(mark: Any) -> int | None:
    """The Commerce order that a mark `dl:{connection}:{order}:{line}` names."""
    parts = str(mark or "").split(":")
    if len(parts) != 4 or f"{parts[0]}:" != MARK or not parts[2].isdecimal():
        return None
    return int(parts[2])


def line_of(mark: Any) -> str:
    return str(mark).rsplit(":", 1)[-1]
