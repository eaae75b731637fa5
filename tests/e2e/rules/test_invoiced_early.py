"""Invoices that come when they should not (D-6, D-7, B1.12, B1.13), and orders that end (H3)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.harness import Stack, running
from tests.e2e.orders import DOCK, INSTALL, MONITOR, SYNNEX, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_invoices import (
    decide,
    invoice_by_person,
    journal,
    sales_order,
    simple,
    to_goods,
)
from tests.e2e.tickets import B2, marked

pytestmark = pytest.mark.processes


async def remove(stack: Stack, invoice: int) -> None:
    answer = await stack.cw.delete(f"/finance/invoices/{invoice}")
    assert answer.is_success, answer.text


async def told_of(stack: Stack, order: Order, code: str) -> list[str]:
    """The journal's sentences of a code, once there are some."""
    async with asyncio.timeout(10):
        while not (told := await journal(stack, order, code)):
            await asyncio.sleep(0.05)
    return told


def pushes(log: list[dict[str, Any]]) -> list[str]:
    """Writes that link goods or bring them to a purchase order."""
    links = ("/purchasingDemands", "/lineitems")
    return [r["path"] for r in log if r["method"] == "POST" and r["path"].endswith(links)]


async def test_d7_an_early_invoice_is_told_by_its_callback_and_linking_goes_on_once_it_is_gone(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, callbacks=True) as stack:
        order = simple()
        standing = await to_goods(stack, order)
        invoice = await invoice_by_person(stack, standing["id"])
        held = await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        assert held["answer"]["who"] == "accounting"
        (made,) = [one for one in await stack.get("/finance/invoices") if one["id"] == invoice]
        # People know an invoice by its number, which is not its id.
        named = f"Product DELL-P2425H on invoice {made['invoiceNumber']}"
        assert named in held["answer"]["sentence"]
        assert held["answer"]["choices"] == ["accept_unlinked", "look_again", "skip"]
        assert (held["lines"][0]["invoiced"], held["lines"][0]["invoiceable"]) == ("10", "0")
        assert await journal(stack, order, "INVOICED_ABOVE_RELEASE")
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.receipted(8891))
        await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        assert pushes(await stack.requests()) == []
        await remove(stack, invoice)  # its callback names an invoice that the order learned
        done = await stack.until_state(order.number, "done")
        assert done["lines"][0]["linked"] == "10"
        assert await journal(stack, order, "INVOICE_REMOVED")


async def test_d7_without_callbacks_the_poll_of_invoices_finds_it(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, invoice_poll_seconds=0.3) as stack:
        order = simple()
        standing = await to_goods(stack, order)
        invoice = await invoice_by_person(stack, standing["id"])
        await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        await remove(stack, invoice)
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")


@pytest.mark.parametrize("scenario", [{}, B2], ids=["B1", "B2"])
async def test_b1_12_an_invoice_that_is_deleted_after_the_release_is_learned_from_the_poll(
    database_url: str, redis_url: str, scenario: dict[str, Any]
) -> None:
    async with running(database_url, redis_url, invoice_poll_seconds=0.2, **scenario) as stack:
        order = simple()
        for event in (order.approved(), order.ordered(8891, [(MONITOR, 10)])):
            await stack.deliver(event)
        await stack.deliver(order.receipted(8891))
        await stack.until_state(order.number, "done")
        (product,) = await marked(stack, order)
        kind = "Ticket" if scenario else "SalesOrder"
        body = {
            "type": "Standard",
            "company": {"id": (await stack.get("/service/tickets"))[0]["company"]["id"]},
            "applyToType": kind,
            "applyToId": product[kind[0].lower() + kind[1:]]["id"],
        }
        answer = await stack.cw.post("/finance/invoices", json=body)
        assert answer.status_code == 201, answer.text
        invoice = answer.json()["id"]
        await told_of(stack, order, "INVOICE_SEEN")
        await stack.until(order.number, lambda o: o["lines"][0]["invoiced"] == "10")
        await remove(stack, invoice)
        (sentence,) = await told_of(stack, order, "INVOICE_REMOVED")
        assert str(invoice) in sentence
        told = await stack.until(order.number, lambda o: o["lines"][0]["invoiced"] == "0")
        assert (told["state"], await stack.get("/finance/invoices")) == ("done", [])


@pytest.mark.parametrize("linking", ["demand_creates_po", "demand_appends_to_po", "automatic"])
async def test_d7_it_is_found_before_the_link_although_nothing_told_of_it(
    database_url: str, redis_url: str, linking: str
) -> None:
    """D-4: however the demand is linked. A plain header may stand by then, never a line."""
    async with running(database_url, redis_url, demand_linking=linking) as stack:
        order = simple()
        standing = await to_goods(stack, order)
        invoice = await invoice_by_person(stack, standing["id"])
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.receipted(8891))
        await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        log = await stack.requests()
        assert pushes(log) == []
        await remove(stack, invoice)
        await decide(stack, order, "INVOICED_TOO_EARLY", "look_again", subject=order.number)
        told = await stack.until_state(order.number, "done")
        assert told["lines"][0]["linked"] == "10"


async def test_d7_an_accepted_invoice_leaves_the_goods_unlinked_and_the_order_ends(
    stack: Stack,
) -> None:
    order = simple()
    standing = await to_goods(stack, order)
    await invoice_by_person(stack, standing["id"])
    await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
    await stack.deliver(order.receipted(8891))
    await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
    await stack.control("settings", {"plain_lines_link": False}, "PUT")
    stack.permitted.add(f"B1.11 {order.id}")  # a person decided so
    await decide(stack, order, "INVOICED_TOO_EARLY", "accept_unlinked", subject=order.number)
    told = await stack.until_state(order.number, "done")
    assert (told["lines"][0]["linked"], told["lines"][0]["invoiced"]) == ("0", "10")
    remote = await Remote.read(stack, order)
    assert remote.received == {"DELL-P2425H": 10}
    assert len(remote.linked_lines_without_sales_order) == 1
    assert not any(path.endswith("Demands") for path in pushes(await stack.requests()))


@pytest.mark.parametrize("kind", ["down_payment", "CreditMemo", "service"])
async def test_b112_down_payments_credit_memos_and_service_invoices_are_not_too_early(
    database_url: str, redis_url: str, kind: str
) -> None:
    async with running(database_url, redis_url, callbacks=True) as stack:
        order = Order(lines=[(MONITOR, 10), (INSTALL, 1)], not_chosen=(), quote_id=None)
        standing = await to_goods(stack, order)
        if kind == "down_payment":
            await stack.control("act", {"act": "down_payment", "id": standing["id"], "amount": 500})
        elif kind == "CreditMemo":
            await invoice_by_person(stack, standing["id"], type=kind)
        else:
            await stack.control("settings", {"invoice_post_picks_products": False}, "PUT")
            invoice = await invoice_by_person(stack, standing["id"])
            remote = await Remote.read(stack, order)
            service = remote.product_ids[f"dl:default:{order.id}:2"]
            changes = {"invoice": {"id": invoice}}
            await stack.control("act", {"act": "edit_product", "id": service, "changes": changes})
            body = [{"op": "replace", "path": "topComment", "value": "for the installation"}]
            await stack.cw.patch(f"/finance/invoices/{invoice}", json=body)
            await stack.until(order.number, lambda o: o["lines"][1]["invoiced"] == "1")
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.receipted(8891))
        told = await stack.until_state(order.number, "done")
        assert told["lines"][0]["linked"] == "10"


async def test_b113_of_a_partly_invoiced_order_the_rest_is_linked(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, invoice_poll_seconds=0.3) as stack:
        order = Order(lines=[(MONITOR, 10), (DOCK, 3)], not_chosen=(), quote_id=None)
        standing = await to_goods(stack, order)
        await stack.control("settings", {"invoice_post_picks_products": False}, "PUT")
        invoice = await invoice_by_person(stack, standing["id"])
        remote = await Remote.read(stack, order)
        changes = {"invoice": {"id": invoice}}
        monitor = remote.product_ids[f"dl:default:{order.id}:1"]
        await stack.control("act", {"act": "edit_product", "id": monitor, "changes": changes})
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.ordered(8892, [(DOCK, 3)], SYNNEX))
        await stack.deliver(order.receipted(8892))
        await stack.deliver(order.receipted(8891))
        told = await stack.until(
            order.number,
            lambda o: (
                o["answer"]["code"] == "INVOICED_TOO_EARLY" and o["lines"][1]["linked"] == "3"
            ),
        )
        assert told["lines"][0]["linked"] == "0"
        remote = await Remote.read(stack, order)
        assert remote.received == {"DELL-WD22TB4": 3}


async def test_d6_a_purchase_order_after_the_invoice_is_decided_by_a_person(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url) as stack:
        order = Order(lines=[(MONITOR, 10), (INSTALL, 1)], not_chosen=(), quote_id=None)
        for event in (
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        await stack.until_state(order.number, "done")
        await invoice_by_person(stack, (await sales_order(stack))["id"])
        await stack.deliver(order.ordered(8892, [(INSTALL, 1)], SYNNEX))
        held = await stack.until_state(order.number, "held", "PO_AFTER_INVOICE")
        assert held["answer"]["choices"] == ["accept_unlinked", "look_again", "skip"]
        assert (await sales_order(stack))["status"]["name"] == "Ready to invoice"
        await decide(stack, order, "PO_AFTER_INVOICE", "accept_unlinked")
        await stack.until(order.number, lambda o: o["state"] == "waiting")
        await stack.deliver(order.receipted(8892))
        await stack.until_state(order.number, "done")
        assert (await sales_order(stack))["status"]["name"] == "Ready to invoice"


async def test_d5_a_status_that_a_person_moved_is_told_and_left(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, callbacks=True) as stack:
        order = simple()
        standing = await to_goods(stack, order)
        statuses = await stack.get("/sales/orders/statuses")
        ready = next(s["id"] for s in statuses if s["name"] == "Ready to invoice")
        body = [{"op": "replace", "path": "status", "value": {"id": ready}}]
        await stack.cw.patch(f"/sales/orders/{standing['id']}", json=body)
        await stack.control("act", {"act": "down_payment", "id": standing["id"]})
        told = await told_of(stack, order, "STATUS_MOVED")
        assert "Waiting for goods" in told[0]
        assert (await sales_order(stack))["status"]["name"] == "Ready to invoice"
        await stack.control("act", {"act": "down_payment", "id": standing["id"]})
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert len(await journal(stack, order, "STATUS_MOVED")) == 1


async def test_h10_a_sales_order_that_a_person_deleted_is_held_and_never_made_again(
    stack: Stack,
) -> None:
    order = simple()
    standing = await to_goods(stack, order)
    answer = await stack.cw.delete(f"/sales/orders/{standing['id']}")
    assert answer.is_success, answer.text
    await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
    await stack.deliver(order.receipted(8891))
    held = await stack.until(order.number, lambda o: o["state"] == "held")
    assert "look_again" in held["answer"]["choices"]
    assert await stack.get("/sales/orders") == []


# --- cancelled orders (H3) ------------------------------------------------------------------------


async def test_h3_the_products_of_a_cancelled_order_are_taken_back_and_put_back(
    stack: Stack,
) -> None:
    order = Order(lines=[(MONITOR, 10), (INSTALL, 1)], not_chosen=(), quote_id=None)
    await to_goods(stack, order)
    await stack.deliver(order.approved("sales_order.cancelled", 90))
    held = await stack.until_state(order.number, "held", "CANCELLED_AFTER_START")
    assert held["answer"]["choices"] == ["done_by_hand", "cancel_products", "look_again"]
    await decide(stack, order, "CANCELLED_AFTER_START", "cancel_products")
    await stack.until_state(order.number, "cancelled", "CANCELLED")
    assert (await Remote.read(stack, order)).sold == {"DELL-P2425H": 0, "INSTALL-HALFDAY": 0}
    for event in (
        order.approved(),
        order.ordered(8891, [(MONITOR, 10)]),
        order.receipted(8891),
    ):
        await stack.deliver(event)
    await stack.until_state(order.number, "done")
    assert (await Remote.read(stack, order)).sold == {"DELL-P2425H": 10, "INSTALL-HALFDAY": 1}


async def test_h3_what_is_on_a_purchase_order_is_left_for_a_person(stack: Stack) -> None:
    order = Order(lines=[(MONITOR, 10), (DOCK, 3)], not_chosen=(), quote_id=None)
    for event in (
        order.approved(),
        order.ordered(8891, [(MONITOR, 10)]),
        order.receipted(8891, {1: 4}),
    ):
        await stack.deliver(event)
    await stack.until(order.number, lambda o: o["lines"][0]["received"] == "4")
    await stack.deliver(order.approved("sales_order.cancelled", 90))
    await stack.until_state(order.number, "held", "CANCELLED_AFTER_START")
    await decide(stack, order, "CANCELLED_AFTER_START", "cancel_products")
    held = await stack.until(
        order.number, lambda o: o["state"] == "held" and "still standing" in o["answer"]["sentence"]
    )
    assert "DELL-P2425H (a receipt of 4)" in held["answer"]["sentence"]
    assert held["answer"]["choices"] == ["done_by_hand", "look_again"]
    assert (await Remote.read(stack, order)).sold == {"DELL-P2425H": 10, "DELL-WD22TB4": 0}
    await decide(stack, order, "CANCELLED_AFTER_START", "done_by_hand")
    await stack.until_state(order.number, "cancelled", "CANCELLED")


# --- released by a person (D-15) ------------------------------------------------------------------


async def test_d15_a_person_releases_what_will_never_be_ordered(stack: Stack) -> None:
    order = Order(lines=[(MONITOR, 10), (DOCK, 3)], not_chosen=(), quote_id=None)
    for event in (
        order.approved(),
        order.ordered(8891, [(MONITOR, 10)]),
        order.receipted(8891),
    ):
        await stack.deliver(event)
    await stack.until(order.number, lambda o: o["lines"][0]["received"] == "10")
    stack.permitted.add(f"B1.11 {order.id}")  # a person decided so
    await decide(stack, order, "LINE_NOT_ORDERED", "release_anyway")
    await stack.until_state(order.number, "done")
    assert (await sales_order(stack))["status"]["name"] == "Ready to invoice"
    (decided,) = await journal(stack, order, "DECIDED")
    assert "agreed with accounting" in decided
