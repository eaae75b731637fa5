"""H12: the ways out of findings, from the difference to the order that is done, by each door."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Stack, running
from tests.e2e.orders import CABLE
from tests.e2e.remote import Remote
from tests.e2e.rules.test_drift import compare, late, settle
from tests.e2e.rules.test_purchase_order_changes import ON_ISSUE, an_order, tell
from tests.e2e.settling import DOORS

pytestmark = pytest.mark.processes


async def sold(stack: Stack, **more: Any) -> Any:
    """An order on its sales order, which waits for its purchase order."""
    order = an_order((CABLE, 10), **more)
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    assert await compare(stack, order) == []
    return order


@pytest.mark.parametrize("door", sorted(DOORS))
@pytest.mark.parametrize("way", ["adopt", "fix", "ignore"])
async def test_h12_each_door_takes_each_way(stack: Stack, door: str, way: str) -> None:
    order = await sold(stack)
    (product,) = (await Remote.read(stack, order)).product_ids.values()
    act = {"act": "edit_product", "id": product, "changes": {"quantity": 7}}
    await stack.control("act", act)
    (found,) = await compare(stack, order)
    standing = {"adopt": "adopted", "fix": "fixing", "ignore": "ignored"}[way]
    settled = await DOORS[door](stack, found, way)
    assert (settled["standing"], settled["reason"]) == (standing, "seen by a test")
    if way != "fix":
        (again,) = await compare(stack, order)
        assert again["standing"] == standing
        return

    async def ten() -> bool:
        return (await Remote.read(stack, order)).sold == {"CABLE-2M": 10}

    await stack.until_true(ten)
    await tell(stack, order.ordered(8891, [(CABLE, 10)]), order.receipted(8891))
    await stack.until_state(order.number, "done")
    assert await compare(stack, order) == []


@pytest.mark.parametrize("opportunity", [88, None])
async def test_h12_a_deleted_sales_order_is_made_anew_and_the_order_is_done(
    stack: Stack, opportunity: int | None
) -> None:
    order = await sold(stack, opportunity=opportunity)
    (gone,) = await stack.get("/sales/orders")
    assert (await stack.cw.delete(f"/sales/orders/{gone['id']}")).is_success
    (found,) = await compare(stack, order)
    assert (found["code"], found["kind"]) == ("DRIFT_MISSING", "sales_order")
    assert found["ways"] == ["adopt", "fix", "ignore"]
    await settle(stack, found, "fix")

    async def again() -> bool:
        return [one["id"] for one in await stack.get("/sales/orders")] not in ([], [gone["id"]])

    await stack.until_true(again)
    await tell(stack, order.ordered(8891, [(CABLE, 10)]), order.receipted(8891))
    await stack.until_state(order.number, "done")
    assert await compare(stack, order) == []


async def test_h12_an_invoice_that_was_made_twice_names_the_second_one(
    database_url: str, redis_url: str
) -> None:
    order = an_order((CABLE, 10))
    async with running(database_url, redis_url, invoice_action="create_invoice") as stack:
        stack.permitted |= {"H1", "H9", "E3", f"H1 {order.id}"}
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert await compare(stack, order) == []
        second = await late(stack, "/finance/invoices")
        (found,) = await compare(stack, order)
        assert (found["code"], found["kind"]) == ("DUPLICATE_REMOTE", "invoice")
        assert (found["record"], found["ways"]) == (str(second["id"]), ["adopt", "ignore"])
        assert (await stack.cw.delete(f"/finance/invoices/{second['id']}")).is_success
        assert await compare(stack, order) == []


async def test_h12_a_purchase_order_line_that_was_added_twice_is_another_quantity(
    database_url: str, redis_url: str
) -> None:
    order = an_order((CABLE, 10))
    plainly = {**ON_ISSUE, "demand_linking": "demand_appends_to_po"}
    async with running(database_url, redis_url, **plainly) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 12)]))
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        assert await compare(stack, order) == []
        (record,) = await stack.get("/procurement/purchaseorders")
        path = f"/procurement/purchaseorders/{record['id']}/lineitems"
        second = await late(stack, path)
        (found,) = await compare(stack, order)
        assert (found["code"], found["says"]) == ("DRIFT_DIFFERENT", "12 ordered")
        assert found["ways"] == ["adopt", "ignore"]
        assert (await stack.cw.delete(f"{path}/{second['id']}")).is_success
        assert await compare(stack, order) == []
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
