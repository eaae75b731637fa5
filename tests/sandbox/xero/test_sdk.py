"""Xero's own Python SDK against the simulator, with its addresses as the only difference."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sandbox.server import XeroServer
from tests.sandbox.xero.desk import BACK, SCOPES

with warnings.catch_warnings():
    # The SDK is older than the interpreter's rules for strings.
    warnings.simplefilter("ignore")
    xero_python = pytest.importorskip("xero_python")
    from xero_python.accounting import AccountingApi, models  # type: ignore[import-untyped]
    from xero_python.api_client import ApiClient  # type: ignore[import-untyped]
    from xero_python.api_client.configuration import Configuration  # type: ignore[import-untyped]
    from xero_python.api_client.oauth2 import OAuth2Token, TokenApi  # type: ignore[import-untyped]
    from xero_python.exceptions import AccountingBadRequestException  # type: ignore[import-untyped]
    from xero_python.identity import IdentityApi  # type: ignore[import-untyped]


@pytest.fixture
async def xero() -> AsyncIterator[XeroServer]:
    async with XeroServer() as running:
        yield running


async def consented(xero: XeroServer) -> dict[str, Any]:
    """A first token, as a person's browser and the app's server would get it."""
    mine = xero.credentials
    asked = {
        "response_type": "code", "client_id": mine.client_id, "redirect_uri": BACK,
        "scope": SCOPES, "state": "s",
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=xero.url) as browser:
        sent_back = await browser.get("/identity/connect/authorize", params=asked)
        code = dict(parse_qsl(urlsplit(sent_back.headers["location"]).query))["code"]
        answer = await browser.post(
            "/connect/token",
            data={"grant_type": "authorization_code", "code": code, "redirect_uri": BACK},
            auth=(mine.client_id, mine.client_secret),
        )
    token: dict[str, Any] = answer.json()
    return token | {"scope": token["scope"].split()}


@contextmanager
def sdk(xero: XeroServer, token: dict[str, Any]) -> Iterator[Any]:
    """The SDK's client, pointed at the simulator."""
    kept = dict(token)
    mine = xero.credentials
    configuration = Configuration(
        oauth2_token=OAuth2Token(client_id=mine.client_id, client_secret=mine.client_secret)
    )
    client = ApiClient(
        configuration, oauth2_token_getter=lambda: kept, oauth2_token_saver=kept.update
    )
    yield client
    client.rest_client.pool_manager.clear()


def documents(xero: XeroServer, token: dict[str, Any]) -> dict[str, Any]:
    """What the SDK does and gets, in order."""
    told: dict[str, Any] = {}
    with sdk(xero, token) as client:
        connections = IdentityApi(client, base_url=xero.url).get_connections()
        tenant = connections[0].tenant_id
        api = AccountingApi(client, base_url=xero.base_url)
        told["organisation"] = api.get_organisations(tenant).organisations[0].name
        supplier = api.create_contacts(
            tenant, models.Contacts(contacts=[models.Contact(name="Fabrikam")])
        ).contacts[0]
        line = models.LineItem(
            description="Cable",
            quantity=Decimal(3),
            unit_amount=Decimal("1.2345"),
            account_code="300",
        )
        who = models.Contact(contact_id=supplier.contact_id)
        order = api.create_purchase_orders(
            tenant,
            models.PurchaseOrders(
                purchase_orders=[
                    models.PurchaseOrder(contact=who, line_items=[line], status="AUTHORISED")
                ]
            ),
        ).purchase_orders[0]
        bill = models.Invoice(
            type="ACCPAY", contact=who, line_items=[line], invoice_number="S-1",
            date=date(2026, 11, 19), due_date=date(2026, 12, 19), status="AUTHORISED",
        )  # fmt: skip
        bills = models.Invoices(invoices=[bill])
        made, again = (
            api.create_invoices(tenant, bills, unitdp=4, idempotency_key="k1").invoices[0]
            for _ in range(2)
        )
        told["same"] = made.invoice_id == again.invoice_id
        told["bill"] = (made.date, made.status, made.total, made.line_items[0].unit_amount)
        told["billed"] = (
            api.update_purchase_order(
                tenant,
                order.purchase_order_id,
                models.PurchaseOrders(purchase_orders=[models.PurchaseOrder(status="BILLED")]),
            )
            .purchase_orders[0]
            .status
        )
        where = f'Contact.ContactID==guid("{supplier.contact_id}") AND InvoiceNumber=="S-1"'
        found = api.get_invoices(tenant, where=where, page=1)
        told["found"] = [(each.invoice_number, len(each.line_items)) for each in found.invoices]
        told["pages"] = found.pagination.item_count
        try:
            api.create_invoices(
                tenant,
                models.Invoices(
                    invoices=[
                        models.Invoice(
                            type="ACCPAY", contact=who, currency_code=models.CurrencyCode.NZD
                        )
                    ]
                ),
            )
        except AccountingBadRequestException as error:
            told["refused"] = error.error_data["Elements"][0]["ValidationErrors"][0]["Message"]
        apart = api.create_invoices(
            tenant,
            models.Invoices(
                invoices=[models.Invoice(type="ACCPAY"), models.Invoice(type="ACCPAY", contact=who)]
            ),
            summarize_errors=False,
        )
        told["apart"] = [each.status_attribute_string for each in apart.invoices]
        api.create_invoice_attachment_by_file_name(tenant, made.invoice_id, "slip.pdf", b"%PDF")
        told["files"] = [
            each.file_name
            for each in api.get_invoice_attachments(tenant, made.invoice_id).attachments
        ]
        told["accounts"] = len(api.get_accounts(tenant).accounts)
        token_api = TokenApi(client, xero.credentials.client_id, xero.credentials.client_secret)
        token_api.refresh_token_url = f"{xero.url}/connect/token"
        told["refreshed"] = token_api.refresh_token(token["refresh_token"], token["scope"])
    return told


async def test_xeros_own_client_works_with_only_the_addresses_changed(xero: XeroServer) -> None:
    token = await consented(xero)
    told = await asyncio.to_thread(documents, xero, token)
    assert told["organisation"] == "Harbour IT Ltd"
    assert told["same"] is True
    assert told["bill"] == (
        date(2026, 11, 19), "AUTHORISED", Decimal("4.07"), Decimal("1.2345"),
    )  # fmt: skip
    assert told["billed"] == "BILLED"
    assert (told["found"], told["pages"]) == ([("S-1", 1)], 1)
    assert "not subscribed to currency" in told["refused"]
    assert told["apart"] == ["ERROR", "OK"]
    assert told["files"] == ["slip.pdf"]
    assert told["accounts"] == 14
    assert told["refreshed"]["refresh_token"] != token["refresh_token"]
