"""C3 to C5, D-9: Commerce's sales invoice in the ledger, and whose a draft is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.domain.books import DocumentKind, Status
from tests.e2e.harness import Rest, bearer
from tests.e2e.ledgers import LEDGERS, Kept, amounts, invoice, kept
from tests.e2e.orders import MONITOR, Order

pytestmark = pytest.mark.processes
LINES = (
    ("product", "Dell P2425H", "2", "239"),
    ("service", "Installation", "1", "450"),
    ("freight", "Delivery", "1", "25"),
    ("discount", "Coupon", "1", "10"),
)
NET = [Decimal(478), Decimal(450), Decimal(25), Decimal(-10)]


@pytest.fixture
async def xero(database_url: str, redis_url: str) -> AsyncIterator[Kept]:
    async with kept("xero", database_url, redis_url) as opened:
        yield opened


@pytest.fixture
async def quickbooks(database_url: str, redis_url: str) -> AsyncIterator[Kept]:
    async with kept("quickbooks", database_url, redis_url) as opened:
        yield opened


def sold() -> Order:
    return Order(lines=[(MONITOR, 2)], quote_id=None, not_chosen=())


async def decide(books: Kept, order: Order, choice: str) -> None:
    held = await books.stack.order(order.number)
    step = next(one for one in held["steps"] if one["state"] == "held")
    body = {"code": step["code"], "choice": choice, "reason": "seen by accounting"}
    path = f"/admin/orders/{order.number}/decide"
    answer = await books.stack.client.post(path, json=body, headers=bearer())
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", LEDGERS)
async def test_c3_an_approved_invoice_holds_goods_and_services_on_their_own_income(
    database_url: str, redis_url: str, name: str
) -> None:
    async with kept(name, database_url, redis_url, invoice_status="approved") as books:
        order = sold()
        await books.tell(order.approved(), invoice(order, *LINES))
        told = await books.stack.until_state(order.number, "done")
        (document,) = await books.invoices()
        assert amounts(document) == NET
        assert document.status is Status.OPEN
        kinds = {line.account_id or line.item_id for line in document.lines if line.amount}
        assert len(kinds) == 3  # goods, services, delivery; the discount stands with the goods
        assert (told["answer"]["code"], told["answer"]["who"]) == ("INVOICED", "nobody")
        assert told["answer"]["sentence"].endswith("stands in the ledger, approved.")


async def test_c4_xero_gets_its_own_draft_without_a_number_of_ours(xero: Kept) -> None:
    order = sold()
    await xero.tell(order.approved(), invoice(order, *LINES))
    told = await xero.stack.until_state(order.number, "done")
    (draft,) = await xero.invoices()
    assert (draft.status, amounts(draft)) == (Status.DRAFT, NET)
    assert (told["answer"]["code"], told["answer"]["who"]) == ("RELEASED", "accounting")
    assert "as a draft: it is approved there" in told["answer"]["sentence"]
    assert draft.number != "IN10003301"


async def test_c4_an_untouched_draft_follows_a_revised_invoice(xero: Kept) -> None:
    order = sold()
    await xero.tell(order.approved(), invoice(order, *LINES))
    await xero.stack.until_state(order.number, "done")
    await xero.tell(invoice(order, ("product", "Dell P2425H", "3", "239")))

    async def followed() -> bool:
        return [amounts(one) for one in await xero.invoices()] == [[Decimal(717)]]

    await xero.stack.until_true(followed)


@pytest.mark.parametrize("act", ["edit", "delete"])
async def test_c4_a_draft_that_a_person_edited_or_deleted_is_theirs(xero: Kept, act: str) -> None:
    order = sold()
    await xero.tell(order.approved(), invoice(order, *LINES))
    await xero.stack.until_state(order.number, "done")
    (draft,) = await xero.invoices()
    if act == "edit":
        await xero.ledger.edit(draft)
    else:
        books = xero.ledger.books
        await books.remove_document(DocumentKind.INVOICE, draft.id, draft.version, "by-a-person")
    before = await xero.invoices()
    await xero.tell(invoice(order, ("product", "Dell P2425H", "3", "239")))
    told = await xero.stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
    assert ("changed it" if act == "edit" else "not made again") in told["answer"]["sentence"]
    await decide(xero, order, "keep_connectwise")
    await xero.stack.until_state(order.number, "done")
    assert await xero.invoices() == before


async def test_c5_with_commerces_numbering_the_invoice_carries_a_prefixed_number(
    database_url: str, redis_url: str
) -> None:
    more: dict[str, Any] = {"invoice_numbering": "commerce", "invoice_number_prefix": "DC-"}
    async with kept("xero", database_url, redis_url, **more) as books:
        order = sold()
        await books.tell(order.approved(), invoice(order, *LINES))
        await books.stack.until_state(order.number, "done")
        assert [one.number for one in await books.invoices()] == ["DC-IN10003301"]


async def test_d9_quickbooks_has_no_draft_so_the_service_keeps_it_until_it_is_approved(
    quickbooks: Kept,
) -> None:
    order = sold()
    await quickbooks.tell(order.approved(), invoice(order, *LINES))
    told = await quickbooks.stack.until_state(order.number, "held", "INVOICE_NOT_APPROVED")
    assert "943 USD" in told["answer"]["sentence"]
    assert await quickbooks.invoices() == []
    await decide(quickbooks, order, "approve")
    await quickbooks.stack.until_state(order.number, "done")
    (document,) = await quickbooks.invoices()
    assert amounts(document) == NET


async def test_d9_an_approval_is_of_the_draft_that_was_seen(quickbooks: Kept) -> None:
    """Commerce revises the invoice before anybody posts it: the sum that is held is the new one."""
    order = sold()
    await quickbooks.tell(order.approved(), invoice(order, *LINES))
    await quickbooks.stack.until_state(order.number, "held", "INVOICE_NOT_APPROVED")
    await quickbooks.tell(invoice(order, ("product", "Dell P2425H", "3", "239")))
    await quickbooks.stack.until(
        order.number, lambda o: o["state"] == "held" and "717 USD" in o["answer"]["sentence"]
    )
    await decide(quickbooks, order, "approve")
    await quickbooks.stack.until_state(order.number, "done")
    assert [amounts(one) for one in await quickbooks.invoices()] == [[Decimal(717)]]


async def test_d9_what_commerce_changes_after_the_approval_asks_again(quickbooks: Kept) -> None:
    """The invoice that was approved stands until the new one is."""
    order = sold()
    await quickbooks.tell(order.approved(), invoice(order, *LINES))
    await quickbooks.stack.until_state(order.number, "held", "INVOICE_NOT_APPROVED")
    await decide(quickbooks, order, "approve")
    await quickbooks.stack.until_state(order.number, "done")
    await quickbooks.tell(invoice(order, ("product", "Dell P2425H", "3", "239")))
    told = await quickbooks.stack.until_state(order.number, "held", "INVOICE_NOT_APPROVED")
    assert "717 USD" in told["answer"]["sentence"]
    assert [amounts(one) for one in await quickbooks.invoices()] == [NET]
    await decide(quickbooks, order, "approve")
    await quickbooks.stack.until_state(order.number, "done")
    assert [amounts(one) for one in await quickbooks.invoices()] == [[Decimal(717)]]


async def test_d9_an_estimate_stands_in_for_a_draft_where_that_is_set(
    database_url: str, redis_url: str
) -> None:
    async with kept("quickbooks", database_url, redis_url, draft_as_estimate="true") as books:
        order = sold()
        await books.tell(order.approved(), invoice(order, *LINES))
        await books.stack.until_state(order.number, "done")
        (estimate,) = await books.invoices(DocumentKind.ESTIMATE)
        assert amounts(estimate) == NET
        assert await books.ledger.posted(DocumentKind.INVOICE) == 0


async def test_c1_an_order_without_an_opportunity_gets_one_of_its_own_and_wins_it(
    xero: Kept,
) -> None:
    order = replace(sold(), opportunity=None)
    await xero.tell(order.approved(), invoice(order, *LINES))
    told: Rest = await xero.stack.until_state(order.number, "done")
    (link,) = [
        link for step in told["steps"] for link in step["remote"] if link["kind"] == "opportunity"
    ]
    found = await xero.stack.get(f"/sales/opportunities/{link['id']}")
    assert found["status"]["name"] == "Won"
    assert (await xero.stack.get("/procurement/products")) == [] or all(
        not str(one.get("integrationXRef") or "").startswith("dl:")
        for one in await xero.stack.get("/procurement/products")
    )
