"""What the steps of purchase orders and receipts want to be true (B1.1, B1.8, B1.9)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.domain.decide import same
from app.domain.order import OrderView
from app.domain.records import ORDER
from app.steps import (
    STEPS,
    link_demand,
    receive_purchase_order,
    stop_demand,
    sync_purchase_order,
)
from tests.builders import (
    Json,
    applied,
    as_kept,
    came,
    fact,
    intent,
    issued,
    line,
    order_row,
    ordered,
    po_line,
    purchase_order,
    receipt,
    received,
    view,
)

PO = "po:8891"


def want(step: str, found: OrderView, subject: str = ORDER) -> Json | None:
    wanted = STEPS[step].want(found, subject)
    return as_kept(wanted) if wanted is not None else None


def got(to: int, **more: Any) -> Any:
    lines = [{"line": 1, "product": 301, "from": 0, "to": to, "serials": []}]
    body = {"purchase_order": 8891, "lines": lines, **more}
    return applied("receive_purchase_order", "receipt:8891:R-1", body)


# --- sync_purchase_order and link_demand ----------------------------------------------------------


def test_drafts_are_no_subject_and_every_other_purchase_order_is():
    found = view(ordered(), issued(status=0), issued(purchase_order(8892)))
    for step in (sync_purchase_order, link_demand):
        assert list(step.subjects(found)) == ["po:8892"]


def test_what_is_above_the_order_is_wanted_apart_and_last():
    """B1.9: with what its catalog items need."""
    found = view(ordered(), issued(lines=[po_line(1, quantity=12)]))
    assert list(sync_purchase_order.subjects(found)) == [PO, "surplus:8891"]
    wanted = want("sync_purchase_order", found, "surplus:8891")
    assert wanted is not None
    assert [(share["line"], share["quantity"]) for share in wanted["shares"]] == [(None, 2)]
    assert [(item["sku"], item["cost"]) for item in wanted["items"]] == [("SKU-301", 80)]


def test_a_surplus_product_that_no_document_lists_still_gets_an_item():
    """`products` is optional on a purchase order."""
    bare = purchase_order(lines=[po_line(1, 301, 12), po_line(2, 999, 1)])
    del bare["products"]
    found = want("sync_purchase_order", view(ordered(), issued(bare)), "surplus:8891")
    assert found is not None
    assert [item["sku"] for item in found["items"]] == ["SKU-301", "COMMERCE-999"]


def test_a_purchase_order_that_orders_nothing_is_not_mirrored():
    """H2."""
    found = view(ordered(), issued(lines=[po_line(1, quantity=0)]))
    for step in (sync_purchase_order, link_demand, receive_purchase_order):
        assert step.want(found, PO) is None


def test_a_purchase_order_cancelled_before_it_was_mirrored_is_not_needed():
    """H3."""
    found = view(ordered(), issued(status=90))
    assert sync_purchase_order.want(found, PO) is None
    assert link_demand.want(found, PO) is None


def test_a_purchase_order_cancelled_after_it_was_mirrored_is_another_want():
    """H3: which is for a person."""
    before = applied(
        "sync_purchase_order", PO, want("sync_purchase_order", view(ordered(), issued()), PO)
    )
    found = view(ordered(), issued(status=90), ledger=[before])
    wanted = sync_purchase_order.want(found, PO)
    assert wanted is not None
    assert wanted["cancelled"] is True
    assert not same(wanted, before.want)
    assert sync_purchase_order.preview(found, wanted) == []


def test_a_purchase_order_cancelled_while_its_making_is_in_doubt_is_not_forgotten():
    """H9: the write may have arrived."""
    doubt = intent("sync_purchase_order", PO, "purchase_order", "demand")
    found = sync_purchase_order.want(view(ordered(), issued(status=90), intents=[doubt]), PO)
    assert found is not None
    assert (found["number"], found["cancelled"]) == ("PO10008891", True)
    answered = intent("sync_purchase_order", PO, "purchase_order", "demand", outcome={"id": 1})
    assert view(intents=[answered]).in_doubt == frozenset()


def test_only_linked_shares_are_linked():
    """B1.2, B1.9."""
    found = view(ordered(), issued(lines=[po_line(1, quantity=12)]))
    synced = applied("sync_purchase_order", PO, want("sync_purchase_order", found, PO))
    linked = want("link_demand", view(ordered(), issued(), ledger=[synced]), PO)
    assert linked is not None
    assert [(share["line"], share["quantity"]) for share in linked["shares"]] == [("1", 10)]


def test_a_purchase_order_that_moved_is_linked_anew():
    """H3: what stands in its ledger are another order's links."""
    old = view(ordered(), issued(), row=order_row(source_id="1200"))
    synced = applied("sync_purchase_order", PO, want("sync_purchase_order", old, PO))
    linked = applied(
        "link_demand",
        PO,
        link_demand.want(view(ordered(), issued(), ledger=[synced], row=old.row), PO),
    )
    moved = view(ordered(), issued(), ledger=[synced, linked])
    assert not same(sync_purchase_order.want(moved, PO), synced.want)
    assert not same(link_demand.want(moved, PO), linked.want)


def test_a_received_purchase_order_that_names_another_order_is_never_done():
    """H3."""
    moved = fact("purchase_order_moved", {"order": "ON10001300"}, key="8891")
    shut = sync_purchase_order.outstanding(view(ordered(), issued(), facts=[moved]), PO)
    assert shut is not None
    assert shut.code == "PURCHASE_ORDER_MOVED"


# --- receive_purchase_order -----------------------------------------------------------------------


def test_each_receipt_each_gap_and_each_purchase_order_is_a_subject():
    late = purchase_order(lines=[po_line(1, received=10)], minute=100)
    found = view(ordered(), received(late, receipt("R-2", {1: 6})))
    assert list(receive_purchase_order.subjects(found)) == [
        "gap:8891:1:0-4",
        "receipt:8891:R-2",
        PO,
    ]


def test_a_receipt_wants_its_interval_with_its_papers():
    slip = {"trackingNumber": "1Z", "serials": {1: ["A", "B"]}}
    _, event = came(purchase_order(), "R-1", {1: 2}, **slip)
    assert want("receive_purchase_order", view(ordered(), event), "receipt:8891:R-1") == {
        "purchase_order": 8891,
        "lines": [{"line": 1, "product": 301, "from": 0, "to": 2, "serials": ["A", "B"]}],
        "packing_slip": "SLIP-R-1",
        "tracking": "1Z",
        "received_at": "2026-11-19T11:40:00+00:00",
    }


def test_a_gap_has_no_papers():
    found = view(ordered(), issued(lines=[po_line(1, received=4)]))
    wanted = want("receive_purchase_order", found, "gap:8891:1:0-4")
    assert wanted is not None
    assert (wanted["packing_slip"], wanted["received_at"]) == (None, None)


def test_the_preview_counts_what_is_not_received_yet():
    found = view(ordered(), issued(lines=[po_line(1, received=10)]), ledger=[got(4)])
    wanted = receive_purchase_order.want(found, "gap:8891:1:0-10")
    assert wanted is not None
    assert receive_purchase_order.preview(found, wanted) == ["receive 6 on line 1 of PO10008891"]


def test_the_preview_tells_a_write_for_each_line_that_stands_in_connectwise():
    """D-8, B1.9: two lines of the order and a surplus behind one line of the purchase order."""
    lines = [line(1, 301, 4), line(2, 301, 3)]
    found = view(ordered(lines=lines), issued(lines=[po_line(1, quantity=9, received=9)]))
    wanted = receive_purchase_order.want(found, "gap:8891:1:0-9")
    assert wanted is not None
    told = [f"receive {quantity} on line 1 of PO10008891" for quantity in (4, 3, 2)]
    assert receive_purchase_order.preview(found, wanted) == told


def test_a10_what_comes_from_stock_is_taken_out_of_purchasing_too_and_once():
    lines = [line(1, 301, 4, quantityFromStock=4), line(2, 302, 3)]
    found = view(ordered(lines=lines))
    wanted = stop_demand.want(found, ORDER)
    assert wanted is not None
    told = [f"take Product {product} out of purchasing" for product in (301, 302)]
    assert stop_demand.preview(found, wanted) == told
    lines[1]["quantity"] = 5
    more = view(ordered(lines=lines), ledger=[applied("stop_demand", ORDER, wanted)])
    assert stop_demand.preview(more, stop_demand.want(more, ORDER) or {}) == told[1:]


def test_the_completion_carries_the_newest_supplier_invoice_and_all_freight():
    """B1.8, D-12."""
    after, first = came(purchase_order(), "R-1", {1: 4}, freight=12.5, supplierInvoiceNumber="I-1")
    _, second = came(after, "R-2", {1: 6}, minute=200, freight=1, supplierInvoiceNumber="I-2")
    wanted = want("receive_purchase_order", view(ordered(), second, first), PO)
    assert wanted is not None
    assert (wanted["invoice"], Decimal(wanted["freight"])) == ("I-2", Decimal("13.5"))


def test_what_commerce_takes_back_after_completion_is_not_silently_done():
    """H2."""
    reduced = view(ordered(), issued(lines=[po_line(1, received=8)]), ledger=[got(10)])
    shut = receive_purchase_order.outstanding(reduced, PO)
    assert shut is not None
    assert shut.code == "RECEIPT_REDUCED"
    assert receive_purchase_order.outstanding(reduced, "receipt:8891:R-1") is None
