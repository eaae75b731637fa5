"""The main job: an approved order goes all the way, in whatever order its events come."""

from __future__ import annotations

import random

import httpx
import pytest

from tests.e2e.harness import Stack, bearer, running
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, SYNNEX, Order
from tests.e2e.remote import Remote, shape

pytestmark = pytest.mark.processes


def events_of(order: Order) -> list[dict[str, object]]:
    """An order with two suppliers, a partial receipt and its rest, received in full."""
    return [
        order.quote(),
        order.approved(),
        order.ordered(8891, [(MONITOR, 10)]),
        order.ordered(8892, [(DOCK, 3)], SYNNEX),
        order.receipted(8891, {1: 4}),
        order.receipted(8892),
        order.receipted(8891),
    ]


async def test_a_straight_order_ends_released(stack: Stack) -> None:
    """B1, whole: won, converted, synced, linked, received, released."""
    order = Order()
    for event in events_of(order):
        assert (await stack.deliver(event))["status"] == 202
    told = await stack.until_state(order.number, "done")
    assert told["answer"]["code"] == "RELEASED"
    remote = await Remote.read(stack, order)
    assert remote.opportunity_status == "Won"
    assert remote.sales_order_status == "Ready to invoice"
    assert remote.received == {"DELL-P2425H": 10, "DELL-WD22TB4": 3}
    assert remote.purchase_orders == {
        "PO10008891": "Received In Full",
        "PO10008892": "Received In Full",
    }
    assert remote.linked_lines_without_sales_order == []
    assert remote.marks == {f"dl:default:1201:{n}" for n in (1, 2, 3)}
    assert [line["received"] for line in told["lines"]] == ["10", "3", "0"]
    assert [line["invoiceable"] for line in told["lines"]] == ["10", "3", "1"]
    journal = await stack.client.get(f"/admin/orders/{order.number}/journal", headers=bearer())
    placed = {
        entry["sentence"] for entry in journal.json()["items"] if entry["code"] == "PRODUCTS_STAND"
    }
    assert "3 products stand on opportunity 88." in placed


async def test_b15_what_was_not_chosen_is_not_sold(stack: Stack) -> None:
    order = Order()
    for event in events_of(order):
        await stack.deliver(event)
    await stack.until_state(order.number, "done")
    forecast = await stack.get("/sales/opportunities/88/forecast")
    items = (
        forecast[0]["forecastItems"] if isinstance(forecast, list) else forecast["forecastItems"]
    )
    ticks = {item["catalogItem"]["identifier"]: item["includeFlag"] for item in items}
    assert ticks["DELL-U2725QE"] is False
    remote = await Remote.read(stack, order)
    assert "DELL-U2725QE" not in remote.sold


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.breadth) for n in range(1, 4))]
)
async def test_h1_any_order_of_arrival_and_doubles_end_the_same(
    database_url: str, redis_url: str, seed: int
) -> None:
    order = Order()
    events = events_of(order)
    shuffled = [(event, number) for number, event in enumerate(events)] * 2
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order of arrival, no secret
    async with running(database_url, redis_url) as stack:
        for event, number in shuffled:
            await stack.deliver(event, webhook_id=f"same-{number}")
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        assert shape(remote) == EXPECTED


EXPECTED = {
    "opportunity": "Won",
    "sales_order": "Ready to invoice",
    "sold": {"DELL-P2425H": 10, "DELL-WD22TB4": 3, "INSTALL-HALFDAY": 1},
    "purchase_orders": {"PO10008891": "Received In Full", "PO10008892": "Received In Full"},
    "received": {"DELL-P2425H": 10, "DELL-WD22TB4": 3},
    "marks": 3,
}


async def test_b17_a_receipt_before_its_sales_order_waits(stack: Stack) -> None:
    order = Order()
    quote, approved, ordered = order.quote(), order.approved(), order.ordered(8891, [(MONITOR, 10)])
    receipted = order.receipted(8891)
    second, rest = order.ordered(8892, [(DOCK, 3)], SYNNEX), order.receipted(8892)
    await stack.deliver(receipted)
    told = await stack.until("id:1201", lambda o: o["answer"]["code"] == "SALES_ORDER_UNKNOWN")
    assert told["state"] == "waiting"
    writes = [r for r in await stack.requests() if r["method"] != "GET"]
    assert [r for r in writes if "callbacks" not in r["path"]] == []
    for event in (ordered, approved, quote, second, rest):
        await stack.deliver(event)
    await stack.until_state(order.number, "done")


async def test_b17_so_missing_shows_while_a_person_has_to_convert(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, sales_order_creation="wait_for_person") as stack:
        order = Order(lines=[(MONITOR, 10)], not_chosen=())
        for event in (
            order.quote(),
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        told = await stack.until_state(order.number, "waiting", "SO_MISSING")
        assert told["answer"]["who"] == "sales"
        steps = {step["step"]: step["code"] for step in told["steps"]}
        assert steps["sync_purchase_order"] == "SO_MISSING"
        await stack.control("act", {"act": "convert_opportunity", "id": 88})
        await stack.until_state(order.number, "done")


async def test_d10_an_order_without_a_mapping_is_held_until_it_is_added(stack: Stack) -> None:
    order = Order(
        lines=[(CABLE, 5)],
        quote_id=None,
        opportunity=None,
        company=None,
        customer={"id": 555, "name": "Unknown Ltd", "accountNumber": "NOBODY"},
    )
    for event in (order.approved(), order.ordered(8893, [(CABLE, 5)]), order.receipted(8893)):
        await stack.deliver(event)
    told = await stack.until_state(order.number, "held", "MAPPING_MISSING")
    assert "555" in told["answer"]["sentence"]
    answer = await stack.client.put(
        "/admin/mappings",
        json={"kind": "company", "commerce_key": "555", "connectwise_key": "Contoso"},
        headers={"Authorization": "Bearer an-admin-key-for-tests"},
    )
    assert answer.is_success, answer.text
    await stack.until_state(order.number, "done")
    remote = await Remote.read(stack, order)
    assert remote.received == {"CABLE-2M": 5}


async def test_a_partial_receipt_waits_for_its_rest_with_quantities(stack: Stack) -> None:
    order = Order(lines=[(MONITOR, 10)], not_chosen=())
    for event in (
        order.quote(),
        order.approved(),
        order.ordered(8891, [(MONITOR, 10)]),
        order.receipted(8891, {1: 4}),
    ):
        await stack.deliver(event)
    told = await stack.until(
        order.number,
        lambda o: o["answer"]["code"] == "GOODS_NOT_RECEIVED" and o["lines"][0]["received"] == "4",
    )
    assert told["answer"]["sentence"].startswith("6 of 10 ")
    assert told["answer"]["who"] == "purchasing"
    remote = await Remote.read(stack, order)
    assert remote.sales_order_status == "Waiting for goods"
    await stack.deliver(order.receipted(8891))
    await stack.until_state(order.number, "done")


async def test_b111_shipped_only_with_goods_marked_on_receipt(
    database_url: str, redis_url: str
) -> None:
    async with running(
        database_url, redis_url, invoice_policy="shipped_only", mark_shipped="on_receipt"
    ) as stack:
        order = Order(lines=[(MONITOR, 10), (INSTALL, 1)], not_chosen=())
        await stack.deliver(order.quote())
        await stack.deliver(order.approved())
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.receipted(8891, {1: 4}))
        told = await stack.until(order.number, lambda o: o["lines"][0]["invoiceable"] == "4")
        assert told["state"] == "waiting"
        remote = await Remote.read(stack, order)
        assert remote.shipped == {"DELL-P2425H": 4}
        assert remote.sales_order_status == "Ready to invoice"
        assert remote.bill_shipped is True
        await stack.deliver(order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert (await Remote.read(stack, order)).shipped == {"DELL-P2425H": 10}


async def test_d14_shipped_only_with_goods_shipped_by_a_person(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, invoice_policy="shipped_only") as stack:
        order = Order(lines=[(MONITOR, 10)], not_chosen=())
        for event in (
            order.quote(),
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        await stack.until_state(order.number, "waiting", "GOODS_NOT_SHIPPED")
        remote = await Remote.read(stack, order)
        product = next(iter(remote.product_ids.values()))
        await stack.control("act", {"act": "ship_product", "id": product})
        await stack.until_state(order.number, "done")


async def test_the_links_of_an_order_open_the_records_for_a_person(stack: Stack) -> None:
    """F1: in the browser, where nobody has the credentials of the service."""
    order = Order()
    await stack.deliver(order.approved())
    told = await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    links = {link["kind"]: link for step in told["steps"] for link in step["remote"]}
    assert links["sales_order"]["page"] is None, "its record type is told nowhere"
    async with httpx.AsyncClient() as person:
        page = await person.get(links["opportunity"]["page"])
    assert page.status_code == 200
    assert f"Opportunity {links['opportunity']['id']}" in page.text
