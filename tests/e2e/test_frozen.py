"""A worker that is frozen past its lease wakes and writes: nothing can stop that, and it is found.

The one case of exactly-once.md that the service does not promise away. A real process is stopped
between its last look at the lease and the write; another worker takes the order over and does the
write itself; then the first one is thawed.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Stack, running
from tests.e2e.orders import CABLE
from tests.e2e.remote import Remote
from tests.e2e.rules.test_drift import compare, settle
from tests.e2e.rules.test_purchase_order_changes import ON_ISSUE, an_order, tell
from tests.e2e.test_kill import environment

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


def _state(pid: int) -> str:
    """Of a process, as the kernel tells it: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@asynccontextmanager
async def frozen(stack: Stack, method: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process that stands still before its first call of the method."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.freezer", method,
        env=environment(stack), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:

        async def stopped() -> bool:
            return _state(process.pid) == "T"

        await stack.until_true(stopped, 30)
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


PLAINLY: dict[str, Any] = {"opportunity_missing": "plain_sales_order"}
MADE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "create_ticket": ("/service/tickets", "ticket", PLAINLY),
    # On a sales order products can be added late; a won opportunity would refuse them.
    "create_product": ("/procurement/products", "product", PLAINLY),
    "create_opportunity": ("/sales/opportunities", "opportunity", {}),
    "create_sales_order": ("/sales/orders", "sales_order", PLAINLY),
    "create_purchase_order": (
        "/procurement/purchaseorders",
        "purchase_order",
        {**PLAINLY, **ON_ISSUE, "demand_linking": "demand_appends_to_po"},
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
    order = an_order((CABLE, 10), opportunity=None)
    path, kind, more = MADE[method]
    short: dict[str, Any] = {"lease_seconds": 2.5, "connectwise_timeout": 1.0}
    async with running(database_url, redis_url, worker=False, **short, **more) as stack:
        # The observer is right to find it: two records of one mark. It is what this test is about.
        stack.permitted |= {"H1", "H9", "E3", f"H1 {order.id}"}
        ordered, state = order.ordered(8891, [(CABLE, 10)]), "LINE_NOT_ORDERED"
        await tell(stack, order.approved())
        if kind == "purchase_order":
            await tell(stack, ordered)
            state = "GOODS_NOT_RECEIVED"
        async with frozen(stack, method) as process:
            await stack.start_worker()
            await stack.until_state(order.number, "waiting", state)
            assert await compare(stack, order) == []
            before = {one["id"] for one in await stack.get(path)}
            process.send_signal(signal.SIGCONT)

            async def written() -> bool:
                return {one["id"] for one in await stack.get(path)} != before

            await stack.until_true(written, 20)
        (second,) = {one["id"] for one in await stack.get(path)} - before
        (found,) = await compare(stack, order)
        assert (found["code"], found["kind"]) == ("DUPLICATE_REMOTE", kind)
        assert found["record"] == str(second)
        assert found["ways"] == ["adopt", "ignore"]
        assert f"Remove {second}" in found["sentence"]
        assert (await settle(stack, found, "adopt"))["standing"] == "adopted"
        await removed(stack, path, second)
        assert await compare(stack, order) == []
        await tell(stack, ordered, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert (await Remote.read(stack, order)).received == {"CABLE-2M": 10}
        assert await compare(stack, order) == []
