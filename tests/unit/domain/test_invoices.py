"""What is read of invoices: by line, since when, and what is gone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.domain import invoices, psa
from app.domain.codes import Code
from app.domain.gates_of_invoice import goods_complete, release_outstanding
from app.domain.records import ORDER, Ref
from tests.builders import NOW, applied, came, fact, issued, ordered, purchase_order, view

RELEASED = applied("release_invoice", ORDER, {"bill_shipped": False, "invoice": True})


def product(key: str, invoice: int | None = None, quantity: int = 10, **more: Any) -> psa.Product:
    xref = key if ":" in key else f"dl:commerce:1201:{key}"
    return psa.Product(
        1, 5, "SKU", Decimal(quantity), Decimal(1), Decimal(1), xref, invoice_id=invoice, **more
    )


def test_b112_a_reading_tells_invoiced_quantities_by_line_and_leaves_foreign_products_out() -> None:
    products = [
        product("1", 9001, cancelled=Decimal(2)),
        product("2"),
        product("delivery", 9001, 1),
        product("dl:commerce:1300:1", 9001),
    ]
    body = invoices.noted(view(ordered()), products, whole=True)
    assert body["invoiced"] == {"1": 8, "delivery": 1}
    assert body["on"] == {"1": 9001, "delivery": 9001}


def test_d7_since_when_an_invoice_is_known_is_kept_by_later_readings() -> None:
    first = invoices.noted(view(ordered()), [product("1", 9001)], whole=True)
    later = view(ordered(), now=NOW + timedelta(hours=1), facts=[fact("invoicing", first)])
    body = invoices.noted(later, [product("1", 9001), product("2", 9002)], whole=True)
    assert body["seen"] == {
        "9001": NOW.isoformat(),
        "9002": (NOW + timedelta(hours=1)).isoformat(),
    }


def test_b112_a_reading_of_some_products_says_nothing_of_the_others() -> None:
    first = invoices.noted(view(ordered()), [product("1", 9001), product("2", 9001)], whole=True)
    seen = view(ordered(), facts=[fact("invoicing", first)])
    assert invoices.noted(seen, [product("2")])["on"] == {"1": 9001}


def test_an_invoice_is_called_by_its_number_where_that_was_read() -> None:
    numbered = [product("1", 9001, invoice_number="INV-0815"), product("2", 9002)]
    body = invoices.noted(view(ordered()), numbered, whole=True)
    seen = view(ordered(), facts=[fact("invoicing", body)])
    assert invoices.named(seen, ["1", "2"]) == "invoice INV-0815, 9002"
    assert invoices.on_invoices(seen, ["1"]) == "Product 301 on invoice INV-0815"
    gone = invoices.noted(seen, [product("1")])
    assert gone["numbers"] == {"9002": "9002"}


def test_a_reading_of_an_older_version_is_understood() -> None:
    seen = view(ordered(), facts=[fact("invoicing", {"invoiced": {"1": 10}})])
    assert invoices.invoiced_lines(seen) == {"1": 10}
    assert invoices.on_invoices(seen, ["1"]) == "Product 301"


def _complete(**more: Any) -> Any:
    po, event = came(purchase_order(), "R-1", {1: 10})
    got = {"purchase_order": 8891, "lines": [{"line": 1, "product": 301, "from": 0, "to": 10}]}
    ledger = [applied("receive_purchase_order", "receipt:8891:R-1", got), RELEASED]
    return view(ordered(), issued(po), event, ledger=ledger, **more)


def test_d5_an_invoice_of_ours_that_a_person_removed_is_told_and_not_made_again() -> None:
    ours = Ref("invoice", "ON10001201", "9001", {"lines": ["1"], "whole": True})
    there = fact("invoicing", {"invoiced": {"1": 10}, "on": {"1": 9001}})
    assert release_outstanding(_complete(refs=[ours], facts=[there])) is None
    gone = fact("invoicing", {"invoiced": {}, "on": {}})
    shut = release_outstanding(_complete(refs=[ours], facts=[gone]))
    assert shut is not None
    assert (shut.code, shut.who, shut.looks) == (Code.REMOTE_GONE, "accounting", ("invoicing",))
    assert "Invoice 9001" in shut.sentence
    left_empty = Ref("invoice", "ON10001201", "9001", {"lines": [], "whole": True})
    assert release_outstanding(_complete(refs=[left_empty], facts=[gone])) is None


def test_h10_a_sales_order_that_is_gone_stops_the_release() -> None:
    refs = [Ref("sales_order", "", "70")]
    found = view(ordered(), refs=refs, facts=[fact("invoicing", {"invoiced": {}, "gone": True})])
    shut = goods_complete(found, ORDER, NOW)
    assert shut is not None
    assert (shut.code, shut.who) == (Code.REMOTE_GONE, "sales")
    assert "Sales order 70" in shut.sentence
