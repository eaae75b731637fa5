"""G3, G4, D-12: a document is dated on the day that was meant, wherever clocks are ahead or behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain import bills, ledger_orders, sales_invoices
from app.domain.days import day
from app.domain.order import OrderView, build
from tests.builders import SETTINGS, came, event, ordered, purchase_order, snapshot
from tests.builders import merged as documents

SYDNEY, NEW_YORK = "Australia/Sydney", "America/New_York"


def view(*events: Any, zone: str) -> OrderView:
    return build(snapshot(documents(*events)), {**SETTINGS, "commerce_zone": ZoneInfo(zone)})


@pytest.mark.parametrize(
    ("stated", "zone", "meant"),
    [
        ("2026-12-01", SYDNEY, "2026-12-01"),
        ("2026-12-01T00:00:00", NEW_YORK, "2026-12-01"),
        ("2026-12-01T00:00:00+11:00", "UTC", "2026-12-01"),
        ("2026-11-30T21:00:00-05:00", SYDNEY, "2026-11-30"),
        ("2026-11-30T13:00:00Z", SYDNEY, "2026-12-01"),  # its first moment, in UTC
        ("2026-12-01T04:30:00Z", NEW_YORK, "2026-11-30"),
        ("2026-12-01T00:00:00Z", NEW_YORK, "2026-12-01"),  # a bare day that was given an offset
        ("2026-12-01T00:00:00Z", SYDNEY, "2026-12-01"),
        ("2026-10-03T14:00:00Z", SYDNEY, "2026-10-04"),  # the day on which its clocks go forward
        ("2026-10-04T12:59:59Z", SYDNEY, "2026-10-04"),
        ("2026-10-04T13:00:00Z", SYDNEY, "2026-10-05"),
        ("2026-11-30T13:00:00Z", "UTC", "2026-11-30"),
    ],
)
def test_the_day_of_a_stated_date(stated: str, zone: str, meant: str):
    assert day(datetime.fromisoformat(stated), ZoneInfo(zone)).isoformat() == meant


def test_a_bill_is_dated_as_its_supplier_dated_it_and_due_when_he_says():
    """In UTC both would lie in November, and in the quarter that is reported already."""
    start = purchase_order(orderDate="2026-11-30T13:00:00Z")
    papers = {
        "supplierInvoiceNumber": "S-1",
        "supplierInvoiceDate": "2026-12-01T00:00:00+11:00",
        "dueDate": "2026-12-31T00:00:00+11:00",
    }
    found = view(ordered(), came(start, "R-1", {1: 10}, **papers)[1], zone=SYDNEY)
    want = bills.wanted(found, "receipt:8891:R-1")
    assert want is not None
    assert (want["on"], want["due"]) == ("2026-12-01", "2026-12-31")
    bought = ledger_orders.wanted(found, "po:8891")
    assert bought is not None
    assert bought["on"] == "2026-12-01"


def test_a_bill_without_papers_is_dated_on_the_day_on_which_its_goods_came():
    _, told = came(purchase_order(), "R-1", {1: 10})
    told["data"]["receipt"]["receivedDate"] = "2026-11-30T22:15:00Z"
    want = bills.wanted(view(ordered(), told, zone=SYDNEY), "receipt:8891:R-1")
    assert want is not None
    assert want["on"] == "2026-12-01"
    assert "due" not in want


def test_a_sales_invoice_keeps_its_days():
    issued = {
        "id": 7001,
        "invoiceNumber": "IN7001",
        "salesOrderID": 1201,
        "customerID": 77,
        "issueDate": "2026-11-30T13:00:00Z",
        "dueDate": "2026-12-14T13:00:00Z",
        "modifiedDate": "2026-12-01T00:10:00Z",
        "lines": [{"id": 1, "kind": "product", "title": "P", "quantity": 1, "price": 1}],
        "customer": {"id": 77, "name": "Contoso Ltd"},
    }
    found = view(ordered(), event("sales_invoice.issued", salesInvoice=issued), zone=SYDNEY)
    want = sales_invoices.wanted(found, "invoice:7001")
    assert want is not None
    assert (want["on"], want["due"]) == ("2026-12-01", "2026-12-15")


def test_moments_are_still_compared_as_moments():
    _, told = came(purchase_order(), "R-1", {1: 10})
    told["data"]["receipt"]["receivedDate"] = "2026-12-01T00:00:00+11:00"
    (one,) = view(ordered(), told, zone=SYDNEY).receipts
    assert one.received_date == datetime(2026, 11, 30, 13, tzinfo=UTC)
