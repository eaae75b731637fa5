"""Simulated vendors in process, whose answers are changed on their way, and clients of them.

Owns what is done to an answer and a table of calls for each port. What must follow is the test's.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from app.bootstrap.chosen import access_of
from app.connectors import transport
from app.connectors.commerce.client import Access as CommerceAccess
from app.connectors.commerce.client import CommerceClient
from app.connectors.connectwise.client import ConnectWiseClient
from app.connectors.quickbooks.caller import Access as QuickBooksAccess
from app.connectors.quickbooks.client import QuickBooksClient
from app.connectors.xero import oauth
from app.connectors.xero.caller import Access as XeroAccess
from app.connectors.xero.client import XeroClient
from app.domain import books, psa, psa_tickets
from app.domain.books import ContactKind, DocumentKind, Tokens
from app.domain.commerce import Listing
from app.domain.documents import Kind
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.records import CallRecord
from app.system import SystemClock
from sandbox.commerce.app import API_KEY
from sandbox.connectwise.http.api import Api, Credentials
from sandbox.connectwise.model import ConnectWise
from sandbox.kit.wire import Request
from sandbox.quickbooks.app import create_app as create_quickbooks
from sandbox.quickbooks.http.oauth import Registration
from sandbox.xero.app import create_app as create_xero
from sandbox.xero.http.tokens import Credentials as XeroCredentials
from tests.contract.connectwise_site import purchased, vendor, warehouse
from tests.contract.vault import MemoryVault
from tests.sandbox.commerce.desk import Desk
from tests.simulation.chaos import Numbers
from tests.simulation.premises import ROOT, settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MOST_CALLS = 60
SECRET = "S3CRET"
Change = Callable[[httpx.Response], httpx.Response]


class GoesOn(AssertionError):
    """A client asks without end."""


@dataclass
class Way(httpx.AsyncBaseTransport):
    """The way to one simulator. `change` is done to every answer but the first `skip`, once it is
    set; `calls` are counted from then on."""

    api: Any
    change: Change | None = None
    skip: int = 0
    calls: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = Request(
            request.method, request.url.path, request.url.query.decode(),
            {name.lower(): value for name, value in request.headers.items()}, request.content,
        )  # fmt: skip
        bound = transport.calling.get()
        if request.method not in transport.READS and bound is not None and bound.sent is not None:
            await bound.sent()
        reply = self.api.answer(asked, None)
        answer = httpx.Response(
            reply.status, headers=list(reply.headers), content=reply.body, request=request
        )
        if self.change is None:
            return answer
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise GoesOn(f"{request.method} {request.url} is call {self.calls}")
        return answer if self.calls <= self.skip else self.change(answer)


@dataclass
class Site:
    """A client of a simulator, the way between, what was recorded, and ids that stand there."""

    client: Any
    way: Way
    records: list[CallRecord] = field(default_factory=list)
    ids: dict[str, Any] = field(default_factory=dict)


Call = Callable[[Site], Awaitable[Any]]


# --- ConnectWise ---------------------------------------------------------------------------------


async def connectwise() -> Site:
    login = Credentials()
    model = ConnectWise(now=lambda: NOW, new_guid=Numbers("g").token, company=login.company)
    model.base_url = f"http://connectwise{ROOT}"
    way = Way(Api(model, login, signing_key=lambda _: "key"))
    records: list[CallRecord] = []
    client = ConnectWiseClient(
        access_of(settings("connectwise-procurement-opportunity")), clock=SystemClock(),
        transport=way, on_call=records.append,
    )  # fmt: skip
    site = Site(client, way, records)
    order, product, purchase_order = await purchased(client)
    lines = await client.purchase_order_lines(purchase_order)
    sold = await client.sales_order_products(order.id)
    catalog = await client.catalog_items(["DELL-P2425H"])
    site.ids = {
        "catalog": catalog[0].id,
        "dock": next(one.id for one in sold if one.sku == "DELL-WD22TB4"),
        "sales_order": order.id, "product": product.id, "purchase_order": purchase_order,
        "line": lines[0].id, "vendor": await vendor(client), "warehouse": await warehouse(client),
        "board": (await client.set_up(psa.Setup.BOARD))[0].id,
        "won": next(one.id for one in await client.set_up(psa.Setup.OPPORTUNITY_STATUS) if one.won),
        "company": (await client.company("CONTOSO")).id,  # type: ignore[union-attr]
    }  # fmt: skip
    return site


def _cw(name: str, *keys: Any, **more: Any) -> Call:
    """A call of the port: texts that name an id of the site stand for it."""

    async def call(site: Site) -> Any:
        given = [site.ids.get(key, key) if type(key) is str else key for key in keys]
        return await getattr(site.client, name)(*given, **more)

    return call


def _ticket(site: Site) -> psa_tickets.NewTicket:
    return psa_tickets.NewTicket("S", site.ids["company"], site.ids["board"], "dl:1", "text")


ONE = Decimal(1)
CONNECTWISE: dict[str, Call] = {
    "info": _cw("info"),
    **{f"set_up {kind.value}": _cw("set_up", kind) for kind in psa.Setup},
    "company": _cw("company", "CONTOSO"),
    "company_by_id": _cw("company_by_id", "company"),
    "contacts": _cw("contacts", "company"),
    "members": _cw("members"),
    "opportunity": _cw("opportunity", 88),
    "opportunities_of": _cw("opportunities_of", "company"),
    "forecast": _cw("forecast", 88),
    "sales_order": _cw("sales_order", "sales_order"),
    "sales_orders_of_opportunity": _cw("sales_orders_of_opportunity", 88),
    "sales_order_products": _cw("sales_order_products", "sales_order"),
    "products": lambda site: site.client.products([site.ids["product"]]),
    "shipping_details": _cw("shipping_details", "product"),
    "catalog_items": _cw("catalog_items", ["DELL-P2425H", "X"], ["P2425H"]),
    "purchase_order": _cw("purchase_order", "purchase_order"),
    "purchase_orders_above": _cw("purchase_orders_above", "vendor", 0),
    "purchase_order_lines": _cw("purchase_order_lines", "purchase_order"),
    "demand_links": lambda site: site.client.demand_links([site.ids["product"]]),
    "purchase_order_links": _cw("purchase_order_links", "purchase_order"),
    "invoices_of_sales_order": _cw("invoices_of_sales_order", "sales_order"),
    "invoices_since": _cw("invoices_since", NOW - timedelta(days=1)),
    "callbacks": _cw("callbacks"),
    "ticket_statuses": _cw("ticket_statuses", "board"),
    "tickets_of_company": _cw("tickets_of_company", "company"),
    "posting_companies": lambda site: site.client.posting_companies([site.ids["company"]]),
    "set_opportunity_status": _cw("set_opportunity_status", 88, "won", NOW),
    "change_sales_order": _cw("change_sales_order", "sales_order", psa.SalesOrderChange(bill_shipped=True)),
    "change_product": _cw("change_product", "product", psa.ProductChange(price=Decimal("9.99"))),
    "create_ticket": lambda site: site.client.create_ticket(_ticket(site)),
    "create_callback": _cw("create_callback", "http://service/x", "ticket", "d"),
    "change_purchase_order": _cw(
        "change_purchase_order", "purchase_order", psa.PurchaseOrderChange(number="PO1")
    ),
    "change_purchase_order_line": _cw(
        "change_purchase_order_line", "purchase_order", "line",
        psa.PurchaseOrderLineChange(packing_slip="S1"),
    ),
    "receive_line": _cw(
        "receive_line", "purchase_order", "line", psa.Receiving(Decimal(10), "FullyReceived", NOW, serial_numbers=tuple(map(str, range(10))))
    ),
    "purchase_demand": lambda site: site.client.purchase_demand(
        site.ids["vendor"], site.ids["warehouse"],
        [psa.Demand(site.ids["dock"], ONE, ONE)], site.ids["purchase_order"],
    ),
    "create_product": lambda site: site.client.create_product(
        psa.NewProduct(site.ids["catalog"], ONE, ONE, ONE, "dl:x", "d", sales_order_id=site.ids["sales_order"])
    ),
}  # fmt: skip


# --- Commerce ------------------------------------------------------------------------------------


async def commerce() -> Site:
    desk = Desk()
    _, placed = desk.quoted_order()
    order = placed["data"]["salesOrder"]
    bought = desk.issued(order["id"])["data"]["purchaseOrder"]["id"]
    desk.act("add_cost", id=bought, description="Freight", amount=19.9)
    way = Way(desk.api)
    client = CommerceClient(
        CommerceAccess("http://commerce", API_KEY), clock=SystemClock(), transport=way
    )
    ids = {"salesorder": order["id"], "quote": order["quoteID"], "purchaseorder": bought}
    # What the poll calls is recorded where its caller binds a record.
    return Site(client, way, ids=ids)


def _document(kind: Kind, listing: str) -> Call:
    async def call(site: Site) -> Any:
        return await site.client.document(kind, str(site.ids[listing]))

    return call


COMMERCE: dict[str, Call] = {
    **{
        f"changed {listing.value}": _cw("changed", listing, NOW - timedelta(days=9999))
        for listing in Listing
    },
    "sales order": _document(Kind.SALES_ORDER, "salesorder"),
    "purchase order": _document(Kind.PURCHASE_ORDER, "purchaseorder"),
    "quote": _document(Kind.QUOTE, "quote"),
}


# --- the ledgers ---------------------------------------------------------------------------------


def _standing(access: str) -> MemoryVault:
    return MemoryVault(Tokens(access, "refresh", datetime.now(UTC) + timedelta(days=10_000)))


async def _no_refresh(*_: Any) -> Tokens:
    raise RemoteFailure(FailureKind.UNAUTHENTICATED, "The consent has ended.")


async def quickbooks() -> Site:
    app = Registration()
    simulated = create_quickbooks(registration=app, now=lambda: NOW)
    way, records = Way(simulated.api), list[CallRecord]()
    client = QuickBooksClient(
        QuickBooksAccess("http://quickbooks", app.realm), _standing(app.lasting_token), _no_refresh,
        clock=SystemClock(), transport=way, on_call=records.append,
    )  # fmt: skip
    return await _with_bill(Site(client, way, records), DocumentKind.BILL)


async def xero() -> Site:
    mine = XeroCredentials()
    simulated = create_xero(credentials=mine, now=lambda: NOW)
    access = XeroAccess(
        mine.tenant_id, oauth.App(mine.client_id, mine.client_secret),
        base_url="http://xero/api.xro/2.0", identity_url="http://xero",
    )  # fmt: skip
    way, records = Way(simulated.api), list[CallRecord]()
    client = XeroClient(
        access, _standing(mine.standing_token), clock=SystemClock(), transport=way,
        on_call=records.append,
    )  # fmt: skip
    return await _with_bill(Site(client, way, records), DocumentKind.BILL)


async def _with_bill(site: Site, kind: DocumentKind) -> Site:
    found = await site.client.find_contact(ContactKind.VENDOR, "Ingram Micro")
    assert found is not None
    accounts = await site.client.accounts()
    account = next(one for one in accounts if one.kind is books.AccountKind.EXPENSE)
    site.ids["contact"], site.ids["account"] = found.id, account.id
    site.ids["bill"] = await site.client.create_document(_bill(site, kind), "key-1")
    site.ids["item"] = await site.client.create_item(
        books.NewItem("SKU-1", "Item", income_account_id=account.id, expense_account_id=account.id),
        "key-2",
    )
    return site


def _bill(site: Site, kind: DocumentKind, number: str = "S-1") -> books.NewDocument:
    line = books.LedgerLine(
        "Monitor", ONE, Decimal(100), Decimal(100), account_id=site.ids["account"]
    )
    return books.NewDocument(
        kind,
        site.ids["contact"],
        date(2026, 11, 19),
        "USD",
        (line,),
        f"dl:1:{number}",
        number=number,
    )


LEDGER: dict[str, Call] = {
    "organisation": _cw("organisation"),
    "accounts": _cw("accounts"),
    "tax_codes": _cw("tax_codes"),
    "find_contact": _cw("find_contact", ContactKind.VENDOR, "Ingram Micro"),
    "read_contact": _cw("read_contact", ContactKind.VENDOR, "contact"),
    "create_contact": _cw("create_contact", books.NewContact(ContactKind.VENDOR, "New"), "key-3"),
    "find_item": _cw("find_item", "SKU-1"),
    "read_item": lambda site: site.client.read_item(site.ids["item"].id),
    "create_item": lambda site: site.client.create_item(
        books.NewItem(
            "SKU-2", "Item", income_account_id=site.ids["account"],
            expense_account_id=site.ids["account"],
        ),
        "key-4",
    ),
    "find_documents": lambda site: site.client.find_documents(
        DocumentKind.BILL, site.ids["contact"], date(2026, 11, 19), "S-1"
    ),
    "read_document": lambda site: site.client.read_document(DocumentKind.BILL, site.ids["bill"].id),
    "create_document": lambda site: site.client.create_document(
        _bill(site, DocumentKind.BILL, "S-2"), "key-5"
    ),
    "update_document": lambda site: site.client.update_document(
        site.ids["bill"].id, site.ids["bill"].version, _bill(site, DocumentKind.BILL), "key-6"
    ),
    "remove_document": lambda site: site.client.remove_document(
        DocumentKind.BILL, site.ids["bill"].id, site.ids["bill"].version, "key-7"
    ),
    "changed_since": _cw("changed_since", [DocumentKind.BILL], NOW - timedelta(days=1)),
}  # fmt: skip

SITES: dict[str, tuple[Callable[[], Awaitable[Site]], dict[str, Call]]] = {
    "connectwise": (connectwise, CONNECTWISE),
    "commerce": (commerce, COMMERCE),
    "quickbooks": (quickbooks, LEDGER),
    "xero": (xero, LEDGER),
}


def with_secrets(body: Any) -> Any:
    """The same with things in it that no log may keep, where it is an object."""
    if not isinstance(body, dict):
        return body
    return body | dict.fromkeys(("password", "privateKey", "access_token", "refresh_token"), SECRET)


def parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {"said": body.decode("utf-8", "replace")}
