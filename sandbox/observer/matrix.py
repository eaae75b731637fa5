"""Who writes what: the rows of the matrix of configurations (G9), as the observer asks them.

Owns for each configuration the writes that it may make, as (methods, path). Reads are never judged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

Allowed = tuple[tuple[str, str], ...]

ALWAYS: Allowed = (("POST|PATCH|PUT|DELETE", r"/system/callbacks(/\d+)?"),)
CATALOG: Allowed = (
    ("POST", r"/procurement/catalog"),
    ("POST|PATCH", r"/procurement/products(/\d+)?"),
)
TICKET: Allowed = (("POST|PATCH", r"/service/tickets(/\d+)?"),)
OPPORTUNITY: Allowed = (
    ("POST", r"/sales/opportunities"),
    ("PATCH", r"/sales/opportunities/\d+"),
    ("PATCH", r"/sales/opportunities/\d+/forecast/\d+"),
)
SALES_ORDER: Allowed = (
    ("POST", r"/sales/opportunities/\d+/convertToSalesOrder"),
    ("POST|PATCH", r"/sales/orders(/\d+)?"),
)
PROCUREMENT: Allowed = (
    ("POST|PATCH|PUT", r"/procurement/products/\d+/pickingShippingDetails(/\d+)?"),
    ("POST", r"/procurement/purchasingDemands"),
    ("POST|PATCH", r"/procurement/purchaseorders(/\d+)?"),
    ("POST|PATCH", r"/procurement/purchaseorders/\d+/lineitems(/\d+)?"),
    ("POST", r"/finance/invoices"),
)

# What ConnectWise buys and receives by itself, nobody writes (D2); the note is all that is told of it.
SUGGESTION: Allowed = (("POST", r"/service/tickets/\d+/notes"),)
INVOICE: Allowed = (("POST", r"/finance/invoices"),)

MATRIX: dict[str, Allowed] = {
    "B1": (*TICKET, *OPPORTUNITY, *CATALOG, *SALES_ORDER, *PROCUREMENT, *ALWAYS),
    # Of an opportunity only its status is written; there is no sales order.
    "B2": (
        *TICKET,
        ("PATCH", r"/sales/opportunities/\d+"),
        *CATALOG,
        *PROCUREMENT,
        *ALWAYS,
    ),
    # A ticket for services advice and a won opportunity; no product, no purchase order, no invoice.
    "C": (
        *TICKET,
        ("POST", r"/sales/opportunities"),
        ("PATCH", r"/sales/opportunities/\d+"),
        *ALWAYS,
    ),
    # Bills go to the ledger; ConnectWise never gets a purchase order, nor the ledger our invoice.
    "A": (*TICKET, *OPPORTUNITY, *CATALOG, *SALES_ORDER, *INVOICE, *ALWAYS),
    "D": (*TICKET, *SUGGESTION, *OPPORTUNITY, *CATALOG, *SALES_ORDER, *INVOICE, *ALWAYS),
}
# Where nothing is received in ConnectWise by the service: its releases cannot be judged by that.
NOT_RECEIVED_THERE = frozenset({"A", "D"})
# The configuration of each scenario file.
ROW_OF = {
    "connectwise-invoicing": "A",
    "connectwise-procurement-opportunity": "B1",
    "connectwise-procurement-ticket": "B2",
    "commerce-invoicing": "C",
    "connectwise-managed": "D",
}


@dataclass(frozen=True)
class Rows:
    """The row of each Commerce order: `usual`, but for those of `others`."""

    usual: str
    others: Mapping[int, str]

    def row_of(self, order: int | None) -> str:
        return self.others.get(order, self.usual) if order is not None else self.usual

    def of(self, orders: Collection[int]) -> Iterator[tuple[int | None, frozenset[str]]]:
        """The row that each order's write has to be in. Where a write tells no order, it has to be
        in one of those in use."""
        for order in orders:
            yield order, frozenset({self.row_of(order)})
        if not orders:
            yield None, frozenset({self.usual, *self.others.values()})


def allows(row: str, method: str, path: str) -> bool:
    """Whether a row has the write."""
    return any(
        method in methods.split("|") and re.fullmatch(pattern, path.rstrip("/"))
        for methods, pattern in MATRIX[row]
    )
