"""The endpoints that are more than a list or a record: conversions, demand, forecasts, reports.

Owns their bodies and answers; the rules behind them live in the model.
"""

from __future__ import annotations

from typing import Any

from sandbox.connectwise.http.listing import Listing, shown, whole
from sandbox.connectwise.http.routes import Call, Result, route
from sandbox.connectwise.model.engine import object_body
from sandbox.connectwise.model.errors import Refusal, no_endpoint, not_found, refused
from sandbox.connectwise.model.reports import REPORTS, answer, run
from sandbox.connectwise.model.rules import opportunities, orders, products, purchasing

VERSION = "v2025.1"


@route("GET", "/system/info")
def system_info(call: Call) -> Result:
    return Result(
        200,
        {
            "version": VERSION,
            "isCloud": False,
            "serverTimeZone": "UTC",
            "licenseBits": [],
            "cloudRegion": "NA",
            "maxWorkFlowRecordsAllowed": 1000,
        },
    )


# --- opportunities


def _forecast(call: Call, number: int, current: bool) -> dict[str, Any]:
    view = call.psa.world.store if current else call.view
    opportunity = view.get("opportunity", number)
    if opportunity is None:
        raise not_found("opportunity", number)
    items = [
        shown(call.psa, view, "forecastItem", row, None)
        for row in view.find("forecastItem", "opportunity", (number,))
    ]
    return opportunities.whole_forecast(view, opportunity, items)


@route("GET", "/sales/opportunities/#/forecast")
def get_forecast(call: Call) -> Result:
    return Result(200, [_forecast(call, call.ids[0], current=False)])


@route("GET", "/sales/opportunities/#/forecast/count")
def count_forecast(call: Call) -> Result:
    _forecast(call, call.ids[0], current=False)
    return Result(200, {"count": 1})


def _items(body: Any) -> list[Any]:
    items = object_body(body).get("forecastItems")
    if not isinstance(items, list):
        raise refused("forecast", "forecastItems", "The forecastItems field is required.")
    return items


@route("POST", "/sales/opportunities/#/forecast")
def post_forecast(call: Call) -> Result:
    items = _items(call.body)
    with call.psa.world.write():
        for item in items:
            call.psa.engine.create("forecastItem", item, call.ids[0])
    return Result(201, _forecast(call, call.ids[0], current=True))


@route("PUT", "/sales/opportunities/#/forecast")
def put_forecast(call: Call) -> Result:
    """Replaces the whole forecast: items without a known id are new, missing ones go."""
    number, items, engine = call.ids[0], _items(call.body), call.psa.engine
    with call.psa.world.write():
        kept: set[int] = set()
        for item in items:
            known = object_body(item).get("id")
            if isinstance(known, int) and call.psa.world.get("forecastItem", known) is not None:
                kept.add(engine.put("forecastItem", known, item, number)["id"])
            else:
                kept.add(engine.create("forecastItem", item, number)["id"])
        for row in call.psa.world.find("forecastItem", "opportunity", number):
            if row["id"] not in kept:
                engine.delete("forecastItem", row["id"], number)
    return Result(200, _forecast(call, number, current=True))


@route("DELETE", "/sales/opportunities/#/forecast")
def delete_forecast(call: Call) -> Result:
    with call.psa.world.write():
        for row in call.psa.world.find("forecastItem", "opportunity", call.ids[0]):
            call.psa.engine.delete("forecastItem", row["id"], call.ids[0])
    return Result(204, None)


@route("POST", "/sales/opportunities/#/forecast/#")
def post_forecast_item(call: Call) -> Result:
    """The vendor's path ends in an id here; a new item gets its own, whatever it says."""
    with call.psa.world.write():
        row = call.psa.engine.create("forecastItem", call.body, call.ids[0])
    return Result(201, call.psa.show("forecastItem", row))


@route("POST", "/sales/opportunities/#/convertToSalesOrder")
def convert_to_sales_order(call: Call) -> Result:
    world = call.psa.world
    with world.write():
        opportunity = world.get("opportunity", call.ids[0])
        if opportunity is None:
            raise not_found("opportunity", call.ids[0])
        order = orders.convert(world, opportunity, object_body(call.body))
    return Result(201, call.psa.show("order", order))


@route("GET", "/sales/opportunities/conversions/#")
def opportunity_conversions(call: Call) -> Result:
    if call.view.get("opportunity", call.ids[0]) is None:
        raise not_found("opportunity", call.ids[0])
    return Result(200, orders.conversions_of(call.view, call.ids[0]))


@route("POST", "/sales/orders/statuses")
def post_order_status(call: Call) -> Result:
    """The vendor answers this one with a list."""
    with call.psa.world.write():
        row = call.psa.engine.create("orderStatus", call.body)
    return Result(200, [call.psa.show("orderStatus", row)])


# --- views over products


def _over_products(call: Call, table: str, parent_table: str, field: str) -> Listing:
    number = call.ids[0]
    if call.view.get(parent_table, number) is None:
        raise not_found(parent_table, number)
    rows = call.view.find("product", field, (number,))
    return Listing(call.psa, call.view, table, call.request.parameters, source=rows)


@route("GET", "/sales/orders/#/lineitems")
def order_lines(call: Call) -> Result:
    return call.listed(_over_products(call, "orderLine", "order", "salesOrder"))


@route("GET", "/sales/orders/#/lineitems/count")
def count_order_lines(call: Call) -> Result:
    listing = _over_products(call, "orderLine", "order", "salesOrder")
    return Result(200, {"count": len(listing.matching())})


@route("GET", "/sales/orders/#/lineitems/#")
def order_line(call: Call) -> Result:
    order, number = call.ids
    row = call.view.get("product", number)
    if row is None or row.get("salesOrder") != order:
        raise not_found("orderLine", number)
    return Result(200, shown(call.psa, call.view, "orderLine", row, None))


@route("GET", "/service/tickets/#/products")
def ticket_products(call: Call) -> Result:
    return call.listed(_over_products(call, "ticketProduct", "ticket", "ticket"))


@route("GET", "/service/tickets/#/products/count")
def count_ticket_products(call: Call) -> Result:
    listing = _over_products(call, "ticketProduct", "ticket", "ticket")
    return Result(200, {"count": len(listing.matching())})


@route("POST", "/service/tickets/search")
def search_tickets(call: Call) -> Result:
    body = object_body(call.body)
    given = {name: value for name, value in body.items() if isinstance(value, str) and value}
    return call.listed(Listing(call.psa, call.view, "ticket", {**call.request.parameters, **given}))


# --- procurement


@route("POST", "/procurement/products/#/detach")
def detach_product(call: Call) -> Result:
    world = call.psa.world
    with world.write():
        row = world.get("product", call.ids[0])
        if row is None:
            raise not_found("productItem", call.ids[0])
        products.detach(world, row, object_body(call.body))
    return Result(204, None)


@route("POST", "/procurement/purchasingDemands")
def post_purchasing_demand(call: Call) -> Result:
    """The answer's purchase order is the one that was made or added to."""
    body, world, intake = object_body(call.body), call.psa.world, call.psa.engine.intake
    name = purchasing.DEMAND
    with world.write():
        vendor = intake.loose_reference(name, "Company", "vendor", body.get("vendor"))
        warehouse = intake.loose_reference(name, "Warehouse", "warehouse", body.get("warehouse"))
        given = object_body(body.get("purchaseOrder")).get("id")
        wanted = {"id": given} if given else None
        order_id = intake.loose_reference(name, "PurchaseOrder", "purchaseOrder", wanted)
        order = purchasing.post_demand(
            world, body, vendor=vendor, warehouse=warehouse, order_id=order_id
        )
    record = call.psa.show("purchaseOrder", order)
    return Result(
        201,
        {
            "warehouse": record.get("warehouse"),
            "vendor": record["vendorCompany"],
            "products": body["products"],
            "purchaseOrder": record,
        },
    )


@route("DELETE", "/procurement/purchaseorders/#/lineitems")
def delete_line_by_query(call: Call) -> Result:
    """The vendor's document puts an undeclared id on this path; it is read from the query."""
    number = whole(call.request.parameters, "id", 0, 1)
    if not number:
        raise no_endpoint()
    with call.psa.world.write():
        call.psa.engine.delete("line", number, call.ids[0])
    return Result(204, None)


def _bulk(call: Call, entries: list[Any], one: Any) -> Result:
    """Each entry succeeds or fails for itself."""
    payload = []
    for place, entry in enumerate(entries):
        try:
            with call.psa.world.write():
                status, data = one(entry)
            payload.append(
                {"success": True, "originalIndex": place, "statusCode": status, "data": data}
            )
        except Refusal as refusal:
            payload.append(
                {
                    "success": False,
                    "originalIndex": place,
                    "statusCode": refusal.status,
                    "error": refusal.body(),
                }
            )
    return Result(207, {"payload": payload})


def _bulk_body(call: Call) -> list[Any]:
    body = call.body
    if not isinstance(body, list):
        raise refused("purchaseOrderLineItem", "", "The body must be a list.")
    return body


@route("POST", "/procurement/purchaseorders/#/lineitems/bulk")
def post_lines(call: Call) -> Result:
    def one(entry: Any) -> tuple[int, Any]:
        row = call.psa.engine.create("line", entry, call.ids[0])
        return 201, call.psa.show("line", row)

    return _bulk(call, _bulk_body(call), one)


@route("PUT", "/procurement/purchaseorders/#/lineitems/bulk")
def put_lines(call: Call) -> Result:
    def one(entry: Any) -> tuple[int, Any]:
        number = object_body(entry).get("id")
        if not isinstance(number, int):
            raise refused("purchaseOrderLineItem", "id", "The id field is required.")
        return 200, call.psa.show("line", call.psa.engine.put("line", number, entry, call.ids[0]))

    return _bulk(call, _bulk_body(call), one)


@route("DELETE", "/procurement/purchaseorders/#/lineitems/bulk")
def delete_lines(call: Call) -> Result:
    def one(entry: Any) -> tuple[int, Any]:
        if not isinstance(entry, int):
            raise refused("idCollection", "ids", "An id must be a number.")
        call.psa.engine.delete("line", entry, call.ids[0])
        return 204, None

    ids = object_body(call.body).get("ids")
    return _bulk(call, ids if isinstance(ids, list) else [], one)


@route("GET", "/procurement/catalog/*/quantityOnHand")
def quantity_on_hand(call: Call) -> Result:
    items = call.view.find("catalog", "identifier", (call.names[0],))
    if not items:
        raise Refusal(404, "NotFound", f"catalogItem {call.names[0]} not found")
    held = call.view.find("inventory", "catalogItem", (items[0]["id"],))
    return Result(200, {"count": sum(int(row["onHand"]) for row in held)})


@route("GET", "/procurement/catalog/#/inventory")
def catalog_inventory(call: Call) -> Result:
    if call.view.get("catalog", call.ids[0]) is None:
        raise not_found("catalogItem", call.ids[0])
    rows = call.view.find("inventory", "catalogItem", (call.ids[0],))
    return call.listed(
        Listing(call.psa, call.view, "inventory", call.request.parameters, source=rows)
    )


# --- reports


@route("GET", "/system/reports")
def list_reports(call: Call) -> Result:
    return Result(200, [{"name": report.name} for report in REPORTS.values()])


def _report(call: Call) -> tuple[Any, list[str], list[dict[str, Any]]]:
    report = REPORTS.get(call.names[0].lower())
    if report is None:
        raise Refusal(404, "NotFound", f"report {call.names[0]} not found")
    parameters = call.request.parameters
    columns = [name for name in parameters.get("columns", "").split(",") if name.strip()]
    chosen, rows = run(
        report, call.view, parameters.get("conditions"), columns, parameters.get("orderBy")
    )
    return report, chosen, rows


@route("GET", "/system/reports/*")
def get_report(call: Call) -> Result:
    report, columns, rows = _report(call)
    parameters = call.request.parameters
    size = min(whole(parameters, "pageSize", 1000, 1), 1000)
    first = (whole(parameters, "page", 1, 1) - 1) * size
    return Result(200, answer(report, columns, rows[first : first + size]))


@route("GET", "/system/reports/*/columns")
def report_columns(call: Call) -> Result:
    report, columns, _ = _report(call)
    return Result(200, answer(report, columns, [])["column_definitions"])


@route("GET", "/system/reports/*/count")
def count_report(call: Call) -> Result:
    return Result(200, {"count": len(_report(call)[2])})
