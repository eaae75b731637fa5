"""Every request that the client can send, held against the vendor's reconstructed document."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.connectors import wire_json
from app.connectors.connectwise.probes import ProbedConnectWise
from app.domain import psa, psa_tickets
from app.domain.probing import Made, Probed
from tests.sandbox.contract import DOCUMENT, Contract, schema_of
from tests.unit.connectwise_stub import ACCESS, BASE, ManualClock

CONTRACT = Contract.load()
pytestmark = pytest.mark.skipif(
    CONTRACT is None, reason=f"the vendor's reconstructed document is not at {DOCUMENT}"
)

# The document knows these records by id only, or not; their list stands in the vendor's
# documentation (of an invoice's entries: connectwise.md 3.8).
LISTS_BESIDE_THE_DOCUMENT = {"/procurement/subcategories", "/finance/invoices/1/glEntries"}
# Reports choose their columns so (connectwise.md 3.6); the document has `fields` there too.
PARAMETERS_BESIDE_THE_DOCUMENT = {"columns"}

MOMENT = datetime(2026, 11, 20, 14, 11, 3, tzinfo=UTC)
CATALOG_ITEM = psa.NewCatalogItem(
    identifier="i" * 75,
    description="d" * 60,
    customer_description="c" * 6000,
    product_class="Inventory",
    subcategory_id=20,
    type_id=30,
    unit_of_measure_id=1,
    price=Decimal("239.00"),
    cost=Decimal("180.55"),
    serialized=True,
    manufacturer_part_number="m" * 50,
)
OPPORTUNITY = psa.NewOpportunity(
    name="n" * 100,
    company_id=250,
    contact_id=1310,
    sales_rep_id=140,
    notes="one\ntwo",
    type_id=1,
    expected_close=MOMENT,
    location_id=2,
    business_unit_id=10,
)
TICKET = psa_tickets.NewTicket(
    summary="s" * 100,
    company_id=250,
    board_id=15,
    xref="x" * 100,
    description="one\ntwo",
    internal_note="Ticket 21001 is closed.",
    status_id=531,
    type_name="Hardware",
    contact_id=1310,
    opportunity_id=88,
    po_number="p" * 50,
)
PRODUCT = psa.NewProduct(
    catalog_item_id=9001,
    quantity=Decimal("2.5"),
    price=Decimal("239.00"),
    cost=Decimal("180.55"),
    xref="dl:1:1201:90001",
    description="d" * 2000,
    opportunity_id=88,
)
SALES_ORDER = psa.NewSalesOrder(
    company_id=250,
    status_id=2,
    sales_rep_id=140,
    po_number="p" * 50,
    notes="marker",
    contact_id=1310,
    location_id=2,
    business_unit_id=10,
)
PURCHASE_ORDER = psa.NewPurchaseOrder(
    vendor_id=252,
    warehouse_id=4,
    status_id=1,
    terms_id=1,
    notes="marker",
    number="n" * 50,
    location_id=2,
    business_unit_id=10,
    drop_ship_company_id=250,
)
PURCHASE_ORDER_LINE = psa.NewPurchaseOrderLine(
    catalog_item_id=9001,
    description="d" * 6000,
    line_number=1,
    quantity=Decimal("2.5"),
    unit_cost=Decimal("180.55"),
    unit_of_measure_id=1,
    warehouse_id=4,
    vendor_sku="v" * 50,
)
RECEIVING = psa.Receiving(
    quantity=Decimal(4),
    status="PartiallyReceiveCloneRest",
    received_at=MOMENT,
    packing_slip="p" * 50,
    serial_numbers=("S1", "S2"),
    tracking_number="t" * 50,
)
SHIPPING = psa.Shipping(Decimal(4), 4, 70, "1Z999", ("S1",))
DEMAND = [psa.Demand(40001, Decimal("4.00"), Decimal("180.55"))]

Call = Callable[[ProbedConnectWise], Coroutine[Any, Any, Any]]
CALLS: dict[str, list[Call]] = {
    "info": [lambda c: c.info()],
    "set_up": [lambda c, kind=kind: c.set_up(kind) for kind in psa.Setup],  # type: ignore[misc]
    "company": [lambda c: c.company("Contoso"), lambda c: c.company("O'Brien & Co")],
    "company_by_id": [lambda c: c.company_by_id(250)],
    "contacts": [lambda c: c.contacts(250)],
    "members": [lambda c: c.members()],
    "opportunity": [lambda c: c.opportunity(88)],
    "opportunities_of": [lambda c: c.opportunities_of(250)],
    "forecast": [lambda c: c.forecast(88)],
    "opportunity_products": [lambda c: c.opportunity_products(88)],
    "sales_order_products": [lambda c: c.sales_order_products(3400)],
    "products": [lambda c: c.products(range(1, 300))],
    "marked_products": [lambda c: c.marked_products("acme-nz")],
    "sales_order": [lambda c: c.sales_order(3400)],
    "sales_orders_of_opportunity": [lambda c: c.sales_orders_of_opportunity(88)],
    "sales_orders_of_company": [lambda c: c.sales_orders_of_company(250)],
    "catalog_items": [
        lambda c: c.catalog_items(["A", 'B"', "显"]),
        lambda c: c.catalog_items(["A", "B"], ["M-1", "M 2"]),
        lambda c: c.catalog_items(["A"], ['M" or id > 0 or "']),
    ],
    "purchase_order": [lambda c: c.purchase_order(7001)],
    "purchase_orders_above": [lambda c: c.purchase_orders_above(252, 7000)],
    "purchase_order_lines": [lambda c: c.purchase_order_lines(7001)],
    "demand_links": [lambda c: c.demand_links([40001])],
    "purchase_order_links": [lambda c: c.purchase_order_links(7001)],
    "shipping_details": [lambda c: c.shipping_details(40001)],
    "invoice": [lambda c: c.invoice(12000)],
    "invoices_since": [lambda c: c.invoices_since(datetime(2026, 11, 20, tzinfo=UTC))],
    "standing_invoices": [lambda c: c.standing_invoices(range(12000, 12150))],
    "callbacks": [lambda c: c.callbacks()],
    "create_catalog_item": [
        lambda c: c.create_catalog_item(CATALOG_ITEM),
        lambda c: c.create_catalog_item(
            dataclasses.replace(
                CATALOG_ITEM, unit_of_measure_id=None, manufacturer_part_number=None
            )
        ),
    ],
    "create_opportunity": [lambda c: c.create_opportunity(OPPORTUNITY)],
    "create_product": [
        lambda c: c.create_product(PRODUCT),
        lambda c: c.create_product(
            dataclasses.replace(PRODUCT, opportunity_id=None, sales_order_id=3400)
        ),
        lambda c: c.create_product(dataclasses.replace(PRODUCT, opportunity_id=None, ticket_id=5)),
    ],
    "change_product": [
        lambda c: c.change_product(
            40001,
            psa.ProductChange(
                xref="dl:1",
                quantity=Decimal("1.5"),
                price=Decimal("2.25"),
                cost=Decimal(0),
                quantity_cancelled=Decimal(1),
            ),
        )
    ],
    "change_forecast": [lambda c: c.change_forecast(88, 61000, True)],
    "set_opportunity_status": [
        lambda c: c.set_opportunity_status(88, 2, MOMENT),
        lambda c: c.set_opportunity_status(88, 1, None),
    ],
    "convert_to_sales_order": [lambda c: c.convert_to_sales_order(88, [40001, 40002])],
    "create_sales_order": [lambda c: c.create_sales_order(SALES_ORDER)],
    "change_sales_order": [
        lambda c: c.change_sales_order(3400, psa.SalesOrderChange(3, True, "p" * 50))
    ],
    "purchase_demand": [
        lambda c: c.purchase_demand(252, 4, DEMAND),
        lambda c: c.purchase_demand(252, 4, DEMAND, 7001),
    ],
    "create_purchase_order": [lambda c: c.create_purchase_order(PURCHASE_ORDER)],
    "change_purchase_order": [
        lambda c: c.change_purchase_order(
            7001,
            psa.PurchaseOrderChange(
                number="n" * 50,
                notes="one\ntwo",
                status_id=3,
                vendor_invoice_number="v" * 50,
                vendor_invoice_date=MOMENT,
                tracking_number="t" * 50,
                freight=Decimal("12.34"),
                drop_ship_company_id=250,
            ),
        )
    ],
    "add_purchase_order_line": [lambda c: c.add_purchase_order_line(7001, PURCHASE_ORDER_LINE)],
    "change_purchase_order_line": [
        lambda c: c.change_purchase_order_line(
            7001,
            82001,
            psa.PurchaseOrderLineChange(
                quantity=Decimal("2.5"), unit_cost=Decimal("180.55"), cancelled="c" * 100
            ),
        )
    ],
    "receive_line": [lambda c: c.receive_line(7001, 82001, RECEIVING)],
    "add_shipping": [lambda c: c.add_shipping(40001, SHIPPING)],
    "change_shipping": [lambda c: c.change_shipping(40001, 88001, SHIPPING)],
    "create_invoice": [
        lambda c: c.create_invoice(3400, 250, "ON10001201"),
        lambda c: c.create_invoice(21001, 250, "ON10001201", ticket=True),
    ],
    "invoices_of_ticket": [lambda c: c.invoices_of_ticket(21001)],
    "create_ticket": [lambda c: c.create_ticket(TICKET)],
    "set_ticket_status": [lambda c: c.set_ticket_status(21001, 531)],
    "add_ticket_note": [lambda c: c.add_ticket_note(21001, "Buy 10 at Ingram.")],
    "ticket": [lambda c: c.ticket(21001)],
    "tickets_of_company": [
        lambda c: c.tickets_of_company(250),
        lambda c: c.tickets_of_company(250, only_open=True),
    ],
    "ticket_products": [lambda c: c.ticket_products(21001)],
    "ticket_statuses": [lambda c: c.ticket_statuses(15)],
    "ticket_notes": [lambda c: c.ticket_notes(21001)],
    "posting_companies": [lambda c: c.posting_companies([250, 251])],
    "companies_of_account": [lambda c: c.companies_of_account('A"1')],
    "gl_entries": [lambda c: c.gl_entries(1)],
    "invoices_of_sales_order": [lambda c: c.invoices_of_sales_order(3400)],
    "create_callback": [lambda c: c.create_callback("https://x/?id=", "ticket", "Demandlink")],
    "create_quiet_ticket": [lambda c: c.create_quiet_ticket(TICKET)],
    "create_unbilled_product": [lambda c: c.create_unbilled_product(PRODUCT)],
    "remove": [lambda c, kind=kind: c.remove(kind, 5) for kind in Made],  # type: ignore[misc]
    "status_notifications": [lambda c: c.status_notifications(1)],
    "seats": [lambda c: c.seats()],
    "procurement_settings": [lambda c: c.procurement_settings()],
    "callback_owners": [lambda c: c.callback_owners("https://x/?id=")],
    "enable_callback": [lambda c: c.enable_callback(26550, "https://x/?id=")],
}


def agreeable(request: httpx.Request) -> httpx.Response:
    """An answer that lets every call end well: a PATCH shows what it was asked for."""
    path = request.url.path.removeprefix(httpx.URL(BASE).path)
    if request.method == "GET":
        if "/reports/" in path:
            return httpx.Response(200, json={"column_definitions": [], "row_values": []})
        last = path.rpartition("/")[2]
        if last in {"info", "forecast"}:
            return httpx.Response(200, json={})
        if not last.isdecimal():
            return httpx.Response(200, json=[])
        # What a purchase order that is extended must have.
        stored = {name: {"id": 1} for name in ("status", "terms", "vendorCompany")}
        return httpx.Response(200, json={"id": int(last), **stored})
    if request.method == "DELETE":
        return httpx.Response(204)
    if request.method == "POST":
        return httpx.Response(201, json={"id": 1})
    changed: dict[str, Any] = {"id": int(path.rpartition("/")[2])}
    for operation in wire_json.loads(request.content):
        changed[operation["path"]] = operation["value"]
    return httpx.Response(200, content=wire_json.encode(changed))


async def requests_of(call: Call) -> list[httpx.Request]:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return agreeable(request)

    transport = httpx.MockTransport(answer)
    client = ProbedConnectWise(ACCESS, clock=ManualClock(), transport=transport)
    await call(client)
    await client.aclose()
    return requests


def faults_of(contract: Contract, request: httpx.Request) -> list[str]:
    path = request.url.path.removeprefix(httpx.URL(BASE).path)
    found = contract.operation(request.method, path)
    if found is None:
        known = request.method == "GET" and path in LISTS_BESIDE_THE_DOCUMENT
        return [] if known else [f"{request.method} {path} is not described"]
    _, operation = found
    described = {each["name"] for each in operation.get("parameters", [])}
    faults = [
        f"{path}: the parameter {name} is not described"
        for name in request.url.params
        if name not in described | PARAMETERS_BESIDE_THE_DOCUMENT
    ]
    if not request.content:
        return faults
    body = wire_json.loads(request.content)
    where = f"{request.method} {path}"
    faults += contract.check(schema_of(operation["requestBody"]), as_floats(body), where, True)
    if request.method == "PATCH":
        faults += patch_faults(contract, operation, body, where)
    return faults


def patch_faults(
    contract: Contract, operation: dict[str, Any], body: list[dict[str, Any]], where: str
) -> list[str]:
    """A patch's paths are fields of the record that it answers, and its values fit them."""
    schema = schema_of(operation["responses"]["200"])
    record = schema.get("items", schema)
    fields = contract.strict[record["$ref"].rpartition("/")[2]]["properties"]
    faults: list[str] = []
    for one in body:
        if one["path"] not in fields:
            faults.append(f"{where}: no field {one['path']}")
        else:
            value = as_floats(one["value"])
            faults += contract.check(fields[one["path"]], value, f"{where} {one['path']}", True)
    return faults


def as_floats(value: Any) -> Any:
    """The validator knows JSON's own types."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: as_floats(item) for name, item in value.items()}
    return [as_floats(item) for item in value] if isinstance(value, list) else value


def test_every_call_of_the_port_is_tried_here() -> None:
    port = {name for name, _ in inspect.getmembers(Probed) if not name.startswith("_")}
    assert port - {"timeout"} == set(CALLS)


@pytest.mark.parametrize("name", sorted(CALLS))
async def test_what_the_client_sends_is_as_described(name: str) -> None:
    assert CONTRACT is not None
    for call in CALLS[name]:
        requests = await requests_of(call)
        assert requests
        for request in requests:
            assert faults_of(CONTRACT, request) == []
            assert len(str(request.url)) <= 2_000
            assert request.headers["clientId"]


def test_the_check_would_find_a_wrong_request() -> None:
    assert CONTRACT is not None
    wrong = [
        httpx.Request("GET", f"{BASE}/procurement/nothing"),
        httpx.Request("GET", f"{BASE}/procurement/products?filter=x"),
        httpx.Request("POST", f"{BASE}/procurement/purchaseorders", json={"poNumber": "1"}),
        httpx.Request("POST", f"{BASE}/finance/invoices", json={"type": "X", "company": {"id": 1}}),
        httpx.Request(
            "PATCH",
            f"{BASE}/procurement/purchaseorders/1",
            json=[{"op": "replace", "path": "number", "value": "1"}],
        ),
        httpx.Request(
            "PATCH",
            f"{BASE}/procurement/purchaseorders/1",
            json=[{"op": "replace", "path": "poNumber", "value": "n" * 51}],
        ),
    ]
    for request in wrong:
        assert faults_of(CONTRACT, request)
