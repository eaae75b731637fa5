"""A worker that is frozen past its lease wakes and writes: nothing can stop that, and it is found.

The one case of exactly-once.md that the service does not promise away. A real process is stopped
between its last look at the lease and the write; another worker takes the order over and does the
write itself; then the first one is thawed. The ledgers: `test_frozen_ledger.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.freezing import frozen, thaw
from tests.e2e.harness import Rest, Stack, running
from tests.e2e.orders import CABLE
from tests.e2e.remote import Remote
from tests.e2e.rules.test_drift import compare, settle
from tests.e2e.rules.test_purchase_order_changes import ON_ISSUE, an_order, tell

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
PLAINLY: dict[str, Any] = {"opportunity_missing": "plain_sales_order"}
SHORT: dict[str, Any] = {"lease_seconds": 2.5, "connectwise_timeout": 1.0}
# What ConnectWise does; a switch of the sandbox.
TAKES_TWO: dict[str, Any] = {"enforce_unique_identifier": False}


@dataclass(frozen=True)
class Made:
    """A record that comes to stand twice. `bought`: how many, before the freeze."""

    path: str
    kind: str
    settings: dict[str, Any]
    bought: int = 0
    received: bool = False
    switches: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> tuple[str, str | None]:
        if self.received:
            return "done", None
        return "waiting", "GOODS_NOT_RECEIVED" if self.bought else "LINE_NOT_ORDERED"


ISSUED = {**PLAINLY, **ON_ISSUE, "demand_linking": "demand_appends_to_po"}
MADE = {
    "create_ticket": Made("/service/tickets", "ticket", PLAINLY),
    # On a sales order products can be added late; a won opportunity would refuse them.
    "create_product": Made("/procurement/products", "product", PLAINLY),
    "create_opportunity": Made("/sales/opportunities", "opportunity", {}),
    "create_sales_order": Made("/sales/orders", "sales_order", PLAINLY),
    "create_purchase_order": Made("/procurement/purchaseorders", "purchase_order", ISSUED, 10),
    "create_catalog_item": Made("/procurement/catalog", "catalog_item", {}, switches=TAKES_TWO),
    "create_invoice": Made(
        "/finance/invoices", "invoice", {"invoice_action": "create_invoice"}, 10, received=True
    ),
}


async def removed(stack: Stack, path: str, number: int) -> None:
    """A person takes the second one out."""
    if path == "/procurement/purchaseorders":
        await stack.control("act", {"act": "delete_purchase_order", "id": number})
    else:
        assert (await stack.cw.delete(f"{path}/{number}")).is_success


@pytest.mark.parametrize("method", MADE)
async def test_h12_a_worker_frozen_past_its_lease_that_wakes_and_writes_is_found(
    database_url: str, redis_url: str, method: str
) -> None:
    order, made = an_order((CABLE, 10), opportunity=None), MADE[method]
    path = made.path
    async with running(database_url, redis_url, worker=False, **SHORT, **made.settings) as stack:
        # The observer is right to find it: two records of one mark. It is what this test is about.
        stack.permitted |= {"H1", "H9", "E3", f"H1 {order.id}"}
        await stack.control("settings", made.switches, "PUT")
        ordered = order.ordered(8891, [(CABLE, 10)])
        await tell(stack, order.approved())
        if made.bought:
            await tell(stack, ordered)
        if made.received:
            await tell(stack, order.receipted(8891))
        async with frozen(stack, method) as process:
            await stack.start_worker()
            await stack.until_state(order.number, *made.state)
            assert await compare(stack, order) == []
            before = {one["id"] for one in await stack.get(path)}
            thaw(process)

            async def written() -> bool:
                return {one["id"] for one in await stack.get(path)} != before

            await stack.until_true(written, 20)
        (second,) = {one["id"] for one in await stack.get(path)} - before
        (found,) = await compare(stack, order)
        assert (found["code"], found["kind"]) == ("DUPLICATE_REMOTE", made.kind)
        assert found["record"] == str(second)
        assert found["ways"] == ["adopt", "ignore"]
        assert f"Remove {second}" in found["sentence"]
        assert (await settle(stack, found, "adopt"))["standing"] == "adopted"
        await removed(stack, path, second)
        assert await compare(stack, order) == []
        if not made.received:
            await tell(stack, ordered, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}
        assert await compare(stack, order) == []


async def test_h12_a_surplus_line_that_was_added_late_is_another_quantity(
    database_url: str, redis_url: str
) -> None:
    order, plainly = an_order((CABLE, 10)), {**ON_ISSUE, "demand_linking": "demand_appends_to_po"}
    async with running(database_url, redis_url, worker=False, **SHORT, **plainly) as stack:
        stack.permitted |= {"H1", "H9", f"H1 {order.id}"}
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 12)]))
        async with frozen(stack, "add_purchase_order_line") as process:
            await stack.start_worker()
            await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
            assert await compare(stack, order) == []
            (record,) = await stack.get("/procurement/purchaseorders")
            lines = f"/procurement/purchaseorders/{record['id']}/lineitems"
            before = {one["id"] for one in await stack.get(lines)}
            thaw(process)

            async def written() -> bool:
                return {one["id"] for one in await stack.get(lines)} != before

            await stack.until_true(written, 20)
        (second,) = {one["id"] for one in await stack.get(lines)} - before
        (found,) = await compare(stack, order)
        assert (found["code"], found["says"]) == ("DRIFT_DIFFERENT", "12 ordered")
        assert found["ways"] == ["adopt", "ignore"]
        assert (await stack.cw.delete(f"{lines}/{second}")).is_success
        assert await compare(stack, order) == []
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")


# What ConnectWise itself refuses -----------------------------------------------------------------

SHIPS: dict[str, Any] = {"mark_shipped": "on_receipt", "invoice_policy": "shipped_only"}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "convert_to_sales_order": ({}, {}),
    "purchase_demand": ({}, {}),
    "create_catalog_item": ({}, {}),
    "receive_line": ({}, {}),
    "add_shipping": (SHIPS, {"auto_pick": False}),
}


def _refused(sent: list[Rest]) -> list[int]:
    return [one["status"] for one in sent if one["method"] in ("POST", "PATCH", "PUT")]


@pytest.mark.parametrize("method", REFUSED)
async def test_h12_what_a_frozen_worker_sends_late_connectwise_refuses_where_it_is_used_up(
    database_url: str, redis_url: str, method: str
) -> None:
    """Products that were converted, demand that is ordered, an identifier that stands, a line that
    was received, goods that are gone: the write finds nothing left to be done with."""
    order, (more, switches) = an_order((CABLE, 10)), REFUSED[method]
    async with running(database_url, redis_url, worker=False, **SHORT, **more) as stack:
        await stack.control("settings", switches, "PUT")
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
        await tell(stack, order.receipted(8891))
        async with frozen(stack, method) as process:
            await stack.start_worker()
            await stack.until_state(order.number, "done")
            assert await compare(stack, order) == []
            stood, told = await Remote.read(stack, order), len(await stack.requests())
            thaw(process)

            async def answered() -> bool:
                return bool(_refused((await stack.requests())[told:]))

            await stack.until_true(answered, 20)
        assert _refused((await stack.requests())[told:]) == [400]
        stood.assert_single()
        assert await Remote.read(stack, order) == stood
        assert await compare(stack, order) == []
