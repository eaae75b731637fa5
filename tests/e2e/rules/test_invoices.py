"""Invoices against a ConnectWise that behaves like one: released, locked, made, read back."""

from __future__ import annotations

import asyncio
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


async def test_d5_what_a_person_invoiced_before_the_release_is_not_invoiced_again(
    database_url: str, redis_url: str
) -> None:
    """The goods came and a person was quicker than the service."""
    async with running(database_url, redis_url, invoice_action="create_invoice") as stack:
        order = Order(lines=[(MONITOR, 10), (CABLE, 5)], not_chosen=(), quote_id=None)
        standing = await to_goods(stack, order)
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.receipted(8891))
        await stack.until(order.number, lambda o: o["lines"][0]["received"] == "10")
        await stack.deliver(order.ordered(8892, [(CABLE, 5)]))
        await stack.kill_worker()
        await stack.deliver(order.receipted(8892))
        by_person = await invoice_by_person(stack, standing["id"])
        await stack.start_worker()
        held = await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        assert "Product CABLE-2M" in held["answer"]["sentence"]
        await stack.control("settings", {"plain_lines_link": False}, "PUT")
        stack.permitted.add(f"B1.11 {order.id}")  # a person decided so
        await decide(stack, order, "INVOICED_TOO_EARLY", "accept_unlinked", subject=order.number)
        await stack.until_state(order.number, "done")
        assert [one["id"] for one in await stack.get("/finance/invoices")] == [by_person]
        assert await journal(stack, order, "NOTHING_TO_INVOICE")


async def test_d5_an_invoice_of_the_service_that_a_person_credits_is_never_made_again(
    database_url: str, redis_url: str
) -> None:
    async with running(
        database_url, redis_url, invoice_action="create_invoice", callbacks=True
    ) as stack:
        order = simple()
        for event in (
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        await stack.until_state(order.number, "done")
        (invoice,) = await stack.get("/finance/invoices")
        # Credited by a person: the product stands on no invoice any more, another one tells of it.
        remote = await Remote.read(stack, order)
        (product,) = remote.product_ids.values()
        changes = {"invoice": None}
        await stack.control("act", {"act": "edit_product", "id": product, "changes": changes})
        number = (await sales_order(stack))["id"]
        await invoice_by_person(stack, number, type="CreditMemo")
        held = await stack.until_state(order.number, "held", "REMOTE_GONE")
        assert f"Invoice {invoice['id']}" in held["answer"]["sentence"]
        assert held["answer"]["who"] == "accounting"
        await decide(stack, order, "REMOTE_GONE", "look_again")
        await stack.until_state(order.number, "held", "REMOTE_GONE")
        await decide(stack, order, "REMOTE_GONE", "skip")
        await stack.until_state(order.number, "done")
        types = [one["type"] for one in await stack.get("/finance/invoices")]
        assert types == ["Standard", "CreditMemo"]


# --- a sales order that a person closed (D-5) -----------------------------------------------------


@pytest.mark.parametrize("choice", ["release_closed", "skip", "look_again"])
async def test_d5_a_sales_order_that_a_person_closed_is_not_opened_by_itself(
    database_url: str, redis_url: str, choice: str
) -> None:
    async with running(database_url, redis_url, callbacks=True) as stack:
        order = simple()
        standing = await to_goods(stack, order)
        statuses = {s["name"]: s["id"] for s in await stack.get("/sales/orders/statuses")}
        closed = next(s for s in await stack.get("/sales/orders/statuses") if s["closedFlag"])
        path = f"/sales/orders/{standing['id']}"

        async def move(status: int) -> None:
            body = [{"op": "replace", "path": "status", "value": {"id": status}}]
            (await stack.cw.patch(path, json=body)).raise_for_status()

        await move(closed["id"])
        await stack.control("act", {"act": "down_payment", "id": standing["id"]})
        async with asyncio.timeout(10):
            while not await journal(stack, order, "STATUS_MOVED"):
                await asyncio.sleep(0.05)
        await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(order.receipted(8891))
        held = await stack.until_state(order.number, "held", "SALES_ORDER_CLOSED")
        assert closed["name"] in held["answer"]["sentence"]
        assert held["answer"]["choices"] == ["release_closed", "look_again", "skip"]
        if choice == "look_again":
            await move(statuses["Waiting for goods"])
        await decide(stack, order, "SALES_ORDER_CLOSED", choice)
        await stack.until_state(order.number, "done")
        stands = (await sales_order(stack))["status"]["name"]
        assert stands == (closed["name"] if choice == "skip" else "Ready to invoice")


# --- exactly once ---------------------------------------------------------------------------------


async def test_h9_a_further_release_first_finds_out_what_became_of_the_earlier_invoice(
    database_url: str, redis_url: str
) -> None:
    """The answer to the first invoice is lost, and the next shipment comes before it is found."""
    async with running(
        database_url,
        redis_url,
        invoice_action="create_invoice",
        invoice_policy="shipped_only",
        mark_shipped="on_receipt",
        connectwise_timeout=1.5,
        read_lag=0.4,
    ) as stack:
        fault = {"method": "POST", "path": "/finance/invoices$", "times": 1, "kind": "lose_reply"}
        await stack.control("faults", [fault])
        order = Order(lines=[(MONITOR, 10), (CABLE, 5)], not_chosen=(), quote_id=None)
        await stack.deliver(order.approved())
        await stack.deliver(order.ordered(8891, [(MONITOR, 10), (CABLE, 5)]))
        await stack.deliver(order.receipted(8891, {1: 10}))
        await stack.until(
            order.number, lambda o: "OUTCOME_UNKNOWN" in [step["code"] for step in o["steps"]]
        )
        await stack.deliver(order.receipted(8891, {2: 5}))
        told = await stack.until_state(order.number, "done")
        references = [invoice["reference"] for invoice in await stack.get("/finance/invoices")]
        assert references == [f"{order.number}-10", f"{order.number}-15"]
        assert [line["invoiced"] for line in told["lines"]] == ["10", "5"]


# --- released by a person (D-14) ------------------------------------------------------------------


async def test_b111_a_person_releases_what_will_not_be_received(stack: Stack) -> None:
    order = simple()
    for event in (
        order.approved(),
        order.ordered(8891, [(MONITOR, 10)]),
        order.receipted(8891, {1: 4}),
    ):
        await stack.deliver(event)
    await stack.until(order.number, lambda o: o["lines"][0]["received"] == "4")
    stack.permitted.add(f"B1.11 {order.id}")  # a person decided so
    await decide(stack, order, "GOODS_NOT_RECEIVED", "release_anyway", subject=order.number)
    told = await stack.until(order.number, lambda o: o["lines"][0]["invoiceable"] == "10")
    assert told["state"] == "waiting", "the goods are still waited for"
    assert (await sales_order(stack))["status"]["name"] == "Ready to invoice"
    await stack.deliver(order.receipted(8891))
    await stack.until_state(order.number, "done")


async def test_d14_a_person_releases_what_is_not_shipped(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url, invoice_policy="shipped_only") as stack:
        order = simple()
        for event in (
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        await stack.until_state(order.number, "waiting", "GOODS_NOT_SHIPPED")
        await decide(stack, order, "GOODS_NOT_SHIPPED", "release_anyway")
        await stack.until_state(order.number, "done")
        released = await sales_order(stack)
        assert (released["status"]["name"], released["billShippedFlag"]) == (
            "Ready to invoice",
            False,
        )
