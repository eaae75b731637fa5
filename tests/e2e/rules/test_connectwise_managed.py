"""D: invoices and purchase orders are ConnectWise's; Commerce's purchase orders are suggestions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.managed import D, buys, notes, supplied
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, SYNNEX, Order
from tests.e2e.tickets import B2, a_ticket, act, assign, choose, marked, on, plain, tell, ticket

pytestmark = pytest.mark.processes
WRITES = ("POST", "PATCH", "PUT", "DELETE")


async def writes(stack: Stack) -> list[Rest]:
    """What the service wrote to ConnectWise so far."""
    service = stack.sandbox.credentials.headers["clientId"]
    return [
        entry
        for entry in await stack.requests()
        if entry["method"] in WRITES and entry.get("client") == service
    ]


async def calls(stack: Stack, number: str) -> list[Rest]:
    """Every remote request that the service made for an order."""
    answer = await stack.client.get(f"/admin/orders/{number}/calls", headers=bearer())
    found: list[Rest] = answer.json()["items"]
    return found


async def test_d1_the_products_stand_on_a_sales_order_that_is_ready_to_invoice(
    database_url: str, redis_url: str
) -> None:
    """Opportunity won and converted, catalog items made, and nobody ordered anything."""
    order = Order(lines=[(MONITOR, 10), (CABLE, 5), (INSTALL, 1)])
    async with running(database_url, redis_url, **D) as stack:
        await tell(stack, order.quote(), order.approved())
        await tell(stack, order.ordered(8891, [(MONITOR, 10), (CABLE, 5)]))
        told = await stack.until_state(order.number, "done")
        (one,) = await stack.get("/sales/orders")
        assert one["status"]["name"] == "Ready to invoice"
        assert (await stack.get("/sales/opportunities/88"))["status"]["name"] == "Won"
        assert [product["salesOrder"]["id"] for product in await marked(stack, order)] == [
            one["id"]
        ] * 3
        assert await stack.get("/procurement/purchaseorders") == []
        assert [line["invoiceable"] for line in told["lines"]] == ["10", "5", "1"]


@pytest.mark.parametrize("action", ["mark_ready", "create_invoice"])
async def test_d1_a4_from_tickets_there_is_no_sales_order(
    database_url: str, redis_url: str, action: str
) -> None:
    order = Order(lines=[(CABLE, 5), (DOCK, 1)], quote_id=None, not_chosen=())
    more: dict[str, Any] = {**D, "invoice_from": "ticket", "invoice_action": action}
    async with running(database_url, redis_url, **more) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5), (DOCK, 1)]))
        told = await stack.until_state(order.number, "done")
        assert await on(stack, 21001) == {"CABLE-2M": 5, "DELL-WD22TB4": 1}
        assert (await ticket(stack, 21001))["status"]["name"] == "Ready to invoice"
        assert (await stack.get("/sales/opportunities/88"))["status"]["name"] == "Won"
        assert await stack.get("/sales/orders") == []
        made = await stack.get("/finance/invoices")
        assert [one["ticket"]["id"] for one in made] == [21001] * (action == "create_invoice")
        states = {step["step"]: step["state"] for step in told["steps"]}
        assert states["create_sales_order"] == "not_needed"


@pytest.mark.parametrize("source", ["opportunity", "ticket"])
async def test_a1_a2_d1_one_ticket_one_won_opportunity_and_the_whole_total_to_invoice(
    database_url: str, redis_url: str, source: str
) -> None:
    """However often the order is told: header amounts are lines, and the sum is Commerce's."""
    amounts = {"deliveryAmount": 25, "paymentSurchargeAmount": 4, "couponDiscount": 10}
    total = 5 * 12.5 + 319 + 25 + 4 - 10
    order = plain((CABLE, 5), (DOCK, 1), header={**amounts, "total": total})
    order.opportunity = 88
    async with running(database_url, redis_url, invoice_from=source, **D) as stack:
        before = len(await stack.get("/sales/opportunities"))
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5), (DOCK, 1)]))
        await stack.until_state(order.number, "done")
        await tell(stack, order.approved("sales_order.updated"), order.approved())
        told = await stack.until_state(order.number, "done")
        (record,) = await stack.get("/service/tickets")
        assert record["company"]["identifier"] == "Contoso"
        assert (await stack.get("/sales/opportunities/88"))["status"]["name"] == "Won"
        assert len(await stack.get("/sales/opportunities")) == before
        products = await marked(stack, order)
        assert round(sum(one["price"] * one["quantity"] for one in products), 2) == total
        assert len(products) == 2 + len(amounts)
        by_ticket = source == "ticket"
        assert {bool(one.get("ticket")) for one in products} == {by_ticket}
        assert {bool(one.get("salesOrder")) for one in products} == {not by_ticket}
        assert told["answer"]["code"] == "RELEASED"


@pytest.mark.parametrize("source", ["opportunity", "ticket"])
async def test_d2_a_receipt_makes_no_external_write_and_is_shown(
    database_url: str, redis_url: str, source: str
) -> None:
    order = plain((CABLE, 5), (DOCK, 1))
    async with running(database_url, redis_url, invoice_from=source, **D) as stack:
        await tell(stack, order.ordered(8891, [(CABLE, 5), (DOCK, 1)]), order.approved())
        await stack.until_state(order.number, "done")
        before = await calls(stack, order.number)
        for received in (order.receipted(8891, {1: 2}), order.receipted(8891)):
            await tell(stack, received)
        told = await stack.until(
            order.number, lambda o: [line["received"] for line in o["lines"]] == ["5", "1"]
        )
        assert told["state"] == "done"
        assert [line["linked"] for line in told["lines"]] == ["0", "0"]
        later = plain(id=1202, header={"total": 1})
        await tell(stack, later.approved())  # once it is through, the receipts are
        await stack.until_state(later.number, "held", "TOTAL_MISMATCH")
        assert await calls(stack, order.number) == before
        assert await stack.get("/procurement/purchaseorders") == []
        assert len(await notes(stack, 21001)) == 1


async def test_d3_d4_d5_the_purchasing_officer_reads_what_to_buy(
    database_url: str, redis_url: str
) -> None:
    """An internal note for each supplier, marked as a suggestion; the rest is in the header."""
    order = plain((MONITOR, 10), (CABLE, 5))
    async with running(database_url, redis_url, **D) as stack:
        first = supplied(order, 8891, [(MONITOR, 10)], "ING-4471", note="Bid DELL-77120")
        second = supplied(order, 8892, [(CABLE, 5)], "SYN-2M", SYNNEX, currency="GBP")
        await tell(stack, first, second, order.approved())
        await stack.until_state(order.number, "done")
        found = await notes(stack, 21001)
        assert [note["internalAnalysisFlag"] for note in found] == [True, True]
        assert not any(note.get("detailDescriptionFlag") for note in found)
        ingram, synnex = (str(note["text"]) for note in found)
        assert ingram.startswith("Purchasing suggestion PO10008891 for ON10001201.")
        for part in (
            "suggestion only",
            "Supplier: Ingram Micro (INGRAM).",
            "- 10 x DELL-P2425H Product DELL-P2425H, supplier SKU ING-4471, cost 100",
            "Note in Commerce: Bid DELL-77120",
        ):
            assert part in ingram
        assert "TD Synnex" in synnex
        assert "cost 100 GBP each" in synnex


async def test_d3_a_changed_purchase_order_is_told_anew_and_a_cancelled_one_withdrawn(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **D) as stack:
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await stack.until_state(order.number, "done")

        async def tells(count: int) -> str:
            await stack.until_true(lambda: _count(stack, count))
            return str((await notes(stack, 21001))[-1]["text"])

        await tell(stack, order.ordered(8891, [(CABLE, 6)], SYNNEX))
        text = await tells(2)
        assert "- 6 x CABLE-2M" in text
        assert "It replaces the one before." in text
        await tell(stack, order.ordered(8891, [(CABLE, 5)]))  # back to what was told first
        assert "- 5 x CABLE-2M" in await tells(3)
        cancelled = order.ordered(8891, [(CABLE, 5)])
        cancelled["data"]["purchaseOrder"]["status"] = 90
        await tell(stack, cancelled)
        await tells(5)  # and its line is on no purchase order any more
        texts = [str(note["text"]) for note in (await notes(stack, 21001))[3:]]
        assert any("suggestion PO10008891 for ON10001201 is withdrawn: " in one for one in texts)
        assert any("Commerce names no supplier" in one for one in texts)


async def _count(stack: Stack, count: int) -> bool:
    return len(await notes(stack, 21001)) == count


async def test_d3_lines_on_no_purchase_order_are_told_after_a_wait(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5), (DOCK, 1), (INSTALL, 1))
    async with running(database_url, redis_url, **D) as stack:
        await tell(stack, order.ordered(8891, [(DOCK, 1)]), order.approved())
        await stack.until_state(order.number, "done")
        texts = [str(note["text"]) for note in await notes(stack, 21001)]
        (rest,) = [text for text in texts if "PO10008891" not in text]
        assert "- 5 x CABLE-2M" in rest
        assert "DELL-WD22TB4" not in rest
        assert "INSTALL" not in rest
        await tell(stack, order.ordered(8892, [(CABLE, 5)]))
        await stack.until_true(lambda: _count(stack, 4))
        texts = [str(note["text"]) for note in await notes(stack, 21001)]
        assert any("suggestion ON10001201 is withdrawn" in text for text in texts)


async def test_e7_the_suggestion_follows_the_order_to_another_ticket(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **D) as stack:
        other = await a_ticket(stack)
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await stack.until_state(order.number, "done")
        assert (await assign(stack, order, other))["status"] == 200

        async def told() -> bool:
            return len(await notes(stack, other)) == 1

        await stack.until_true(told)


async def test_b2_4_on_a_closed_ticket_nothing_is_suggested_unseen(
    database_url: str, redis_url: str
) -> None:
    """The desk closes the ticket before the purchase order comes: a person is told."""
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, quote_wait=1.0, **D) as stack:
        number = await a_ticket(stack)
        await tell(stack, choose(order, number).approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        await act(stack, "close_ticket", number)
        await tell(stack, order.ordered(8891, [(CABLE, 5)]))
        held = await stack.until_state(order.number, "held", "TICKET_CLOSED")
        assert str(number) in held["answer"]["sentence"]
        assert await notes(stack, number) == []


async def test_b2_4_a_merged_ticket_is_followed(database_url: str, redis_url: str) -> None:
    """Each suggestion is told once, on the ticket that is left."""
    order = plain((CABLE, 5), (DOCK, 1))
    async with running(database_url, redis_url, quote_wait=1.0, **D) as stack:
        number, parent = await a_ticket(stack), await a_ticket(stack)
        await tell(stack, choose(order, number).approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        await act(stack, "merge_ticket", number, into=parent)
        await tell(stack, order.ordered(8891, [(CABLE, 5)]))

        async def told(count: int) -> bool:
            return len(await notes(stack, parent)) == count

        await stack.until_true(lambda: told(1))
        await tell(stack, order.ordered(8892, [(DOCK, 1)]))
        await stack.until_state(order.number, "done")
        assert await told(2)
        assert await notes(stack, number) == []


async def test_b1_11_shipped_only_waits_for_a_shipment_in_connectwise(
    database_url: str, redis_url: str
) -> None:
    """Receipts of Commerce say nothing; what the purchasing officer bought, and a person ships in
    ConnectWise, does."""
    order = plain((CABLE, 5))
    async with running(
        database_url, redis_url, invoice_policy="shipped_only", poll_seconds=0.2, **D
    ) as stack:
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "waiting", "GOODS_NOT_SHIPPED")
        (product,) = await marked(stack, order)
        await buys(stack, product["id"], 5)
        await act(stack, "ship_product", product["id"], quantity=5)
        await stack.until_state(order.number, "done")
        (one,) = await stack.get("/sales/orders")
        assert (one["billShippedFlag"], one["status"]["name"]) == (True, "Ready to invoice")


async def test_h4_a_purchase_order_for_stock_is_left_to_connectwise(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    event = order.ordered(8899, [(CABLE, 50)])
    event["data"]["purchaseOrder"]["salesOrderID"] = None
    async with running(database_url, redis_url, **D) as stack:
        await tell(stack, event)
        told = await stack.until_state("PO10008899", "done", "STOCK_IGNORED")
        assert "bought in ConnectWise" in told["answer"]["sentence"]
        assert await writes(stack) == [
            entry for entry in await writes(stack) if "/system/callbacks" in entry["path"]
        ]


async def test_h8_an_order_keeps_the_scenario_that_its_customer_was_bound_to(
    database_url: str, redis_url: str
) -> None:
    """One customer's orders follow B2, the others D; a binding that goes moves no order."""
    order, later = plain((CABLE, 5)), plain((CABLE, 5), id=1202)
    bound = {"kind": "scenario", "commerce_key": "customer:77", "connectwise_key": B2["scenario"]}
    async with running(database_url, redis_url, **D) as stack:
        kept = await stack.client.put("/admin/mappings", json=bound, headers=bearer())
        await tell(stack, order.approved())
        told = await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        assert told["scenario"]["name"] == B2["scenario"]
        await stack.client.delete(f"/admin/mappings/{kept.json()['id']}", headers=bearer())
        await tell(stack, later.ordered(8892, [(CABLE, 5)]), later.approved())
        told = await stack.until_state(later.number, "done")
        assert told["scenario"]["name"] == D["scenario"]
        again = order.approved("sales_order.updated")
        again["data"]["salesOrder"]["reference"] = "NEW"
        await tell(stack, again)
        told = await stack.order(order.number)
        assert (told["state"], told["scenario"]["name"]) == ("waiting", B2["scenario"])
