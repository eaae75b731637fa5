"""Who wrote what: the writes of the service as the sandboxes' logs hold them, by the columns of G9.

Owns the table from method and path to the kind of a write; a write that it does not know is an
error. Shares no code with the service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from tests.e2e.harness import Rest
from tests.e2e.ledgers import Kept


class Write(StrEnum):
    """A column of the matrix, or what a column consists of."""

    TICKET = "ticket"
    SUGGESTION = "note of a suggestion"
    OPPORTUNITY_WON = "opportunity won"
    PRODUCTS = "SKU and products"
    SALES_ORDER = "sales order"
    DEMAND = "purchasing demand"
    PURCHASE_ORDER = "purchase order"
    RECEIVING = "receiving"
    RELEASE = "release for invoicing"
    INVOICE = "ConnectWise's invoice"
    LEDGER_CONTACT = "vendor or customer in the ledger"
    LEDGER_INVOICE = "invoice in the ledger"
    LEDGER_BILL = "bill in the ledger"
    LEDGER_PURCHASE_ORDER = "purchase order in the ledger"


WRITES = ("POST", "PUT", "PATCH", "DELETE")
# (methods, path, a word of the body that tells it from the rows below, kind): the first that fits.
CONNECTWISE: tuple[tuple[str, str, str, Write], ...] = (
    ("PATCH", r"/service/tickets/\d+", '"path":"status', Write.RELEASE),
    ("POST|PATCH", r"/service/tickets(/\d+)?", "", Write.TICKET),
    ("POST", r"/service/tickets/\d+/notes", "[demandlink suggestion ", Write.SUGGESTION),
    ("PATCH", r"/sales/opportunities/\d+", '"path":"status', Write.OPPORTUNITY_WON),
    ("PATCH", r"/sales/opportunities/\d+/forecast/\d+", "", Write.PRODUCTS),
    ("POST", r"/procurement/catalog", "", Write.PRODUCTS),
    ("POST|PATCH", r"/procurement/products(/\d+)?", "", Write.PRODUCTS),
    ("POST", r"/sales/opportunities/\d+/convertToSalesOrder", "", Write.SALES_ORDER),
    ("POST", r"/sales/orders", "", Write.SALES_ORDER),
    ("PATCH", r"/sales/orders/\d+", "", Write.RELEASE),
    ("POST", r"/procurement/purchasingDemands", "", Write.DEMAND),
    ("POST|PATCH", r"/procurement/purchaseorders(/\d+)?", "", Write.PURCHASE_ORDER),
    ("PATCH", r"/procurement/purchaseorders/\d+/lineitems/\d+", "receivedQ", Write.RECEIVING),
    ("POST|PATCH", r"/procurement/purchaseorders/\d+/lineitems(/\d+)?", "", Write.PURCHASE_ORDER),
    ("POST", r"/finance/invoices", "", Write.INVOICE),
)
XERO: tuple[tuple[str, str, str, Write], ...] = (
    ("PUT|POST", r".*/Invoices(/[^/]+)?", '"ACCREC"', Write.LEDGER_INVOICE),
    ("PUT|POST", r".*/Invoices(/[^/]+)?", '"ACCPAY"', Write.LEDGER_BILL),
    ("PUT|POST", r".*/PurchaseOrders(/[^/]+)?", "", Write.LEDGER_PURCHASE_ORDER),
    ("PUT|POST", r".*/Contacts(/[^/]+)?", "", Write.LEDGER_CONTACT),
)
QUICKBOOKS: tuple[tuple[str, str, str, Write], ...] = (
    ("POST", r"/v3/company/\d+/invoice", "", Write.LEDGER_INVOICE),
    ("POST", r"/v3/company/\d+/bill", "", Write.LEDGER_BILL),
    ("POST", r"/v3/company/\d+/purchaseorder", "", Write.LEDGER_PURCHASE_ORDER),
    ("POST", r"/v3/company/\d+/(vendor|customer)", "", Write.LEDGER_CONTACT),
)
LEDGER = {"xero": XERO, "quickbooks": QUICKBOOKS}
SIGNING_IN = re.compile(r".*(/token|/tokens/bearer|/authorize|/connect/oauth2|/connections)$")


async def written(books: Kept) -> set[Write]:
    """The kinds of what the service wrote, in ConnectWise and in the ledger; refused ones too."""
    service = books.stack.sandbox.credentials.headers["clientId"]
    there = [one for one in await books.stack.requests() if one.get("client") == service]
    posted = [one for one in await books.ledger.requests() if not SIGNING_IN.match(one["path"])]
    return kinds(there, CONNECTWISE) | kinds(posted, LEDGER[books.name])


def kinds(entries: Iterable[Rest], table: tuple[tuple[str, str, str, Write], ...]) -> set[Write]:
    """The kinds of the writes among the entries of a log."""
    return {_kind(entry, table) for entry in entries if entry["method"] in WRITES}


def _kind(entry: Rest, table: tuple[tuple[str, str, str, Write], ...]) -> Write:
    path = entry["path"].split("/apis/3.0")[-1]
    body = _text(entry["body"])
    for methods, pattern, word, kind in table:
        if entry["method"] in methods.split("|") and re.fullmatch(pattern, path) and word in body:
            return kind
    raise AssertionError(f"No column of G9 knows {entry['method']} {path}: {body[:400]}")


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
