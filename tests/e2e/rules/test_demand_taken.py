"""Plain lines that ConnectWise links by itself take nobody else's demand unnoticed (B1.9, H4, D-4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, running
from tests.e2e.orders import CABLE, DOCK, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_purchase_order_changes import (
    an_order,
    decide,
    for_stock,
    forbid_report,
    lines_of,
    shown,
    tell,
)

pytestmark = pytest.mark.processes
PO, OTHER_PO, STOCK = "PO10008891", "PO10008892", "PO10008895"
TAKEN = "DEMAND_TAKEN"
# What a person's `leave_linked` lifts for the outside observer.
LEFT = {"B1.9", "B1.9 1201"}


async def another_order(stack: Stack, quantity: int = 5) -> Order:
    """Another customer's order of the same goods stands, and nothing is ordered for it."""
    other = an_order((CABLE, quantity), id=1202, opportunity=None)
    await tell(stack, other.approved())
    await stack.until_state(other.number, "waiting", "LINE_NOT_ORDERED")
    return other


def subject_of(order: Rest, code: str = TAKEN) -> str:
    return str(next(step["subject"] for step in order["steps"] if step["code"] == code))


async def until_told(stack: Stack, number: str, *words: str) -> Rest:
    """Held because of taken demand, with these words in the sentence."""
    return await stack.until(
        number,
        lambda o: o["answer"]["code"] == TAKEN and all(w in o["answer"]["sentence"] for w in words),
    )


@pytest.mark.parametrize("report", [True, False])
async def test_b1_9_surplus_that_took_another_orders_demand_is_held_and_named(
    stack: Stack, report: bool
) -> None:
    """The order's own goods are received meanwhile; the others' only when a person says so."""
    if not report:
        await forbid_report(stack)
    await another_order(stack)
    order = an_order((CABLE, 10))
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 12)]))
    await tell(stack, order.receipted(8891, {1: 10}), order.receipted(8891, {1: 2}))
    held = await until_told(stack, order.number, "2 CABLE-2M", "(Commerce order 1202)")
    assert held["answer"]["who"] == "purchasing"
    assert {"leave_linked", "give_back"} <= set(held["answer"]["choices"])
    await stack.until(order.number, lambda o: o["lines"][0]["received"] == "10")
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}
    stack.permitted |= LEFT
    await decide(stack, order.number, TAKEN, "leave_linked", subject_of(held))
    await stack.until_state(order.number, "done")
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 12}


async def test_b1_9_demand_that_was_left_to_another_orders_line_is_named_to_its_owner(
    stack: Stack,
) -> None:
    other = await another_order(stack)
    order = an_order((CABLE, 10))
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 12)]), order.receipted(8891))
    held = await stack.until_state(order.number, "held", TAKEN)
    stack.permitted |= LEFT
    await decide(stack, order.number, TAKEN, "leave_linked", subject_of(held))
    await stack.until_state(order.number, "done")
    await tell(stack, other.ordered(8892, [(CABLE, 5)]), other.receipted(8892))
    held = await stack.until_state(other.number, "held", "DEMAND_NOT_LINKED")
    (taker,) = [
        po["id"] for po in await stack.get("/procurement/purchaseorders") if po["poNumber"] == PO
    ]
    assert "ConnectWise shows 3 open" in held["answer"]["sentence"]
    assert f"It is on purchase order {taker} in ConnectWise" in held["answer"]["sentence"]


async def test_b1_9_demand_that_was_taken_is_given_back_and_the_surplus_waits_for_its_order(
    stack: Stack,
) -> None:
    """A new line would take it again, so it comes when the other order's goods are ordered."""
    other = await another_order(stack)
    order = an_order((CABLE, 10))
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 12)]), order.receipted(8891))
    held = await stack.until_state(order.number, "held", TAKEN)
    await decide(stack, order.number, TAKEN, "give_back", subject_of(held))
    held = await until_told(stack, order.number, "stand on no line", "5 CABLE-2M", "1202")
    assert "give_back" not in held["answer"]["choices"]
    assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 10, True)]
    await tell(stack, other.ordered(8892, [(CABLE, 5)]), other.receipted(8892))
    await stack.until_state(other.number, "done")
    await decide(stack, order.number, TAKEN, "look_again", subject_of(held))
    await stack.until_state(order.number, "done")
    assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 2, False), ("CABLE-2M", 10, True)]
    assert shown(await lines_of(stack, OTHER_PO)) == [("CABLE-2M", 5, True)]
    assert (await Remote.read(stack, order, {OTHER_PO})).received == {"CABLE-2M": 12}


async def test_b1_9_goods_whose_demand_was_given_back_may_go_there_after_all(stack: Stack) -> None:
    await another_order(stack)
    order = an_order((CABLE, 10))
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 12)]), order.receipted(8891))
    held = await stack.until_state(order.number, "held", TAKEN)
    await decide(stack, order.number, TAKEN, "give_back", subject_of(held))
    held = await until_told(stack, order.number, "stand on no line")
    stack.permitted |= LEFT
    await decide(stack, order.number, TAKEN, "leave_linked", subject_of(held))
    await stack.until_state(order.number, "done")
    assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 2, True), ("CABLE-2M", 10, True)]


@pytest.mark.parametrize("timing", ["on_receipt", "on_issue"])
async def test_h4_stock_that_took_the_demand_of_a_ticket_is_held_and_named(
    database_url: str, redis_url: str, timing: str
) -> None:
    """A ticket shows in no line's sales orders: the report alone tells."""
    async with running(database_url, redis_url, purchase_order_timing=timing) as stack:
        ticket = await goods_on_a_ticket(stack, "DELL-P2425H", 1)
        order = an_order()
        await tell(stack, for_stock(order))
        if timing == "on_receipt":
            await tell(stack, order.receipted(8895))
        held = await until_told(stack, STOCK, "2 DELL-P2425H", f"ticket {ticket}")
        assert (await Remote.read(stack, order)).received == {}
        stack.permitted |= LEFT
        await decide(stack, STOCK, TAKEN, "leave_linked", subject_of(held))
        if timing == "on_issue":
            await tell(stack, order.receipted(8895))
        await stack.until_state(STOCK, "done", "STOCK_RECEIVED")


async def goods_on_a_ticket(stack: Stack, sku: str, quantity: int) -> int:
    """A technician put goods on a ticket."""
    ticket: Any = await stack.cw.post(
        "/service/tickets",
        json={"summary": "another screen", "company": {"identifier": "Contoso"}},
    )
    number = int(ticket.json()["id"])
    (item,) = await stack.get("/procurement/catalog", conditions=f'identifier="{sku}"')
    product = {
        "catalogItem": {"id": item["id"]},
        "quantity": quantity,
        "ticket": {"id": number},
        "billableOption": "Billable",
    }
    made = await stack.cw.post("/procurement/products", json=product)
    assert made.is_success, made.text
    return number


async def test_d4_plain_lines_that_were_linked_to_an_older_order_are_named_and_linked_again(
    database_url: str, redis_url: str
) -> None:
    """ConnectWise serves the oldest demand of an item first, whoever's it is."""
    async with running(database_url, redis_url, demand_linking="automatic") as stack:
        other = await another_order(stack, 10)
        order = an_order((CABLE, 10))
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await tell(stack, order.receipted(8891))
        held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert "(Commerce order 1202) instead" in held["answer"]["sentence"]
        assert (await Remote.read(stack, order)).received == {}
        await decide(stack, order.number, "DEMAND_NOT_LINKED", "link_again", PO)
        await stack.until_state(order.number, "done")
        await tell(stack, other.ordered(8892, [(CABLE, 10)]), other.receipted(8892))
        await stack.until_state(other.number, "done")


async def test_d4_a_plain_line_that_serves_two_orders_is_linked_again_as_a_whole(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, demand_linking="automatic") as stack:
        await another_order(stack, 4)
        order = an_order((CABLE, 10))
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await tell(stack, order.receipted(8891))
        held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert "(Commerce order 1202) instead" in held["answer"]["sentence"]
        await decide(stack, order.number, "DEMAND_NOT_LINKED", "link_again", PO)
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 10, True)]


async def test_b1_2_what_goes_on_unlinked_takes_nobody_elses_demand_unnoticed(
    stack: Stack,
) -> None:
    """The order has no demand of its own, so a plain line takes the next one's."""
    other = await another_order(stack)
    order = an_order((CABLE, 5), (DOCK, 1))
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (product,) = await stack.get(
        "/procurement/products", conditions='integrationXRef="dl:default:1201:1"'
    )
    stopped = {"needToPurchaseFlag": False}
    await stack.control("act", {"act": "edit_product", "id": product["id"], "changes": stopped})
    await tell(stack, order.ordered(8891, [(CABLE, 5), (DOCK, 1)]), order.receipted(8891))
    await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
    stack.permitted |= {"B1.9 1201", "B1.11 1201"}  # what `accept_unlinked` lifts
    await decide(stack, order.number, "DEMAND_NOT_LINKED", "accept_unlinked", PO)
    held = await until_told(stack, order.number, "5 CABLE-2M", "(Commerce order 1202)")
    await decide(stack, order.number, TAKEN, "give_back", subject_of(held))
    held = await until_told(stack, order.number, "stand on no line")
    await tell(stack, other.ordered(8892, [(CABLE, 5)]), other.receipted(8892))
    await stack.until_state(other.number, "done")
    await decide(stack, order.number, TAKEN, "look_again", subject_of(held))
    await stack.until_state(order.number, "done")
    assert shown(await lines_of(stack, OTHER_PO)) == [("CABLE-2M", 5, True)]
    assert ("CABLE-2M", 5, False) in shown(await lines_of(stack, PO))
