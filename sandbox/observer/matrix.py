"""Who writes what: the rows of the matrix of configurations (G9), as the observer asks them.

Owns for each configuration the writes that it may make, as (methods, path). Reads are never judged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

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
# What may be written in the ledger: documents by the names of `of_ledgers`. Vendors and customers
# are made for them, so they go with any document. The sales invoice is ConnectWise's own sync's in
# A, B and D (A5), purchase orders and bills in B and D as well.
LEDGER: dict[str, frozenset[str]] = {
    "A": frozenset({"bill"}),
    "B1": frozenset(),
    "B2": frozenset(),
    "C": frozenset({"bill", "invoice", "estimate"}),
    "D": frozenset(),
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
    """The row of each order: its own where one is told by its Commerce id, else the tenant's."""

    tenant: str
    own: Mapping[int, str] = field(default_factory=dict)

    def of(self, order: int | None) -> str:
        return self.own.get(order, self.tenant) if order is not None else self.tenant

    def of_any(self, orders: Collection[int]) -> frozenset[str]:
        """Rows that a write for these orders may follow. One for none in particular, such as a
        catalog item, serves whichever needs it."""
        if orders:
            return frozenset(map(self.of, orders))
        return frozenset({self.tenant, *self.own.values()})
