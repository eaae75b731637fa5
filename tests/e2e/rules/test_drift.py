"""H12: the systems are compared, each difference is found once, and a person says what becomes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, SYNNEX, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_purchase_order_changes import ON_ISSUE, an_order, standing, tell
from tests.e2e.tickets import B2

pytestmark = pytest.mark.processes


async def compare(stack: Stack, order: Order) -> list[Rest]:
    """What stands of the order after it was read now; while a step is under way it is not read."""
    body = {"orders": [order.number]}
    for _ in range(100):
        answer = await stack.client.post("/admin/drift/sweep", json=body, headers=bearer())
        if answer.status_code != 409:
            break
        assert "being worked on" in answer.json()["detail"]
        await asyncio.sleep(0.1)
    assert answer.status_code == 202, answer.text
    found: list[Rest] = answer.json()["items"]
    return found


async def settle(stack: Stack, finding: Rest, way: str) -> Rest:
    answer = await stack.client.post(
        f"/admin/drift/{finding['id']}/{way}", json={"reason": "seen by a test"}, headers=bearer()
    )
    assert answer.status_code == 200, answer.text
    settled: Rest = answer.json()
    return settled


def shown(found: list[Rest]) -> list[tuple[str, str, str]]:
    return [(one["code"], one["says"], one["stands"]) for one in found]


async def received(stack: Stack, order: Order) -> Rest:
    await tell(
        stack,
        order.quote(),
        order.approved(),
        order.ordered(8891, [(MONITOR, 10), (CABLE, 6)]),
        order.ordered(8892, [(DOCK, 3)], SYNNEX),
        order.receipted(8891, {1: 4}),
    )
    await stack.until(order.number, lambda o: o["lines"][0]["received"] == "4")
    assert await compare(stack, order) == []
    await tell(stack, order.receipted(8892), order.receipted(8891))
    return await stack.until_state(order.number, "done")


def everything() -> Order:
    return Order(lines=[(MONITOR, 10), (CABLE, 5), (DOCK, 3), (INSTALL, 1)])


@pytest.mark.parametrize(
    "more", [{}, B2, {"scenario": "connectwise-managed"}], ids=["b1", "b2", "d"]
)
async def test_h12_where_nobody_did_anything_nothing_differs(
    database_url: str, redis_url: str, more: dict[str, Any]
) -> None:
    order = everything()
    async with running(database_url, redis_url, **more) as stack:
        if "managed" in str(more):
            await tell(stack, order.quote(), order.approved())
            await stack.until_state(order.number, "done")
        else:
            await received(stack, order)
        assert await compare(stack, order) == []


async def test_h12_a_changed_product_is_found_once_and_mended_by_its_step(stack: Stack) -> None:
    order = an_order((CABLE, 10))
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (product,) = (await Remote.read(stack, order)).product_ids.values()
    changes = {"quantity": 7, "price": 11.0}
    await stack.control("act", {"act": "edit_product", "id": product, "changes": changes})
    (found,) = await compare(stack, order)
    assert shown([found]) == [("DRIFT_DIFFERENT", "10 at 12.50", "7 at 11.00")]
    assert (found["ways"], found["record"]) == (["adopt", "fix", "ignore"], str(product))
    (again,) = await compare(stack, order)
    assert again["id"] == found["id"]
    assert (await settle(stack, found, "fix"))["standing"] == "fixing"

    async def mended() -> bool:
        one = await stack.get(f"/procurement/products/{product}")
        return (one["quantity"], one["price"]) == (10, 12.5)

    await stack.until_true(mended)
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    assert await compare(stack, order) == []
    listed = await stack.client.get(f"/admin/drift?number={order.number}", headers=bearer())
    assert [one["standing"] for one in listed.json()["items"]] == ["closed"]
    journal = await stack.client.get(f"/admin/orders/{order.number}/journal", headers=bearer())
    assert any("decided fix on DRIFT_DIFFERENT" in e["sentence"] for e in journal.json()["items"])


@pytest.mark.parametrize("way", ["adopt", "ignore"])
async def test_h12_what_is_adopted_stays_so_until_something_else_stands_there(
    stack: Stack, way: str
) -> None:
    order = an_order((CABLE, 10))
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (product,) = (await Remote.read(stack, order)).product_ids.values()
    act = {"act": "edit_product", "id": product, "changes": {"price": 11.0}}
    await stack.control("act", act)
    (found,) = await compare(stack, order)
    settled = await settle(stack, found, way)
    assert settled["reason"] == "seen by a test"
    (again,) = await compare(stack, order)
    assert (again["id"], again["standing"]) == (found["id"], settled["standing"])
    await stack.control("act", {**act, "changes": {"price": 10.0}})
    (other,) = await compare(stack, order)
    assert (other["id"], other["standing"]) == (found["id"], "open")


async def test_h12_a_deleted_product_is_made_anew(stack: Stack) -> None:
    order = an_order((CABLE, 10))
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (gone,) = (await Remote.read(stack, order)).product_ids.values()
    assert (await stack.cw.delete(f"/procurement/products/{gone}")).is_success
    (found,) = await compare(stack, order)
    assert found["code"] == "DRIFT_MISSING"
    await settle(stack, found, "fix")

    async def again() -> bool:
        return len((await Remote.read(stack, order)).product_ids) == 1

    await stack.until_true(again)
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    assert await compare(stack, order) == []


async def test_h12_purchase_orders_deleted_renumbered_received_and_added_to(
    database_url: str, redis_url: str
) -> None:
    order = an_order((CABLE, 10))
    async with running(database_url, redis_url, **ON_ISSUE) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await standing(stack, order)
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        assert await compare(stack, order) == []
        (record,) = await stack.get("/procurement/purchaseorders")
        act = {"act": "rename_purchase_order", "id": record["id"], "poNumber": "BY HAND"}
        await stack.control("act", act)
        (found,) = await compare(stack, order)
        assert shown([found]) == [("DRIFT_DIFFERENT", "PO10008891", "BY HAND")]
        await settle(stack, found, "fix")

        async def renumbered() -> bool:
            (one,) = await stack.get("/procurement/purchaseorders")
            return bool(one["poNumber"] == "PO10008891")

        await stack.until_true(renumbered)
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        assert await compare(stack, order) == []
        await stack.control("act", {"act": "delete_purchase_order", "id": record["id"]})
        (found,) = await compare(stack, order)
        assert (found["code"], found["record"]) == ("DRIFT_MISSING", str(record["id"]))
        await settle(stack, found, "fix")

        async def made_anew() -> bool:
            return len(await stack.get("/procurement/purchaseorders")) == 1

        await stack.until_true(made_anew)
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        assert await compare(stack, order) == []


async def test_h12_a_link_that_is_lost_is_asked_for_again_and_held_with_its_choices(
    database_url: str, redis_url: str
) -> None:
    order = an_order((CABLE, 10))
    async with running(database_url, redis_url, **ON_ISSUE) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        (record,) = await stack.get("/procurement/purchaseorders")
        lines = f"/procurement/purchaseorders/{record['id']}/lineitems"
        (line,) = await stack.get(lines)
        assert (await stack.cw.delete(f"{lines}/{line['id']}")).is_success
        found = {one["code"]: one for one in await compare(stack, order)}
        assert found.keys() == {"DRIFT_UNLINKED", "DRIFT_DIFFERENT"}
        assert found["DRIFT_DIFFERENT"]["ways"] == ["adopt", "ignore"]
        await settle(stack, found["DRIFT_UNLINKED"], "fix")
        held = await stack.until_state(order.number, "held")
        assert held["answer"]["code"] in ("DEMAND_NOT_LINKED", "LINE_MISSING")


async def test_h12_invoiced_too_early_is_found_and_the_gates_say_the_rest(stack: Stack) -> None:
    order = an_order((CABLE, 10))
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
    await stack.until_state(order.number, "waiting")
    (sold,) = await stack.get("/sales/orders")
    await stack.control("act", {"act": "invoice_sales_order", "id": sold["id"]})
    (found,) = await compare(stack, order)
    assert (found["code"], found["says"]) == ("DRIFT_INVOICED", "10 still to come")
    await settle(stack, found, "fix")
    await stack.until(
        order.number, lambda o: any(s["code"] == "INVOICED_TOO_EARLY" for s in o["steps"])
    )


# Made twice, and by others ------------------------------------------------------------------------


async def late(stack: Stack, path: str, **more: Any) -> Rest:
    """The very write of a worker that was frozen past its lease, arriving after another worker did
    it: the request that the service sent is sent once more. (By a person's client: the observer
    judges the service, which cannot stop such a write.)"""
    sent = next(
        entry
        for entry in await stack.requests()
        if entry["method"] == "POST" and entry["path"].endswith(path) and entry["status"] < 300
    )
    answer = await stack.cw.post(path, json={**sent["body"], **more})
    assert answer.is_success, answer.text
    made: Rest = answer.json()
    return made


@pytest.mark.parametrize(
    ("path", "kind"), [("/procurement/products", "product"), ("/service/tickets", "ticket")]
)
async def test_h12_a_write_that_came_late_is_a_duplicate_until_one_of_them_is_removed(
    stack: Stack, path: str, kind: str
) -> None:
    order = an_order((CABLE, 10), opportunity=None)
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    place: Rest = {}
    if kind == "product":
        (sold,) = await stack.get("/sales/orders")
        place = {"salesOrder": {"id": sold["id"]}, "opportunity": None, "ticket": None}
    second = await late(stack, path, **place)
    (found,) = await compare(stack, order)
    assert (found["code"], found["kind"]) == ("DUPLICATE_REMOTE", kind)
    assert found["record"] == str(second["id"])
    assert found["ways"] == ["adopt", "ignore"]  # no step ever deletes: a person does
    assert f"Remove {second['id']}" in found["sentence"]
    refused = await stack.client.post(
        f"/admin/drift/{found['id']}/fix", json={"reason": "try"}, headers=bearer()
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "CHOICE_NOT_KNOWN")
    assert (await stack.cw.delete(f"{path}/{second['id']}")).is_success
    assert await compare(stack, order) == []


async def test_h12_a_purchase_order_that_was_made_twice(database_url: str, redis_url: str) -> None:
    """Made plainly: the second one carries our marker. Made from demand: it covers the same demand."""
    order = an_order((CABLE, 10))
    plainly = {**ON_ISSUE, "demand_linking": "demand_appends_to_po"}
    async with running(database_url, redis_url, **plainly) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        assert await compare(stack, order) == []
        second = await late(stack, "/procurement/purchaseorders", poNumber="LATE")
        (found,) = await compare(stack, order)
        assert (found["code"], found["record"]) == ("DUPLICATE_REMOTE", str(second["id"]))
        await stack.control("act", {"act": "delete_purchase_order", "id": second["id"]})
        assert await compare(stack, order) == []


async def test_h12_a_purchase_order_that_a_person_made_for_the_demand(stack: Stack) -> None:
    order = an_order((CABLE, 10))
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (product,) = (await Remote.read(stack, order)).product_ids.values()
    made = await stack.cw.post("/procurement/purchasingDemands", json=await _demand(stack, product))
    assert made.is_success, made.text
    (found,) = await compare(stack, order)
    assert (found["code"], found["kind"]) == ("DRIFT_FOREIGN", "purchase_order")
    assert found["ways"] == ["adopt", "ignore"]
    assert (await settle(stack, found, "adopt"))["standing"] == "adopted"


async def _demand(stack: Stack, product: int) -> Rest:
    one = await stack.get(f"/procurement/products/{product}")
    (vendor,) = await stack.get("/company/companies", conditions="identifier='INGRAM'")
    (warehouse, *_) = await stack.get("/procurement/warehouses")
    return {
        "vendor": {"id": vendor["id"]},
        "warehouse": {"id": warehouse["id"]},
        "products": [
            {"id": product, "productRecId": product, "quantity": int(one["quantity"]), "cost": 100}
        ],
    }


async def test_h12_the_sweep_goes_through_all_orders_and_closes_what_is_gone(
    database_url: str, redis_url: str
) -> None:
    first, second = an_order((CABLE, 10)), an_order((CABLE, 3), id=1202, opportunity=None)
    async with running(database_url, redis_url, drift_calls_a_minute=1000) as stack:
        await tell(stack, first.approved(), second.approved())
        for order in (first, second):
            await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        (product,) = (await Remote.read(stack, second)).product_ids.values()
        act = {"act": "edit_product", "id": product, "changes": {"price": 1.0}}
        await stack.control("act", act)
        found = await swept(stack)
        assert [(one["order"], one["standing"]) for one in found] == [(second.number, "open")]
        await stack.control("act", {**act, "changes": {"price": 12.5}})
        found = await swept(stack)
        assert [(one["order"], one["standing"]) for one in found] == [(second.number, "closed")]
        told = (await stack.client.get("/admin/drift/sweep", headers=bearer())).json()
        assert (told["orders"], told["unread"], told["under_way"]) == (2, 0, False)
        assert told["calls"] > 2


async def swept(stack: Stack) -> list[Rest]:
    """What is known after a worker's sweep that was asked for now."""
    asked = await stack.client.post("/admin/drift/sweep", json={}, headers=bearer())
    assert asked.status_code == 202, asked.text
    before = asked.json()["sweep"]["finished"]

    async def ended() -> bool:
        told = (await stack.client.get("/admin/drift/sweep", headers=bearer())).json()
        return told["finished"] not in (None, before) and not told["under_way"]

    await stack.until_true(ended, 30)
    listed = await stack.client.get("/admin/drift", headers=bearer())
    items: list[Rest] = listed.json()["items"]
    return items
