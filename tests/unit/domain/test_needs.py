"""What would make an order invoiceable is the smallest set, and it suffices: shown by doing it.

Orders are made up; each thing that is told is then done the way its person does it, by events and
acts, and never as the telling imagines it. All of them release the order, all but one do not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from app.domain.codes import Code, State, Who
from app.domain.course import INVOICING, Need, Premises, towards_invoice
from app.steps import STEPS
from tests.builders import (
    SETTINGS,
    snapshot,
)
from tests.unit.domain.waiting_orders import Played, story, ticket

WHO = {
    Code.GOODS_NOT_RECEIVED: Who.PURCHASING,
    Code.LINE_NOT_ORDERED: Who.PURCHASING,
    Code.GOODS_NOT_SHIPPED: Who.PURCHASING,
    Code.RECEIPT_ABOVE_ORDER: Who.PURCHASING,
    Code.RECEIPT_REDUCED: Who.PURCHASING,
    Code.SO_MISSING: Who.SALES,
    Code.ORDER_NOT_APPROVED: Who.SALES,
    Code.OPPORTUNITY_MISSING: Who.SALES,
    Code.TOTAL_MISMATCH: Who.ACCOUNTING,
    Code.TICKET_CLOSED: Who.SALES,
    Code.HELD_BY_PERSON: Who.OPERATOR,
    Code.MAPPING_MISSING: Who.OPERATOR,
    Code.SALES_INVOICE_MISSING: Who.ACCOUNTING,
    Code.INVOICED_TOO_EARLY: Who.ACCOUNTING,
    Code.OPPORTUNITY_SHARED: Who.SALES,
    Code.REMOTE_GONE: Who.SALES,
    Code.SHARED_NOT_READY: Who.NOBODY,
    Code.QUOTE_MISSING: Who.NOBODY,
    Code.RECEIPT_GAP: Who.NOBODY,
}


def premises(told: Played) -> Premises:
    known = {**SETTINGS, **told.scenario.defaults, **told.settings}
    state = snapshot(
        told.documents,
        now=told.now,
        row=told.row,
        ledger=told.ledger.values(),
        refs=told.refs.values(),
        facts=told.facts.values(),
        decisions=told.decisions,
        others=told.others,
        shared=told.shared,
    )
    return Premises(told.scenario, STEPS, known, state)


# --- what people do -------------------------------------------------------------------------------

Act = Callable[[Played, Need], None]


def let_go(told: Played, need: Need) -> None:
    told.row = replace(told.row, held_by=None)


def convert(told: Played, need: Need) -> None:
    told.converted = True


def ship(told: Played, need: Need) -> None:
    told.shipped = {str(one["id"]): one["quantity"] for one in told.order["lines"]}


def reopen(told: Played, need: Need) -> None:
    told.facts["ticket", ""] = ticket(told, closed=False)


def receive(told: Played, need: Need) -> None:
    number = _named(told, need)
    rest = {
        one["id"]: one["quantity"] - one["quantityReceived"]
        for one in told.bought[number]["lines"]
        if one["quantity"] > one["quantityReceived"]
    }
    told.receive(number, rest)


def correct(told: Played, need: Need) -> None:
    """What came above the order was another's."""
    number = _named(told, need)
    lines = {
        one["id"]: {"quantityReceived": min(one["quantityReceived"], one["quantity"])}
        for one in told.bought[number]["lines"]
        if one["title"] in need.sentence
    }
    told.buy(number, lines)


def restore(told: Played, need: Need) -> None:
    """It was there after all."""
    number = _named(told, need)
    (one,) = [one for one in told.bought[number]["lines"] if one["title"] in need.sentence]
    told.buy(number, {one["id"]: {"quantityReceived": one["quantityReceived"] + 1}})


def stock(told: Played, need: Need) -> None:
    """Commerce fulfils the line from stock: the sales order says so, beside what it says now."""
    missing = int(need.sentence.split(" of ")[0])
    lines = [
        {**one, "quantityFromStock": one["quantityFromStock"] + missing}
        if one["title"] in need.sentence
        else one
        for one in told.order["lines"]
    ]
    told.sell(lines=lines)


def _named(told: Played, need: Need) -> int:
    (number,) = [one for one in told.bought if f"PO1000{one}" in need.sentence]
    return number


ACTS: Mapping[Code, Act] = {
    Code.HELD_BY_PERSON: let_go,
    Code.SO_MISSING: convert,
    Code.ORDER_NOT_APPROVED: lambda told, need: told.sell(status=2),
    Code.OPPORTUNITY_MISSING: lambda told, need: told.sell(connectwise={"opportunityId": 89}),
    Code.TOTAL_MISMATCH: lambda told, need: told.sell(total=None),
    Code.SALES_INVOICE_MISSING: lambda told, need: told.bill(9),
    Code.MAPPING_MISSING: lambda told, need: told.mend(need.step),
    Code.INVOICED_TOO_EARLY: lambda told, need: told.on.clear(),
    Code.TICKET_CLOSED: reopen,
    Code.REMOTE_GONE: lambda told, need: told.gone(gone=False),
    Code.SHARED_NOT_READY: lambda told, need: setattr(told, "others", ()),
    Code.OPPORTUNITY_SHARED: lambda told, need: told.shared.clear(),
    Code.GOODS_NOT_SHIPPED: ship,
    Code.LINE_NOT_ORDERED: stock,
    Code.GOODS_NOT_RECEIVED: receive,
    Code.RECEIPT_ABOVE_ORDER: correct,
    Code.RECEIPT_REDUCED: restore,
}
WITH_TIME = (Code.QUOTE_MISSING, Code.RECEIPT_GAP)


def released(told: Played) -> bool:
    """Whether everything of the invoice is through, and something of it was."""
    told.call_back()
    told.wait(hours=1)
    told.row = replace(told.row, held_by=None)  # a hold after the release keeps no invoice back
    goal = [one for one in told.plan().verdicts if one.step in INVOICING]
    ended = (State.DONE, State.NOT_NEEDED, State.SKIPPED)
    return bool(goal) and all(one.state in ended for one in goal)


def after(before: Played, needs: Sequence[Need], left_out: int | None) -> Played:
    told = before.twin()
    for index, need in enumerate(needs):
        if index != left_out and need.code not in WITH_TIME:
            ACTS[need.code](told, need)
            told.settle()
    return told


FEW, MANY = 80, int(os.environ.get("NEEDS", "600"))  # orders; more by hand


def test_all_of_what_is_told_releases_the_order_and_all_but_one_does_not() -> None:
    for seed in range(FEW):
        smallest_and_enough(seed)


@pytest.mark.breadth
@pytest.mark.timeout(300)
def test_the_same_of_many_orders_until_each_reason_came_up() -> None:
    told = [need for seed in range(FEW, MANY) for need in smallest_and_enough(seed)]
    assert {need.code for need in told} == set(WHO) == {*ACTS, *WITH_TIME}


def smallest_and_enough(seed: int) -> tuple[Need, ...]:
    """What is told of an order, once it was seen to be both."""
    told = story(seed).world()
    course = towards_invoice(premises(told))
    assert course.reached, seed
    needs = course.needs
    said = [(need.step, need.code.value, need.sentence) for need in needs]
    done = after(told, needs, None)
    assert released(done), (seed, said, done.row.sentence, done.codes())
    for index, need in enumerate(needs):
        assert need.who is WHO[need.code], (seed, need)
        assert (need.at is not None) is (need.code in WITH_TIME), (seed, need)
        if need.at is None:
            assert not released(after(told, needs, index)), (seed, need.sentence, said)
    return needs
