"""A database that went back to a backup: what was posted after it is found, and made only once.

The copy is taken of every row while the service stands still, the service goes on and posts, then
the rows are put back and what Commerce had told since is told again (docs/decisions/0035).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from app.sync.operations import Actor
from tests.databases import Kept as Copy
from tests.e2e.harness import Stack, bearer, running
from tests.e2e.ledgers import LEDGERS, invoice, kept
from tests.e2e.orders import CABLE, MONITOR, Order
from tests.e2e.remote import Remote
from tests.e2e.test_exactly_once import order_with_everything

pytestmark = pytest.mark.processes

OPERATOR = Actor(1, "operator")
QUICK: dict[str, Any] = {
    "connectwise_timeout": 1.0,
    "invoice_policy": "shipped_only",
    "mark_shipped": "on_receipt",
}


async def restore(stack: Stack, copy: Copy, *, told: bool = True) -> None:
    """Put the copy's rows back into the database, with the worker down, and say so."""
    await stack.kill_worker()
    # The fixture's own connection stays: it gives the database back when the test has ended.
    for last in (False, False, True):
        try:
            await copy.connection.execute(copy.renewal)
            break
        except asyncpg.DeadlockDetectedError:  # with a statement that the killed worker had sent
            if last:
                raise
    if told:
        found = await stack.container.upkeep.restored(OPERATOR, "the disk was lost")
        assert found.until > found.at
    await stack.start_worker()


@asynccontextmanager
async def copied(stack: Stack, database_url: str, step: str | None) -> AsyncIterator[list[Copy]]:
    """A list that gets the copy: at once, or when the outcome of a step is committed."""
    copies: list[Copy] = []

    async def take() -> None:
        copies.append(await Copy.open(database_url, "copy"))

    if step is None:
        await take()
    else:
        stack.stops.step, stack.stops.point = step, "outcome_committed"
        stack.stops.meanwhile = take
    yield copies
    for copy in copies:
        await copy.connection.close()


async def again(stack: Stack, events: Sequence[Mapping[str, Any]]) -> None:
    for number, event in enumerate(events):
        await stack.deliver(event, webhook_id=f"msg_of_{number}")


async def codes(stack: Stack, order: Order) -> list[str]:
    answer = await stack.client.get(f"/admin/orders/{order.number}/journal", headers=bearer())
    return [entry["code"] for entry in answer.json()["items"]]


@pytest.mark.parametrize(
    "step",
    [
        None,
        *(
            pytest.param(step, marks=pytest.mark.breadth)
            for step in (
                "raise_ticket",
                "create_products",
                "create_sales_order",
                "sync_purchase_order",
                "receive_purchase_order",
                "ship_goods",
            )
        ),
    ],
)
async def test_h9_a_restored_backup_posts_nothing_again(
    database_url: str, redis_url: str, step: str | None
) -> None:
    """Without a step the backup knows the deliveries and nothing of what was made of them."""
    order, events = order_with_everything()
    async with running(database_url, redis_url, worker=False, **QUICK) as stack:
        await again(stack, events)
        async with copied(stack, database_url, step) as copies:
            await stack.start_worker()
            await stack.until_state(order.number, "done")
            before = await Remote.read(stack, order)
            await restore(stack, *copies)
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        remote.assert_single()
        assert remote == before
        assert len(await stack.get("/service/tickets")) == 1
        references = [one["reference"] for one in await stack.get("/finance/invoices")]
        assert len(references) == len(set(references))
        found = "FOUND_IN_DOUBT" in await codes(stack, order)
        assert found or step in ("receive_purchase_order", "ship_goods")


@pytest.mark.breadth
async def test_h9_an_invoice_that_the_backup_lacks_is_made_once(
    database_url: str, redis_url: str
) -> None:
    """The backup knows what was shipped, and not the invoice that the service made of it."""
    order, events = order_with_everything()
    making = {**QUICK, "invoice_action": "create_invoice"}
    async with running(database_url, redis_url, worker=False, **making) as stack:
        await again(stack, events)
        async with copied(stack, database_url, "ship_goods") as copies:
            await stack.start_worker()
            await stack.until_state(order.number, "done")
            invoices = await stack.get("/finance/invoices")
            await restore(stack, *copies)
        await stack.until(order.number, lambda o: o["state"] in ("done", "held"))
        assert [one["id"] for one in await stack.get("/finance/invoices")] == [
            one["id"] for one in invoices
        ]
        (await Remote.read(stack, order)).assert_single()


@pytest.mark.breadth
async def test_h9_an_invoice_that_the_backup_lacks_is_for_a_person(
    database_url: str, redis_url: str
) -> None:
    """D-7: where the links before it are not known either, the machine goes on behind no invoice."""
    order, events = order_with_everything()
    making = {**QUICK, "invoice_action": "create_invoice"}
    async with running(database_url, redis_url, worker=False, **making) as stack:
        await again(stack, events)
        async with copied(stack, database_url, None) as copies:
            await stack.start_worker()
            await stack.until_state(order.number, "done")
            before = await Remote.read(stack, order)
            await restore(stack, *copies)
        await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        remote = await Remote.read(stack, order)
        remote.assert_single()
        # What older documents want is set anew, which a person sees; nothing was made or received.
        stood = ("sales_order_ids", "marks", "received", "shipped")
        assert [getattr(remote, name) for name in stood] == [
            getattr(before, name) for name in stood
        ]
        assert len(remote.purchase_orders) == len(before.purchase_orders)


@pytest.mark.breadth
@pytest.mark.parametrize("linking", ["demand_creates_po", "demand_appends_to_po", "automatic"])
async def test_h9_what_was_told_after_the_backup_comes_again_and_is_found(
    database_url: str, redis_url: str, linking: str
) -> None:
    """The backup knows the order and its open purchase order, and not its receipts."""
    order = Order(lines=[(MONITOR, 10), (CABLE, 5)], quote_id=None, not_chosen=())
    issued = {**QUICK, "purchase_order_timing": "on_issue", "demand_linking": linking}
    async with running(database_url, redis_url, **issued) as stack:
        await again(stack, [order.approved(), order.ordered(8891, [(MONITOR, 10), (CABLE, 6)])])
        await stack.until(order.number, lambda o: (o["lines"] or [{}])[0].get("linked") == "10")
        receipts = [order.receipted(8891, {1: 4, 2: 6}), order.receipted(8891)]
        late = order.ordered(8892, [(CABLE, 2)])
        late_receipt = order.receipted(8892)
        async with copied(stack, database_url, None) as copies:
            for event in (*receipts, late, late_receipt):
                await stack.deliver(event)
            await stack.until_state(order.number, "done")
            before = await Remote.read(stack, order)
            await restore(stack, *copies)
        for event in (late_receipt, late, *reversed(receipts)):
            await stack.deliver(event)
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        remote.assert_single()
        assert remote == before


@pytest.mark.breadth
async def test_h9_an_order_that_the_backup_lacks_is_found_when_it_is_told_again(
    database_url: str, redis_url: str
) -> None:
    """D-13 and a plain purchase order for stock: records that only their markers tell of."""
    order = Order(lines=[(CABLE, 5)], quote_id=None, opportunity=None, not_chosen=())
    events = [order.approved(), order.ordered(8891, [(CABLE, 5)]), order.receipted(8891)]
    async with running(database_url, redis_url, **QUICK) as stack:
        async with copied(stack, database_url, None) as copies:
            await again(stack, events)
            await stack.until_state(order.number, "done")
            before = await Remote.read(stack, order)
            await restore(stack, *copies)
        assert (await stack.order(order.number))["state"] is None
        await again(stack, events)
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        remote.assert_single()
        assert remote == before


@pytest.mark.breadth
@pytest.mark.parametrize("name", LEDGERS)
async def test_h9_a_restored_backup_posts_nothing_to_the_ledger_again(
    database_url: str, redis_url: str, name: str
) -> None:
    """C: vendor, purchase order, bill and sales invoice, known to the backup by deliveries only."""
    order = Order(lines=[(CABLE, 5)], quote_id=None, not_chosen=())
    quick: dict[str, Any] = {"invoice_status": "approved", "read_lag": 0.1}
    async with kept(name, database_url, redis_url, worker=False, patience=1.0, **quick) as books:
        stack = books.stack
        newco = {"id": 12, "accountNumber": "NEWCO", "name": "Newco Cables"}
        await books.tell(order.approved(), order.ordered(8891, [(CABLE, 5)], newco))
        await books.tell(order.receipted(8891), invoice(order, ("product", "Cable", "5", "12.5")))
        async with copied(stack, database_url, None) as copies:
            await stack.start_worker()
            await stack.until_state(order.number, "done")
            await restore(stack, *copies)
        await stack.until_state(order.number, "done")
        assert len(await books.bills(vendor="Newco Cables")) == 1
        assert len(await books.purchase_orders(vendor="Newco Cables")) == 1
        assert len(await books.invoices()) == 1
        assert (await codes(stack, order)).count("FOUND_IN_DOUBT") >= 4
