"""What is suggested to the purchasing officer, and what is not: pure, by document (D2 to D5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain import suggestion
from app.domain.codes import Code, State
from app.domain.decide import same
from app.domain.order import OrderView
from app.domain.records import ORDER, LedgerRow, Ref
from app.steps import suggest_purchase
from tests import ideal
from tests.builders import (
    NOW,
    applied,
    fact,
    issued,
    line,
    ordered,
    po_line,
    purchase_order,
    receipt,
    received,
    sales_order,
    view,
)

D = ideal.scenario("connectwise-managed")
STEPS = [use.name for use in D.steps]
PO = "po:8891"


def known(*events: Any, **more: Any) -> OrderView:
    """An order of D whose ticket stands."""
    refs = [Ref("ticket", "", "21001")]
    return view(*(events or (ordered(), issued())), refs=refs, steps=STEPS, **more)


def told(found: OrderView, subject: str = PO, *, again: bool = False) -> str:
    want = suggestion.wanted(found, subject)
    assert want is not None
    return suggestion.text(found, want, "[mark]", again=again)


def test_d3_d5_the_text_names_all_that_commerce_worked_out():
    po = purchase_order(
        8891,
        [po_line(1, 301, 4, price=100, discountMethod=0, discountValue=25, supplierSku="ING-7")],
        reference="Q-55",
        note="Bid 77120",
        currency="USD",
        costs=[{"id": 1, "description": "Delivery", "amount": 15}],
        type=1,
    )
    stock = ordered(sales_order([line(1, quantity=10, quantityFromStock=6)]))
    text = told(known(stock, issued(po)), again=True)
    assert text.splitlines()[1:] == [
        "It replaces the one before.",
        f"Supplier: {po['supplier']['name']} ({po['supplier']['accountNumber']}).",
        "Shipped by the supplier to the customer.",
        (
            f"- 4 x {po['products'][0]['productNumber']} {po['lines'][0]['title']}, "
            "supplier SKU ING-7, cost 75 USD each, 6 more from own stock."
        ),
        "Delivery: 15 USD.",
        "Reference: Q-55.",
        "Note in Commerce: Bid 77120",
        "[mark]",
    ]
    assert "suggestion only" in text.splitlines()[0]


def test_every_line_of_the_text_is_a_sentence_where_breaks_become_blanks():
    """ConnectWise may store a line break as one blank."""
    *lines, mark = told(known()).splitlines()
    assert all(one.endswith(".") for one in lines)
    assert mark == "[mark]"


def test_d2_a_receipt_changes_nothing_of_the_suggestion():
    po = purchase_order(8891, [po_line(1, received=4)])
    before = suggestion.wanted(known(), PO)
    after = suggestion.wanted(known(ordered(), issued(), received(po, receipt("R1", {1: 4}))), PO)
    assert before is not None
    assert same(before, after)


def test_d2_what_came_in_full_before_it_was_told_needs_no_suggestion():
    all_of_it = issued(purchase_order(8891, [po_line(1, received=10)]))
    assert suggestion.wanted(known(ordered(), all_of_it), PO) is None
    ledger = [applied("suggest_purchase", PO, {"ticket": 21001})]
    assert suggestion.wanted(known(ordered(), all_of_it, ledger=ledger), PO) is not None


@pytest.mark.parametrize("status", [0, 90])
def test_a_draft_and_a_cancelled_purchase_order_are_no_suggestion(status: int):
    found = known(ordered(), issued(purchase_order(8891, status=status)))
    wanted = {s: suggestion.wanted(found, s) for s in suggestion.subjects(found) if s != ORDER}
    assert set(wanted.values()) <= {None}


def test_d3_a_cancelled_one_is_withdrawn_on_the_ticket_where_it_was_told():
    ledger = [applied("suggest_purchase", PO, {"ticket": 20999})]
    found = known(ordered(), issued(purchase_order(8891, status=90)), ledger=ledger)
    want = suggestion.wanted(found, PO)
    assert want == {"for": PO, "ticket": 20999, "withdrawn": True}
    assert " is withdrawn: " in suggestion.text(found, want, "[mark]", again=True)


def test_where_a_person_left_the_ticket_out_nothing_is_suggested():
    skipped = LedgerRow("raise_ticket", ORDER, State.SKIPPED)
    found = view(ordered(), issued(), steps=STEPS, ledger=[skipped])
    assert suggestion.wanted(found, PO) is None


def test_d3_lines_on_no_purchase_order_are_told_without_a_supplier_after_a_wait():
    seen = [fact("sales_order_seen", {}, seen_at=NOW)]
    early = known(ordered(), facts=seen)
    shut = suggestion.lines_suggested(early, ORDER, NOW)
    assert shut is not None
    assert (shut.code, shut.never_held) == (Code.LINE_NOT_ORDERED, True)
    assert suggestion.lines_suggested(early, PO, NOW) is None
    late = known(ordered(), facts=seen, now=NOW + timedelta(hours=1))
    assert suggestion.lines_suggested(late, ORDER, NOW) is None
    assert "names no supplier" in told(late, ORDER)
    covered = known(ordered(), issued(purchase_order(8891, [po_line(1)])))
    assert suggestion.wanted(covered, ORDER) is None


def test_a_preview_says_where_it_would_be_told():
    found = known()
    want = suggest_purchase.want(found, PO)
    assert want is not None
    (sentence,) = suggest_purchase.preview(found, want)
    assert "internal note on ticket 21001" in sentence


# --- a whole story --------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["opportunity", "ticket"])
def test_d_releases_at_once_and_neither_orders_nor_receives(source: str):
    settings = {"raise_ticket": "always", "invoice_from": source}
    world = ideal.World(settings, scenario=D)
    world.deliver(ordered(), ideal.whole())
    plan = world.settle()
    assert plan.answer.state is State.DONE
    done = world.steps_done()
    assert {"raise_ticket", "create_products", "win_opportunity", "release_invoice"} <= set(done)
    assert ("create_sales_order" in done) is (source == "opportunity")
    bought = {"sync_purchase_order", "link_demand", "receive_purchase_order", "ship_goods"}
    assert not bought & set(done)


def test_b1_12_no_invoice_of_a_person_is_too_early_where_connectwise_buys():
    settings = {"raise_ticket": "always", "invoice_policy": "shipped_only"}
    world = ideal.World(settings, scenario=D)
    world.deliver(ordered(), issued())
    assert world.settle().answer.code is Code.GOODS_NOT_SHIPPED
    world.on = {"1": 7}
    world._look("invoicing")
    assert world.plan().answer.code is Code.GOODS_NOT_SHIPPED
