"""Gates one by one: what shuts them, who acts, and what opens them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain import gates, gates_of_buying, gates_of_goods, gates_of_invoice
from app.domain.codes import Code, Who
from app.domain.order import OrderView
from app.domain.records import ORDER, Fact, Ref
from app.domain.shut import Gate
from tests.builders import (
    NOW,
    SERVICE,
    Json,
    applied,
    came,
    fact,
    issued,
    line,
    ordered,
    po_line,
    product,
    purchase_order,
    sales_order,
    view,
    won,
)

PO = "po:8891"


def got(po_id: int, line_id: int, to: int, key: str = "R-1") -> Any:
    """A receipt as it stands in the ledger once it was received in ConnectWise."""
    lines = [{"line": line_id, "product": 301, "from": 0, "to": to, "serials": []}]
    want = {"purchase_order": po_id, "lines": lines}
    return applied("receive_purchase_order", f"receipt:{po_id}:{key}", want)


def shut(gate: Gate, found: OrderView, subject: str = ORDER) -> Code | None:
    answer = gate(found, subject, found.now)
    return answer.code if answer is not None else None


def test_the_table_names_every_gate_by_its_function():
    assert all(gate.__name__ == name for name, gate in gates.GATES.items())


# --- the sales order ------------------------------------------------------------------------------


def test_documents_wait_for_the_sales_order_that_they_name():
    """H1."""
    answer = gates.sales_order_known(view(issued()), ORDER, NOW)
    assert answer is not None
    assert answer.code is Code.SALES_ORDER_UNKNOWN
    assert "A purchase order came in" in answer.sentence
    assert shut(gates.sales_order_known, view(issued(), ordered())) is None


def test_a_draft_is_never_mirrored():
    assert shut(gates.sales_order_approved, view(ordered(status=1))) is Code.ORDER_NOT_APPROVED
    assert shut(gates.sales_order_approved, view(ordered(status=3))) is None


def test_a_total_that_does_not_add_up_is_for_a_person():
    """D-12."""
    answer = gates.total_agrees(view(ordered(total=999)), ORDER, NOW)
    assert answer is not None
    assert (answer.code, "1000" in answer.sentence) == (Code.TOTAL_MISMATCH, True)


@pytest.mark.parametrize(("total", "code"), [("1000.05", None), ("1000.06", Code.TOTAL_MISMATCH)])
def test_a_rounding_gap_up_to_the_limit_is_none(total, code):
    """D-12."""
    assert shut(gates.total_agrees, view(ordered(total=float(total)))) is code


# --- the quote (B1.5) -----------------------------------------------------------------------------


def seen(minutes: float) -> Fact:
    return fact("sales_order_seen", {}, seen_at=NOW - timedelta(minutes=minutes))


def test_an_order_waits_for_the_quote_that_it_names():
    found = view(ordered(quoteID=501), facts=[seen(5)])
    answer = gates.quote_known(found, ORDER, NOW)
    assert answer is not None
    assert (answer.code, answer.until) == (Code.QUOTE_MISSING, NOW + timedelta(minutes=10))
    assert answer.never_held


def test_the_quote_is_waited_for_from_when_the_order_came_whatever_happened_since():
    """The reason may have changed in between; the wait does not start anew."""
    found = view(ordered(quoteID=501), facts=[seen(15)])
    assert gates.quote_known(found, ORDER, NOW) is None


def test_a_quote_that_is_there_or_was_never_named_is_not_waited_for():
    assert shut(gates.quote_known, view(ordered(quoteID=501), won())) is None
    assert shut(gates.quote_known, view(ordered())) is None


# --- the opportunity (D-13) -----------------------------------------------------------------------


def test_an_opportunity_that_carries_another_order_is_not_taken():
    shared = {("opportunity", "88"): ("ON10001100",)}
    answer = gates.opportunity_free(view(ordered(), shared=shared), ORDER, NOW)
    assert answer is not None
    assert answer.code is Code.OPPORTUNITY_SHARED
    assert "ON10001100" in answer.sentence


def test_an_opportunity_that_is_ours_already_stays_ours():
    shared = {("opportunity", "88"): ("ON10001100",)}
    found = view(ordered(), shared=shared, refs=[Ref("opportunity", "", "88")])
    assert shut(gates.opportunity_free, found) is None


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("create", None), ("plain_sales_order", None), ("hold", Code.OPPORTUNITY_MISSING)],
)
def test_an_order_without_an_opportunity_is_held_only_where_that_is_set(behaviour, code):
    found = view(ordered(opportunity=None), opportunity_missing=behaviour)
    assert shut(gates.opportunity_free, found) is code


def test_the_quote_can_name_the_opportunity():
    found = view(ordered(opportunity=None, quoteID=501), won(), opportunity_missing="hold")
    assert found.opportunity_id == 88
    assert shut(gates.opportunity_free, found) is None


# --- the ConnectWise sales order (B1.7, D-3) ------------------------------------------------------


def by_person(*facts: Fact, **more: Any) -> OrderView:
    kept: Json = {
        "ledger": [applied("win_opportunity", ORDER, {})],
        "refs": [Ref("opportunity", "", "88")],
        **more,
    }
    return view(ordered(), sales_order_creation="wait_for_person", facts=facts, **kept)


def test_where_a_person_converts_the_conversion_is_looked_for():
    answer = gates.sales_order_wanted(by_person(), ORDER, NOW)
    assert answer is not None
    assert (answer.code, answer.who, answer.looks) == (Code.SO_MISSING, Who.SALES, ("conversion",))


def test_an_empty_look_is_no_conversion_and_a_found_one_is():
    nothing = fact("conversion", {"sales_orders": []})
    assert shut(gates.sales_order_wanted, by_person(nothing)) is Code.SO_MISSING
    assert (
        shut(gates.sales_order_wanted, by_person(fact("conversion", {"sales_orders": [70]})))
        is None
    )


def test_nobody_is_asked_to_convert_before_the_opportunity_is_won():
    """The sentence would name no opportunity, and the deadline would run already."""
    assert shut(gates.sales_order_wanted, by_person(ledger=[])) is None
    assert shut(gates.sales_order_wanted, by_person(refs=[])) is None


@pytest.mark.parametrize(
    ("creation", "who"), [("automatic", Who.NOBODY), ("wait_for_person", Who.SALES)]
)
def test_a_receipt_waits_for_the_sales_order_and_says_who_makes_it(creation, who):
    """B1.7."""
    found = view(ordered(), issued(), sales_order_creation=creation)
    answer = gates.sales_order_stands(found, PO, NOW)
    assert answer is not None
    assert (answer.code, answer.who) == (Code.SO_MISSING, who)
    stands = view(ordered(), ledger=[applied("create_sales_order", ORDER, {})])
    assert shut(gates.sales_order_stands, stands, PO) is None


def test_an_order_with_nothing_to_sell_once_waits_for_no_sales_order():
    """H5."""
    found = view(ordered(sales_order([line(1, isRecurring=True)])), issued())
    assert shut(gates.sales_order_stands, found, PO) is None


# --- receipts (H2) --------------------------------------------------------------------------------


def test_a_purchase_order_reaches_connectwise_with_its_first_receipt():
    """D-2."""
    order = ordered()
    assert (
        shut(gates_of_buying.goods_arrived_or_issued, view(order, issued()), PO)
        is Code.GOODS_NOT_RECEIVED
    )
    _, receipt = came(purchase_order(), "R-1", {1: 1})
    assert shut(gates_of_buying.goods_arrived_or_issued, view(order, receipt), PO) is None
    found = view(order, issued(), purchase_order_timing="on_issue")
    assert shut(gates_of_buying.goods_arrived_or_issued, found, PO) is None


def test_goods_that_commerce_took_back_after_they_were_received_are_for_a_person():
    found = view(ordered(), issued(lines=[po_line(1, received=3)]), ledger=[got(8891, 1, 4)])
    answer = gates_of_goods.receipt_consistent(found, PO, NOW)
    assert answer is not None
    assert answer.code is Code.RECEIPT_REDUCED
    assert "3 of Product 301" in answer.sentence


def test_more_than_was_ordered_is_for_a_person():
    _, receipt = came(purchase_order(), "R-1", {1: 11})
    found = view(ordered(), receipt)
    assert shut(gates_of_goods.receipt_consistent, found, PO) is Code.RECEIPT_ABOVE_ORDER


def test_a_gap_waits_for_its_papers_and_then_is_received_without():
    found = view(ordered(), issued(lines=[po_line(1, received=4)]))
    subject = "gap:8891:1:0-4"
    answer = gates_of_goods.earlier_receipts_received(found, subject, NOW - timedelta(minutes=14))
    assert answer is not None
    assert (answer.code, answer.until) == (Code.RECEIPT_GAP, NOW + timedelta(minutes=1))
    assert answer.never_held
    assert (
        gates_of_goods.earlier_receipts_received(found, subject, NOW - timedelta(minutes=15))
        is None
    )


def test_a_later_receipt_comes_after_the_earlier_one():
    after, first = came(purchase_order(), "R-1", {1: 4})
    _, second = came(after, "R-2", {1: 6}, minute=200)
    before = view(ordered(), first, second)
    answer = gates_of_goods.earlier_receipts_received(before, "receipt:8891:R-2", NOW)
    assert answer is not None
    assert answer.code is Code.RECEIPT_GAP
    assert not answer.never_held  # nothing may wait for ever without a person being told
    assert shut(gates_of_goods.earlier_receipts_received, before, "receipt:8891:R-1") is None
    then = view(ordered(), first, second, ledger=[got(8891, 1, 4)])
    assert shut(gates_of_goods.earlier_receipts_received, then, "receipt:8891:R-2") is None


def test_a_purchase_order_is_completed_once_nothing_is_open():
    """B1.8."""
    _, receipt = came(purchase_order(), "R-1", {1: 10})
    partly = view(ordered(), issued(), ledger=[got(8891, 1, 4)])
    assert shut(gates_of_goods.earlier_receipts_received, partly, PO) is Code.GOODS_NOT_RECEIVED
    told = view(ordered(), receipt, ledger=[got(8891, 1, 4)])
    assert shut(gates_of_goods.earlier_receipts_received, told, PO) is Code.EARLIER_STEP
    done = view(ordered(), receipt, ledger=[got(8891, 1, 10)])
    assert shut(gates_of_goods.earlier_receipts_received, done, PO) is None


def test_a_received_purchase_order_that_names_another_order_is_for_a_person():
    """H3."""
    moved = fact("purchase_order_moved", {"order": "ON10001300"}, key="8891")
    found = view(ordered(), issued(), facts=[moved])
    answer = gates_of_buying.purchase_order_stays(found, PO, NOW)
    assert answer is not None
    assert answer.code is Code.PURCHASE_ORDER_MOVED
    assert "PO10008891 names ON10001300" in answer.sentence
    assert shut(gates_of_buying.purchase_order_stays, found, "po:8892") is None


# --- the invoice (B1.11, D-14, D-15) --------------------------------------------------------------


def test_b111_all_goods_wait_for_everything_on_purchase_orders():
    """B1.11."""
    found = view(ordered(), issued(), ledger=[got(8891, 1, 4)])
    answer = gates_of_invoice.goods_complete(found, ORDER, NOW)
    assert answer is not None
    assert answer.sentence == "6 of 10 Product 301 are still to be received on PO10008891."
    assert (
        shut(gates_of_invoice.goods_complete, view(ordered(), issued(), ledger=[got(8891, 1, 10)]))
        is None
    )


def test_d15_a_physical_line_on_no_purchase_order_keeps_the_gate_shut():
    """D-15."""
    answer = gates_of_invoice.goods_complete(
        view(ordered(), issued(lines=[po_line(1, quantity=4)])), ORDER, NOW
    )
    assert answer is not None
    assert answer.code is Code.LINE_NOT_ORDERED
    assert answer.sentence.startswith("6 of 10")


def test_d15_goods_from_stock_count_as_fulfilled():
    """D-15, H4: wholly, partly beside a purchase order, or by the order's own status."""
    wholly = ordered(sales_order([line(1, quantityFromStock=10)]))
    assert shut(gates_of_invoice.goods_complete, view(wholly)) is None
    partly = ordered(sales_order([line(1, quantityFromStock=6)]))
    bought = issued(lines=[po_line(1, quantity=4)])
    assert shut(gates_of_invoice.goods_complete, view(partly, bought)) is Code.GOODS_NOT_RECEIVED
    assert (
        shut(gates_of_invoice.goods_complete, view(partly, bought, ledger=[got(8891, 1, 4)]))
        is None
    )
    assert shut(gates_of_invoice.goods_complete, view(ordered(fulfillmentStatus=1))) is None


def test_d15_services_do_not_hold_the_gate_unless_they_are_bought():
    """D-15, H5: licences are bought too."""
    order = ordered(sales_order([line(1, 303, 5)], products=[product(303, type=SERVICE)]))
    assert shut(gates_of_invoice.goods_complete, view(order)) is None
    bought = issued(lines=[po_line(1, 303, 3)])
    assert shut(gates_of_invoice.goods_complete, view(order, bought)) is Code.LINE_NOT_ORDERED


def test_h5_recurring_lines_and_lines_of_nothing_do_not_hold_the_gate():
    """H5, H2."""
    order = ordered(sales_order([line(1, isRecurring=True), line(2, quantity=0)]))
    assert shut(gates_of_invoice.goods_complete, view(order)) is None


def test_h2_a_purchase_order_of_nothing_does_not_hold_the_gate():
    """H2."""
    nothing = issued(purchase_order(8892, [po_line(1, quantity=0)]))
    found = view(ordered(), issued(), nothing, ledger=[got(8891, 1, 10)])
    assert shut(gates_of_invoice.goods_complete, found) is None


def shipping(mark: str, **shipped: int) -> Json:
    """Settings and what ConnectWise shows as shipped, by line."""
    quantities = {key.removeprefix("line"): quantity for key, quantity in shipped.items()}
    return {
        "invoice_policy": "shipped_only",
        "mark_shipped": mark,
        "facts": [fact("shipping", {"shipped": quantities})],
    }


@pytest.mark.parametrize("mark", ["drop_ship_only", "never"])
def test_d14_where_a_person_ships_the_shipment_is_looked_for(mark):
    """D-14: receiving is not shipping."""
    found = view(ordered(), issued(), ledger=[got(8891, 1, 10)], **shipping(mark))
    answer = gates_of_invoice.goods_complete(found, ORDER, NOW)
    assert answer is not None
    assert (answer.code, answer.looks) == (Code.GOODS_NOT_SHIPPED, ("shipping",))


def test_b111_the_first_shipment_opens_the_gate_and_the_rest_is_still_waited_for():
    """B1.11: each shipment is a release."""
    found = view(ordered(), issued(), **shipping("never", line1=4))
    assert shut(gates_of_invoice.goods_complete, found) is None
    rest = gates_of_invoice.not_shipped(found)
    assert rest is not None
    assert rest.sentence.startswith("6 of 10")
    assert gates_of_invoice.not_shipped(view(ordered(), **shipping("never", line1=10))) is None


def test_d14_with_on_receipt_a_person_still_ships_what_comes_from_stock():
    """D-14, D-15: no receipt will ever ship it, so the shipment has to be looked for."""
    order = ordered(sales_order([line(1, 301, 10), line(2, 302, 5, quantityFromStock=5)]))
    waiting = gates_of_invoice.not_shipped(view(order, issued(), **shipping("on_receipt")))
    assert waiting is not None
    assert waiting.looks == ("shipping",)
    bought = gates_of_invoice.not_shipped(view(ordered(), issued(), **shipping("on_receipt")))
    assert bought is not None
    assert bought.looks == ()


def test_d15_an_order_of_services_ships_nothing_and_waits_for_nothing():
    """D-15."""
    order = ordered(sales_order([line(1, 303)], products=[product(303, type=SERVICE)]))
    found = view(order, **shipping("never"))
    assert gates_of_invoice.goods_complete(found, ORDER, NOW) is None
    assert gates_of_invoice.not_shipped(found) is None
