"""What a person does to the service while orders are under way, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer
from tests.e2e.orders import MONITOR, Order

pytestmark = pytest.mark.processes


async def post(stack: Stack, path: str, **body: Any) -> Rest:
    answer = await stack.client.post(f"/admin/{path}", json=body, headers=bearer())
    assert answer.status_code == 200, answer.text
    found: Rest = answer.json()
    return found


async def connectwise(stack: Stack) -> int:
    answer = await stack.client.get("/admin/connections", headers=bearer())
    return next(int(one["id"]) for one in answer.json()["items"] if one["system"] == "connectwise")


async def codes(stack: Stack, number: str) -> list[str]:
    answer = await stack.client.get(f"/admin/orders/{number}/journal?limit=200", headers=bearer())
    return [entry["code"] for entry in answer.json()["items"]]


async def test_h11_nothing_is_called_through_a_connection_that_a_person_paused(
    stack: Stack,
) -> None:
    first = Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None)
    await stack.deliver(first.approved())
    await stack.until_state(first.number, "waiting", "LINE_NOT_ORDERED")
    connection = await connectwise(stack)
    await post(stack, f"connections/{connection}/pause", reason="the vendor works on it")
    await stack.deliver(first.ordered(8891, [(MONITOR, 10)]))
    await stack.deliver(first.receipted(8891))
    paused = await stack.until_state(first.number, "waiting", "CONNECTION_PAUSED")
    assert "the vendor works on it" in paused["answer"]["sentence"]
    assert paused["answer"]["who"] == "operator"
    before = len(await stack.requests())
    second = Order(id=1202, lines=[(MONITOR, 1)], not_chosen=(), quote_id=None, opportunity=None)
    await stack.deliver(second.approved())
    await stack.until_state(second.number, "waiting", "CONNECTION_PAUSED")
    assert len(await stack.requests()) == before
    await post(stack, f"connections/{connection}/resume", reason="it is over")
    await stack.until_state(first.number, "done")
    await stack.until_state(second.number, "waiting", "LINE_NOT_ORDERED")


async def test_h8_an_order_keeps_its_settings_until_a_person_pins_it_anew(stack: Stack) -> None:
    order = Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None)
    await stack.deliver(order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    changed = await stack.client.patch(
        "/admin/settings", json={"INVOICE_POLICY": "shipped_only"}, headers=bearer()
    )
    assert changed.status_code == 200
    (sales_order,) = await stack.get("/sales/orders")
    assert sales_order["billShippedFlag"] is False
    await post(stack, f"orders/{order.number}/repin", reason="the customer pays by delivery")
    await stack.until_state(order.number, "waiting", "GOODS_NOT_SHIPPED")
    story = await codes(stack, order.number)
    assert (story.count("PINNED"), story.count("REPINNED")) == (1, 1)
    (same,) = await stack.get("/sales/orders")
    assert (same["id"], same["billShippedFlag"]) == (sales_order["id"], True)
