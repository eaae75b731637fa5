"""F1, F2, A8: what an order became in ConnectWise is shown in its answer, and in the list."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import CABLE, DOCK, MONITOR, SYNNEX, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_invoices import invoice_by_person
from tests.e2e.tickets import B2, marked, plain, tell

pytestmark = pytest.mark.processes


def bought() -> tuple[Order, list[Rest]]:
    """An order whose goods come from two suppliers."""
    order = Order(lines=[(CABLE, 5), (DOCK, 1)], quote_id=None, not_chosen=())
    return order, [
        order.approved(),
        order.ordered(8891, [(CABLE, 5)]),
        order.ordered(8892, [(DOCK, 1)], SYNNEX),
        order.receipted(8891),
        order.receipted(8892),
    ]


def links(told: Rest, step: str) -> dict[str, dict[str, str]]:
    """Addresses of the records behind a step, by subject and kind."""
    return {
        one["subject"]: {link["kind"]: link["url"] for link in one["remote"]}
        for one in told["steps"]
        if one["step"] == step
    }


async def record(stack: Stack, url: str) -> Rest:
    """What stands at an address of the answer."""
    answer = await stack.cw.get(url)
    assert answer.status_code == 200, f"{url}: {answer.text}"
    found: Rest = answer.json()
    return found


async def test_f1_the_sales_order_is_linked_from_the_answer_with_its_status(stack: Stack) -> None:
    order, events = bought()
    await tell(stack, *events)
    told = await stack.until_state(order.number, "done")
    (found,) = links(told, "create_sales_order").values()
    sales_order = await record(stack, found["sales_order"])
    assert {one["salesOrder"]["id"] for one in await marked(stack, order)} == {sales_order["id"]}
    assert sales_order["status"]["name"] == "Ready to invoice"
    assert (told["number"], told["state"]) == (order.number, "done")
    assert f"Sales order {sales_order['id']} " in told["answer"]["sentence"]


async def test_f1_the_ticket_is_linked_from_the_answer_with_its_status(
    database_url: str, redis_url: str
) -> None:
    order, events = bought()
    async with running(database_url, redis_url, **B2) as stack:
        await tell(stack, *events)
        told = await stack.until_state(order.number, "done")
        (found,) = links(told, "raise_ticket").values()
        ticket = await record(stack, found["ticket"])
        assert {one["ticket"]["id"] for one in await marked(stack, order)} == {ticket["id"]}
        assert ticket["status"]["name"] == "Ready to invoice"
        assert order.number in ticket["summary"]


async def test_f2_each_purchase_order_is_linked_from_the_answer_and_names_its_sales_order(
    stack: Stack,
) -> None:
    order, events = bought()
    await tell(stack, *events)
    told = await stack.until_state(order.number, "done")
    (sold,) = links(told, "create_sales_order").values()
    sales_order = await record(stack, sold["sales_order"])
    found = links(told, "link_demand")
    assert set(found) == {"PO10008891", "PO10008892"}
    for number, behind in found.items():
        purchase_order = await record(stack, behind["purchase_order"])
        assert (purchase_order["poNumber"], purchase_order["closedFlag"]) == (number, True)
        lines = await stack.get(f"/procurement/purchaseorders/{purchase_order['id']}/lineitems")
        assert [[one["id"] for one in line["salesOrder"]] for line in lines] == [
            [sales_order["id"]]
        ]
    assert [line["linked"] for line in told["lines"]] == ["5", "1"]


async def test_f2_where_no_purchase_order_is_synced_none_is_shown(
    database_url: str, redis_url: str
) -> None:
    """The switch is the scenario: in D ConnectWise buys."""
    order, events = bought()
    async with running(database_url, redis_url, scenario="connectwise-managed") as stack:
        await tell(stack, *events)
        told = await stack.until_state(order.number, "done")
        kinds = {link["kind"] for step in told["steps"] for link in step["remote"]}
        assert "purchase_order" not in kinds
        assert [line["linked"] for line in told["lines"]] == ["0", "0"]


async def test_a8_what_is_ready_to_be_invoiced_is_listed(database_url: str, redis_url: str) -> None:
    """Invoicing stays a person's work; an order whose goods are not bought yet is not listed."""
    ready, unready = plain((CABLE, 5)), plain((DOCK, 1), id=1202)
    async with running(
        database_url, redis_url, scenario="connectwise-managed", quote_wait=5.0
    ) as stack:
        await tell(stack, ready.approved(), ready.ordered(8891, [(CABLE, 5)]), unready.approved())
        await stack.until_state(ready.number, "done")
        await stack.until_state(unready.number, "waiting", "LINE_NOT_ORDERED")
        answer = await stack.client.get("/admin/orders?code=RELEASED", headers=bearer())
        assert [one["number"] for one in answer.json()["items"]] == [ready.number]


async def test_a8_an_order_that_accounting_invoiced_says_so_and_is_nobodys_any_more(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, callbacks=True) as stack:
        order = Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None)
        for event in (
            order.approved(),
            order.ordered(8891, [(MONITOR, 10)]),
            order.receipted(8891),
        ):
            await stack.deliver(event)
        ready = await stack.until_state(order.number, "done", "RELEASED")
        assert ready["answer"]["who"] == "accounting"
        number = (await stack.get("/sales/orders"))[-1]["id"]
        invoice = await invoice_by_person(stack, number)
        told = await stack.until_state(order.number, "done", "INVOICED")
        assert told["answer"]["who"] == "nobody"
        (made,) = await stack.get("/finance/invoices")
        assert told["answer"]["sentence"].endswith(f": invoice {made['invoiceNumber']}.")
        assert ("invoice", str(invoice)) in _released_as(told)
        listed = await stack.client.get("/admin/orders?code=RELEASED", headers=bearer())
        assert listed.json()["items"] == []

        # Credited: the product stands on no invoice any more, and another one tells of it.
        (product,) = (await Remote.read(stack, order)).product_ids.values()
        body = {"act": "edit_product", "id": product, "changes": {"invoice": None}}
        await stack.control("act", body)
        await invoice_by_person(stack, number, type="CreditMemo")
        again = await stack.until_state(order.number, "done", "RELEASED")
        assert again["answer"]["who"] == "accounting"
        assert not [kind for kind, _ in _released_as(again) if kind == "invoice"]


def _released_as(told: Rest) -> set[tuple[str, str]]:
    (step,) = [s for s in told["steps"] if s["step"] == "release_invoice"]
    return {(one["kind"], one["id"]) for one in step["remote"]}
