"""The port `ConnectWise`, proven by its client against the simulated vendor over real HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from app.connectors.connectwise.callbacks import CallbackVerifier, NotFromConnectWise
from app.domain import psa
from app.domain.errors import FailureKind as Kind
from app.domain.ports import ConnectWise
from app.system import SystemClock
from sandbox.server import SandboxServer
from tests.contract.connectwise_site import (
    NOW,
    OPPORTUNITY,
    access_to,
    control,
    failure_of,
    named,
    purchased,
    vendor,
    warehouse,
    won_and_converted,
)
from tests.unit.http_server import always, http, serving

# --- what is set up -------------------------------------------------------------------------------


async def test_it_says_who_it_is(connectwise: ConnectWise) -> None:
    assert (await connectwise.info()).version


@pytest.mark.parametrize("kind", psa.Setup)
async def test_each_kind_of_set_up_can_be_read(connectwise: ConnectWise, kind: psa.Setup) -> None:
    records = await connectwise.set_up(kind)
    assert records
    assert all(record.name for record in records)


async def test_flags_and_parents_of_the_set_up_are_understood(connectwise: ConnectWise) -> None:
    opportunity = await connectwise.set_up(psa.Setup.OPPORTUNITY_STATUS)
    assert [one.name for one in opportunity if one.won] == ["Won"]
    assert [one.name for one in opportunity if one.lost] == ["Lost"]
    purchase = await connectwise.set_up(psa.Setup.PURCHASE_ORDER_STATUS)
    assert [one.name for one in purchase if one.default_closed] == ["Received In Full"]
    (shelf,) = await connectwise.set_up(psa.Setup.WAREHOUSE_BIN)
    assert shelf.parent == await warehouse(connectwise)


async def test_companies_contacts_and_members_are_found(connectwise: ConnectWise) -> None:
    company = await connectwise.company("Contoso")
    assert company is not None
    assert company.name == "Contoso Ltd"
    assert await connectwise.company("CONTOSO") == company
    assert await connectwise.company("Contos") is None
    assert await connectwise.company('Con"toso') is None
    by_id = await connectwise.company_by_id(company.id)
    assert by_id == company
    assert await connectwise.company_by_id(999_999) is None
    (contact,) = await connectwise.contacts(company.id)
    assert contact.emails == ("dana.lee@contoso.example",)
    assert contact.default
    members = await connectwise.members()
    sales = next(one for one in members if one.identifier == "sales")
    assert sales.emails == ("sales@msp.example",)


# --- from opportunity to invoice ------------------------------------------------------------------


async def test_an_order_goes_all_the_way(connectwise: ConnectWise) -> None:
    before = await connectwise.opportunity(OPPORTUNITY)
    forecast = await connectwise.forecast(OPPORTUNITY)
    products = await connectwise.opportunity_products(OPPORTUNITY)
    assert len(forecast) == len(products) == 4
    by_item = {line.catalog_item_id: line for line in forecast}
    other = next(one for one in products if one.sku == "DELL-U2725QE")
    assert by_item[other.catalog_item_id].included

    await connectwise.change_forecast(OPPORTUNITY, by_item[other.catalog_item_id].id, False)
    assert not next(
        line.included
        for line in await connectwise.forecast(OPPORTUNITY)
        if line.catalog_item_id == other.catalog_item_id
    )
    monitor = next(one for one in products if one.sku == "DELL-P2425H")
    change = psa.ProductChange(
        xref="dl:1:1201:90001", quantity=Decimal(8), price=Decimal("239.95"), cost=Decimal("180.55")
    )
    changed = await connectwise.change_product(monitor.id, change)
    assert (changed.xref, changed.quantity, changed.price, changed.cost) == (
        "dl:1:1201:90001",
        Decimal(8),
        Decimal("239.95"),
        Decimal("180.55"),
    )

    won = next(one.id for one in await connectwise.set_up(psa.Setup.OPPORTUNITY_STATUS) if one.won)
    after = await connectwise.set_opportunity_status(OPPORTUNITY, won, NOW)
    assert (before.status_id, before.closed) != (after.status_id, after.closed)
    frozen = await failure_of(
        connectwise.change_product(monitor.id, psa.ProductChange(xref="dl:2"))
    )
    assert (frozen.kind, frozen.frozen) == (Kind.REJECTED, True)

    order = await connectwise.convert_to_sales_order(OPPORTUNITY, [monitor.id])
    assert order.opportunity_id == OPPORTUNITY
    assert order.company_id == before.company_id
    assert await connectwise.sales_orders_of_opportunity(OPPORTUNITY) == [
        await connectwise.sales_order(order.id)
    ]
    assert [one.id for one in await connectwise.sales_orders_of_company(order.company_id)] == [
        order.id
    ]
    (product,) = await connectwise.sales_order_products(order.id)
    assert product.sales_order_id == order.id
    assert product.xref == "dl:1:1201:90001"
    assert product.open_demand == 8
    assert [one.id for one in await connectwise.products([product.id])] == [product.id]

    waiting = await named(connectwise, psa.Setup.SALES_ORDER_STATUS, "Waiting for goods")
    sales_order = await connectwise.change_sales_order(
        order.id, psa.SalesOrderChange(status_id=waiting, bill_shipped=True, po_number="ON10001201")
    )
    assert (sales_order.status_id, sales_order.bill_shipped) == (waiting, True)

    await _purchase_receive_and_ship(connectwise, order, product)

    ready = await named(connectwise, psa.Setup.SALES_ORDER_STATUS, "Ready to invoice")
    await connectwise.change_sales_order(order.id, psa.SalesOrderChange(status_id=ready))
    made = await connectwise.create_invoice(order.id, order.company_id, "ON10001201")
    invoice = await connectwise.invoice(made)
    assert (invoice.type, invoice.apply_to_type, invoice.apply_to_id) == (
        "Standard",
        "SalesOrder",
        order.id,
    )
    assert [one.id for one in await connectwise.invoices_of_sales_order(order.id)] == [made]
    assert made in (await connectwise.sales_order(order.id)).invoice_ids


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
    link = psa.DemandLink(made, line.id, product.id, Decimal(8))
    assert await client.demand_links([product.id]) == [link]
    assert await client.purchase_order_links(made) == [link]
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
    connectwise: ConnectWise, connectwise_site: SandboxServer
) -> None:
    await control(connectwise_site, "PUT", "/settings", {"auto_pick": False})
    _, product, made = await purchased(connectwise)
    (line,) = await connectwise.purchase_order_lines(made)
    serials = tuple(f"S{number}" for number in range(10))
    await connectwise.receive_line(
        made, line.id, psa.Receiving(Decimal(10), "FullyReceived", serial_numbers=serials)
    )
    assert await connectwise.shipping_details(product.id) == []
    (shelf,) = await connectwise.set_up(psa.Setup.WAREHOUSE_BIN)
    shipping = psa.Shipping(Decimal(4), await warehouse(connectwise), shelf.id, "1Z999")
    await connectwise.add_shipping(product.id, shipping)
    (detail,) = await connectwise.shipping_details(product.id)
    assert (detail.picked, detail.shipped) == (Decimal(4), Decimal(4))


async def test_records_are_created_and_found_again(connectwise: ConnectWise) -> None:
    company = await connectwise.company("Contoso")
    assert company is not None
    (contact,) = await connectwise.contacts(company.id)
    members = await connectwise.members()
    sales = next(one for one in members if one.identifier == "sales")
    made = await connectwise.create_opportunity(
        psa.NewOpportunity(
            name="Order ON10001300",
            company_id=company.id,
            contact_id=contact.id,
            sales_rep_id=sales.id,
            notes="dl:1:1300\nfrom Commerce",
            expected_close=NOW,
        )
    )
    opportunity = await connectwise.opportunity(made)
    assert "dl:1:1300" in opportunity.notes
    assert [one.id for one in await connectwise.opportunities_of(company.id)] == [made, OPPORTUNITY]

    item = psa.NewCatalogItem(
        identifier='CAB-1"/m & more',
        description="Cable",
        customer_description="Cable, one metre",
        product_class="Inventory",
        subcategory_id=(await connectwise.set_up(psa.Setup.PRODUCT_SUBCATEGORY))[0].id,
        type_id=(await connectwise.set_up(psa.Setup.PRODUCT_TYPE))[0].id,
        unit_of_measure_id=(await connectwise.set_up(psa.Setup.UNIT_OF_MEASURE))[0].id,
        price=Decimal("9.95"),
        cost=Decimal("4.50"),
        serialized=False,
    )
    item_id = await connectwise.create_catalog_item(item)
    twin = await connectwise.create_catalog_item(replace(item, identifier='CAB-1"/m & less'))
    found = await connectwise.catalog_items(['CAB-1"/m & more', "DELL-P2425H", "NOT-THERE"])
    assert {one.identifier for one in found} == {'CAB-1"/m & more', "DELL-P2425H"}
    assert twin not in {one.id for one in found}
    again = await failure_of(connectwise.create_catalog_item(item))
    assert again.kind is Kind.EXISTS

    product = await connectwise.create_product(
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
    assert product in await connectwise.opportunity_products(made)
    assert (product.sku, product.price, product.xref) == (
        'CAB-1"/m & more',
        Decimal("9.95"),
        "dl:1:1300:1",
    )
    cancelled = psa.ProductChange(quantity_cancelled=Decimal(1))
    assert (await connectwise.change_product(product.id, cancelled)).cancelled == 1


async def test_plain_orders_are_created_line_by_line(connectwise: ConnectWise) -> None:
    company = await connectwise.company("Contoso")
    assert company is not None
    sales_order = await connectwise.create_sales_order(
        psa.NewSalesOrder(
            company_id=company.id,
            status_id=await named(connectwise, psa.Setup.SALES_ORDER_STATUS, "New"),
            sales_rep_id=(await connectwise.members())[0].id,
            po_number="ON10001300",
            notes="dl:1:1300",
        )
    )
    assert sales_order.notes == "dl:1:1300"
    purchase = await connectwise.create_purchase_order(
        psa.NewPurchaseOrder(
            vendor_id=await vendor(connectwise),
            warehouse_id=await warehouse(connectwise),
            status_id=await named(connectwise, psa.Setup.PURCHASE_ORDER_STATUS, "New"),
            terms_id=await named(connectwise, psa.Setup.BILLING_TERMS, "Net 30"),
            notes="dl:1:8890",
            number="PO10008890",
        )
    )
    assert purchase.number == "PO10008890"
    (item,) = await connectwise.catalog_items(["DELL-WD22TB4"])
    line = await connectwise.add_purchase_order_line(
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
    assert await connectwise.purchase_order_lines(purchase.id) == [line]
    change = psa.PurchaseOrderLineChange(quantity=Decimal(2), unit_cost=Decimal("199.5"))
    lowered = await connectwise.change_purchase_order_line(purchase.id, line.id, change)
    assert (lowered.quantity, lowered.cancelled, lowered.batched) == (Decimal(2), False, False)
    gone = psa.PurchaseOrderLineChange(cancelled="bought elsewhere")
    assert (await connectwise.change_purchase_order_line(purchase.id, line.id, gone)).cancelled


async def test_demand_is_added_to_an_order_that_stands(connectwise: ConnectWise) -> None:
    order, products = await won_and_converted(connectwise)
    monitor = next(one for one in products if one.sku == "DELL-P2425H")
    header = await connectwise.create_purchase_order(
        psa.NewPurchaseOrder(
            vendor_id=await vendor(connectwise),
            warehouse_id=await warehouse(connectwise),
            status_id=await named(connectwise, psa.Setup.PURCHASE_ORDER_STATUS, "New"),
            terms_id=await named(connectwise, psa.Setup.BILLING_TERMS, "Net 30"),
            notes="dl:1:8891",
        )
    )
    demand = [psa.Demand(monitor.id, Decimal(10), Decimal("180.55"))]
    made = await connectwise.purchase_demand(
        await vendor(connectwise), await warehouse(connectwise), demand, header.id
    )
    assert made == header.id
    (line,) = await connectwise.purchase_order_lines(header.id)
    assert line.sales_order_ids == (order.id,)


# --- callbacks ------------------------------------------------------------------------------------


async def test_callbacks_are_registered_once_and_verified(
    connectwise: ConnectWise, connectwise_site: SandboxServer
) -> None:
    async with serving(always(http("202 Accepted"))) as ours:
        url = f"{ours.url}/webhooks/connectwise/token?recordId="
        made = await connectwise.create_callback(url, "opportunity", "Demandlink")
        again = await failure_of(connectwise.create_callback(url, "opportunity", "Demandlink"))
        assert again.kind is Kind.EXISTS
        (registered,) = await connectwise.callbacks()
        assert (registered.id, registered.url, registered.type, registered.level) == (
            made,
            url,
            "opportunity",
            "owner",
        )
        await connectwise.enable_callback(made, url)
        await control(
            connectwise_site, "POST", "/act", {"act": "convert_opportunity", "id": OPPORTUNITY}
        )
        async with asyncio.timeout(10):
            while not ours.bodies:
                await asyncio.sleep(0.02)
    head = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in ours.heads[0].splitlines())
    }
    verifier = CallbackVerifier(access_to(connectwise_site), clock=SystemClock())
    callback = await verifier.verify(ours.bodies[0], head["x-content-signature"])
    assert (callback.type, callback.record_id) == ("opportunity", OPPORTUNITY)
    with pytest.raises(NotFromConnectWise):
        await verifier.verify(ours.bodies[0] + b" ", head["x-content-signature"])
    await verifier.aclose()
