"""B2: products on a ticket, demand raised by them, goods received for them, the ticket released."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import running
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, SYNNEX, Order
from tests.e2e.rules.test_purchase_order_changes import decide
from tests.e2e.tickets import B2, marked, on, plain, tell, ticket, tickets

pytestmark = pytest.mark.processes


async def test_b2_1_b2_2_the_straight_story(database_url: str, redis_url: str) -> None:
    """Ticket with products, opportunity won, purchase orders linked to the demand of the ticket and
    completed, no sales order, the ticket ready to invoice."""
    order = Order(lines=[(MONITOR, 10), (CABLE, 5), (DOCK, 3), (INSTALL, 1)])
    async with running(database_url, redis_url, **B2) as stack:
        await tell(
            stack,
            order.quote(),
            order.approved(),
            order.ordered(8891, [(MONITOR, 10), (CABLE, 6)]),
            order.ordered(8892, [(DOCK, 3)], SYNNEX),
            order.receipted(8891, {1: 4}),
        )
        await stack.until(order.number, lambda o: o["lines"][0]["received"] == "4")
        (one,) = await tickets(stack)
        assert (one["status"]["name"], one["company"]["identifier"]) == ("New", "Contoso")
        await tell(stack, order.receipted(8892), order.receipted(8891))
        told = await stack.until_state(order.number, "done")
        assert told["answer"]["sentence"].startswith(f"Ticket {one['id']} ")
        assert [line["linked"] for line in told["lines"]] == ["10", "5", "3", "0"]
        assert await on(stack, one["id"]) == {
            "DELL-P2425H": 10,
            "CABLE-2M": 5,
            "DELL-WD22TB4": 3,
            "INSTALL-HALFDAY": 1,
        }
        assert (await ticket(stack, one["id"]))["status"]["name"] == "Ready to invoice"
        assert (await stack.get("/sales/opportunities/88"))["status"]["name"] == "Won"
        assert await stack.get("/sales/orders") == []
        statuses = {
            po["poNumber"]: po["status"]["name"]
            for po in await stack.get("/procurement/purchaseorders")
        }
        assert statuses == {"PO10008891": "Received In Full", "PO10008892": "Received In Full"}


async def test_b2_1_an_order_without_an_opportunity_gets_none(
    database_url: str, redis_url: str
) -> None:
    """G9: an opportunity is won where there is one."""
    order = plain((CABLE, 2))
    before = 0
    async with running(database_url, redis_url, **B2) as stack:
        before = len(await stack.get("/sales/opportunities"))
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 2)]))
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert len(await stack.get("/sales/opportunities")) == before
        assert [product["ticket"]["id"] for product in await marked(stack, order)] == [21001]


async def test_a4_products_stand_on_the_ticket_and_on_nothing_else(
    database_url: str, redis_url: str
) -> None:
    """What the quote put on the opportunity is left alone, unmarked."""
    order = Order(lines=[(MONITOR, 10)])
    async with running(database_url, redis_url, **B2) as stack:
        await tell(stack, order.quote(), order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        (product,) = await marked(stack, order)
        assert product["ticket"]["id"] == 21001
        assert product.get("opportunity") is None


@pytest.mark.parametrize("action", ["mark_ready", "create_invoice"])
async def test_b2_3_the_ticket_is_released_or_invoiced_when_its_goods_came(
    database_url: str, redis_url: str, action: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, invoice_action=action, **B2) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        assert await stack.get("/finance/invoices") == []
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        invoices = await stack.get("/finance/invoices")
        assert [one["ticket"]["id"] for one in invoices] == [21001] * (action == "create_invoice")
        (product,) = await marked(stack, order)
        assert (product.get("invoice") is not None) is (action == "create_invoice")


async def test_b2_2_a_receipt_before_the_products_stand_waits_for_them(
    database_url: str, redis_url: str
) -> None:
    """B1.7's wait, without a sales order: the products of the ticket are missing."""
    order = plain((CABLE, 5), header={"total": 1})
    async with running(database_url, redis_url, **B2) as stack:
        order.ordered(8891, [(CABLE, 5)])
        await tell(stack, order.approved(), order.receipted(8891))
        held = await stack.until_state(order.number, "held", "TOTAL_MISMATCH")
        codes = {step["step"]: step["code"] for step in held["steps"]}
        assert codes["sync_purchase_order"] == "TICKET_PRODUCTS_MISSING"
        assert await stack.get("/procurement/purchaseorders") == []
        order.header["total"] = 5 * 12.5
        await tell(stack, order.approved("sales_order.updated"))
        await stack.until_state(order.number, "done")


async def test_b2_2_without_demand_of_tickets_nothing_is_made_and_it_is_named(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **B2) as stack:
        await stack.control("settings", {"demand_from": ["sales_order"]}, "PUT")
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await tell(stack, order.receipted(8891))
        held = await stack.until_state(order.number, "held", "DEMAND_NOT_LINKED")
        assert "ticket" in held["answer"]["sentence"]
        assert await stack.get("/procurement/purchaseorders") == []


@pytest.mark.parametrize("linking", ["demand_appends_to_po", "automatic"])
async def test_d4_each_way_of_linking_ends_linked_to_the_ticket(
    database_url: str, redis_url: str, linking: str
) -> None:
    order = plain((CABLE, 5))
    more: dict[str, Any] = {**B2, "demand_linking": linking}
    async with running(database_url, redis_url, **more) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await tell(stack, order.receipted(8891, {1: 2}), order.receipted(8891))
        told = await stack.until_state(order.number, "done")
        assert told["lines"][0]["linked"] == told["lines"][0]["received"] == "5"
        (product,) = await marked(stack, order)
        assert product["needToOrderQuantity"] == 0


async def test_b2_2_without_the_report_the_permission_is_named(
    database_url: str, redis_url: str
) -> None:
    """Purchase order lines name no tickets, so nothing but the report can prove the link."""
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **B2) as stack:
        refusal = {"code": "Security", "message": "no permission", "errors": None}
        fault = {"method": "GET", "path": "/system/reports/", "times": 9, "kind": "status"}
        await stack.control("faults", [{**fault, "status": 403, "body": refusal}])
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await tell(stack, order.receipted(8891))
        held = await stack.until_state(order.number, "held", "PERMISSION_MISSING")
        assert "PurchaseOrderWithLineItems" in held["answer"]["sentence"]
        assert [line["received"] for line in held["lines"]] == ["0"]


async def test_d6_a_purchase_order_after_the_release_takes_the_ticket_back(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5), header={"fulfillmentStatus": 1})
    async with running(database_url, redis_url, **B2) as stack:
        await tell(stack, order.approved())
        await stack.until_state(order.number, "done")
        assert (await ticket(stack, 21001))["status"]["name"] == "Ready to invoice"
        order.header["fulfillmentStatus"] = 0
        await tell(stack, order.approved("sales_order.updated"))
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        assert (await ticket(stack, 21001))["status"]["name"] == "New"
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert (await ticket(stack, 21001))["status"]["name"] == "Ready to invoice"


async def test_d11_a_changed_order_changes_its_products_on_the_ticket(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5), (DOCK, 1))
    async with running(database_url, redis_url, **B2) as stack:
        await tell(stack, order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        order.lines = [(CABLE, 7)]
        await tell(stack, order.approved("sales_order.updated"))

        async def changed() -> bool:
            return await on(stack, 21001) == {"CABLE-2M": 7}

        await stack.until_true(changed)


async def test_h3_a_cancelled_order_takes_its_products_off_the_ticket(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **B2) as stack:
        await tell(stack, order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        await tell(stack, order.approved("sales_order.cancelled", status=90))
        await stack.until_state(order.number, "held", "CANCELLED_AFTER_START")
        await decide(stack, order.number, "CANCELLED_AFTER_START", "cancel_products", order.number)
        told = await stack.until_state(order.number, "cancelled")
        assert "ticket 21001" in told["answer"]["sentence"]
        assert await on(stack, 21001) == {}
