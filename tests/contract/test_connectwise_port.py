"""The port `ConnectWise`, proven by its client against the simulated vendor over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.connectors.connectwise.callbacks import CallbackVerifier, NotFromConnectWise
from app.connectors.connectwise.caller import Access
from app.connectors.connectwise.client import ConnectWiseClient
from app.connectors.transport import Calling, calling
from app.domain import psa
from app.domain.errors import FailureKind as Kind
from app.domain.errors import RemoteFailure
from app.domain.ports import ConnectWise
from app.domain.records import CallRecord
from app.system import SystemClock
from sandbox.server import SandboxServer
from tests.sandbox.contract import Contract
from tests.unit.http_server import always, http, serving

NOW = datetime(2026, 11, 20, 14, 11, 3, tzinfo=UTC)
OPPORTUNITY = 88
CONTRACT = Contract.load()


@pytest.fixture
async def site() -> AsyncIterator[SandboxServer]:
    async with SandboxServer() as running:
        yield running
        if CONTRACT is not None:
            lines = (await control(running, "GET", "/requests")).text.splitlines()
            entries = [json.loads(line) for line in lines]
            assert [one for each in entries for one in _faults(CONTRACT, each)] == []


def _faults(contract: Contract, entry: dict[str, Any]) -> list[str]:
    prefix = "/v4_6_release/apis/3.0"
    entry["path"] = entry["path"].removeprefix(prefix)
    return contract.faults_of(entry) if entry.get("fault") is None else []


def access_to(site: SandboxServer) -> Access:
    login = site.credentials
    return Access(
        site.base_url, login.company, login.public_key, login.private_key, login.client_id
    )


@pytest.fixture
async def client(site: SandboxServer) -> AsyncIterator[ConnectWiseClient]:
    made = ConnectWiseClient(access_to(site), clock=SystemClock(), timeout=5)
    yield made
    await made.aclose()


async def control(site: SandboxServer, method: str, path: str, body: Any = None) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as plain:
        answer = await plain.request(method, f"{site.control_url}{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer


async def fault(site: SandboxServer, kind: str, method: str, path: str, **more: Any) -> None:
    order = {"kind": kind, "method": method, "path": path, "times": 1} | more
    await control(site, "POST", "/faults", [order])


async def failure_of(call: Any) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await call
    return caught.value


async def named(client: ConnectWise, kind: psa.Setup, name: str) -> int:
    return next(one.id for one in await client.set_up(kind) if one.name == name)


async def vendor(client: ConnectWise, identifier: str = "INGRAM") -> int:
    company = await client.company(identifier)
    assert company is not None
    return company.id


async def warehouse(client: ConnectWise) -> int:
    return next(one.id for one in await client.set_up(psa.Setup.WAREHOUSE) if one.default)


async def won_and_converted(client: ConnectWise) -> tuple[psa.SalesOrder, list[psa.Product]]:
    products = await client.opportunity_products(OPPORTUNITY)
    won = next(one.id for one in await client.set_up(psa.Setup.OPPORTUNITY_STATUS) if one.won)
    await client.set_opportunity_status(OPPORTUNITY, won, NOW)
    order = await client.convert_to_sales_order(OPPORTUNITY, [one.id for one in products])
    return order, await client.sales_order_products(order.id)


async def purchased(
    client: ConnectWise, quantity: int = 10
) -> tuple[psa.SalesOrder, psa.Product, int]:
    order, products = await won_and_converted(client)
    monitor = next(one for one in products if one.sku == "DELL-P2425H")
    demand = [psa.Demand(monitor.id, Decimal(quantity), Decimal("180.55"))]
    made = await client.purchase_demand(await vendor(client), await warehouse(client), demand)
    assert made is not None
    return order, monitor, made


# --- what is set up -------------------------------------------------------------------------------


async def test_it_says_who_it_is(client: ConnectWise) -> None:
    assert (await client.info()).version


@pytest.mark.parametrize("kind", psa.Setup)
async def test_each_kind_of_set_up_can_be_read(client: ConnectWise, kind: psa.Setup) -> None:
    records = await client.set_up(kind)
    assert records
    assert all(record.name for record in records)


async def test_flags_and_parents_of_the_set_up_are_understood(client: ConnectWise) -> None:
    opportunity = await client.set_up(psa.Setup.OPPORTUNITY_STATUS)
    assert [one.name for one in opportunity if one.won] == ["Won"]
    assert [one.name for one in opportunity if one.lost] == ["Lost"]
    purchase = await client.set_up(psa.Setup.PURCHASE_ORDER_STATUS)
    assert [one.name for one in purchase if one.default_closed] == ["Received In Full"]
    (shelf,) = await client.set_up(psa.Setup.WAREHOUSE_BIN)
    assert shelf.parent == await warehouse(client)


async def test_companies_contacts_and_members_are_found(client: ConnectWise) -> None:
    company = await client.company("Contoso")
    assert company is not None
    assert company.name == "Contoso Ltd"
    assert await client.company("CONTOSO") == company
    assert await client.company("Contos") is None
    assert await client.company('Con"toso') is None
    by_id = await client.company_by_id(company.id)
    assert by_id == company
    assert await client.company_by_id(999_999) is None
    (contact,) = await client.contacts(company.id)
    assert contact.emails == ("dana.lee@contoso.example",)
    assert contact.default
    members = await client.members()
    sales = next(one for one in members if one.identifier == "sales")
    assert sales.emails == ("sales@msp.example",)


# --- from opportunity to invoice ------------------------------------------------------------------


async def test_an_order_goes_all_the_way(client: ConnectWise) -> None:
    before = await client.opportunity(OPPORTUNITY)
    forecast = await client.forecast(OPPORTUNITY)
    products = await client.opportunity_products(OPPORTUNITY)
    assert len(forecast) == len(products) == 4
    by_item = {line.catalog_item_id: line for line in forecast}
    other = next(one for one in products if one.sku == "DELL-U2725QE")
    assert by_item[other.catalog_item_id].included

    await client.change_forecast(OPPORTUNITY, by_item[other.catalog_item_id].id, False)
    assert not next(
        line.included
        for line in await client.forecast(OPPORTUNITY)
        if line.catalog_item_id == other.catalog_item_id
    )
    monitor = next(one for one in products if one.sku == "DELL-P2425H")
    change = psa.ProductChange(
        xref="dl:1:1201:90001", quantity=Decimal(8), price=Decimal("239.95"), cost=Decimal("180.55")
    )
    changed = await client.change_product(monitor.id, change)
    assert (changed.xref, changed.quantity, changed.price, changed.cost) == (
        "dl:1:1201:90001",
        Decimal(8),
        Decimal("239.95"),
        Decimal("180.55"),
    )

    won = next(one.id for one in await client.set_up(psa.Setup.OPPORTUNITY_STATUS) if one.won)
    after = await client.set_opportunity_status(OPPORTUNITY, won, NOW)
    assert (before.status_id, before.closed) != (after.status_id, after.closed)
    frozen = await failure_of(client.change_product(monitor.id, psa.ProductChange(xref="dl:2")))
    assert (frozen.kind, frozen.frozen) == (Kind.REJECTED, True)

    order = await client.convert_to_sales_order(OPPORTUNITY, [monitor.id])
    assert order.opportunity_id == OPPORTUNITY
    assert order.company_id == before.company_id
    assert await client.sales_orders_of_opportunity(OPPORTUNITY) == [
        await client.sales_order(order.id)
    ]
    assert [one.id for one in await client.sales_orders_of_company(order.company_id)] == [order.id]
    (product,) = await client.sales_order_products(order.id)
    assert product.sales_order_id == order.id
    assert product.xref == "dl:1:1201:90001"
    assert product.open_demand == 8
    assert [one.id for one in await client.products([product.id])] == [product.id]

    waiting = await named(client, psa.Setup.SALES_ORDER_STATUS, "Waiting for goods")
    sales_order = await client.change_sales_order(
        order.id, psa.SalesOrderChange(status_id=waiting, bill_shipped=True, po_number="ON10001201")
    )
    assert (sales_order.status_id, sales_order.bill_shipped) == (waiting, True)

    await _purchase_receive_and_ship(client, order, product)

    ready = await named(client, psa.Setup.SALES_ORDER_STATUS, "Ready to invoice")
    await client.change_sales_order(order.id, psa.SalesOrderChange(status_id=ready))
    made = await client.create_invoice(order.id, order.company_id, "ON10001201")
    invoice = await client.invoice(made)
    assert (invoice.type, invoice.apply_to_type, invoice.apply_to_id) == (
        "Standard",
        "SalesOrder",
        order.id,
    )
    assert [one.id for one in await client.invoices_of_sales_order(order.id)] == [made]
    assert made in (await client.sales_order(order.id)).invoice_ids


async def _purchase_receive_and_ship(
    client: ConnectWise, order: psa.SalesOrder, product: psa.Product
) -> None:
    demand = [psa.Demand(product.id, Decimal(8), Decimal("180.55"))]
    vendor_id, place = await vendor(client), await warehouse(client)
    made = await client.purchase_demand(vendor_id, place, demand)
    assert made is not None
    assert [one.id for one in await client.purchase_orders_above(vendor_id, made - 1)] == [made]
    assert await client.purchase_orders_above(vendor_id, made) == []
    sent = await named(client, psa.Setup.PURCHASE_ORDER_STATUS, "Sent to Vendor")
    purchase = await client.change_purchase_order(
        made,
        psa.PurchaseOrderChange(
            number="PO10008891",
            notes="Demandlink dl:1:8891",
            status_id=sent,
            vendor_invoice_number="INV-1",
            vendor_invoice_date=NOW,
            freight=Decimal("12.34"),
        ),
    )
    assert purchase == await client.purchase_order(made)
    assert (purchase.number, purchase.status_id, purchase.closed) == ("PO10008891", sent, False)

    (line,) = await client.purchase_order_lines(made)
    assert line.sales_order_ids == (order.id,)
    assert (line.sku, line.serialized) == ("DELL-P2425H", True)
    assert (line.quantity, line.received) == (Decimal(8), Decimal(0))
    assert await client.demand_links([product.id]) == [
        psa.DemandLink(made, line.id, product.id, Decimal(8))
    ]
    assert (await client.products([product.id]))[0].open_demand == 0

    part = psa.Receiving(
        quantity=Decimal(3),
        status="PartiallyReceiveCloneRest",
        received_at=NOW,
        packing_slip="PS-1",
        serial_numbers=("S1", "S2", "S3"),
        tracking_number="1Z999",
    )
    received = await client.receive_line(made, line.id, part)
    assert received.received == 3
    lines = await client.purchase_order_lines(made)
    assert sum(one.quantity for one in lines) == 8
    rest = next(one for one in lines if one.id != line.id)
    assert rest.sales_order_ids == (order.id,)

    (detail,) = await client.shipping_details(product.id)
    assert (detail.picked, detail.shipped) == (Decimal(3), Decimal(0))
    (shelf,) = await client.set_up(psa.Setup.WAREHOUSE_BIN)
    await client.change_shipping(
        product.id, detail.id, psa.Shipping(Decimal(3), place, shelf.id, "1Z999")
    )
    (detail,) = await client.shipping_details(product.id)
    assert (detail.picked, detail.shipped) == (Decimal(3), Decimal(3))

    whole = psa.Receiving(
        quantity=Decimal(5), status="FullyReceived", serial_numbers=("A", "B", "C", "D", "E")
    )
    await client.receive_line(made, rest.id, whole)
    assert all(one.received == one.quantity for one in await client.purchase_order_lines(made))
    closed = next(
        one.id for one in await client.set_up(psa.Setup.PURCHASE_ORDER_STATUS) if one.default_closed
    )
    assert (
        await client.change_purchase_order(made, psa.PurchaseOrderChange(status_id=closed))
    ).closed


async def test_goods_without_picks_are_shipped_by_a_new_row(
    client: ConnectWise, site: SandboxServer
) -> None:
    await control(site, "PUT", "/settings", {"auto_pick": False})
    _, product, made = await purchased(client)
    (line,) = await client.purchase_order_lines(made)
    serials = tuple(f"S{number}" for number in range(10))
    await client.receive_line(
        made, line.id, psa.Receiving(Decimal(10), "FullyReceived", serial_numbers=serials)
    )
    assert await client.shipping_details(product.id) == []
    (shelf,) = await client.set_up(psa.Setup.WAREHOUSE_BIN)
    shipping = psa.Shipping(Decimal(4), await warehouse(client), shelf.id, "1Z999")
    await client.add_shipping(product.id, shipping)
    (detail,) = await client.shipping_details(product.id)
    assert (detail.picked, detail.shipped) == (Decimal(4), Decimal(4))


async def test_records_are_created_and_found_again(client: ConnectWise) -> None:
    company = await client.company("Contoso")
    assert company is not None
    (contact,) = await client.contacts(company.id)
    members = await client.members()
    sales = next(one for one in members if one.identifier == "sales")
    made = await client.create_opportunity(
        psa.NewOpportunity(
            name="Order ON10001300",
            company_id=company.id,
            contact_id=contact.id,
            sales_rep_id=sales.id,
            notes="dl:1:1300\nfrom Commerce",
            expected_close=NOW,
        )
    )
    opportunity = await client.opportunity(made)
    assert "dl:1:1300" in opportunity.notes
    assert [one.id for one in await client.opportunities_of(company.id)] == [made, OPPORTUNITY]

    item = psa.NewCatalogItem(
        identifier='CAB-1"/m & more',
        description="Cable",
        customer_description="Cable, one metre",
        product_class="Inventory",
        subcategory_id=(await client.set_up(psa.Setup.PRODUCT_SUBCATEGORY))[0].id,
        type_id=(await client.set_up(psa.Setup.PRODUCT_TYPE))[0].id,
        unit_of_measure_id=(await client.set_up(psa.Setup.UNIT_OF_MEASURE))[0].id,
        price=Decimal("9.95"),
        cost=Decimal("4.50"),
        serialized=False,
    )
    item_id = await client.create_catalog_item(item)
    twin = await client.create_catalog_item(replace(item, identifier='CAB-1"/m & less'))
    found = await client.catalog_items(['CAB-1"/m & more', "DELL-P2425H", "NOT-THERE"])
    assert {one.identifier for one in found} == {'CAB-1"/m & more', "DELL-P2425H"}
    assert twin not in {one.id for one in found}
    again = await failure_of(client.create_catalog_item(item))
    assert again.kind is Kind.EXISTS

    product = await client.create_product(
        psa.NewProduct(
            catalog_item_id=item_id,
            quantity=Decimal(2),
            price=Decimal("9.95"),
            cost=Decimal("4.50"),
            xref="dl:1:1300:1",
            description="Cable, one metre",
            opportunity_id=made,
        )
    )
    assert product in await client.opportunity_products(made)
    assert (product.sku, product.price, product.xref) == (
        'CAB-1"/m & more',
        Decimal("9.95"),
        "dl:1:1300:1",
    )
    cancelled = psa.ProductChange(quantity_cancelled=Decimal(1))
    assert (await client.change_product(product.id, cancelled)).cancelled == 1


async def test_plain_orders_are_created_line_by_line(client: ConnectWise) -> None:
    company = await client.company("Contoso")
    assert company is not None
    sales_order = await client.create_sales_order(
        psa.NewSalesOrder(
            company_id=company.id,
            status_id=await named(client, psa.Setup.SALES_ORDER_STATUS, "New"),
            sales_rep_id=(await client.members())[0].id,
            po_number="ON10001300",
            notes="dl:1:1300",
        )
    )
    assert sales_order.notes == "dl:1:1300"
    purchase = await client.create_purchase_order(
        psa.NewPurchaseOrder(
            vendor_id=await vendor(client),
            warehouse_id=await warehouse(client),
            status_id=await named(client, psa.Setup.PURCHASE_ORDER_STATUS, "New"),
            terms_id=await named(client, psa.Setup.BILLING_TERMS, "Net 30"),
            notes="dl:1:8890",
            number="PO10008890",
        )
    )
    assert purchase.number == "PO10008890"
    (item,) = await client.catalog_items(["DELL-WD22TB4"])
    line = await client.add_purchase_order_line(
        purchase.id,
        psa.NewPurchaseOrderLine(
            catalog_item_id=item.id,
            description="Dock",
            line_number=1,
            quantity=Decimal(3),
            unit_cost=Decimal("210.10"),
            unit_of_measure_id=item.unit_of_measure_id or 1,
        ),
    )
    assert await client.purchase_order_lines(purchase.id) == [line]


async def test_demand_is_added_to_an_order_that_stands(client: ConnectWise) -> None:
    order, products = await won_and_converted(client)
    monitor = next(one for one in products if one.sku == "DELL-P2425H")
    header = await client.create_purchase_order(
        psa.NewPurchaseOrder(
            vendor_id=await vendor(client),
            warehouse_id=await warehouse(client),
            status_id=await named(client, psa.Setup.PURCHASE_ORDER_STATUS, "New"),
            terms_id=await named(client, psa.Setup.BILLING_TERMS, "Net 30"),
            notes="dl:1:8891",
        )
    )
    demand = [psa.Demand(monitor.id, Decimal(10), Decimal("180.55"))]
    made = await client.purchase_demand(
        await vendor(client), await warehouse(client), demand, header.id
    )
    assert made == header.id
    (line,) = await client.purchase_order_lines(header.id)
    assert line.sales_order_ids == (order.id,)


# --- callbacks ------------------------------------------------------------------------------------


async def test_callbacks_are_registered_once_and_verified(
    client: ConnectWise, site: SandboxServer
) -> None:
    async with serving(always(http("202 Accepted"))) as ours:
        url = f"{ours.url}/webhooks/connectwise/token?recordId="
        made = await client.create_callback(url, "opportunity", "Demandlink")
        again = await failure_of(client.create_callback(url, "opportunity", "Demandlink"))
        assert again.kind is Kind.EXISTS
        (registered,) = await client.callbacks()
        assert (registered.id, registered.url, registered.type, registered.level) == (
            made,
            url,
            "opportunity",
            "owner",
        )
        await client.enable_callback(made, url)
        await control(site, "POST", "/act", {"act": "convert_opportunity", "id": OPPORTUNITY})
        async with asyncio.timeout(10):
            while not ours.bodies:
                await asyncio.sleep(0.02)
    head = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in ours.heads[0].splitlines())
    }
    verifier = CallbackVerifier(access_to(site), clock=SystemClock())
    callback = await verifier.verify(ours.bodies[0], head["x-content-signature"])
    assert (callback.type, callback.record_id) == ("opportunity", OPPORTUNITY)
    with pytest.raises(NotFromConnectWise):
        await verifier.verify(ours.bodies[0] + b" ", head["x-content-signature"])
    await verifier.aclose()


# --- failures -------------------------------------------------------------------------------------


async def test_wrong_keys_are_told_by_either_status(site: SandboxServer) -> None:
    wrong = replace(access_to(site), private_key="wrong")
    client = ConnectWiseClient(wrong, clock=SystemClock(), timeout=5)
    for status in (401, 404):
        await control(site, "PUT", "/settings", {"bad_credentials_status": status})
        for call in (client.members(), client.opportunity(OPPORTUNITY), client.info()):
            assert (await failure_of(call)).kind is Kind.UNAUTHENTICATED
    await client.aclose()


async def test_what_is_gone_is_gone_only_with_good_credentials(client: ConnectWise) -> None:
    assert (await failure_of(client.sales_order(999_999))).kind is Kind.GONE
    assert (await failure_of(client.purchase_order_lines(999_999))).kind is Kind.GONE


async def test_nobody_listening_means_that_nothing_was_sent(client: ConnectWise) -> None:
    access = Access("http://127.0.0.1:9/v4_6_release/apis/3.0", "c", "a", "b", "d")
    away = ConnectWiseClient(access, clock=SystemClock(), timeout=2)
    assert (await failure_of(away.create_invoice(1, 2, "r"))).kind is Kind.NOT_SENT
    await away.aclose()


async def test_faults_of_a_read_are_passing_and_one_reset_is_not_even_seen(
    client: ConnectWise, site: SandboxServer
) -> None:
    path = f"/sales/opportunities/{OPPORTUNITY}$"
    await fault(site, "refuse", "GET", path)
    assert (await client.opportunity(OPPORTUNITY)).id == OPPORTUNITY
    await fault(site, "lose_reply", "GET", path, times=2)
    assert (await failure_of(client.opportunity(OPPORTUNITY))).kind is Kind.TRANSIENT
    await fault(site, "status", "GET", path, status=500)
    assert (await failure_of(client.opportunity(OPPORTUNITY))).kind is Kind.TRANSIENT


async def test_faults_of_a_write_leave_it_in_doubt(
    client: ConnectWise, site: SandboxServer
) -> None:
    order, _ = await won_and_converted(client)
    for kind, more in (
        ("refuse", {}),
        ("lose_reply", {}),
        ("status", {"status": 500}),
        ("status", {"status": 503, "headers": {"Retry-After": "0"}}),
    ):
        await fault(site, kind, "POST", "/finance/invoices$", **more)
        failure = await failure_of(client.create_invoice(order.id, order.company_id, "r"))
        assert failure.kind is Kind.OUTCOME_UNKNOWN
        await asyncio.sleep(0.15)  # the pause that the last one asks for
    assert len(await client.invoices_of_sales_order(order.id)) == 1  # the lost reply's


async def test_an_answer_that_comes_too_late_is_in_doubt(site: SandboxServer) -> None:
    client = ConnectWiseClient(access_to(site), clock=SystemClock(), timeout=0.3)
    await fault(site, "slow", "PATCH", "/sales/opportunities/", seconds=1)
    failure = await failure_of(client.set_opportunity_status(OPPORTUNITY, 2, None))
    assert failure.kind is Kind.OUTCOME_UNKNOWN
    await client.aclose()


async def test_a_limit_pauses_the_connection(client: ConnectWise, site: SandboxServer) -> None:
    await fault(site, "status", "GET", "/system/info$", status=429, headers={"Retry-After": "60"})
    first = await failure_of(client.info())
    assert (first.kind, first.retry_after) == (Kind.RATE_LIMITED, 60)
    second = await failure_of(client.create_invoice(1, 2, "r"))
    assert second.kind is Kind.RATE_LIMITED
    assert second.retry_after is not None
    assert 55 < second.retry_after <= 60


# --- what is recorded and where a worker may be stopped -------------------------------------------


class Stop(BaseException):
    """A worker's sudden end."""


async def test_a_worker_stopped_after_sending_has_sent(
    client: ConnectWise, site: SandboxServer
) -> None:
    order, _ = await won_and_converted(client)
    records: list[CallRecord] = []

    async def stop() -> None:
        raise Stop

    token = calling.set(Calling("release_invoice", "ON1", record=records.append, sent=stop))
    with pytest.raises(Stop):
        await client.create_invoice(order.id, order.company_id, "r")
    calling.reset(token)
    assert records == []
    async with asyncio.timeout(5):
        while not await client.invoices_of_sales_order(order.id):
            await asyncio.sleep(0.02)
