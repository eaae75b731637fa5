"""The kit that others use for QuickBooks, told the simulator's address and nothing else.

python-quickbooks with Intuit's own intuit-oauth: signing in, creating, changing, paging, deleting,
voiding, batches, change data capture. Both block, so they run in a thread; their code is used as
it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks
from quickbooks.batch import batch_create
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException
from quickbooks.objects.account import Account
from quickbooks.objects.base import LinkedTxn, Ref
from quickbooks.objects.bill import Bill
from quickbooks.objects.billpayment import BillPayment, BillPaymentLine, CheckPayment
from quickbooks.objects.customer import Customer
from quickbooks.objects.detailline import (
    AccountBasedExpenseLine,
    AccountBasedExpenseLineDetail,
    ItemBasedExpenseLine,
    ItemBasedExpenseLineDetail,
    SalesItemLine,
    SalesItemLineDetail,
)
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.preferences import Preferences
from quickbooks.objects.purchaseorder import PurchaseOrder
from quickbooks.objects.vendor import Vendor

from sandbox.quickbooks.webhooks import sign
from sandbox.server import QuickBooksServer

REDIRECT = "https://demandlink.example/quickbooks"


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[QuickBooksServer]:
    async with QuickBooksServer() as server:
        # oauthlib, underneath, wants https anywhere but in development.
        monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        monkeypatch.setattr(QuickBooks, "api_url_v3", f"{server.url}/v3")
        yield server


def signed_in(site: QuickBooksServer) -> AuthClient:
    registered = site.registration
    client = AuthClient(
        registered.client_id,
        registered.client_secret,
        REDIRECT,
        # Its environment may be the address of a discovery document.
        f"{site.url}/.well-known/openid_sandbox_configuration/",
    )
    address = client.get_authorization_url([Scopes.ACCOUNTING], state_token="s-1")
    sent_back = requests.get(address, allow_redirects=False, timeout=5)
    brought = parse_qs(urlsplit(sent_back.headers["location"]).query)
    assert brought["state"] == ["s-1"]
    client.get_bearer_token(brought["code"][0], realm_id=brought["realmId"][0])
    return client


def connect(site: QuickBooksServer) -> QuickBooks:
    return QuickBooks(
        auth_client=signed_in(site),
        refresh_token="unused: the access token is there",
        company_id=site.realm,
        minorversion=75,
    )


async def aside(site: QuickBooksServer, work: Callable[[QuickBooks], None]) -> None:
    def run() -> None:
        qb = connect(site)
        try:
            work(qb)
        finally:
            qb.session.close()
            qb.auth_client.close()

    await asyncio.to_thread(run)


def ref(record: Any) -> Ref:
    made: Ref = record.to_ref()
    return made


def account(qb: QuickBooks, kind: str) -> Account:
    return Account.filter(AccountType=kind, qb=qb)[0]


def bought(qb: QuickBooks, quantity: int, price: float) -> ItemBasedExpenseLine:
    line = ItemBasedExpenseLine()
    line.Amount = quantity * price
    line.ItemBasedExpenseLineDetail = ItemBasedExpenseLineDetail()
    line.ItemBasedExpenseLineDetail.ItemRef = ref(Item.filter(Name="Hardware", qb=qb)[0])
    line.ItemBasedExpenseLineDetail.Qty = quantity
    line.ItemBasedExpenseLineDetail.UnitPrice = price
    return line


async def test_it_signs_in_refreshes_and_takes_its_consent_back(site: QuickBooksServer) -> None:
    def work() -> None:
        client = signed_in(site)
        first = client.access_token
        client.refresh()
        assert client.access_token != first
        assert client.x_refresh_token_expires_in == 8_640_000
        assert client.revoke() is True
        with pytest.raises(AuthClientError) as caught:
            client.refresh()
        client.close()
        assert caught.value.status_code == 400

    await asyncio.to_thread(work)


async def test_it_buys_and_pays(site: QuickBooksServer) -> None:
    def work(qb: QuickBooks) -> None:
        vendor = Vendor()
        vendor.DisplayName = "Exertis"
        vendor.save(qb=qb)
        order = PurchaseOrder()
        order.VendorRef = ref(vendor)
        order.APAccountRef = ref(account(qb, "Accounts Payable"))
        order.Line = [bought(qb, 10, 180.5)]
        order = order.save(qb=qb)
        bill = Bill()
        bill.VendorRef = ref(vendor)
        bill.DocNumber = "INV-77812"
        line = bought(qb, 4, 180.5)
        link = LinkedTxn()
        link.TxnId, link.TxnType, link.TxnLineId = order.Id, "PurchaseOrder", order.Line[0].Id
        line.LinkedTxn = [link]
        bill.LinkedTxn = [link]
        bill.Line = [line]
        bill = bill.save(qb=qb)
        assert bill.TotalAmt == 722
        assert bill.Line[0].LinkedTxn[0].TxnLineId == "1"
        assert PurchaseOrder.get(order.Id, qb=qb).Line[0].Received == 4
        payment = BillPayment()
        payment.VendorRef = ref(vendor)
        payment.PayType = "Check"
        payment.TotalAmt = 722
        payment.CheckPayment = CheckPayment()
        payment.CheckPayment.BankAccountRef = ref(account(qb, "Bank"))
        payment_line = BillPaymentLine()
        payment_line.Amount = 722
        payment_line.LinkedTxn = [bill.to_linked_txn()]
        payment.Line = [payment_line]
        payment = payment.save(qb=qb)
        assert Bill.get(bill.Id, qb=qb).Balance == 0
        payment.void(qb=qb)
        paid = Bill.get(bill.Id, qb=qb)
        assert paid.Balance == 722
        paid.delete(qb=qb)
        with pytest.raises(ObjectNotFoundException):
            Bill.get(bill.Id, qb=qb)

    await aside(site, work)


async def test_it_sells_changes_and_voids(site: QuickBooksServer) -> None:
    def work(qb: QuickBooks) -> None:
        customer = Customer.filter(DisplayName="Contoso Ltd", qb=qb)[0]
        invoice = Invoice()
        invoice.CustomerRef = ref(customer)
        line = SalesItemLine()
        line.Amount = 100  # it sends Qty 0 and UnitPrice 0 besides
        line.SalesItemLineDetail = SalesItemLineDetail()
        line.SalesItemLineDetail.ItemRef = ref(Item.filter(Name="Labor", qb=qb)[0])
        invoice.Line = [line]
        invoice = invoice.save(qb=qb, request_id="r-1")
        assert invoice.DocNumber == "1001"
        again = Invoice()
        again.CustomerRef, again.Line = invoice.CustomerRef, [line]
        assert again.save(qb=qb, request_id="r-1").Id == invoice.Id
        invoice.PrivateNote = "for the records"
        invoice = invoice.save(qb=qb)
        assert invoice.SyncToken == "1"
        invoice.void(qb=qb)
        gone = Invoice.get(invoice.Id, qb=qb)
        assert (gone.TotalAmt, gone.PrivateNote) == (0, "Voided - for the records")

    await aside(site, work)


async def test_it_reads_lists_pages_preferences_and_changes(site: QuickBooksServer) -> None:
    def work(qb: QuickBooks) -> None:
        assert Vendor.count(qb=qb) == 2
        assert len(Account.all(max_results=5, start_position=8, qb=qb)) == 4
        assert [one.DisplayName for one in Vendor.where("DisplayName LIKE 'TD%'", qb=qb)] == [
            "TD SYNNEX"
        ]
        assert len(Vendor.choose(["Ingram Micro", "TD SYNNEX"], field="DisplayName", qb=qb)) == 2
        assert [one.Name for one in Item.all(order_by="Name DESC", qb=qb)][-1] == "Delivery"
        assert Preferences.get(qb=qb).CurrencyPrefs.HomeCurrency.value == "USD"
        yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
        changed = change_data_capture([Vendor, Bill], yesterday, qb=qb)
        assert len(changed.Vendor) == 2
        assert not hasattr(changed, "Bill")

    await aside(site, work)


async def test_one_bad_item_of_a_batch_leaves_the_others_alone(site: QuickBooksServer) -> None:
    def work(qb: QuickBooks) -> None:
        customers = []
        for name in ("Fabrikam", "Contoso Ltd", "Tailspin"):
            customer = Customer()
            customer.DisplayName = name
            customers.append(customer)
        done = batch_create(customers, qb=qb)
        assert [one.DisplayName for one in done.successes] == ["Fabrikam", "Tailspin"]
        assert [fault.Error[0].code for fault in done.faults] == ["6240"]

    await aside(site, work)


async def test_it_raises_the_vendors_faults(site: QuickBooksServer) -> None:
    def work(qb: QuickBooks) -> None:
        bill = Bill()
        bill.VendorRef = ref(Vendor.filter(DisplayName="Ingram Micro", qb=qb)[0])
        line = AccountBasedExpenseLine()
        line.Amount = 5
        line.AccountBasedExpenseLineDetail = AccountBasedExpenseLineDetail()
        line.AccountBasedExpenseLineDetail.AccountRef = ref(account(qb, "Expense"))
        bill.Line = [line]
        bill.DocNumber = "7"
        bill.save(qb=qb)
        bill.Id = None
        with pytest.raises(QuickbooksException) as caught:
            bill.save(qb=qb)
        assert caught.value.error_code == 6140
        bill.save(qb=qb, params={"include": "allowduplicatedocnum"})

    await aside(site, work)


def test_it_knows_the_simulators_signature() -> None:
    body = '[{"id":"1"}]'
    qb = QuickBooks(minorversion=75, verifier_token="secret")
    assert qb.validate_webhook_signature(body, sign("secret", body.encode()))
