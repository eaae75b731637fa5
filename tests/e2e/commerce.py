"""The service beside both simulators: ConnectWise's, and a Commerce that it polls.

Owns starting that, people's acts in Commerce, and telling the observer what happened there.
Asserts nothing.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from sandbox.server import CommerceServer
from tests.e2e.harness import SECRET, Stack, running
from tests.e2e.orders import Order
from tests.e2e.remote import Remote, shape

Json = dict[str, Any]
QUICK: Json = {
    "commerce_poll_seconds": 0.2,
    "commerce_poll_patience": 0.3,
    "commerce_calls_a_minute": 100_000,
    "commerce_calls_a_day": 100_000_000,
    "commerce_api_timeout": 2.0,
}
NO_EVENTS: Json = {"commerce_webhook_secrets": ""}


@dataclass
class Shop:
    """People in the simulated Commerce, and what stands in its log."""

    server: CommerceServer
    client: httpx.AsyncClient

    async def act(self, act: str, **given: Any) -> list[Json]:
        """The events that tell of the act."""
        return list(await self.control("act", {"act": act, **given}))

    async def put(self, event: Json, *, tell: bool = True) -> None:
        """Make an event's documents the state of Commerce. `tell` False: its webhook is lost."""
        if not tell:
            await self.control("settings", {"post_webhooks": False}, "PUT")
        await self.act("put", event=renumbered(event))
        if not tell:
            await self.control("settings", {"post_webhooks": True}, "PUT")

    async def control(self, path: str, body: Any, method: str = "POST") -> Any:
        answer = await self.client.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    async def _lines(self, path: str) -> list[Json]:
        answer = await self.client.get(f"/_sandbox/{path}")
        return [json.loads(line) for line in answer.text.splitlines() if line]

    async def requests(self) -> list[Json]:
        return await self._lines("requests")

    async def events(self) -> list[Json]:
        return await self._lines("events")

    async def looks(self) -> int:
        """How often the last list was read to its end."""
        return sum(
            1
            for one in await self.requests()
            if one["path"] == "/v1/purchaseordercost" and "modifiedAfter" in one["query"]
        )


def renumbered(event: Json) -> Json:
    """The event with line ids that are unique over all orders, as Commerce's are."""
    found: Json = copy.deepcopy(event)
    for name in ("salesOrder", "purchaseOrder"):
        document = found["data"].get(name, {"lines": ()})
        for line in document["lines"]:
            line["id"] += 100 * document["id"]
    for line in found["data"].get("receipt", {"lines": ()})["lines"]:
        line["purchaseOrderLineID"] += 100 * found["data"]["purchaseOrder"]["id"]
    return found


async def looked(stack: Stack, shop: Shop, more: int = 1) -> None:
    """Wait until the lists were read so often again, from the first to the last."""
    before = await shop.looks()

    async def enough() -> bool:
        return await shop.looks() >= before + more

    await stack.until_true(enough)


async def begun(stack: Stack) -> None:
    """Wait until the first look is over: what happens from now on is not history."""

    async def kept() -> bool:
        state = await poll_state(stack)
        return bool(state and state["looked"])

    await stack.until_true(kept)


async def poll_state(stack: Stack) -> Any:
    return await value(stack, "SELECT state::text FROM commerce_poll", as_json=True)


async def value(stack: Stack, query: str, *arguments: Any, as_json: bool = False) -> Any:
    """The first value of a query to the service's own database."""
    connection = await asyncpg.connect(stack.container.database_url)
    try:
        found = await connection.fetchval(query, *arguments)
    finally:
        await connection.close()
    return json.loads(found) if as_json and found is not None else found


@asynccontextmanager
async def polling(
    database_url: str, redis_url: str, *, webhooks: bool = False, **more: Any
) -> AsyncIterator[tuple[Stack, Shop]]:
    """The service polling Commerce, begun unless no worker was asked for; with `webhooks` events
    are posted to it as well."""
    async with CommerceServer() as server, httpx.AsyncClient(base_url=server.url) as client:
        shop = Shop(server, client)
        await shop.control(
            "settings", {"requests_per_minute": None, "requests_per_day": None}, "PUT"
        )
        chosen = {**QUICK, **({} if webhooks else NO_EVENTS), **more}
        chosen.setdefault("commerce_api_url", server.url)
        chosen.setdefault("commerce_api_key", server.api_key)
        async with running(database_url, redis_url, callbacks=webhooks, **chosen) as stack:
            if webhooks:
                url = f"{stack.container.settings.public_url}/webhooks/commerce"
                target = {"webhook_url": url, "webhook_secret": SECRET}
                await shop.control("settings", target, "PUT")
            if stack.task is not None:
                await begun(stack)
            yield stack, shop
            for told in await shop.events():
                stack.accepted.append((datetime.fromisoformat(told["t"]), told["event"]))


# One order's story and its end -------------------------------------------------------------------

EVENTS = "SELECT count(*) FROM inbox_event WHERE source = 'commerce' AND status = $1"
END: Json = {
    "opportunity": "Won",
    "sales_order": "Ready to invoice",
    "sold": {"DELL-P2425H": 10, "DELL-WD22TB4": 3, "INSTALL-HALFDAY": 1},
    "purchase_orders": {"PO10008891": "Received In Full", "PO10008892": "Received In Full"},
    "received": {"DELL-P2425H": 10, "DELL-WD22TB4": 3},
    "marks": 3,
}


def story(order: Order) -> list[Json]:
    """An order with two purchase orders, one of them received in two parts."""
    return [
        order.quote(),
        order.approved(),
        order.ordered(8891, [(301, 10)]),
        order.ordered(8892, [(302, 3)]),
        order.receipted(8891, {1: 4}),
        order.receipted(8892),
        order.receipted(8891),
    ]


def in_parts(events: list[Json]) -> list[list[Json]]:
    """A story in which a look lies between the receipts of one purchase order."""
    return [events[:4], events[4:5], events[5:]]


async def received_with(stack: Stack) -> set[str]:
    """The packing slips of everything received in ConnectWise."""
    slips = set()
    for purchase in await stack.get("/procurement/purchaseorders"):
        for line in await stack.get(f"/procurement/purchaseorders/{purchase['id']}/lineitems"):
            slips.add(line["packingSlip"])
    return slips


async def released(stack: Stack, order: Order) -> Json:
    await stack.until_state(order.number, "done")
    return shape(await Remote.read(stack, order))
