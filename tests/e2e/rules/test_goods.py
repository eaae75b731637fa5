"""Receiving and shipping where something is not as usual: each case ends done or held by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import CABLE, MONITOR, Order
from tests.e2e.remote import Remote

pytestmark = pytest.mark.processes


def an_order(product: int = CABLE, quantity: int = 10) -> Order:
    return Order(lines=[(product, quantity)], not_chosen=(), quote_id=None)


async def tell(stack: Stack, events: Sequence[Any]) -> None:
    for event in events:
        assert (await stack.deliver(event))["status"] == 202


async def decide(stack: Stack, order: Order, code: str, choice: str, subject: str = "") -> Rest:
    body = {"code": code, "choice": choice, "reason": "looked at it"}
    if subject:
        body["subject"] = subject
    answer = await stack.client.post(
        f"/admin/orders/{order.number}/decide", json=body, headers=bearer()
    )
    assert answer.status_code == 200, answer.text
    told: Rest = answer.json()
    return told


async def line_of(stack: Stack, number: str) -> list[Rest]:
    (found,) = [
        po for po in await stack.get("/procurement/purchaseorders") if po["poNumber"] == number
    ]
    lines: list[Rest] = await stack.get(f"/procurement/purchaseorders/{found['id']}/lineitems")
    return lines


# --- H2 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [[4, 6], [1, 2, 3, 4], [2, 2, 2, 2, 2]])
async def test_h2_a_line_is_received_in_any_number_of_parts(stack: Stack, parts: list[int]) -> None:
    order = an_order()
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
    await tell(stack, reversed([order.receipted(8891, {1: part}) for part in parts]))  # type: ignore[arg-type]
    await stack.until_state(order.number, "done")
    remote = await Remote.read(stack, order)
    assert remote.received == {"CABLE-2M": 10}
    lines = await line_of(stack, "PO10008891")
    assert sorted(line["receivedQuantity"] for line in lines) == sorted(parts)
    assert len({line["packingSlip"] for line in lines}) == len(parts)


async def test_h2_what_a_person_receives_meanwhile_is_taken_as_it_is(
    database_url: str, redis_url: str
) -> None:
    order = an_order()
    async with running(database_url, redis_url) as stack:

        async def received_by_a_person() -> None:
            (line,) = await line_of(stack, "PO10008891")
            path = f"/procurement/purchaseorders/{line['purchaseOrderId']}/lineitems/{line['id']}"
            now = {"receivedQuantity": 10, "receivedStatus": "FullyReceived"}
            change = [{"op": "replace", "path": field, "value": now[field]} for field in now]
            answer = await stack.cw.patch(path, json=change)
            assert answer.status_code == 200, answer.text

        stack.stops.step, stack.stops.point = "receive_purchase_order", "intent_committed"
        stack.stops.meanwhile = received_by_a_person
        await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
        await tell(stack, [order.receipted(8891)])
        await stack.until_state(order.number, "done")
        assert stack.stops.happened.is_set()
        assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}


async def test_h2_more_received_than_ordered_is_held_and_what_was_ordered_can_be_received(
    stack: Stack,
) -> None:
    order = an_order()
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
    await tell(stack, [order.receipted(8891, {1: 12})])
    held = await stack.until_state(order.number, "held", "RECEIPT_ABOVE_ORDER")
    assert "receive_ordered" in held["answer"]["choices"]
    assert "12 of Product CABLE-2M are received" in held["answer"]["sentence"]
    await decide(stack, order, "RECEIPT_ABOVE_ORDER", "receive_ordered", held_subject(held))
    await stack.until_state(order.number, "done")
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}
    order.received[8891, 1] = 12
    await tell(stack, [order.receipted(8891, {1: 3})])  # what was accepted says nothing of more
    held = await stack.until_state(order.number, "held", "RECEIPT_ABOVE_ORDER")
    assert "15 of Product CABLE-2M are received" in held["answer"]["sentence"]
    await decide(stack, order, "RECEIPT_ABOVE_ORDER", "receive_ordered")
    await stack.until_state(order.number, "done")
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}


def held_subject(order: Rest) -> str:
    """The subject of the first step that stands at the answer's code."""
    code = order["answer"]["code"]
    return str(next(step["subject"] for step in order["steps"] if step["code"] == code))


async def test_h2_a_quantity_that_goes_down_before_it_is_received_simply_rules(
    stack: Stack,
) -> None:
    order = an_order()
    ordered, receipted = order.ordered(8891, [(CABLE, 10)]), order.receipted(8891, {1: 10})
    order.received[8891, 1] = 7
    corrected = {
        "type": "purchase_order.updated",
        "timestamp": "2026-11-20T10:00:00Z",
        "data": {"purchaseOrder": order._purchase_order(8891)},
    }
    await tell(stack, [ordered, receipted, corrected, order.approved()])
    await stack.until(order.number, lambda o: bool(o["lines"]) and o["lines"][0]["received"] == "7")
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 7}


async def test_h2_a_quantity_that_goes_down_after_it_was_received_is_for_a_person(
    stack: Stack,
) -> None:
    order = an_order()
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
    await tell(stack, [order.receipted(8891, {1: 6})])
    await stack.until(order.number, lambda o: bool(o["lines"]) and o["lines"][0]["received"] == "6")
    order.received[8891, 1] = 4
    corrected = {
        "type": "purchase_order.updated",
        "timestamp": "2026-11-20T10:00:00Z",
        "data": {"purchaseOrder": order._purchase_order(8891)},
    }
    await tell(stack, [corrected])
    held = await stack.until_state(order.number, "held", "RECEIPT_REDUCED")
    await decide(stack, order, "RECEIPT_REDUCED", "keep_connectwise", held_subject(held))
    await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
    order.received[8891, 1] = 6
    await tell(stack, [order.receipted(8891, {1: 4})])
    await stack.until_state(order.number, "done")
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}


# --- links of what is split -----------------------------------------------------------------------


async def test_b1_9_a_rest_that_lost_its_link_is_never_received_unlinked(stack: Stack) -> None:
    """CloneRest may drop the link [OPEN]: the rest is held by name; a person may accept it."""
    await stack.control("settings", {"clone_keeps_link": False}, "PUT")
    order = an_order()
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
    await tell(stack, [order.receipted(8891, {1: 4}), order.receipted(8891)])
    held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
    assert "6 CABLE-2M, is not linked" in held["answer"]["sentence"]
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 4}


@pytest.mark.parametrize("choice", ["link_again", "add_unlinked_line", "done_by_hand"])
async def test_h2_a_rest_that_was_cancelled_and_comes_all_the_same_is_for_a_person(
    database_url: str, redis_url: str, choice: str
) -> None:
    """PARTIAL_RECEIPT = cancel_rest: nothing is left there to receive on, and nothing is taken as
    received."""
    async with running(database_url, redis_url, partial_receipt="cancel_rest") as stack:
        await stack.control("settings", {"plain_lines_link": False}, "PUT")
        order = an_order()
        await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
        await tell(stack, [order.receipted(8891, {1: 4}), order.receipted(8891)])
        held = await stack.until_state(order.number, "held", "LINE_MISSING")
        assert "no line is open there for the other 6" in held["answer"]["sentence"]
        assert held["lines"][0]["received"] == "4"
        if choice != "link_again":
            stack.permitted |= {"B1.9 1201", "B1.11 1201"}
        await decide(stack, order, "LINE_MISSING", choice, held_subject(held))
        told = await stack.until_state(order.number, "done")
        assert told["lines"][0]["received"] == "10"
        there = [
            (int(line["receivedQuantity"]), bool(line["salesOrder"]))
            for line in await line_of(stack, "PO10008891")
        ]
        rest = {"link_again": [(6, True)], "add_unlinked_line": [(6, False)], "done_by_hand": []}
        assert there == [(4, True), *rest[choice]]


# --- H7 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("serials", [["A1"], ["A1", "A1"], []])
async def test_h7_serial_numbers_that_do_not_match_are_asked_for_and_may_come_late(
    stack: Stack, serials: list[str]
) -> None:
    order = an_order(MONITOR, 2)
    await tell(stack, [order.approved(), order.ordered(8891, [(MONITOR, 2)])])
    receipted = order.receipted(8891)
    receipt = receipted["data"]["receipt"]
    complete = {**receipt, "receivedDate": "2026-11-21T08:00:00Z"}
    receipt["lines"] = [{**receipt["lines"][0], "serialNumbers": serials}]
    await tell(stack, [receipted])
    held = await stack.until_state(order.number, "held", "SERIALS_INCOMPLETE")
    assert "receive_without" in held["answer"]["choices"]
    await tell(
        stack,
        [{**receipted, "data": {**receipted["data"], "receipt": complete}}],
    )
    await stack.until_state(order.number, "done")
    (line,) = await line_of(stack, "PO10008891")
    assert line["serialNumbers"].split(",") == ["SN-8891-1-0", "SN-8891-1-1"]


async def test_h7_where_connectwise_requires_serial_numbers_it_is_told_and_asked_for_anew(
    stack: Stack,
) -> None:
    order = an_order(MONITOR, 2)
    await tell(stack, [order.approved(), order.ordered(8891, [(MONITOR, 2)])])
    receipted = order.receipted(8891)
    receipt = receipted["data"]["receipt"]
    complete = {**receipt, "receivedDate": "2026-11-21T08:00:00Z"}
    receipt["lines"] = [{**receipt["lines"][0], "serialNumbers": []}]
    await tell(stack, [receipted])
    held = await stack.until_state(order.number, "held", "SERIALS_INCOMPLETE")
    await decide(stack, order, "SERIALS_INCOMPLETE", "receive_without", held_subject(held))
    held = await stack.until(
        order.number, lambda o: o["answer"].get("choices") == ["look_again", "skip"]
    )
    assert held["answer"]["code"] == "SERIALS_INCOMPLETE"
    assert "2 serial numbers are required, 0 were given" in held["answer"]["sentence"]
    await tell(stack, [{**receipted, "data": {**receipted["data"], "receipt": complete}}])
    await stack.until_state(order.number, "done")


# --- papers ---------------------------------------------------------------------------------------


async def test_h6_freight_is_the_receipts_own_else_the_costs_once(stack: Stack) -> None:
    order = an_order()
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 4)])])
    order.purchase_orders[8891]["costs"] = [
        {"id": 1, "description": "Freight", "amount": 12.5, "tax": 0}
    ]
    await tell(stack, [order.receipted(8891)])
    other = order.ordered(8892, [(CABLE, 6)])
    receipted = order.receipted(8892)
    receipted["data"]["receipt"]["freight"] = 7.25
    await tell(stack, [other, receipted])
    await stack.until_state(order.number, "done")
    freights = {
        po["poNumber"]: po["freightCost"]
        for po in await stack.get("/procurement/purchaseorders")
        if po["poNumber"].startswith("PO1000")
    }
    assert freights == {"PO10008891": 12.5, "PO10008892": 7.25}


async def test_c6_a_supplier_invoice_that_comes_days_later_is_noted_on_the_closed_purchase_order(
    stack: Stack,
) -> None:
    order = an_order()
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
    receipted = order.receipted(8891)
    receipt = receipted["data"]["receipt"]
    late = {**receipt, "receivedDate": "2026-11-25T08:00:00Z"}
    for name in ("supplierInvoiceNumber", "supplierInvoiceDate"):
        receipt.pop(name)
    await tell(stack, [receipted])
    await stack.until_state(order.number, "done")
    await tell(stack, [{**receipted, "data": {**receipted["data"], "receipt": late}}])

    async def numbered() -> str | None:
        (po,) = [
            po
            for po in await stack.get("/procurement/purchaseorders")
            if po["poNumber"] == "PO10008891"
        ]
        found: str | None = po.get("vendorInvoiceNumber")
        return found

    await stack.until_true(numbered)
    assert await numbered() == late["supplierInvoiceNumber"]
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}


# --- D-14 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("auto_pick", [True, False])
async def test_d14_goods_are_marked_as_shipped_whether_or_not_connectwise_picks_them(
    database_url: str, redis_url: str, auto_pick: bool
) -> None:
    async with running(
        database_url, redis_url, invoice_policy="shipped_only", mark_shipped="on_receipt"
    ) as stack:
        await stack.control("settings", {"auto_pick": auto_pick}, "PUT")
        order = an_order()
        await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
        await tell(stack, [order.receipted(8891, {1: 3}), order.receipted(8891)])
        await stack.until_state(order.number, "done")
        assert (await Remote.read(stack, order)).shipped == {"CABLE-2M": 10}


@pytest.mark.parametrize("closes", [True, False])
async def test_b1_8_the_purchase_order_is_complete_whoever_closes_what(
    stack: Stack, closes: bool
) -> None:
    await stack.control("settings", {"auto_close_line": closes, "auto_close_order": closes}, "PUT")
    order = an_order()
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
    await tell(stack, [order.receipted(8891, {1: 3}), order.receipted(8891)])
    await stack.until_state(order.number, "done")
    remote = await Remote.read(stack, order)
    assert remote.purchase_orders == {"PO10008891": "Received In Full"}
    assert remote.received == {"CABLE-2M": 10}


@pytest.mark.parametrize("ends", ["accepted", "told by Commerce"])
async def test_h2_more_received_by_a_person_than_commerce_says_is_named(
    database_url: str, redis_url: str, ends: str
) -> None:
    async with running(database_url, redis_url, purchase_order_timing="on_issue") as stack:
        order = an_order()
        await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 10)])])
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        (line,) = await line_of(stack, "PO10008891")
        path = f"/procurement/purchaseorders/{line['purchaseOrderId']}/lineitems/{line['id']}"
        receipt = [
            {"op": "replace", "path": "receivedQuantity", "value": 10},
            {"op": "replace", "path": "receivedStatus", "value": "FullyReceived"},
        ]
        assert (await stack.cw.patch(path, json=receipt)).is_success
        await tell(stack, [order.receipted(8891, {1: 4})])
        held = await stack.until_state(order.number, "held", "RECEIPT_UNCERTAIN")
        assert "10 of CABLE-2M received" in held["answer"]["sentence"]
        assert "more than the 4 that Commerce says" in held["answer"]["sentence"]
        if ends == "accepted":
            await decide(stack, order, "RECEIPT_UNCERTAIN", "accept_connectwise")
            await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        await tell(stack, [order.receipted(8891)])
        await stack.until_state(order.number, "done")
        assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}
