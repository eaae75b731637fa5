"""D-10: a supplier or customer that Commerce renames stays the contact that it was in the ledger."""

from __future__ import annotations

import pytest

from app.domain.books import ContactKind
from tests.e2e.harness import bearer
from tests.e2e.ledgers import LEDGERS, invoice, kept
from tests.e2e.orders import CABLE, Order

pytestmark = pytest.mark.processes
OLD, NEW = "Newco Cables", "Newco Cables International"
SUPPLIER = {"id": 12, "accountNumber": "NEWCO", "name": OLD}


@pytest.mark.parametrize("name", LEDGERS)
async def test_d10_a_renamed_supplier_and_customer_get_no_second_contact(
    database_url: str, redis_url: str, name: str
) -> None:
    buyer = {"id": 78, "accountNumber": "CONTOSO", "name": "Fabrikam Ltd"}
    first = Order(lines=[(CABLE, 5)], quote_id=None, not_chosen=(), customer=dict(buyer))
    later = Order(id=1202, lines=[(CABLE, 3)], quote_id=None, not_chosen=())
    later.customer = {**buyer, "name": "Fabrikam Group Ltd"}
    async with kept(name, database_url, redis_url, invoice_status="approved") as books:
        await books.tell(first.approved(), first.ordered(8891, [(CABLE, 5)], SUPPLIER))
        await books.tell(first.receipted(8891), invoice(first, ("product", "Cable", "5", "12.5")))
        await books.stack.until_state(first.number, "done")
        renamed = {**SUPPLIER, "name": NEW}
        issued = invoice(later, ("product", "Cable", "3", "12.5"))
        issued["data"]["salesInvoice"].update(id=3302, invoiceNumber="IN10003302")
        await books.tell(later.approved(), later.ordered(8892, [(CABLE, 3)], renamed))
        await books.tell(later.receipted(8892), issued)
        await books.stack.until_state(later.number, "done")
        assert len(await books.bills(vendor=OLD)) == 2
        ledger = books.ledger.books
        assert await ledger.find_contact(ContactKind.VENDOR, NEW) is None
        assert await ledger.find_contact(ContactKind.CUSTOMER, "Fabrikam Group Ltd") is None
        path = f"/admin/orders/{later.number}/journal"
        told = (await books.stack.client.get(path, headers=bearer())).json()["items"]
        sentences = [one["sentence"] for one in told if one["code"] == "LEDGER_CONTACT_RENAMED"]
        assert f"{NEW} goes on as {OLD} in the ledger, which it was called before." in sentences
