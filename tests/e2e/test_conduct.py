"""How the service conducts itself towards ConnectWise: contract, calls, pauses."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from tests.e2e.harness import Stack, running
from tests.e2e.orders import MONITOR, Order
from tests.e2e.test_main_job import events_of
from tests.sandbox.contract import Contract

pytestmark = pytest.mark.processes

# Explained call by call in docs/calls.md. Ids are left out.
SINGLE = [
    "POST /service/tickets",
    "GET /sales/opportunities/N",
    "GET /procurement/products",
    "PATCH /procurement/products/N",
    "PATCH /sales/opportunities/N",
    "POST /sales/opportunities/N/convertToSalesOrder",
    "GET /procurement/products",
    "PATCH /sales/orders/N",
    "POST /procurement/purchasingDemands",
    "PATCH /procurement/purchaseorders/N",
    "GET /procurement/purchaseorders/N/lineitems",
    "PATCH /procurement/purchaseorders/N/lineitems/N",
    "PATCH /procurement/purchaseorders/N",
    "PATCH /sales/orders/N",
]


async def single(stack: Stack, order: Order) -> None:
    """An order of one line and one purchase order, received at once."""
    events = [order.approved(), order.ordered(8891, [(MONITOR, 10)]), order.receipted(8891)]
    for event in [order.quote(), *events] if order.quote_id else events:
        await stack.deliver(event)
    await stack.until_state(order.number, "done")


async def test_every_request_and_answer_keeps_the_vendors_contract(stack: Stack) -> None:
    contract = Contract.load()
    if contract is None:
        pytest.skip("../shared/contracts/connectwise.openapi.json is not beside this checkout")
    order = Order()
    for event in events_of(order):
        await stack.deliver(event)
    await stack.until_state(order.number, "done")
    log = await stack.requests()
    assert [fault for entry in log for fault in contract.faults_of(entry)] == []
    assert ("POST", "/procurement/purchasingDemands") in contract.seen


async def test_doubles_and_another_order_of_arrival_cost_no_call(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url) as stack:
        order = Order()
        for number, event in enumerate(events_of(order)):
            await stack.deliver(event, webhook_id=f"n{number}")
        await stack.until_state(order.number, "done")
        before = len(await stack.requests())
        again = Order()
        for number, event in enumerate(events_of(again)):
            assert (await stack.deliver(event, webhook_id=f"n{number}"))["duplicate"] is True
        await stack.until_state(order.number, "done")
        assert len(await stack.requests()) == before


async def test_a_paused_connection_is_left_alone_for_as_long_as_it_asked(stack: Stack) -> None:
    """Retry-After of a 429 holds for every worker; the order goes on by itself."""
    await stack.control(
        "faults",
        [
            {
                "method": "POST",
                "path": "/convertToSalesOrder$",
                "times": 1,
                "kind": "status",
                "status": 429,
                "headers": {"Retry-After": "1"},
                "body": {"error": "ConnectWiseAPI", "message": "Too many requests."},
            }
        ],
    )
    order = Order(lines=[(MONITOR, 10)], not_chosen=())
    await single(stack, order)
    log = await stack.requests()
    number = next(n for n, entry in enumerate(log) if entry["status"] == 429)
    refused, after = (datetime.fromisoformat(entry["t"]) for entry in log[number : number + 2])
    assert after - refused >= timedelta(seconds=0.95)


async def test_a_single_purchase_order_costs_the_documented_calls(stack: Stack) -> None:
    """Reference data is remembered: another order of the same customer and supplier came before."""
    earlier = Order(id=900, lines=[(MONITOR, 2)], opportunity=None, quote_id=None, not_chosen=())
    for event in (earlier.approved(), earlier.ordered(8001, [(MONITOR, 2)])):
        await stack.deliver(event)
    await stack.deliver(earlier.receipted(8001))
    await stack.until_state(earlier.number, "done")
    before = len(await stack.requests())
    await single(stack, Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None))
    calls = (await stack.requests())[before:]
    assert [f"{c['method']} {re.sub(r'[0-9]+', 'N', c['path'])}" for c in calls] == SINGLE
