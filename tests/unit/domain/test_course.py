"""An order played on in thought: what would make it invoiceable, and what if."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.codes import Code, State, Who
from app.domain.course import Course, Premises, afresh, play, towards_invoice
from app.domain.decide import decide
from app.domain.records import Other
from app.steps import STEPS
from tests.builders import (
    SETTINGS,
    came,
    issued,
    line,
    ordered,
    po_line,
    purchase_order,
    sales_order,
    snapshot,
)
from tests.ideal import World, scenario, world

LINES = [line(1, 301, 10), line(2, 302, 3)]


def premises(told: World) -> Premises:
    """Where the world stands, as the service would load it."""
    return Premises(
        told.scenario,
        STEPS,
        {**SETTINGS, **told.scenario.defaults, **told.settings},
        snapshot(
            told.documents,
            now=told.now,
            row=told.row,
            ledger=told.ledger.values(),
            refs=told.refs.values(),
            facts=told.facts.values(),
            decisions=told.decisions,
        ),
    )


def needs(told: World) -> list[tuple[str, str]]:
    course = towards_invoice(premises(told))
    assert course.reached
    return [(need.code.value, need.who.value) for need in course.needs]


def an_order(*more: Any, **settings: Any) -> World:
    told = world(ordered(sales_order(LINES)), *more, **settings)
    told.settle()
    return told


def two_purchase_orders() -> tuple[Any, Any]:
    first = purchase_order(8891, [po_line(1, 301, 10)])
    return first, purchase_order(8892, [po_line(1, 302, 3)])


def test_f1_goods_that_are_still_to_come_are_named_by_purchase_order() -> None:
    first, second = two_purchase_orders()
    told = an_order(issued(first), issued(second))
    course = towards_invoice(premises(told))
    assert course.reached
    assert [need.code for need in course.needs] == [Code.GOODS_NOT_RECEIVED] * 2
    assert [need.who for need in course.needs] == [Who.PURCHASING] * 2
    assert "PO10008891" in course.needs[0].sentence
    assert "PO10008892" in course.needs[1].sentence


def test_what_has_come_is_not_asked_for_again() -> None:
    first, second = two_purchase_orders()
    _, receipt = came(first, "R1", {1: 10})
    told = an_order(issued(first), issued(second), receipt)
    assert needs(told) == [("GOODS_NOT_RECEIVED", "purchasing")]


def test_a_line_that_nobody_ordered_is_named_beside_the_goods() -> None:
    first, _ = two_purchase_orders()
    told = an_order(issued(first))
    assert needs(told) == [
        ("GOODS_NOT_RECEIVED", "purchasing"),
        ("LINE_NOT_ORDERED", "purchasing"),
    ]
    (line,) = [one for one in towards_invoice(premises(told)).needs if "ORDERED" in one.code]
    assert line.remedy.endswith("What is ordered for it has to be received as well.")


def test_b1_7_a_conversion_by_a_person_is_sales_part() -> None:
    first, second = two_purchase_orders()
    told = an_order(issued(first), issued(second), sales_order_creation="wait_for_person")
    assert needs(told)[0] == ("SO_MISSING", "sales")
    assert needs(told)[1:] == [("GOODS_NOT_RECEIVED", "purchasing")] * 2


def test_d14_with_shipped_only_the_shipping_is_enough() -> None:
    first, second = two_purchase_orders()
    told = an_order(issued(first), issued(second), invoice_policy="shipped_only")
    assert ("GOODS_NOT_SHIPPED", "purchasing") in needs(told)


def test_a_hold_by_a_person_is_the_first_thing() -> None:
    first, second = two_purchase_orders()
    told = an_order(issued(first), issued(second))

    told.row = replace(told.row, held_by="the customer thinks it over")
    assert needs(told)[0] == ("HELD_BY_PERSON", "operator")


def test_what_is_invoiceable_needs_nothing() -> None:
    first, second = two_purchase_orders()
    receipts = [came(po, f"R{po['id']}", {1: n})[1] for po, n in ((first, 10), (second, 3))]
    told = an_order(issued(first), issued(second), *receipts)
    assert needs(told) == []


def test_an_order_that_has_not_come_in_says_so_and_promises_no_more() -> None:
    first, _ = two_purchase_orders()
    told = world(issued(first))
    told.settle()
    course = towards_invoice(premises(told))
    assert [need.code for need in course.needs][:1] == [Code.SALES_ORDER_UNKNOWN]


def test_nothing_is_touched_in_thought() -> None:
    first, second = two_purchase_orders()
    told = an_order(issued(first), issued(second))
    before = (told.row, dict(told.ledger), dict(told.refs), dict(told.documents))
    first_time = towards_invoice(premises(told))
    assert (told.row, told.ledger, told.refs, told.documents) == before
    assert towards_invoice(premises(told)) == first_time


def fresh(told: World, name: str, **behaviour: str) -> Course:
    other = scenario(name)
    given = premises(told).snapshot
    pin = (name, other.version, {**other.defaults, **behaviour})
    return play(
        Premises(other, STEPS, {**SETTINGS, **other.defaults, **behaviour}, afresh(given, pin))
    )


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("connectwise-procurement-opportunity", "receive_purchase_order"),
        ("connectwise-procurement-ticket", "receive_purchase_order"),
        ("connectwise-invoicing", "post_bill"),
        ("commerce-invoicing", "post_bill"),
        ("connectwise-managed", "release_invoice"),
    ],
)
def test_g9_the_same_order_is_played_through_every_configuration(name: str, step: str) -> None:
    first, second = two_purchase_orders()
    receipts = [came(po, f"R{po['id']}", {1: n})[1] for po, n in ((first, 10), (second, 3))]
    told = an_order(issued(first), issued(second), *receipts)
    course = fresh(told, name)
    assert step in {move.step for move in course.moves}
    bought_here = {move.step for move in course.moves} & {"sync_purchase_order", "link_demand"}
    assert bool(bought_here) is name.startswith("connectwise-procurement")


def test_h8_another_setting_changes_what_would_be_written() -> None:
    first, second = two_purchase_orders()
    told = an_order(issued(first), issued(second))
    name = "connectwise-procurement-opportunity"
    on_receipt = fresh(told, name)
    on_issue = fresh(told, name, purchase_order_timing="on_issue")
    steps = [{move.step for move in course.moves} for course in (on_receipt, on_issue)]
    assert steps[1] - steps[0] == {"sync_purchase_order", "link_demand"}


def test_what_the_invoice_does_not_rest_on_is_left_out() -> None:
    """In A the bill is the ledger's affair: that it is held keeps no invoice back."""
    first, second = two_purchase_orders()
    _, receipt = came(first, "R1", {1: 10})
    told = World(scenario=scenario("connectwise-invoicing"))
    told.deliver(ordered(sales_order(LINES)), issued(first), issued(second), receipt)
    told.settle()
    (bill,) = [key for key in told.ledger if key[0] == "post_bill"]
    told.ledger[bill] = replace(
        told.ledger[bill],
        state=State.HELD,
        want=None,
        code=Code.BOOKS_CLOSED,
        retry_at=told.now + timedelta(days=1),
    )
    assert needs(told) == [("GOODS_NOT_RECEIVED", "purchasing")]


def test_an_order_of_hundreds_of_lines_is_thought_through_in_few_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each line that is on no purchase order once cost a round, and a round for each to leave it
    out: a page of 220 lines kept its process from everything else for an hour."""
    rounds = 0

    def counted(*given: Any) -> Any:
        nonlocal rounds
        rounds += 1
        return decide(*given)

    monkeypatch.setattr("app.domain.course.decide", counted)
    told = world(ordered(sales_order([line(n, 300 + n, 2) for n in range(1, 201)])))
    course = towards_invoice(premises(told))
    assert course.reached
    missing = [need.sentence for need in course.needs if need.code is Code.LINE_NOT_ORDERED]
    assert len(missing) == len(set(missing)) == 200
    assert rounds < 60


@pytest.mark.parametrize("name", ["connectwise-procurement-opportunity", "commerce-invoicing"])
def test_what_comes_after_an_order_that_nobody_knows_is_not_promised(name: str) -> None:
    told = World(scenario=scenario(name))
    told.deliver(issued(two_purchase_orders()[0]))
    told.settle()
    course = towards_invoice(premises(told))
    assert not course.reached
    assert [need.code for need in course.needs] == [Code.SALES_ORDER_UNKNOWN]


def test_c3_without_a_sales_invoice_only_that_is_missing() -> None:
    """Bills and purchase orders that are still to come keep no invoice back."""
    told = World(scenario=scenario("commerce-invoicing"))
    told.deliver(ordered(sales_order(LINES)), issued(two_purchase_orders()[0]))
    told.settle()
    assert needs(told) == [("SALES_INVOICE_MISSING", "accounting")]


def test_d13_that_another_order_is_not_complete_has_no_time_of_its_own() -> None:
    """It was told as over within a minute, when it is only looked at again."""
    first, second = two_purchase_orders()
    receipts = [came(po, f"R{po['id']}", {1: n})[1] for po, n in ((first, 10), (second, 3))]
    told = an_order(issued(first), issued(second), *receipts)
    told.ledger = {key: row for key, row in told.ledger.items() if key[0] != "release_invoice"}
    given = premises(told)
    other = Other("ON10001202", State.WAITING, Code.GOODS_NOT_RECEIVED)
    shared = replace(given, snapshot=replace(given.snapshot, others=(other,)))
    (need,) = towards_invoice(shared).needs
    assert (need.code, need.at) == (Code.SHARED_NOT_READY, None)


def test_a_record_that_does_not_stand_yet_is_named_without_an_id() -> None:
    """An opportunity that is only played through was told as the one of id -2."""
    told = world(
        ordered(sales_order(LINES, opportunity=None, status=1)),
        sales_order_creation="wait_for_person",
    )
    told.settle()
    sentences = [need.sentence for need in towards_invoice(premises(told)).needs]
    assert any(one.startswith("The new opportunity has to be converted") for one in sentences)
