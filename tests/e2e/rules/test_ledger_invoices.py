"""C4, D-11, D-12: taxed sales invoices in both ledgers, and what becomes of them afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from app.domain.books import Document, DocumentKind, Status
from tests.e2e.harness import Rest
from tests.e2e.ledgers import LEDGERS, Kept, amounts, decide, invoice, kept
from tests.e2e.orders import MONITOR, Order

pytestmark = pytest.mark.processes
GOODS = ("product", "Dell P2425H", "2", "239")
US_TAX = {"ledger_sales_tax_code": "TAX", "ledger_no_tax_code": "NON"}


@pytest.fixture(params=LEDGERS)
async def books(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Kept]:
    async with kept(request.param, database_url, redis_url, invoice_status="approved") as opened:
        yield opened


@pytest.fixture
async def american(database_url: str, redis_url: str) -> AsyncIterator[Kept]:
    """A US company with automated sales tax: it reckons 8.25 % by itself."""
    more: dict[str, Any] = {**US_TAX, "invoice_status": "approved"}
    async with kept("quickbooks", database_url, redis_url, **more) as opened:
        await opened.ledger.switch(automated_sales_tax=True)
        yield opened


def sold() -> Order:
    return Order(lines=[(MONITOR, 2)], quote_id=None, not_chosen=())


def taxed(order: Order, tax: float) -> Rest:
    """Commerce's invoice of two monitors, with tax of so much each."""
    event = invoice(order, GOODS)
    event["data"]["salesInvoice"]["lines"][0]["tax"] = tax
    return event


async def posted(books: Kept) -> tuple[Order, Document]:
    order = sold()
    await books.tell(order.approved(), invoice(order, GOODS))
    await books.stack.until_state(order.number, "done")
    (document,) = await books.invoices()
    assert document.status is Status.OPEN
    return order, document


async def test_d12_automated_sales_tax_that_agrees_is_the_invoices_own(american: Kept) -> None:
    order = sold()
    await american.tell(order.approved(), taxed(order, 19.72))  # 8.25 % of 478 is 39.44
    await american.stack.until_state(order.number, "done")
    assert [one.total for one in await american.invoices()] == [Decimal("517.44")]


async def test_d12_automated_sales_tax_that_differs_is_named_and_can_be_accepted(
    american: Kept,
) -> None:
    order = sold()
    await american.tell(order.approved(), taxed(order, 20))
    told = await american.stack.until_state(order.number, "held", "TOTAL_MISMATCH")
    assert "517.44" in told["answer"]["sentence"]
    assert "518" in told["answer"]["sentence"]
    assert told["answer"]["who"] == "accounting"
    await decide(american, order, "TOTAL_MISMATCH", "accept_lines")
    await american.stack.until_state(order.number, "done")
    assert [one.total for one in await american.invoices()] == [Decimal("517.44")]
    assert await american.ledger.posted(DocumentKind.INVOICE) == 1


async def test_d12_tax_of_an_invoice_is_commerces_to_the_cent_in_xero_and_follows_a_correction(
    database_url: str, redis_url: str
) -> None:
    async with kept("xero", database_url, redis_url, invoice_status="approved") as books:
        order = sold()
        await books.tell(order.approved(), taxed(order, 19.72))
        await books.stack.until_state(order.number, "done")
        assert [one.total for one in await books.invoices()] == [Decimal("517.44")]
        await books.tell(taxed(order, 20))

        async def followed() -> bool:
            return [one.total for one in await books.invoices()] == [Decimal("518.00")]

        await books.stack.until_true(followed)
        await books.stack.until_state(order.number, "done")


async def void(books: Kept, document: Document) -> None:
    await books.ledger.act("void_invoice", document.id)


async def pay(books: Kept, document: Document) -> None:
    await books.ledger.pay(document)


async def edit(books: Kept, document: Document) -> None:
    await books.ledger.edit(document)


ACTS = {"voided": void, "is paid": pay, "changed it": edit}


@pytest.mark.parametrize("said", ACTS)
async def test_d11_an_invoice_that_a_person_voided_paid_or_edited_is_left_alone(
    books: Kept, said: str
) -> None:
    order, document = await posted(books)
    await ACTS[said](books, document)
    before = await books.invoices()
    await books.tell(invoice(order, ("product", "Dell P2425H", "3", "239")))
    told = await books.stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
    assert said in told["answer"]["sentence"]
    await decide(books, order, "CHANGED_AFTER_FREEZE", "done_by_hand")
    await books.stack.until_state(order.number, "done")
    assert await books.invoices() == before


async def test_c4_an_untouched_invoice_follows_a_revision_in_place(books: Kept) -> None:
    order, document = await posted(books)
    await books.tell(invoice(order, ("product", "Dell P2425H", "3", "239")))

    async def followed() -> bool:
        return [amounts(one) for one in await books.invoices()] == [[Decimal(717)]]

    await books.stack.until_true(followed)
    assert [one.id for one in await books.invoices()] == [document.id]


async def test_c5_commerces_number_waits_until_quickbooks_takes_custom_numbers(
    database_url: str, redis_url: str
) -> None:
    more: dict[str, Any] = {"invoice_status": "approved", "invoice_numbering": "commerce"}
    async with kept("quickbooks", database_url, redis_url, **more) as books:
        order = sold()
        await books.tell(order.approved(), invoice(order, GOODS))
        told = await books.stack.until_state(order.number, "held", "SETTING_MISSING")
        assert "custom numbers are off" in told["answer"]["sentence"]
        assert await books.ledger.posted(DocumentKind.INVOICE) == 0
        await books.ledger.switch(custom_txn_numbers=True)
        await decide(books, order, "SETTING_MISSING", "look_again")
        await books.stack.until_state(order.number, "done")
        assert [one.number for one in await books.invoices()] == ["IN10003301"]


async def test_c5_with_the_ledgers_numbering_a_renumbered_invoice_is_still_ours(
    database_url: str, redis_url: str
) -> None:
    """Found by its id: no second one is made when the number is the ledger's."""
    async with kept("xero", database_url, redis_url, invoice_status="approved") as books:
        order, document = await posted(books)
        assert document.number
        assert document.number != "IN10003301"
        await books.tell(invoice(order, ("product", "Dell P2425H", "3", "239")))

        async def followed() -> bool:
            found = [(one.id, one.number, one.total) for one in await books.invoices()]
            return found == [(document.id, document.number, Decimal(717))]

        await books.stack.until_true(followed)
