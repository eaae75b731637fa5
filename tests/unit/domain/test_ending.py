"""What is told of an order whose steps are done: invoiced or not, and who still acts."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.codes import Code, State, Who
from app.domain.ending import finished
from app.domain.order import OrderView, named
from app.domain.records import ORDER, Ref
from tests.builders import applied, event, fact, ordered, view

RELEASED = applied("release_invoice", ORDER, {"bill_shipped": False, "invoice": False})
SOLD = [Ref("sales_order", "", "70")]


def in_connectwise(invoiced: dict[str, int], on: dict[str, int]) -> OrderView:
    read = fact("invoicing", {"invoiced": invoiced, "on": on})
    return view(ordered(), refs=SOLD, ledger=[RELEASED], facts=[read])


def told(found: OrderView, *skipped: str) -> tuple[Code, Who, str]:
    end = finished(found, skipped)
    assert end.state is State.DONE
    return end.code, end.who, end.sentence


def test_a8_a_released_order_is_accountings_until_it_is_invoiced() -> None:
    code, who, sentence = told(in_connectwise({}, {}))
    assert (code, who) == (Code.RELEASED, Who.ACCOUNTING)
    assert sentence == "Sales order 70 in ConnectWise is released for invoicing."


def test_d5_an_order_that_is_invoiced_whole_says_so_and_is_nobodys() -> None:
    whole = {str(line.id): line.quantity for line in view(ordered()).sold_lines}
    code, who, sentence = told(in_connectwise(whole, dict.fromkeys(whole, 9001)))
    assert (code, who) == (Code.INVOICED, Who.NOBODY)
    assert sentence == "Sales order 70 is invoiced in ConnectWise: invoice 9001."


def test_d5_a_part_that_is_invoiced_is_named_and_the_rest_is_still_accountings() -> None:
    line, *_ = view(ordered()).sold_lines
    less = {str(line.id): line.quantity - 1}
    code, who, sentence = told(in_connectwise(less, {str(line.id): 9001}))
    assert (code, who) == (Code.RELEASED, Who.ACCOUNTING)
    assert sentence.endswith("released for invoicing; a part of it is invoiced: invoice 9001.")


def test_a_release_that_a_person_left_out_is_not_told_as_done() -> None:
    _, who, sentence = told(in_connectwise({}, {}), "release_invoice")
    assert "a person releases it" in sentence
    assert who is Who.ACCOUNTING


def in_the_ledger(draft: bool, kind: str = "ledger_invoice", **seen: Any) -> OrderView:
    issued = {
        "id": 77,
        "invoiceNumber": "IN10000077",
        "salesOrderID": 1201,
        "customerID": 77,
        "issueDate": "2026-11-30T13:00:00Z",
        "modifiedDate": "2026-12-01T00:10:00Z",
        "lines": [{"id": 1, "kind": "product", "title": "P", "quantity": 1, "price": 1}],
        "customer": {"id": 77, "name": "Contoso Ltd"},
    }
    want = {"invoice": 77, "draft": draft, "reference": "ON10001201"}
    facts = [fact("ledger_seen", {"event": 1, **seen}, f"{kind}/L-1")] if seen else []
    return view(
        ordered(),
        event("sales_invoice.issued", salesInvoice=issued),
        refs=[Ref(kind, "invoice:77", "L-1")],
        ledger=[applied("post_invoice", "invoice:77", want)],
        facts=facts,
        steps=("post_invoice",),
    )


@pytest.mark.parametrize(
    ("found", "code", "who", "says"),
    [
        (in_the_ledger(True), Code.RELEASED, Who.ACCOUNTING, "as a draft: it is approved there"),
        (in_the_ledger(False), Code.INVOICED, Who.NOBODY, "in the ledger, approved"),
        (in_the_ledger(True, status="open"), Code.INVOICED, Who.NOBODY, "approved"),
        (in_the_ledger(True, status="paid"), Code.INVOICED, Who.NOBODY, "and is paid"),
        (in_the_ledger(True, status="deleted"), Code.RELEASED, Who.NOBODY, "removed in the ledger"),
        (in_the_ledger(True, "estimate"), Code.RELEASED, Who.ACCOUNTING, "as an estimate"),
    ],
)
def test_c4_an_invoice_of_ours_is_told_as_it_stands_in_the_ledger(
    found: OrderView, code: Code, who: Who, says: str
) -> None:
    assert (said := told(found))[:2] == (code, who)
    assert says in said[2]
    assert "IN10000077" in said[2]


@pytest.mark.parametrize(
    ("number", "says"),
    [(3400, "sales order 3400"), (None, "the new sales order"), (-5, "the new sales order")],
)
def test_a_record_that_is_only_played_through_has_no_number(number: int | None, says: str) -> None:
    assert named("sales order", number) == says
