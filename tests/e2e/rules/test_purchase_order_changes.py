"""Purchase orders that change after they reached ConnectWise (H3, D-11), end to end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import CABLE, DOCK, MONITOR, SYNNEX, Json, Order
from tests.e2e.remote import Remote

pytestmark = pytest.mark.processes
ON_ISSUE: dict[str, Any] = {"purchase_order_timing": "on_issue"}


def an_order(*lines: tuple[int, int], **more: Any) -> Order:
    return Order(lines=list(lines) or [(CABLE, 10)], not_chosen=(), quote_id=None, **more)


def revised(order: Order, po: int, lines: dict[int, Json] | None = None, **header: Any) -> Json:
    """The purchase order as it stands after an edit: fields of lines by id, and of the header."""
    document = order.purchase_orders[po]
    document.update(header)
    for entry in document["lines"]:
        entry.update((lines or {}).get(entry["id"], {}))
    return order._event("purchase_order.updated", purchaseOrder=order._purchase_order(po))


async def tell(stack: Stack, *events: Any) -> None:
    for event in events:
        assert (await stack.deliver(event))["status"] == 202


async def decide(stack: Stack, number: str, code: str, choice: str, subject: str) -> Rest:
    body = {"code": code, "choice": choice, "reason": "looked at it", "subject": subject}
    path = f"/admin/orders/{number}/decide"
    for _ in range(100):
        answer = await stack.client.post(path, json=body, headers=bearer())
        if answer.status_code != 409 or answer.json()["code"] != "WRITE_IN_DOUBT":
            break
        await asyncio.sleep(0.05)  # as the refusal says: a step is under way just now
    assert answer.status_code == 200, answer.text
    told: Rest = answer.json()
    return told


async def lines_of(stack: Stack, number: str) -> list[Rest]:
    """Lines of a purchase order that are not cancelled, by (sku, quantity, linked)."""
    (found,) = [
        po for po in await stack.get("/procurement/purchaseorders") if po["poNumber"] == number
    ]
    lines = await stack.get(f"/procurement/purchaseorders/{found['id']}/lineitems")
    return [line for line in lines if not line["canceledFlag"]]


def shown(lines: list[Rest]) -> list[tuple[str, int, bool]]:
    return sorted(
        (line["product"]["identifier"], int(line["quantity"]), bool(line["salesOrder"]))
        for line in lines
    )


async def standing(stack: Stack, order: Order, po: int = 8891) -> None:
    def linked(told: Rest) -> bool:
        steps = {(s["step"], s["subject"]): s["state"] for s in told["steps"]}
        return steps.get(("link_demand", f"PO1000{po}")) == "done"

    await stack.until(order.number, linked)


async def until_lines(stack: Stack, number: str, wanted: list[tuple[str, int, bool]]) -> None:
    async def asked() -> bool:
        return shown(await lines_of(stack, number)) == sorted(wanted)

    try:
        await stack.until_true(asked)
    except TimeoutError:
        raise AssertionError(shown(await lines_of(stack, number))) from None


@pytest.mark.parametrize("linking", ["demand_creates_po", "demand_appends_to_po", "automatic"])
@pytest.mark.parametrize("report", [True, False])
async def test_d11_quantities_down_and_up_are_applied_until_a_receipt_freezes_them(
    database_url: str, redis_url: str, linking: str, report: bool
) -> None:
    if linking == "automatic" and not report:
        pytest.skip("the report is not read there")
    order = an_order()
    async with running(database_url, redis_url, demand_linking=linking, **ON_ISSUE) as stack:
        if not report:
            await forbid_report(stack)
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 8)]))
        await standing(stack, order)
        assert shown(await lines_of(stack, "PO10008891")) == [("CABLE-2M", 8, True)]
        await tell(stack, revised(order, 8891, {1: {"quantity": 5}}))
        await until_lines(stack, "PO10008891", [("CABLE-2M", 5, True)])
        await tell(stack, revised(order, 8891, {1: {"quantity": 10}}))
        await until_lines(stack, "PO10008891", [("CABLE-2M", 5, True), ("CABLE-2M", 5, True)])
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}


async def forbid_report(stack: Stack) -> None:
    refusal = {"code": "Security", "message": "You do not have permission"}
    fault = {"method": "GET", "path": "^/system/reports/", "times": 1000, "kind": "status"}
    await stack.control("faults", [{**fault, "status": 403, "body": refusal}])


async def test_d11_lines_added_and_removed_prices_and_surplus_are_applied(
    database_url: str, redis_url: str
) -> None:
    order = an_order((CABLE, 10), (DOCK, 3))
    async with running(database_url, redis_url, **ON_ISSUE) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10), (DOCK, 3)]))
        await standing(stack, order)
        await tell(stack, revised(order, 8891, {1: {"price": 7.5, "quantity": 12}}))
        wanted = [("CABLE-2M", 10, True), ("CABLE-2M", 2, False), ("DELL-WD22TB4", 3, True)]
        await until_lines(stack, "PO10008891", wanted)
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        lines = await lines_of(stack, "PO10008891")
        assert {ln["unitCost"] for ln in lines if ln["product"]["identifier"] == "CABLE-2M"} == {
            7.5
        }
        # The docks are bought elsewhere.
        await tell(stack, revised(order, 8891, {1: {"quantity": 10}, 2: {"quantity": 0}}))
        await until_lines(stack, "PO10008891", [("CABLE-2M", 10, True)])
        await tell(stack, order.ordered(8892, [(DOCK, 3)], SYNNEX))
        await standing(stack, order, 8892)
        await tell(stack, order.receipted(8891), order.receipted(8892))
        await stack.until_state(order.number, "done")
        assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10, "DELL-WD22TB4": 3}


@pytest.mark.parametrize("choice", ["done_by_hand", "keep_connectwise"])
async def test_d11_a_change_after_a_receipt_is_held_with_its_difference_and_both_ways_out(
    stack: Stack, choice: str
) -> None:
    order = an_order()
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
    await tell(stack, order.receipted(8891, {1: 4}))
    await stack.until(order.number, lambda o: bool(o["lines"]) and o["lines"][0]["received"] == "4")
    await tell(stack, revised(order, 8891, {1: {"quantity": 8}}))
    held = await stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
    assert "10 to 8 Product CABLE-2M" in held["answer"]["sentence"]
    assert {"done_by_hand", "keep_connectwise"} <= set(held["answer"]["choices"])
    if choice == "done_by_hand":  # the open rest of 6 is lowered to 4
        (rest,) = [ln for ln in await lines_of(stack, "PO10008891") if not ln["closedFlag"]]
        path = f"/procurement/purchaseorders/{rest['purchaseOrderId']}/lineitems/{rest['id']}"
        await stack.cw.patch(path, json=[{"op": "replace", "path": "quantity", "value": 4}])
    await decide(stack, order.number, "CHANGED_AFTER_FREEZE", choice, "PO10008891")
    await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
    await tell(stack, order.receipted(8891, {1: 4}))
    told = await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    assert told["answer"]["sentence"].startswith("2 of 10")
    assert (await Remote.read(stack, order)).received == {"CABLE-2M": 8}
    # The next change is another question.
    await tell(stack, revised(order, 8891, {1: {"quantity": 9}}))
    await stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")


async def test_h3_a_cancelled_purchase_order_is_cancelled_there_and_another_supplier_takes_over(
    database_url: str, redis_url: str
) -> None:
    order = an_order()
    async with running(database_url, redis_url, **ON_ISSUE) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await standing(stack, order)
        await tell(stack, revised(order, 8891, status=90))
        await tell(stack, order.ordered(8892, [(CABLE, 10)], SYNNEX))
        held = await stack.until_state(order.number, "held", "PURCHASE_ORDER_CANCELLED")
        codes = {(step["step"], step["subject"]): step["code"] for step in held["steps"]}
        assert codes["sync_purchase_order", "PO10008892"] == "DEMAND_NOT_FREE"
        choice = "cancel_in_connectwise"
        await decide(stack, order.number, "PURCHASE_ORDER_CANCELLED", choice, "PO10008891")
        await standing(stack, order, 8892)
        assert shown(await lines_of(stack, "PO10008892")) == [("CABLE-2M", 10, True)]
        assert await lines_of(stack, "PO10008891") == []
        await tell(stack, order.receipted(8892))
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        assert remote.purchase_orders["PO10008891"] == "Cancelled"
        assert remote.received == {"CABLE-2M": 10}


async def test_h3_cancelled_after_a_partial_receipt_keeps_what_came(stack: Stack) -> None:
    order = an_order()
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
    await tell(stack, order.receipted(8891, {1: 4}))
    await stack.until(order.number, lambda o: bool(o["lines"]) and o["lines"][0]["received"] == "4")
    await tell(stack, revised(order, 8891, status=90))
    await stack.until_state(order.number, "held", "PURCHASE_ORDER_CANCELLED")
    choice = "cancel_in_connectwise"
    await decide(stack, order.number, "PURCHASE_ORDER_CANCELLED", choice, "PO10008891")
    told = await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    assert told["answer"]["sentence"].startswith("6 of 10")
    await tell(stack, order.ordered(8892, [(CABLE, 6)], SYNNEX), order.receipted(8892))
    await stack.until_state(order.number, "done")
    remote = await Remote.read(stack, order)
    assert remote.received == {"CABLE-2M": 10}
    assert set(remote.purchase_orders.values()) == {"Received In Full"}


async def test_h3_an_open_purchase_order_that_names_another_order_is_linked_there(
    database_url: str, redis_url: str
) -> None:
    first = an_order()
    other = an_order(id=1300, opportunity=None)
    async with running(database_url, redis_url, **ON_ISSUE) as stack:
        await tell(stack, first.approved(), other.approved())
        await tell(stack, first.ordered(8891, [(CABLE, 10)]))
        await standing(stack, first)
        await tell(stack, revised(first, 8891, salesOrderID=1300))
        other.purchase_orders[8891] = first.purchase_orders[8891]
        await standing(stack, other)
        (line,) = await lines_of(stack, "PO10008891")
        (mine,) = (await Remote.read(stack, other)).sales_order_ids
        assert [one["id"] for one in line["salesOrder"]] == [mine]
        other.minute = first.minute
        await tell(stack, other.receipted(8891))
        await stack.until_state(other.number, "done")
        await stack.until_state(first.number, "waiting", "LINE_NOT_ORDERED")


async def test_h3_a_received_purchase_order_that_names_another_order_may_be_kept_here(
    stack: Stack,
) -> None:
    first, other = an_order(), an_order(id=1300, opportunity=None)
    await tell(stack, first.approved(), other.approved(), first.ordered(8891, [(CABLE, 10)]))
    await tell(stack, first.receipted(8891, {1: 4}))
    await stack.until(first.number, lambda o: bool(o["lines"]) and o["lines"][0]["received"] == "4")
    await tell(stack, revised(first, 8891, salesOrderID=1300))
    held = await stack.until_state(first.number, "held", "PURCHASE_ORDER_MOVED")
    assert "keep_here" in held["answer"]["choices"]
    stack.permitted.add("B1.9 1300")  # its goods stay linked to the first order, as decided
    await decide(stack, first.number, "PURCHASE_ORDER_MOVED", "keep_here", "PO10008891")
    await tell(stack, first.receipted(8891))
    await stack.until_state(first.number, "done")
    assert (await Remote.read(stack, first)).received == {"CABLE-2M": 10}


# --- stock ----------------------------------------------------------------------------------------


def for_stock(order: Order, po: int = 8895) -> Json:
    ordered = order.ordered(po, [(CABLE, 20), (MONITOR, 2)])
    order.purchase_orders[po]["salesOrderID"] = None
    ordered["data"]["purchaseOrder"]["salesOrderID"] = None
    return ordered


async def test_h4_a_stock_purchase_order_is_received_and_completed_and_nothing_is_sold(
    stack: Stack,
) -> None:
    order = an_order()
    await tell(stack, for_stock(order))
    told = await stack.until_state("PO10008895", "waiting", "GOODS_NOT_RECEIVED")
    assert [line["on_purchase_orders"] for line in told["lines"]] == ["20", "2"]
    await tell(stack, order.receipted(8895, {1: 5, 2: 2}), order.receipted(8895))
    told = await stack.until_state("PO10008895", "done", "STOCK_RECEIVED")
    assert {step["step"] for step in told["steps"]} == {
        "sync_purchase_order",
        "receive_purchase_order",
    }
    remote = await Remote.read(stack, order)
    assert remote.purchase_orders == {"PO10008895": "Received In Full"}
    assert remote.received == {"CABLE-2M": 20, "DELL-P2425H": 2}
    assert await stack.get("/sales/orders") == []


async def test_h4_a_stock_purchase_order_can_be_ignored(database_url: str, redis_url: str) -> None:
    order = an_order()
    async with running(database_url, redis_url, stock_purchase_orders="ignore") as stack:
        await tell(stack, for_stock(order), order.receipted(8895))
        await stack.until_state("PO10008895", "done", "STOCK_IGNORED")
        assert await stack.get("/procurement/purchaseorders") == []


async def test_h4_a_stock_purchase_order_that_names_an_order_later_is_linked_to_it(
    database_url: str, redis_url: str
) -> None:
    order = an_order()
    async with running(database_url, redis_url, **ON_ISSUE) as stack:
        await tell(stack, order.ordered(8895, [(CABLE, 10)]) | {"type": "purchase_order.updated"})
        await tell(stack, revised(order, 8895, salesOrderID=None))
        await stack.until_state("PO10008895", "waiting", "GOODS_NOT_RECEIVED")
        await until_lines(stack, "PO10008895", [("CABLE-2M", 10, False)])
        await tell(stack, order.approved(), revised(order, 8895, salesOrderID=order.id))
        await standing(stack, order, 8895)
        await until_lines(stack, "PO10008895", [("CABLE-2M", 10, True)])
        await stack.until_state("PO10008895", "cancelled")
        await tell(stack, order.receipted(8895))
        await stack.until_state(order.number, "done")
