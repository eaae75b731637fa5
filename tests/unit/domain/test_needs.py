"""What would make an order invoiceable is the smallest set, and it suffices: shown by doing it.

Orders are made up; each thing that is told is then done the way its person does it, by events and
acts, and never as the telling imagines it. All of them release the order, all but one do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.codes import Code, State, Who
from app.domain.course import Need, Premises, towards_invoice
from app.steps import STEPS
from tests.builders import (
    SETTINGS,
    Json,
    came,
    issued,
    line,
    ordered,
    po_line,
    purchase_order,
    sales_order,
    snapshot,
)
from tests.ideal import World, scenario

B1, B2 = "connectwise-procurement-opportunity", "connectwise-procurement-ticket"
A, D = "connectwise-invoicing", "connectwise-managed"
WHO = {
    Code.GOODS_NOT_RECEIVED: Who.PURCHASING,
    Code.LINE_NOT_ORDERED: Who.PURCHASING,
    Code.GOODS_NOT_SHIPPED: Who.PURCHASING,
    Code.SO_MISSING: Who.SALES,
    Code.HELD_BY_PERSON: Who.OPERATOR,
    Code.SALES_INVOICE_MISSING: Who.ACCOUNTING,
}


@dataclass
class Story:
    """An order with its documents as they stand, so that people can act on them."""

    scenario: str
    lines: list[Json]
    purchase_orders: dict[int, Json] = field(default_factory=dict)
    receipts: list[Json] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    held: bool = False

    def world(self) -> World:
        told = World(dict(self.settings), scenario(self.scenario))
        told.deliver(ordered(sales_order(self.lines)))
        told.deliver(*(issued(one) for one in self.purchase_orders.values()), *self.receipts)
        told.settle()
        if self.held:
            told.row = replace(told.row, held_by="the customer thinks it over")
        return told


def premises(told: World) -> Premises:
    settings = {**SETTINGS, **told.scenario.defaults, **told.settings}
    state = snapshot(
        told.documents,
        now=told.now,
        row=told.row,
        ledger=told.ledger.values(),
        refs=told.refs.values(),
        facts=told.facts.values(),
        decisions=told.decisions,
    )
    return Premises(told.scenario, STEPS, settings, state)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    lines, purchase_orders, receipts = [], {}, []
    for n in range(1, draw(st.integers(1, 3)) + 1):
        quantity = draw(st.integers(1, 4))
        stock = draw(st.sampled_from([0, 0, quantity]))
        lines.append(line(n, 300 + n, quantity, quantityFromStock=stock))
    for number in range(8891, 8891 + draw(st.integers(0, 2))):
        bought = [
            po_line(index, one["productID"], draw(st.integers(1, one["quantity"])))
            for index, one in enumerate(draw(st.lists(st.sampled_from(lines), max_size=3)), 1)
        ]
        unique = {one["productID"]: one for one in bought}
        if not unique:
            continue
        document = purchase_order(number, list(unique.values()))
        purchase_orders[number] = document
        got = {one["id"]: draw(st.integers(0, one["quantity"])) for one in unique.values()}
        got = {key: much for key, much in got.items() if much}
        if got:
            document, event = came(document, f"R{number}", got)
            receipts.append(event)
            purchase_orders[number] = document
    settings = {
        "invoice_policy": draw(st.sampled_from(["all_goods", "all_goods", "shipped_only"])),
        "purchase_order_timing": draw(st.sampled_from(["on_receipt", "on_issue"])),
    }
    by = draw(st.sampled_from([B1, B1, B2, A, D]))
    if by == B1:
        ways = ["automatic", "wait_for_person"]
        settings["sales_order_creation"] = draw(st.sampled_from(ways))
    return Story(by, lines, purchase_orders, receipts, settings, draw(st.booleans()))


# --- what people do -------------------------------------------------------------------------------


def doing(story: Story, needs: Sequence[Need]) -> dict[int, Callable[[World], None]]:
    """For each thing that is needed, by its place: the act of the one who does it."""
    acts: dict[int, Callable[[World], None]] = {}
    for index, need in enumerate(needs):
        if need.code is Code.HELD_BY_PERSON:
            acts[index] = lambda told: setattr(told, "row", replace(told.row, held_by=None))
        elif need.code is Code.SO_MISSING:
            acts[index] = lambda told: setattr(told, "converted", True)
        elif need.code is Code.GOODS_NOT_SHIPPED:
            sent = {str(one["id"]): one["quantity"] for one in story.lines}
            acts[index] = lambda told, sent=sent: told.shipped.update(sent)  # type: ignore[misc]
        elif need.code is Code.GOODS_NOT_RECEIVED:
            (number,) = [n for n in story.purchase_orders if f"PO1000{n}" in need.sentence]
            acts[index] = lambda told, number=number: receive(story, told, number)  # type: ignore[misc]
        elif need.code is Code.LINE_NOT_ORDERED:
            (which,) = [one for one in story.lines if one["title"] in need.sentence]
            missing = int(need.sentence.split(" of ")[0])
            acts[index] = lambda told, w=which, m=missing: stocked(told, w["id"], m)  # type: ignore[misc]
        else:
            pytest.fail(f"{need.code} is nothing that these stories need: {need.sentence}")
    return acts


def receive(story: Story, told: World, number: int) -> None:
    document = story.purchase_orders[number]
    rest = {
        one["id"]: one["quantity"] - one["quantityReceived"]
        for one in document["lines"]
        if one["quantity"] > one["quantityReceived"]
    }
    told.deliver(came(document, f"REST{number}", rest, minute=200)[1])


def stocked(told: World, line_id: int, much: int) -> None:
    """Commerce fulfils the line from stock: the sales order says so, beside what it says now."""
    now = told.documents
    document = next(one.own for key, one in now.items() if key[0].value == "sales_order")
    lines = [
        {**one, "quantityFromStock": (one.get("quantityFromStock") or 0) + much}
        if one["id"] == line_id
        else one
        for one in document["lines"]
    ]
    told.deliver(ordered(sales_order(lines, minute=300 + line_id)))


def released(told: World) -> bool:
    told.call_back()
    told.wait(hours=1)
    row = told.ledger.get(("release_invoice", "order"))
    return row is not None and row.state is State.DONE and row.want is not None


def after(story: Story, needs: Sequence[Need], left_out: int | None) -> World:
    told = story.world()
    for index, act in doing(story, needs).items():
        if index != left_out:
            act(told)
    return told


@given(stories())
def test_all_of_what_is_told_releases_the_order_and_all_but_one_does_not(story: Story) -> None:
    course = towards_invoice(premises(story.world()))
    assert course.reached
    needs = course.needs
    assert released(after(story, needs, None)), [need.sentence for need in needs]
    for index, need in enumerate(needs):
        assert need.who is WHO[need.code], need
        assert not released(after(story, needs, index)), (
            need.sentence,
            [one.sentence for one in needs],
        )
