"""Linking of purchase orders to demand, whatever ConnectWise does: done, or held by name (B1.2,
B1.9, B1.13, D-4)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, running
from tests.e2e.orders import CABLE, DOCK, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_purchase_order_changes import (
    an_order,
    decide,
    forbid_report,
    lines_of,
    shown,
    standing,
    tell,
)

pytestmark = pytest.mark.processes
LINKED, LOOSE = [("CABLE-2M", 10, True)], [("CABLE-2M", 10, False)]
PO = "PO10008891"
# What a person's choice lifts for the outside observer: goods come to stock, and still count.
UNLINKED = {"B1.9 1201", "B1.11 1201"}


def events_of(order: Order) -> list[Any]:
    return [order.approved(), order.ordered(8891, [(CABLE, 10)]), order.receipted(8891)]


LINKINGS = ["demand_creates_po", "demand_appends_to_po", "automatic"]


@pytest.mark.parametrize("linking", LINKINGS)
@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("report", [True, False])
async def test_d4_each_way_of_linking_ends_linked_where_connectwise_behaves_so(
    database_url: str, redis_url: str, linking: str, writable: bool, report: bool
) -> None:
    order = an_order()
    async with running(database_url, redis_url, demand_linking=linking) as stack:
        await stack.control("settings", {"line_sales_order_writable": writable}, "PUT")
        if not report:
            await forbid_report(stack)
        await tell(stack, *events_of(order))
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == LINKED


@pytest.mark.parametrize("linking", ["demand_creates_po", "demand_appends_to_po"])
@pytest.mark.parametrize("plain", [True, False])
async def test_d4_whether_plain_lines_link_does_not_matter_to_demand(
    database_url: str, redis_url: str, linking: str, plain: bool
) -> None:
    """B1.9: surplus stays unlinked although ConnectWise would link plain lines."""
    order = an_order()
    async with running(database_url, redis_url, demand_linking=linking) as stack:
        await stack.control("settings", {"plain_lines_link": plain}, "PUT")
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 12)]))
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 2, False), *LINKED]


async def test_d4_demand_that_does_not_append_is_held_and_its_purchase_order_can_be_used(
    database_url: str, redis_url: str
) -> None:
    order = an_order()
    linking = "demand_appends_to_po"
    async with running(database_url, redis_url, demand_linking=linking) as stack:
        await stack.control("settings", {"demand_post_appends": False}, "PUT")
        await tell(stack, *events_of(order))
        held = await stack.until_state(order.number, "held", "PURCHASE_ORDER_UNCERTAIN")
        (use,) = [choice for choice in held["answer"]["choices"] if choice.startswith("use:")]
        await decide(stack, order.number, "PURCHASE_ORDER_UNCERTAIN", use, PO)
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == LINKED
        statuses = {
            po["poNumber"]: po["status"]["name"]
            for po in await stack.get("/procurement/purchaseorders")
        }
        assert statuses == {PO: "Received In Full", f"{PO}-unused": "Cancelled"}


@pytest.mark.parametrize(("choice", "wanted"), [("link_again", LINKED), ("accept_unlinked", LOOSE)])
async def test_d4_where_connectwise_does_not_link_plain_lines_a_person_chooses(
    database_url: str, redis_url: str, choice: str, wanted: Any
) -> None:
    order = an_order()
    async with running(database_url, redis_url, demand_linking="automatic") as stack:
        await stack.control("settings", {"plain_lines_link": False}, "PUT")
        await tell(stack, *events_of(order))
        held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert (await Remote.read(stack, order)).received == {}
        assert {"link_again", "accept_unlinked"} <= set(held["answer"]["choices"])
        if choice == "accept_unlinked":
            stack.permitted |= UNLINKED
        await decide(stack, order.number, "DEMAND_NOT_LINKED", choice, PO)
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == wanted


@pytest.mark.parametrize("linking", LINKINGS)
async def test_b1_2_a_link_that_connectwise_silently_drops_is_seen_before_anything_is_received(
    database_url: str, redis_url: str, linking: str
) -> None:
    """The write is answered as always; only what is read back, after READ_LAG, tells."""
    order = an_order()
    async with running(database_url, redis_url, demand_linking=linking) as stack:
        await stack.control("faults", {"kind": "drop_link"})
        await tell(stack, *events_of(order))
        await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert await stack.control("faults", None, "GET") == []
        assert shown(await lines_of(stack, PO)) == LOOSE
        assert (await Remote.read(stack, order)).received == {}
        await decide(stack, order.number, "DEMAND_NOT_LINKED", "link_again", PO)
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == LINKED


@pytest.mark.parametrize("linking", ["demand_creates_po", "demand_appends_to_po"])
async def test_b1_2_without_demand_nothing_is_made_and_it_goes_on_when_demand_appears(
    database_url: str, redis_url: str, linking: str
) -> None:
    """KQM's own condition: ConnectWise has to raise demand from sales orders."""
    order = an_order()
    async with running(database_url, redis_url, demand_linking=linking) as stack:
        await stack.control("settings", {"demand_from": ["ticket"]}, "PUT")
        await tell(stack, *events_of(order))
        held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert held["answer"]["who"] == "purchasing"
        assert (await Remote.read(stack, order)).received == {}
        await stack.control("settings", {"demand_from": ["sales_order"]}, "PUT")
        await decide(stack, order.number, "DEMAND_NOT_LINKED", "look_again", PO)
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == LINKED


@pytest.mark.parametrize("linking", LINKINGS)
async def test_b1_2_what_is_accepted_unlinked_is_received_and_released(
    database_url: str, redis_url: str, linking: str
) -> None:
    order = an_order()
    async with running(database_url, redis_url, demand_linking=linking) as stack:
        await stack.control("settings", {"demand_from": []}, "PUT")
        await tell(stack, *events_of(order))
        await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        stack.permitted |= UNLINKED
        await decide(stack, order.number, "DEMAND_NOT_LINKED", "accept_unlinked", PO)
        told = await stack.until_state(order.number, "done")
        assert told["lines"][0]["received"] == "10"
        assert shown(await lines_of(stack, PO)) == LOOSE
        remote = await Remote.read(stack, order)
        assert remote.sales_order_status == "Ready to invoice"
        assert remote.purchase_orders == {PO: "Received In Full"}


@pytest.mark.parametrize("choice", ["link_again", "accept_unlinked"])
async def test_b1_2_a_link_that_is_gone_when_it_is_read_back_is_made_again_or_accepted(
    database_url: str, redis_url: str, choice: str
) -> None:
    order = an_order()
    async with running(database_url, redis_url, worker=False) as stack:
        await stack.control("settings", {"line_sales_order_writable": True}, "PUT")
        stack.stops.step, stack.stops.point = "sync_purchase_order", "outcome_committed"
        await tell(stack, *events_of(order))
        await stack.start_worker()
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        (record,) = await stack.get("/procurement/purchaseorders")
        path = f"/procurement/purchaseorders/{record['id']}/lineitems"
        (line,) = await stack.get(path)
        change = [{"op": "replace", "path": "salesOrder", "value": []}]
        await stack.cw.patch(f"{path}/{line['id']}", json=change)
        assert shown(await stack.get(path)) == LOOSE
        await stack.start_worker()
        await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert (await Remote.read(stack, order)).received == {}
        if choice == "accept_unlinked":
            stack.permitted |= UNLINKED
        await decide(stack, order.number, "DEMAND_NOT_LINKED", choice, PO)
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == (LINKED if choice == "link_again" else LOOSE)


async def test_b1_9_a_rest_that_lost_its_link_is_linked_again(stack: Stack) -> None:
    await stack.control("settings", {"clone_keeps_link": False}, "PUT")
    order = an_order()
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
    await tell(stack, order.receipted(8891, {1: 4}), order.receipted(8891))
    held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
    subject = next(s["subject"] for s in held["steps"] if s["code"] == "DEMAND_NOT_LINKED")
    await decide(stack, order.number, "DEMAND_NOT_LINKED", "link_again", subject)
    await stack.until_state(order.number, "done")
    assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 4, True), ("CABLE-2M", 6, True)]


async def test_b1_9_demand_that_is_not_approved_is_named(stack: Stack) -> None:
    order = an_order()
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (product,) = (await Remote.read(stack, order)).product_ids.values()
    await approve(stack, product, approved=False)
    await tell(stack, order.ordered(8891, [(CABLE, 10)]), order.receipted(8891))
    held = await stack.until_state(order.number, "held", "DEMAND_NOT_APPROVED")
    assert "CABLE-2M" in held["answer"]["sentence"]
    await approve(stack, product, approved=True)
    await decide(stack, order.number, "DEMAND_NOT_APPROVED", "look_again", PO)
    await stack.until_state(order.number, "done")


async def approve(stack: Stack, product: int, *, approved: bool) -> None:
    changes = {"poApprovedFlag": approved}
    await stack.control("act", {"act": "edit_product", "id": product, "changes": changes})


async def test_b1_13_of_a_partly_invoiced_order_the_rest_is_linked_and_what_is_invoiced_is_named(
    stack: Stack,
) -> None:
    order = an_order((CABLE, 10), (DOCK, 3))
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    products = (await Remote.read(stack, order)).product_ids
    invoice = await invoiced(stack, products["dl:default:1201:2"])
    await tell(stack, order.ordered(8891, [(CABLE, 10), (DOCK, 3)]), order.receipted(8891))
    held = await stack.until(order.number, synced_as_far_as_it_goes)
    assert "DELL-WD22TB4" in held["answer"]["sentence"]
    assert "CABLE" not in held["answer"]["sentence"]
    assert shown(await lines_of(stack, PO)) == LINKED
    await stack.cw.delete(f"/finance/invoices/{invoice}")
    await decide(stack, order.number, "INVOICED_TOO_EARLY", "look_again", PO)
    await stack.until_state(order.number, "done")
    assert shown(await lines_of(stack, PO)) == [*LINKED, ("DELL-WD22TB4", 3, True)]


def synced_as_far_as_it_goes(order: Rest) -> bool:
    """The release is held by the same code before the purchase order is even made."""
    codes = {step["step"]: step["code"] for step in order["steps"]}
    return bool(codes.get("sync_purchase_order") == "INVOICED_TOO_EARLY" == order["answer"]["code"])


async def invoiced(stack: Stack, product: int) -> int:
    """A person invoices one product of the sales order."""
    others = [
        one["id"]
        for one in await stack.get("/procurement/products")
        if one.get("salesOrder") and one["id"] != product
    ]
    for other in others:
        changes = {"billableOption": "DoNotBill"}
        await stack.control("act", {"act": "edit_product", "id": other, "changes": changes})
    (found,) = [p for p in await stack.get("/procurement/products") if p["id"] == product]
    body = {"act": "invoice_sales_order", "id": found["salesOrder"]["id"]}
    await stack.control("act", body)
    (invoice,) = await stack.get("/finance/invoices")
    for other in others:
        changes = {"billableOption": "Billable"}
        await stack.control("act", {"act": "edit_product", "id": other, "changes": changes})
    return int(invoice["id"])


@pytest.mark.parametrize("when", ["before", "after"])
async def test_d7_goods_that_are_invoiced_too_early_may_go_on_unlinked(
    database_url: str, redis_url: str, when: str
) -> None:
    """Invoiced before the purchase order came, or after its lines were linked."""
    order = an_order((CABLE, 10), (DOCK, 3))
    on_issue: dict[str, Any] = {"purchase_order_timing": "on_issue"}
    async with running(database_url, redis_url, **on_issue) as stack:
        await tell(stack, order.approved())
        ordered = order.ordered(8891, [(CABLE, 10), (DOCK, 3)])
        if when == "after":
            await tell(stack, ordered)
            await standing(stack, order)
        else:
            await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        products = (await Remote.read(stack, order)).product_ids
        await invoiced(stack, products["dl:default:1201:2"])
        await tell(stack, *([] if when == "after" else [ordered]), order.receipted(8891))
        held = await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        stack.permitted |= UNLINKED
        subject = next(s["subject"] for s in held["steps"] if s["code"] == "INVOICED_TOO_EARLY")
        await decide(stack, order.number, "INVOICED_TOO_EARLY", "accept_unlinked", subject)
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == [*LINKED, ("DELL-WD22TB4", 3, False)]
        assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10, "DELL-WD22TB4": 3}


async def test_b1_2_what_is_accepted_unlinked_says_nothing_of_another_line(
    database_url: str, redis_url: str
) -> None:
    """A choice counts for the lines that were named when it was made."""
    order = an_order((CABLE, 10), (DOCK, 3))
    on_issue: dict[str, Any] = {"purchase_order_timing": "on_issue"}
    async with running(database_url, redis_url, **on_issue) as stack:
        await stack.control("settings", {"demand_from": []}, "PUT")
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert "WD22TB4" not in held["answer"]["sentence"]
        stack.permitted |= UNLINKED
        await decide(stack, order.number, "DEMAND_NOT_LINKED", "accept_unlinked", PO)
        await standing(stack, order)
        await tell(stack, order.ordered(8891, [(CABLE, 10), (DOCK, 3)]))
        held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert "3 DELL-WD22TB4" in held["answer"]["sentence"]
        assert "CABLE" not in held["answer"]["sentence"]
        assert shown(await lines_of(stack, PO)) == LOOSE
        await decide(stack, order.number, "DEMAND_NOT_LINKED", "accept_unlinked", PO)
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert shown(await lines_of(stack, PO)) == [*LOOSE, ("DELL-WD22TB4", 3, False)]
