"""What a receipt or an invoice freezes (D-11)."""

from __future__ import annotations

from app.domain.freeze import Frozen, frozen_lines
from tests.builders import applied, fact, intent, issued, line, ordered, purchase_order, view

PO = purchase_order()
SYNCED = applied(
    "sync_purchase_order",
    "po:8891",
    {
        "order": "1201",
        "purchase_order": 8891,
        "shares": [
            {"po_line": 1, "product": 301, "line": "1", "quantity": 6, "cost": 80},
            {"po_line": 1, "product": 301, "line": "2", "quantity": 3, "cost": 80},
            {"po_line": 1, "product": 301, "line": None, "quantity": 1, "cost": 80},
        ],
    },
)
ORDERED = ordered(lines=[line(1, quantity=6), line(2, quantity=3)])


def _received(to: int) -> object:
    want = {"purchase_order": 8891, "lines": [{"line": 1, "product": 301, "from": 0, "to": to}]}
    return applied("receive_purchase_order", "receipt:8891:R-1", want)


def test_d11_a_line_without_a_receipt_or_an_invoice_is_free() -> None:
    assert frozen_lines(view(ORDERED, issued(PO), ledger=[SYNCED])) == {}


def test_d11_a_receipt_freezes_the_lines_that_it_was_linked_to_in_their_order() -> None:
    seen = view(ORDERED, issued(PO), ledger=[SYNCED, _received(8)])
    assert frozen_lines(seen) == {"1": Frozen(received=6), "2": Frozen(received=2)}
    seen = view(ORDERED, issued(PO), ledger=[SYNCED, _received(4)])
    assert frozen_lines(seen) == {"1": Frozen(received=4)}


def test_d11_what_was_received_stays_frozen_when_the_line_or_the_purchase_order_goes() -> None:
    without = ordered(lines=[line(2, quantity=3)])
    cancelled = issued(purchase_order(status=90, minute=20))
    seen = view(without, issued(PO), cancelled, ledger=[SYNCED, _received(10)])
    assert frozen_lines(seen) == {"1": Frozen(received=6), "2": Frozen(received=3)}


def test_d11_an_invoice_freezes_goods_and_header_amounts() -> None:
    seen = view(ORDERED, facts=[fact("invoicing", {"invoiced": {"1": 6, "2": 0, "delivery": 1}})])
    assert frozen_lines(seen) == {"1": Frozen(invoiced=6), "delivery": Frozen(invoiced=1)}
    assert frozen_lines(seen)["1"].by == "an invoice of 6"


def test_d11_a_receipt_that_nobody_answered_freezes_its_lines() -> None:
    seen = view(
        ORDERED,
        issued(PO),
        ledger=[SYNCED],
        intents=[intent("receive_purchase_order", "receipt:8891:R-1", "receipt")],
    )
    assert frozen_lines(seen) == {"1": Frozen(in_doubt=True), "2": Frozen(in_doubt=True)}
    assert frozen_lines(seen)["1"].by == "a receipt without an answer"
