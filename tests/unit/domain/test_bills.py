"""What a receipt makes the ledger owe: amounts to the cent, numbers, costs once (C6, D-12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.domain import bills, ledger_orders
from app.domain.codes import Code, State
from app.domain.gates_of_ledger import purchase_order_posted
from app.domain.json_values import digest
from app.domain.order import OrderView
from app.domain.records import Decision, LedgerRow, Ref
from app.steps import post_bill
from tests.builders import (
    NOW,
    Json,
    applied,
    as_kept,
    came,
    fact,
    intent,
    issued,
    ordered,
    po_line,
    purchase_order,
    view,
)

PO, R1, R2 = "po:8891", "receipt:8891:R-1", "receipt:8891:R-2"


def bill(found: OrderView, subject: str) -> Any:
    want = bills.wanted(found, subject)
    assert want is not None
    return want


def amounts(want: Any, field: str = "amount") -> list[Decimal]:
    return [Decimal(str(line[field])) for line in want["lines"]]


def two(first: int, second: int, ledger: Any = (), refs: Any = (), **line: Any) -> OrderView:
    """Two receipts of one line."""
    start = purchase_order(lines=[po_line(1, quantity=first + second, **line)])
    after, one = came(start, "R-1", {1: first})
    _, other = came(after, "R-2", {1: second}, minute=200)
    return view(ordered(), one, other, ledger=ledger, refs=refs)


def test_partial_bills_add_up_to_the_line_to_the_cent():
    """Three at 33.335 with 10 % off and a tax per unit."""
    found = two(1, 2, price=33.335, discountMethod=0, discountValue=10, tax=0.335)
    parts = [bill(found, subject) for subject in (R1, R2)]
    assert [amounts(part) for part in parts] == [[Decimal("30.00")], [Decimal("60.00")]]
    assert [amounts(part, "tax") for part in parts] == [[Decimal("0.34")], [Decimal("0.67")]]


def test_a_fixed_discount_of_the_line_is_shared_by_its_bills():
    found = two(1, 2, price=100, discountMethod=1, discountValue=10)
    assert [amounts(bill(found, s)) for s in (R1, R2)] == [[Decimal("96.67")], [Decimal("193.33")]]


def test_the_number_is_the_suppliers_else_the_purchase_orders_with_the_receipts():
    start = purchase_order(lines=[po_line(1, quantity=10)])
    after, one = came(start, "R-1", {1: 4}, supplierInvoiceNumber="INV-7")
    _, other = came(after, "R-2", {1: 6}, minute=200)
    found = view(ordered(), one, other)
    assert bill(found, R1)["number"] == "INV-7"
    assert bill(found, R2)["number"] == "PO10008891/SLIP-R-2"


def _with_costs(ledger: Any = (), intents: Any = ()) -> OrderView:
    costs = [{"id": 1, "description": "Insurance", "amount": 12.5, "tax": 0}]
    start = purchase_order(lines=[po_line(1, quantity=10)], costs=costs)
    after, one = came(start, "R-1", {1: 4})
    _, other = came(after, "R-2", {1: 6}, minute=200)
    return view(ordered(), one, other, ledger=ledger, intents=intents)


def test_d12_costs_go_once_whichever_bill_was_made_first():
    fresh = _with_costs()
    assert [bool(bill(fresh, s)["costs"]) for s in (R1, R2)] == [True, False]
    second = as_kept({**bill(fresh, R2), "costs": bill(fresh, R1)["costs"]})
    found = _with_costs([applied(bills.STEP, R2, second)])
    assert [bool(bill(found, s)["costs"]) for s in (R1, R2)] == [False, True]


def test_costs_that_were_sent_and_never_answered_are_not_sent_again():
    fresh = _with_costs()
    second = as_kept({**bill(fresh, R2), "costs": bill(fresh, R1)["costs"]})
    doubt = replace(intent(bills.STEP, R2, "bill", "bill"), evidence={"want": second})
    found = _with_costs(intents=[doubt])
    assert [bool(bill(found, s)["costs"]) for s in (R1, R2)] == [False, True]


def test_goods_that_were_billed_without_papers_are_not_billed_again_when_the_papers_come():
    """H2: a gap was billed, then its receipt is told over more than the gap."""
    start = purchase_order(lines=[po_line(1, quantity=10, received=4)], minute=20)
    gap = "gap:8891:1:0-4"
    before = view(ordered(), issued(start))
    assert bills.subjects(before) == [gap]
    kept = applied(bills.STEP, gap, bill(before, gap))
    bare: Json = {**start, "lines": [po_line(1, quantity=10)]}
    _, told = came(bare, "R-1", {1: 6}, minute=200)
    found = view(ordered(), told, ledger=[kept])
    assert bills.subjects(found) == [R1, gap]
    assert [(x["from"], x["to"]) for x in bill(found, R1)["lines"]] == [(4, 6)]
    assert bill(found, gap) == kept.want


def test_h2_what_commerce_takes_back_does_not_change_the_bill():
    start = purchase_order(lines=[po_line(1, quantity=10)])
    _, told = came(start, "R-1", {1: 6})
    kept = applied(bills.STEP, R1, bill(view(ordered(), told), R1))
    less = issued(purchase_order(lines=[po_line(1, quantity=10, received=2)], minute=300))
    found = view(ordered(), told, less, ledger=[kept])
    assert bill(found, R1) == kept.want
    assert bills.above_receipt(found, R1) == [{"line": 1, "billed": 6, "received": 2}]


def test_h2_each_line_of_a_bill_that_is_taken_back_is_decided_for_itself():
    """A person who left the bill for one line was never told of the other."""
    lines = [po_line(1, quantity=10), po_line(2, 302, quantity=4)]
    _, told = came(purchase_order(lines=lines), "R-1", {1: 6, 2: 4})
    kept = applied(bills.STEP, R1, bill(view(ordered(), told), R1))
    less = [po_line(1, quantity=10, received=2), po_line(2, 302, quantity=4, received=1)]
    now = issued(purchase_order(lines=less, minute=300))
    decisions: list[Decision] = []
    for number in (1, 2):
        found = view(ordered(), told, now, ledger=[kept], decisions=decisions)
        shut = post_bill.outstanding(found, R1)
        assert shut is not None
        assert f"of line {number} are billed" in shut.sentence
        about = digest(shut.about)
        moment = NOW + timedelta(minutes=number)
        chosen = (bills.STEP, R1, shut.code, "leave_bill", "ok", "me", moment, about)
        decisions.append(Decision(*chosen))
    found = view(ordered(), told, now, ledger=[kept], decisions=decisions)
    assert post_bill.outstanding(found, R1) is None


def test_goods_of_a_purchase_order_that_was_cancelled_later_are_still_owed():
    start = purchase_order(lines=[po_line(1, quantity=10)])
    after, told = came(start, "R-1", {1: 6})
    gone = issued({**after, "status": 90, "modifiedDate": "2026-11-25T00:00:00Z"})
    found = view(ordered(), told, gone)
    assert amounts(bill(found, R1)) == [Decimal(480)]


def test_c6_a_purchase_order_is_closed_only_when_every_receipt_is_on_a_bill():
    """The later receipt's bill may be posted first: what is closed takes no link any more."""
    found = two(1, 2)
    first, second = (applied("post_bill", s, bill(found, s)) for s in (R1, R2))
    body = ledger_orders.wanted(found, "po:8891")
    posted = applied("post_purchase_order", "po:8891", body)
    key = ("ledger_purchase_order", "po:8891")
    refs = {key: Ref(*key, "145", {})}
    ends = []
    for rows in ([posted, second], [posted, second, first]):
        want = ledger_orders.wanted(replace(two(1, 2, rows), refs=refs), "po:8891")
        ends.append(want["ends"] if want else None)
    assert ends == ["open", "closed"]


def _growing(*, facts: Any = (), ledger: Any = (), intents: Any = (), second: bool = True) -> Any:
    start = purchase_order(lines=[po_line(1, quantity=10)])
    after, one = came(start, "R-1", {1: 4}, freight=30)
    _, other = came(after, "R-2", {1: 6}, minute=200, freight=20)
    told = (one, other) if second else (one,)
    return view(
        ordered(), *told, bill_per="purchase_order", ledger=ledger, facts=facts, intents=intents
    )


def test_c6_a_growing_bill_holds_every_receipt_and_its_freight_once():
    found = _growing()
    assert bills.subjects(found) == ["bill:8891:1"]
    want = bill(found, "bill:8891:1")
    assert [(line["from"], line["to"]) for line in want["lines"]] == [(0, 10)]
    assert Decimal(str(want["freight"])) == 50


def test_c6_what_comes_after_a_bill_is_sealed_is_a_further_bill():
    first = bill(_growing(second=False), "bill:8891:1")
    row, sealed = applied(bills.STEP, "bill:8891:1", first), fact(bills.SEALED, {}, "bill:8891:1")
    found = _growing(ledger=[row], facts=[sealed])
    assert sorted(bills.subjects(found)) == ["bill:8891:1", "bill:8891:2"]
    assert bill(found, "bill:8891:1") == first
    rest = bill(found, "bill:8891:2")
    assert [(line["from"], line["to"]) for line in rest["lines"]] == [(4, 10)]
    assert Decimal(str(rest["freight"])) == 20


def test_h9_goods_of_a_change_without_an_answer_are_on_no_other_bill():
    first, whole = (bill(_growing(second=s), "bill:8891:1") for s in (False, True))
    doubt = replace(intent(bills.STEP, "bill:8891:1", "bill", "grow:0"), evidence={"want": whole})
    row, sealed = applied(bills.STEP, "bill:8891:1", first), fact(bills.SEALED, {}, "bill:8891:1")
    found = _growing(ledger=[row], facts=[sealed], intents=[doubt])
    assert bills.subjects(found) == ["bill:8891:1"]


def test_c6_a_change_of_the_purchase_order_under_way_comes_before_its_first_bill():
    """The first bill freezes it. A change that is for a person holds no bill up: it is owed."""
    found = two(1, 2)
    now = ledger_orders.wanted(found, PO)
    assert now is not None
    before = {**now, "lines": []}

    def row(state: State, **more: Any) -> LedgerRow:
        done = applied(ledger_orders.STEP, PO, before, attempts=2)
        return replace(done, state=state, **more)

    def gate(*ledger: LedgerRow) -> Code | None:
        known = two(1, 2, ledger, [Ref(ledger_orders.REF, PO, "7")])
        shut = purchase_order_posted(known, R1, known.now)
        return shut.code if shut is not None else None

    lost = row(State.WAITING, code=Code.OUTCOME_UNKNOWN, sentence="No answer.")
    assert gate(lost) is Code.EARLIER_STEP
    assert gate(replace(lost, want=as_kept(now))) is None
    assert gate(row(State.HELD, code=Code.CHANGED_AFTER_FREEZE)) is None
    assert gate(lost, applied(bills.STEP, R1, bills.wanted(found, R1))) is None
