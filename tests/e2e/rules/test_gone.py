"""Records that a person deleted in ConnectWise: never made again unless a person says so (H10)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Stack, bearer, running
from tests.e2e.orders import CABLE
from tests.e2e.remote import Remote
from tests.e2e.rules.test_purchase_order_changes import (
    ON_ISSUE,
    an_order,
    decide,
    lines_of,
    shown,
    standing,
    tell,
)

pytestmark = pytest.mark.processes
PO = "PO10008891"


@pytest.mark.parametrize("surplus", [0, 2])
async def test_h10_a_purchase_order_that_was_deleted_is_made_again_when_a_person_says_so(
    database_url: str, redis_url: str, surplus: int
) -> None:
    order = an_order()
    async with running(database_url, redis_url, **ON_ISSUE) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10 + surplus)]))
        await standing(stack, order)
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        (record,) = await stack.get("/procurement/purchaseorders")
        await stack.control("act", {"act": "delete_purchase_order", "id": record["id"]})
        await tell(stack, order.receipted(8891))
        held = await stack.until_state(order.number, "held", "REMOTE_GONE")
        assert held["answer"]["choices"] == ["make_again", "look_again", "skip"]
        assert await stack.get("/procurement/purchaseorders") == []
        subject = next(s["subject"] for s in held["steps"] if s["code"] == "REMOTE_GONE")
        await decide(stack, order.number, "REMOTE_GONE", "make_again", subject)
        await stack.until_state(order.number, "done")
        linked = [("CABLE-2M", 10, True)]
        above = [("CABLE-2M", surplus, False)] if surplus else []
        assert shown(await lines_of(stack, PO)) == [*above, *linked]
        remote = await Remote.read(stack, order)
        assert remote.received == {"CABLE-2M": 10 + surplus}


async def test_h10_a_product_that_was_deleted_is_made_again_when_a_person_says_so(
    stack: Stack,
) -> None:
    order = an_order((CABLE, 10))
    await tell(stack, order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (gone,) = (await Remote.read(stack, order)).product_ids.values()
    assert (await stack.cw.delete(f"/procurement/products/{gone}")).is_success
    await tell(stack, order.ordered(8891, [(CABLE, 10)]), order.receipted(8891))
    held = await stack.until_state(order.number, "held", "REMOTE_GONE")
    assert f"product {gone} of line 1" in held["answer"]["sentence"]
    assert await stack.get("/procurement/purchaseorders") == []
    await decide(stack, order.number, "REMOTE_GONE", "make_again", PO)
    await stack.until_state(order.number, "done")
    (made,) = (await Remote.read(stack, order)).product_ids.values()
    assert made != gone
    assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 10, True)]


async def test_h10_what_is_not_the_services_to_make_is_not_made_again(stack: Stack) -> None:
    """The named opportunity is Commerce's: it is corrected there, or restored."""
    order = an_order((CABLE, 10), opportunity=999_999)
    await tell(stack, order.approved())
    await stack.until(
        order.number, lambda o: any(step["code"] == "REMOTE_GONE" for step in o["steps"])
    )
    body = {"code": "REMOTE_GONE", "choice": "make_again", "reason": "why not"}
    path = f"/admin/orders/{order.number}/decide"
    answer = await stack.client.post(path, json=body, headers=bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "CHOICE_NOT_KNOWN")


@pytest.mark.parametrize(
    ("conversion", "more", "opportunity"),
    [
        ("move", {}, 88),
        ("copy", {}, 88),
        ("move", {}, None),
        ("move", {"sales_order_creation": "wait_for_person"}, 88),
        ("move", {"opportunity_missing": "plain_sales_order"}, None),
    ],
    ids=["moved", "copied", "own opportunity", "converted by a person", "plain"],
)
async def test_h10_a_sales_order_that_was_deleted_is_made_again_when_a_person_says_so(
    database_url: str,
    redis_url: str,
    conversion: str,
    more: dict[str, Any],
    opportunity: int | None,
) -> None:
    order = an_order((CABLE, 10), opportunity=opportunity)
    async with running(database_url, redis_url, **more) as stack:
        await stack.control("settings", {"conversion": conversion}, "PUT")
        await tell(stack, order.approved())
        by_person = "sales_order_creation" in more
        if by_person:
            await stack.until_state(order.number, "waiting", "SO_MISSING")
            await stack.control("act", {"act": "convert_opportunity", "id": opportunity})
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        (gone,) = await stack.get("/sales/orders")
        assert (await stack.cw.delete(f"/sales/orders/{gone['id']}")).is_success
        await tell(stack, order.ordered(8891, [(CABLE, 10)]), order.receipted(8891))
        for endpoint in ("/procurement/products/{id}", "/sales/orders/{id}"):
            held = await stack.until(
                order.number,
                lambda o, endpoint=endpoint: (  # type: ignore[misc]
                    o["state"] == "held" and endpoint in o["answer"]["sentence"]
                ),
            )
            assert held["answer"]["choices"][0] == "make_again"
            assert await stack.get("/sales/orders") == []
            subject = next(s["subject"] for s in held["steps"] if s["code"] == "REMOTE_GONE")
            await decide(stack, order.number, "REMOTE_GONE", "make_again", subject)
        if by_person:
            await stack.until_state(order.number, "waiting", "SO_MISSING")
            await stack.control("act", {"act": "convert_opportunity", "id": opportunity})
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        remote.assert_single()
        assert remote.sales_order_ids != [gone["id"]]
        assert (remote.sold, remote.received) == ({"CABLE-2M": 10}, {"CABLE-2M": 10})
        assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 10, True)]
