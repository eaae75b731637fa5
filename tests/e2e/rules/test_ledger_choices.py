"""C4, D-10, D-11, H3: what a person may choose, and what stays as a person or a cancellation left it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.domain.books import ContactKind, DocumentKind, Status
from tests.e2e.ledgers import LEDGERS, Kept, decide, invoice, kept
from tests.e2e.orders import MONITOR, Order

pytestmark = pytest.mark.processes
GOODS = ("product", "Dell P2425H", "2", "239")
MORE = ("product", "Dell P2425H", "3", "239")


@pytest.fixture(params=LEDGERS)
async def books(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Kept]:
    async with kept(request.param, database_url, redis_url, invoice_status="approved") as opened:
        yield opened


def sold() -> Order:
    return Order(lines=[(MONITOR, 2)], quote_id=None, not_chosen=())


async def test_c4_a_draft_that_a_person_merged_is_left_alone(
    database_url: str, redis_url: str
) -> None:
    async with kept("xero", database_url, redis_url, invoice_status="draft") as books:
        order = sold()
        await books.tell(order.approved(), invoice(order, GOODS))

        async def drafted() -> bool:
            return [one.status for one in await books.invoices()] == [Status.DRAFT]

        await books.stack.until_true(drafted)
        await books.stack.until_state(order.number, "done")
        await books.ledger.edit((await books.invoices())[0])
        before = await books.invoices()
        await books.tell(invoice(order, MORE))
        told = await books.stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
        assert "changed it" in told["answer"]["sentence"]
        assert await books.invoices() == before


async def test_h3_the_invoice_of_an_order_that_is_cancelled_stays_as_it_is(books: Kept) -> None:
    order = sold()
    await books.tell(order.approved(), invoice(order, GOODS))
    told = await books.stack.until_state(order.number, "done")
    before = await books.invoices()
    await books.tell(order.approved("sales_order.cancelled", status=90))
    await books.stack.until(order.number, lambda o: o["answer"] != told["answer"])
    assert await books.invoices() == before
    assert await books.ledger.posted(DocumentKind.INVOICE) == 1


async def test_d10_an_archived_customer_gets_its_invoice_once_it_is_restored(books: Kept) -> None:
    customer = await books.ledger.books.find_contact(ContactKind.CUSTOMER, "Contoso Ltd")
    assert customer is not None
    quickbooks = books.name == "quickbooks"
    if quickbooks:
        await books.ledger.act("edit", customer.id, entity="Customer", changes={"Active": False})
    else:
        await books.ledger.act("archive_contact", customer.id)
    order = sold()
    await books.tell(order.approved(), invoice(order, GOODS))
    told = await books.stack.until_state(order.number, "held", "MAPPING_MISSING")
    assert "Contoso" in told["answer"]["sentence"]
    assert await books.ledger.posted(DocumentKind.INVOICE) == 0
    if quickbooks:
        await books.ledger.act("edit", customer.id, entity="Customer", changes={"Active": True})
    else:
        await books.ledger.act("restore_contact", customer.id)
    await decide(books, order, "MAPPING_MISSING", "look_again")
    await books.stack.until_state(order.number, "done")
    assert [one.contact_id for one in await books.invoices()] == [customer.id]


async def test_d12_a_bill_in_a_currency_that_is_not_kept_can_be_skipped(
    books: Kept,
) -> None:
    switch = "multi_currency" if books.name == "quickbooks" else "multicurrency"
    await books.ledger.switch(**{switch: False})
    supplier = {"id": 12, "accountNumber": "NEWCO", "name": "Newco"}
    order = sold()
    await books.tell(order.approved(), order.ordered(8891, [(MONITOR, 2)], supplier))
    order.purchase_orders[8891]["currency"] = "EUR"
    await books.tell(order.receipted(8891))
    told = await books.stack.until_state(order.number, "held", "CURRENCY_NOT_KEPT")
    assert "skip" in told["answer"]["choices"]
    await decide(books, order, "CURRENCY_NOT_KEPT", "skip")
    # First the purchase order; then its bill is asked for.
    await books.stack.until(
        order.number,
        lambda o: any(s["step"] == "post_bill" and s["state"] == "held" for s in o["steps"]),
    )
    await decide(books, order, "CURRENCY_NOT_KEPT", "skip")
    await books.stack.until(order.number, lambda o: o["answer"]["code"] == "SALES_INVOICE_MISSING")
    assert await books.ledger.posted(DocumentKind.BILL) == 0


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [("skip", ["SUP-1"]), ("own_number", ["PO10008891/SLIP-2", "SUP-1"])],
)
async def test_h9_a_bill_whose_number_is_taken_can_be_skipped_or_numbered_by_itself(
    database_url: str, redis_url: str, choice: str, numbers: list[str]
) -> None:
    """QuickBooks refuses the second bill with a supplier's number; Xero takes both."""
    async with kept("quickbooks", database_url, redis_url) as books:
        await books.ledger.switch(custom_purchase_numbers=True)
        order = sold()
        await books.tell(order.approved(), order.ordered(8891, [(MONITOR, 2)]))
        for count in (1, 2):
            receipt = order.receipted(8891, {1: 1})
            papers = {"supplierInvoiceNumber": "SUP-1", "packingSlip": f"SLIP-{count}"}
            receipt["data"]["receipt"].update(papers)
            await books.tell(receipt)
            if count == 1:
                await books.stack.until_true(books.bills)
        told = await books.stack.until_state(order.number, "held", "REMOTE_EXISTS")
        assert "SUP-1, that another document in the ledger has" in told["answer"]["sentence"]
        assert "own_number" in told["answer"]["choices"]
        await decide(books, order, "REMOTE_EXISTS", choice)
        await books.stack.until(
            order.number, lambda o: o["answer"]["code"] == "SALES_INVOICE_MISSING"
        )
        assert sorted(str(one.number) for one in await books.bills()) == numbers
