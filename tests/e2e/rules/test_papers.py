"""Papers of a receipt that come or change after the goods were received (H7, G5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack
from tests.e2e.orders import CABLE, MONITOR, Json, Order
from tests.e2e.rules.test_goods import an_order, decide, held_subject, line_of, tell

pytestmark = pytest.mark.processes
PO = "PO10008891"


async def received(stack: Stack, product: int, quantity: int) -> tuple[Order, Json]:
    """Goods received in full, and the event that told it."""
    order = an_order(product, quantity)
    event = order.ordered(8891, [(product, quantity)])
    receipted = order.receipted(8891)
    await tell(stack, [order.approved(), event, receipted])
    await stack.until_state(order.number, "done")
    return order, receipted


def corrected(event: Json, serials: list[str] | None = None, **fields: Any) -> Json:
    """The same receipt, told again with other papers."""
    receipt = {**event["data"]["receipt"], "receivedDate": "2026-11-25T08:00:00Z", **fields}
    if serials is not None:
        receipt["lines"] = [{**receipt["lines"][0], "serialNumbers": serials}]
    return {**event, "data": {**event["data"], "receipt": receipt}}


async def slips(stack: Stack) -> list[str | None]:
    return [line.get("packingSlip") for line in await line_of(stack, PO)]


async def test_h7_packing_slip_and_serial_numbers_are_corrected_on_the_received_line(
    stack: Stack,
) -> None:
    order, event = await received(stack, MONITOR, 2)
    await tell(stack, [corrected(event, ["NEW-1", "NEW-2"], packingSlip="SLIP-NEW")])

    async def sent() -> bool:
        return await slips(stack) == ["SLIP-NEW"]

    await stack.until_true(sent)
    (line,) = await line_of(stack, PO)
    assert line["serialNumbers"].split(",") == ["NEW-1", "NEW-2"]
    assert (line["receivedQuantity"], line["receivedStatus"]) == (2, "FullyReceived")
    await stack.until_state(order.number, "done")


async def test_h7_serial_numbers_that_do_not_fit_what_was_received_are_named(stack: Stack) -> None:
    order, event = await received(stack, MONITOR, 2)
    await tell(stack, [corrected(event, ["NEW-1"])])
    held = await stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
    assert "1 do not fit the 2 pieces" in held["answer"]["sentence"]
    await tell(stack, [corrected(event, ["NEW-1", "NEW-2"], receivedDate="2026-11-26T08:00:00Z")])
    await stack.until_state(order.number, "done")
    (line,) = await line_of(stack, PO)
    assert line["serialNumbers"].split(",") == ["NEW-1", "NEW-2"]


@pytest.mark.parametrize("choice", ["keep_connectwise", "done_by_hand"])
async def test_g5_papers_of_a_line_that_accounting_took_over_are_named_and_left(
    stack: Stack, choice: str
) -> None:
    order, event = await received(stack, CABLE, 3)
    (line,) = await line_of(stack, PO)
    await stack.control("act", {"act": "batch_line", "id": line["id"]})
    await tell(stack, [corrected(event, packingSlip="SLIP-NEW")])
    held: Rest = await stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
    assert "packing slip of CABLE-2M" in held["answer"]["sentence"]
    assert held["answer"]["who"] == "purchasing"
    await decide(stack, order, "CHANGED_AFTER_FREEZE", choice, held_subject(held))
    await stack.until_state(order.number, "done")
    assert await slips(stack) == [event["data"]["receipt"]["packingSlip"]]


async def test_h2_a_receipt_that_comes_after_its_goods_brings_its_papers(stack: Stack) -> None:
    """The quantity came first, without papers: what is covered is enriched, not received again."""
    order = an_order(CABLE, 4)
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 4)])])
    receipted = order.receipted(8891)
    updated = {
        "type": "purchase_order.updated",
        "timestamp": receipted["timestamp"],
        "data": {"purchaseOrder": receipted["data"]["purchaseOrder"]},
    }
    await tell(stack, [updated])
    await stack.until_state(order.number, "done")
    assert await slips(stack) == [None]
    await tell(stack, [receipted])

    async def told() -> bool:
        return await slips(stack) == [receipted["data"]["receipt"]["packingSlip"]]

    await stack.until_true(told)
    assert [line["receivedQuantity"] for line in await line_of(stack, PO)] == [4]
