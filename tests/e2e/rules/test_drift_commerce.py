"""H12, G8: Commerce is compared with what came in, and a fix takes in what the poll overlooked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.e2e.commerce import Shop, looked, polling, value
from tests.e2e.harness import Rest, Stack, bearer
from tests.e2e.orders import CABLE, DOCK, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_drift import compare, settle, shown, swept
from tests.e2e.settling import DOORS

pytestmark = pytest.mark.processes
FREELY: dict[str, Any] = {
    "drift_calls_a_minute": 100_000,
    "drift_commerce_calls_a_minute": 100_000,
    "drift_commerce_calls_a_day": 100_000,
    "purchase_order_timing": "on_issue",
}


def an_order(*lines: tuple[int, int], **more: Any) -> Order:
    return Order(lines=list(lines), not_chosen=(), quote_id=None, opportunity=None, **more)


MOVED = """
UPDATE commerce_poll SET lease_owner = NULL, lease_token = NULL, due_at = now(), state = jsonb_set(
    state::jsonb, '{windows}', (
        SELECT jsonb_object_agg(key, value || jsonb_build_object('at', now() + interval '14 hours'))
        FROM jsonb_each(state::jsonb -> 'windows')))::json
RETURNING 1
"""


async def blinded(stack: Stack, shop: Shop) -> None:
    """What the lists were read up to lies ahead, as after one record whose date ran ahead: they
    show nothing dated before it any more, so the poll overlooks what changes from now on."""
    await looked(stack, shop)
    await stack.kill_worker()
    assert await value(stack, MOVED) == 1
    await stack.start_worker()


@asynccontextmanager
async def bought(
    database_url: str, redis_url: str, *lines: tuple[int, int], **more: Any
) -> AsyncIterator[tuple[Stack, Shop, Order]]:
    """An order whose first product is on a purchase order, in step everywhere."""
    order = an_order(*lines)
    async with polling(database_url, redis_url, **{**FREELY, **more}) as (stack, shop):
        await shop.put(order.approved())
        await shop.put(order.ordered(8891, [order.lines[0]]))
        await stack.until(order.number, lambda o: o["lines"][0]["ordered"] != "0")
        await stack.until_state(order.number, "waiting")
        assert await compare(stack, order) == []
        yield stack, shop, order


async def overlooked(stack: Stack, shop: Shop) -> None:
    """The poll has looked twice, and nothing came in."""
    before = await value(stack, "SELECT count(*) FROM inbox_event")
    await looked(stack, shop, 2)
    assert await value(stack, "SELECT count(*) FROM inbox_event") == before


@pytest.mark.parametrize("door", sorted(DOORS))
async def test_h12_a_purchase_order_that_never_came_in_is_taken_in_and_its_steps_do_the_rest(
    database_url: str, redis_url: str, door: str
) -> None:
    lines = ((CABLE, 10), (DOCK, 3))
    async with bought(database_url, redis_url, *lines) as (stack, shop, order):
        await blinded(stack, shop)
        await shop.put(order.ordered(8892, [(DOCK, 3)]), tell=False)
        await overlooked(stack, shop)
        (found,) = await swept(stack)
        assert (found["code"], found["system"]) == ("DRIFT_MISSING", "commerce")
        assert (found["record"], found["order"]) == ("8892", None)
        assert (
            found["sentence"]
            == "Purchase order PO10008892 is approved in Commerce and never came in."
        )
        assert found["ways"] == ["adopt", "fix", "ignore"]
        settled = await DOORS[door](stack, found, "fix")
        assert (settled["standing"], settled["order"]) == ("fixing", None)

        async def made() -> bool:
            numbers = [one["poNumber"] for one in await stack.get("/procurement/purchaseorders")]
            return "PO10008892" in numbers

        await stack.until_true(made)
        (closed,) = await swept(stack)
        assert (closed["id"], closed["standing"]) == (found["id"], "closed")
        assert await compare(stack, order) == []


async def test_h12_a_sales_order_that_never_came_in_is_done_once_it_was_taken_in(
    database_url: str, redis_url: str
) -> None:
    order = an_order((CABLE, 2), id=1300)
    async with polling(database_url, redis_url, **FREELY) as (stack, shop):
        await blinded(stack, shop)
        await shop.put(order.approved(), tell=False)
        await shop.put(order.ordered(8801, [(CABLE, 2)]), tell=False)
        await overlooked(stack, shop)
        found = {one["record"]: one for one in await swept(stack)}
        assert found.keys() == {"1300", "8801"}
        # Its sales order comes with it.
        await settle(stack, found["8801"], "fix")
        await stack.until(order.number, lambda o: o["lines"][0]["ordered"] == "2")
        assert {one["standing"] for one in await swept(stack)} == {"closed"}
        again = await stack.client.post(
            f"/admin/drift/{found['1300']['id']}/fix", json={"reason": "late"}, headers=bearer()
        )
        assert (again.status_code, again.json()["code"]) == (409, "DECISION_NOT_OPEN")
        await shop.put(order.receipted(8801), tell=False)
        (received,) = await compare(stack, order)
        await settle(stack, received, "fix")
        await stack.until_state(order.number, "done")


@pytest.mark.parametrize("door", sorted(DOORS))
async def test_h12_another_quantity_in_commerce_is_taken_in(
    database_url: str, redis_url: str, door: str
) -> None:
    order = an_order((CABLE, 10))
    async with polling(database_url, redis_url, **FREELY) as (stack, shop):
        await shop.put(order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        await blinded(stack, shop)
        order.lines = [(CABLE, 8)]
        await shop.put(order.approved("sales_order.updated"), tell=False)
        await overlooked(stack, shop)
        (found,) = await compare(stack, order)
        assert shown([found]) == [("DRIFT_DIFFERENT", "10", "8")]
        assert (found["system"], found["kind"], found["record"]) == (
            "commerce",
            "sales_order",
            "1201",
        )
        settled = await DOORS[door](stack, found, "fix")
        assert settled["standing"] == "fixing"

        async def eight() -> bool:
            return (await Remote.read(stack, order)).sold == {"CABLE-2M": 8}

        await stack.until_true(eight)
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        assert await compare(stack, order) == []


async def test_h12_goods_that_came_in_commerce_are_received_and_the_order_is_done(
    database_url: str, redis_url: str
) -> None:
    async with bought(database_url, redis_url, (CABLE, 10)) as (stack, shop, order):
        await blinded(stack, shop)
        await shop.put(order.receipted(8891, {1: 4}), tell=False)
        (found,) = await compare(stack, order)
        assert shown([found]) == [("DRIFT_DIFFERENT", "0 received", "4 received")]
        await settle(stack, found, "fix")
        await stack.until(order.number, lambda o: o["lines"][0]["received"] == "4")
        assert await compare(stack, order) == []
        await shop.put(order.receipted(8891), tell=False)
        (found,) = await compare(stack, order)
        assert shown([found]) == [("DRIFT_DIFFERENT", "4 received", "10 received")]
        await settle(stack, found, "fix")
        await stack.until_state(order.number, "done")
        assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}
        assert await compare(stack, order) == []


async def test_h12_a_line_that_left_no_trace_is_named_and_comes_when_its_order_is_saved(
    database_url: str, redis_url: str
) -> None:
    lines = ((CABLE, 10), (DOCK, 3))
    order = an_order(*lines)
    async with polling(database_url, redis_url, **FREELY) as (stack, shop):
        await shop.put(order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        await shop.control("settings", {"line_bumps_header": False}, "PUT")
        await shop.act("change_order", id=order.id, quantities={100 * order.id + 2: 0})
        await overlooked(stack, shop)
        (found,) = await compare(stack, order)
        assert shown([found]) == [("DRIFT_DIFFERENT", "3", "no line")]
        assert found["ways"] in (["adopt", "ignore"], ["adopt", "fix", "ignore"])
        if "fix" in found["ways"]:  # of equal dates one of both wins, whichever
            await settle(stack, found, "fix")
        else:
            assert "save it there once more" in found["sentence"]
            await shop.act("change_order", id=order.id, changes={"notes": "saved"})

        async def alone() -> bool:
            sold = (await Remote.read(stack, order)).sold
            return (sold["CABLE-2M"], sold.get("DELL-WD22TB4", 0)) == (10, 0)

        await stack.until_true(alone)
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        assert await compare(stack, order) == []


async def test_h12_a_purchase_order_that_commerce_has_no_more_is_for_a_person(
    database_url: str, redis_url: str
) -> None:
    async with bought(database_url, redis_url, (CABLE, 10)) as (stack, shop, order):
        await shop.act("delete", kind="purchaseOrder", id=8891)
        (found,) = await compare(stack, order)
        assert (found["code"], found["record"], found["stands"]) == (
            "DRIFT_MISSING",
            "8891",
            "gone",
        )
        assert found["ways"] == ["adopt", "ignore"]
        await settle(stack, found, "adopt")
        assert len(await stack.get("/procurement/purchaseorders")) == 1  # nothing was undone
        (adopted,) = await compare(stack, order)
        assert adopted["standing"] == "adopted"


async def test_h12_where_commerce_cannot_be_read_the_rest_is_compared_and_its_findings_stay(
    database_url: str, redis_url: str
) -> None:
    async with bought(database_url, redis_url, (CABLE, 10)) as (stack, shop, order):
        await shop.act("delete", kind="purchaseOrder", id=8891)
        (found,) = await compare(stack, order)
        refused = {"kind": "status", "path": "^/v1/purchaseorder/", "times": None, "status": 503}
        await shop.control("faults", refused)
        (product,) = (await Remote.read(stack, order)).product_ids.values()
        act = {"act": "edit_product", "id": product, "changes": {"price": 1.0}}
        await stack.control("act", act)
        body = {"orders": [order.number]}
        answer = await stack.client.post("/admin/drift/sweep", json=body, headers=bearer())
        told = answer.json()
        assert told["not_read"] == [
            f"{order.number} was not compared with Commerce: Commerce answered 503."
        ]
        standing = {one["system"]: one for one in told["items"]}
        assert standing.keys() == {"commerce", "connectwise"}
        assert standing["commerce"]["id"] == found["id"]


async def test_h12_the_sweep_keeps_to_its_part_of_commerces_calls_and_goes_on_without_it(
    database_url: str, redis_url: str
) -> None:
    orders = [an_order((CABLE, n + 1), id=1400 + n) for n in range(4)]
    few = {**FREELY, "drift_commerce_calls_a_day": 9}
    async with polling(database_url, redis_url, **few) as (stack, shop):
        for order in orders:
            await shop.put(order.approved())
        for order in orders:
            await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        (product,) = (await Remote.read(stack, orders[-1])).product_ids.values()
        act = {"act": "edit_product", "id": product, "changes": {"price": 1.0}}
        await stack.control("act", act)
        (found,) = await swept(stack)
        assert (found["order"], found["system"]) == (orders[-1].number, "connectwise")
        told: Rest = (await stack.client.get("/admin/drift/sweep", headers=bearer())).json()
        assert (told["orders"], told["unread"], told["trouble"]) == (4, 0, None)
        there = told["commerce"]
        assert 0 < there["orders"] < 4
        assert there["orders"] + there["left"] == 4
        assert "used up" in there["trouble"]
