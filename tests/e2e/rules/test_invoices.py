"""Invoices against a ConnectWise that behaves like one: released, locked, made, read back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import CABLE, INSTALL, MONITOR, Order
from tests.e2e.remote import Remote

pytestmark = pytest.mark.processes


async def decide(stack: Stack, order: Order, code: str, choice: str, **more: str) -> Rest:
    body = {"code": code, "choice": choice, "reason": "agreed with accounting", **more}
    answer = await stack.client.post(
        f"/admin/orders/{order.number}/decide", json=body, headers=bearer()
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    found: Rest = answer.json()
    return found


async def journal(stack: Stack, order: Order, code: str) -> list[str]:
    answer = await stack.client.get(
        f"/admin/orders/{order.number}/journal", params={"limit": 200}, headers=bearer()
    )
    return [entry["sentence"] for entry in answer.json()["items"] if entry["code"] == code]


async def sales_order(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = (await stack.get("/sales/orders"))[-1]
    return found


async def invoice_by_person(stack: Stack, number: int, **more: Any) -> int:
    """Invoice the sales order as a person would; the invoice's id."""
    answer = await stack.control("act", {"act": "invoice_sales_order", "id": number, **more})
    return int(answer["id"])


def simple(**more: Any) -> Order:
    return Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None, **more)


async def to_goods(stack: Stack, order: Order) -> dict[str, Any]:
    """The sales order stands, and the goods are waited for."""
    await stack.deliver(order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    return await sales_order(stack)


# --- the lock (D-5) -------------------------------------------------------------------------------


async def test_d5_the_bill_closed_flag_locks_the_invoice_until_the_gate_opens(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, invoice_lock="bill_closed_flag") as stack:
        order = simple()
        standing = await to_goods(stack, order)
        assert standing["billClosedFlag"] is True
        body = {"act": "invoice_sales_order", "id": standing["id"]}
        refused = await stack.cw.post(f"{stack.sandbox.control_url}/act", json=body)
        assert refused.is_client_error
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.receipted(8891))
        await stack.until_state(order.number, "done")
        released = await sales_order(stack)
        assert released["billClosedFlag"] is False
        assert released["status"]["name"] == "Ready to invoice"
        assert await invoice_by_person(stack, released["id"]) > 0


async def test_d5_without_a_lock_the_flag_is_left_alone(stack: Stack) -> None:
    order = simple()
    await to_goods(stack, order)
    changes = [r for r in await stack.requests() if r["method"] == "PATCH"]
    paths = [op["path"] for r in changes if "/sales/orders/" in r["path"] for op in r["body"]]
    assert "status" in paths
    assert "billClosedFlag" not in paths


async def test_d5_a_lock_that_a_release_took_off_comes_back_when_it_is_taken_back(
    database_url: str, redis_url: str
) -> None:
    """D-6 with the lock: waiting status and flag go together."""
    async with running(database_url, redis_url, invoice_lock="bill_closed_flag") as stack:
        order = Order(lines=[(MONITOR, 10), (INSTALL, 1)], not_chosen=(), quote_id=None)
        for event in (
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        await stack.until_state(order.number, "done")
        await stack.deliver(order.ordered(8892, [(INSTALL, 1)]))
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        back = await sales_order(stack)
        assert (back["status"]["name"], back["billClosedFlag"]) == ("Waiting for goods", True)
        (why,) = await journal(stack, order, "RELEASE_TAKEN_BACK")
        assert "still to be received on PO10008892" in why


# --- the invoice that the service makes (D-5) -----------------------------------------------------


async def test_d5_one_invoice_is_made_with_its_reference_and_status_and_read_back(
    database_url: str, redis_url: str
) -> None:
    async with running(
        database_url,
        redis_url,
        invoice_action="create_invoice",
        connectwise_invoice_status="Sent",
    ) as stack:
        order = Order(lines=[(MONITOR, 10), (INSTALL, 1)], not_chosen=(), quote_id=None)
        for event in (
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        told = await stack.until_state(order.number, "done")
        (invoice,) = await stack.get("/finance/invoices")
        assert invoice["reference"] == order.number
        assert invoice["status"]["name"] == "Sent"
        assert [line["invoiced"] for line in told["lines"]] == ["10", "1"]
        (step,) = [s for s in told["steps"] if s["step"] == "release_invoice"]
        shown = {(r["kind"], r["id"]) for r in step["remote"]}
        assert ("invoice", str(invoice["id"])) in shown


async def test_d5_an_invoice_that_takes_no_products_is_held_with_its_ways_out(
    database_url: str, redis_url: str
) -> None:
    """Which products an invoice takes is not documented: it is read back."""
    async with running(database_url, redis_url, invoice_action="create_invoice") as stack:
        await stack.control("settings", {"invoice_post_picks_products": False}, "PUT")
        order = simple()
        for event in (
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        held = await stack.until_state(order.number, "held", "INVOICE_INCOMPLETE")
        assert "DELL-P2425H" in held["answer"]["sentence"]
        assert held["answer"]["choices"] == ["leave_invoice", "look_again", "skip"]
        assert len(await stack.get("/finance/invoices")) == 1
        await decide(stack, order, "INVOICE_INCOMPLETE", "look_again")
        await stack.until_state(order.number, "held", "INVOICE_INCOMPLETE")
        await decide(stack, order, "INVOICE_INCOMPLETE", "leave_invoice")
        await stack.until_state(order.number, "done")
        assert len(await stack.get("/finance/invoices")) == 1, "never a second one"


async def test_d5_what_a_person_put_on_the_invoice_ends_the_hold(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, invoice_action="create_invoice") as stack:
        await stack.control("settings", {"invoice_post_picks_products": False}, "PUT")
        order = simple()
        for event in (
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        await stack.until_state(order.number, "held", "INVOICE_INCOMPLETE")
        remote = await Remote.read(stack, order)
        (invoice,) = await stack.get("/finance/invoices")
        (product,) = remote.product_ids.values()
        changes = {"invoice": {"id": invoice["id"]}}
        await stack.control("act", {"act": "edit_product", "id": product, "changes": changes})
        await decide(stack, order, "INVOICE_INCOMPLETE", "look_again")
        await stack.until_state(order.number, "done")


async def test_b111_with_shipped_only_each_line_is_invoiced_when_it_is_shipped_whole(
    database_url: str, redis_url: str
) -> None:
    """ConnectWise keeps one invoice of a product: a part that is shipped makes no invoice."""
    async with running(
        database_url,
        redis_url,
        invoice_action="create_invoice",
        invoice_policy="shipped_only",
        mark_shipped="on_receipt",
    ) as stack:
        order = Order(lines=[(MONITOR, 10), (CABLE, 5)], not_chosen=(), quote_id=None)
        await stack.deliver(order.approved())
        await stack.deliver(order.ordered(8891, [(MONITOR, 10), (CABLE, 5)]))
        await stack.deliver(order.receipted(8891, {1: 4}))
        told = await stack.until(order.number, lambda o: o["lines"][0]["invoiceable"] == "4")
        assert (told["state"], told["answer"]["code"]) != ("done", "RELEASED")
        assert await stack.get("/finance/invoices") == []
        await stack.deliver(order.receipted(8891, {1: 6}))
        await stack.until(order.number, lambda o: o["lines"][0]["invoiced"] == "10")
        await stack.deliver(order.receipted(8891, {2: 5}))
        done = await stack.until_state(order.number, "done")
        references = [invoice["reference"] for invoice in await stack.get("/finance/invoices")]
        assert references == [f"{order.number}-10", f"{order.number}-15"]
        assert [line["invoiced"] for line in done["lines"]] == ["10", "5"]


async def test_d5_goods_that_a_person_invoiced_already_are_not_invoiced_again(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, invoice_action="create_invoice") as stack:
        order = Order(
            lines=[(INSTALL, 1)], not_chosen=(), quote_id=None, header={"fulfillmentStatus": 0}
        )
        await stack.control("settings", {"latency_ms": 0}, "PUT")
        await stack.kill_worker()
        await stack.deliver(order.approved())
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        assert len(await stack.get("/finance/invoices")) == 1
        await stack.deliver(order.approved())
        await stack.until_state(order.number, "done")
        assert len(await stack.get("/finance/invoices")) == 1
