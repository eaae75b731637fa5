"""B2.4, A4: what a person does to the ticket, or to the opportunity, between order and receipt is
found, named, and left to a person."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Stack, bearer, running
from tests.e2e.orders import CABLE, Order
from tests.e2e.rules.test_purchase_order_changes import decide
from tests.e2e.tickets import B2, a_ticket, act, marked, on, plain, tell, ticket

pytestmark = pytest.mark.processes
PO = "PO10008891"
READY = ("waiting", "LINE_NOT_ORDERED")


async def reopen(stack: Stack, number: int) -> None:
    board = (await ticket(stack, number))["board"]["id"]
    statuses = await stack.get(f"/service/boards/{board}/statuses")
    new = next(status["id"] for status in statuses if status["name"] == "New")
    change = {"op": "replace", "path": "status", "value": {"id": new}}
    await stack.cw.patch(f"/service/tickets/{number}", json=[change])


@pytest.mark.parametrize("callbacks", [True, False], ids=["told", "found"])
@pytest.mark.parametrize("way", ["reopened", "go_on"])
async def test_b2_4_a_ticket_that_was_closed_before_its_goods_came_is_named(
    database_url: str, redis_url: str, callbacks: bool, way: str
) -> None:
    """Told by a callback at once; without one, found before anything is linked or received."""
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, callbacks=callbacks, **B2) as stack:
        await tell(stack, order.approved())
        await stack.until_state(order.number, *READY)
        await act(stack, "close_ticket", 21001)
        if callbacks:
            await stack.until_state(order.number, "held", "TICKET_CLOSED")
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.receipted(8891))
        held = await stack.until_state(order.number, "held", "TICKET_CLOSED")
        assert "Ticket 21001" in held["answer"]["sentence"]
        assert await stack.get("/procurement/purchaseorders") == []
        subject = next(s["subject"] for s in held["steps"] if s["code"] == "TICKET_CLOSED")
        if way == "reopened":
            await reopen(stack, 21001)
            await decide(stack, order.number, "TICKET_CLOSED", "look_again", subject)
        else:
            stack.permitted |= {"B2.4 1201"}
            await decide(stack, order.number, "TICKET_CLOSED", "go_on", subject)
        told = await stack.until_state(order.number, "done")
        assert told["lines"][0]["received"] == "5"
        status = (await ticket(stack, 21001))["status"]["name"]
        assert status == ("Ready to invoice" if way == "reopened" else "Closed")


async def test_b2_4_a_ticket_that_is_closed_between_two_receipts_stops_the_second(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **B2) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await tell(stack, order.receipted(8891, {1: 2}))
        await stack.until(order.number, lambda o: (o["lines"] or [{}])[0].get("received") == "2")
        await act(stack, "close_ticket", 21001)
        await forget_what_was_read(stack)
        await tell(stack, order.receipted(8891))
        held = await stack.until_state(order.number, "held", "TICKET_CLOSED")
        assert held["lines"][0]["received"] == "2"
        await reopen(stack, 21001)
        subject = next(s["subject"] for s in held["steps"] if s["code"] == "TICKET_CLOSED")
        await decide(stack, order.number, "TICKET_CLOSED", "look_again", subject)
        await stack.until_state(order.number, "done")


async def forget_what_was_read(stack: Stack) -> None:
    """A worker keeps what it read only while it keeps the order: a new one reads anew."""
    await stack.kill_worker()
    await stack.start_worker()


@pytest.mark.parametrize("moved", [True, False], ids=["products moved", "products left"])
async def test_b2_4_a_merge_is_followed_where_the_products_went_along(
    database_url: str, redis_url: str, moved: bool
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **B2) as stack:
        into = await a_ticket(stack)
        await tell(stack, order.approved())
        await stack.until_state(order.number, *READY)
        (product,) = await marked(stack, order)
        own = product["ticket"]["id"]
        if moved:
            changes = {"ticket": {"id": into}}
            await act(stack, "edit_product", product["id"], changes=changes)
        await act(stack, "merge_ticket", own, into=into)
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.receipted(8891))
        if not moved:
            held = await stack.until_state(order.number, "held", "TICKET_MERGED")
            assert f"merged into ticket {into}" in held["answer"]["sentence"]
            stack.permitted |= {"B2.4 1201"}
            subject = next(s["subject"] for s in held["steps"] if s["code"] == "TICKET_MERGED")
            await decide(stack, order.number, "TICKET_MERGED", "go_on", subject)
            await stack.until_state(order.number, "done")
            return
        await stack.until_state(order.number, "done")
        assert (await ticket(stack, into))["status"]["name"] == "Ready to invoice"
        assert await on(stack, into) == {"CABLE-2M": 5}
        assert len(await marked(stack, order)) == 1


@pytest.mark.parametrize("callbacks", [True, False], ids=["told", "found"])
@pytest.mark.parametrize("way", ["removed", "accept_unlinked"])
async def test_b2_4_d7_a_ticket_that_was_invoiced_too_early_is_named(
    database_url: str, redis_url: str, callbacks: bool, way: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, callbacks=callbacks, **B2) as stack:
        await tell(stack, order.approved())
        await stack.until_state(order.number, *READY)
        invoice = (await act(stack, "invoice_ticket", 21001))["id"]
        if callbacks:
            await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.receipted(8891))
        held = await stack.until_state(order.number, "held", "INVOICED_TOO_EARLY")
        assert str(invoice) in held["answer"]["sentence"]
        assert [line["received"] for line in held["lines"]] == ["0"]
        subject = next(s["subject"] for s in held["steps"] if s["code"] == "INVOICED_TOO_EARLY")
        if way == "removed":
            assert (await stack.cw.delete(f"/finance/invoices/{invoice}")).status_code == 204
            await decide(stack, order.number, "INVOICED_TOO_EARLY", "look_again", subject)
        else:
            stack.permitted |= {"B1.9 1201", "B1.11 1201"}
            await decide(stack, order.number, "INVOICED_TOO_EARLY", way, subject)
        await stack.until_state(order.number, "done")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a4_an_opportunity_that_a_person_converted_would_be_billed_too(
    database_url: str, redis_url: str, when: str
) -> None:
    """Before the order came, or while its goods were awaited."""
    order = Order(lines=[(CABLE, 5)], quote_id=None, not_chosen=())
    async with running(database_url, redis_url, **B2) as stack:
        if when == "before":
            await win(stack)
            await convert(stack)
            await tell(stack, order.approved())
        else:
            await tell(stack, order.approved())
            await stack.until_state(order.number, *READY)
            await convert(stack)
            await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.receipted(8891))
        held = await stack.until_state(order.number, "held", "PRODUCTS_ON_BOTH")
        assert "opportunity 88 was converted to sales order" in held["answer"]["sentence"]
        assert held["answer"]["who"] == "accounting"
        code, way = "PRODUCTS_ON_BOTH", "ticket_is_invoiced"
        await decide(stack, order.number, code, way, order.number)
        if when == "before":
            await stack.until_state(order.number, *READY)
            await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.receipted(8891))
        await stack.until_state(order.number, "done")
        assert (await ticket(stack, 21001))["status"]["name"] == "Ready to invoice"


async def win(stack: Stack) -> None:
    statuses = await stack.get("/sales/opportunities/statuses")
    won = next(status["id"] for status in statuses if status["wonFlag"])
    change = {"op": "replace", "path": "status", "value": {"id": won}}
    answer = await stack.cw.patch("/sales/opportunities/88", json=[change])
    assert answer.status_code == 200


async def convert(stack: Stack) -> None:
    await act(stack, "convert_opportunity", 88, includeAllProductsFlag=True)


async def test_h8_an_order_that_is_repinned_from_b1_names_what_stands_on_the_opportunity(
    database_url: str, redis_url: str
) -> None:
    """A4: the sales order of B1 stands already, so nothing is put on the ticket."""
    order = plain((CABLE, 5))
    order.opportunity = 88
    async with running(database_url, redis_url) as stack:
        await tell(stack, order.approved())
        await stack.until_state(order.number, *READY)
        change: dict[str, Any] = {"SCENARIO": B2["scenario"], "INVOICE_FROM": "ticket"}
        await settle(stack, change)
        await repin(stack, order.number)
        held = await stack.until_state(order.number, "held", "PRODUCTS_ON_BOTH")
        assert "stands on sales order" in held["answer"]["sentence"]
        assert await on(stack, 21001) == {}


async def settle(stack: Stack, values: dict[str, Any]) -> None:
    answer = await stack.client.patch("/admin/settings", json=values, headers=bearer())
    assert answer.status_code == 200, answer.text


async def repin(stack: Stack, number: str) -> None:
    body = {"reason": "tickets from now on"}
    answer = await stack.client.post(f"/admin/orders/{number}/repin", json=body, headers=bearer())
    assert answer.status_code == 200, answer.text
