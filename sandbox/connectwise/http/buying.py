"""The endpoints of procurement that are more than a list or a record.

Owns their bodies and answers; the rules behind them live in the model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sandbox.connectwise.http.listing import shown, whole
from sandbox.connectwise.http.routes import Call, Result, add_route, get_record, route
from sandbox.connectwise.model.engine import object_body
from sandbox.connectwise.model.errors import Refusal, no_endpoint, not_found, refused
from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.rules import accounting, items, products, purchasing
from sandbox.connectwise.model.shapes import SHAPES
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World


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


# --- the catalog


@route("POST", "/procurement/catalog/#/pricing")
def catalog_pricing(call: Call) -> Result:
    """What an item costs: the body comes back with its price."""
    item = call.psa.engine.existing("catalog", call.ids[0], None, call.view)
    body, intake, answer = object_body(call.body), call.psa.engine.intake, {}
    for field, shape in (("company", "Company"), ("location", "SystemLocation")):
        number = intake.loose_reference("catalogPricing", shape, field, body.get(field))
        if number is not None:
            answer[field] = call.psa.renderer.reference(call.view, SHAPES[shape], number)
    quantity = body.get("quantity") or 1
    if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 0:
        raise refused("catalogPricing", "quantity", "The value must be a whole number.")
    date = body.get("date")
    if not isinstance(date, str) or not date:
        date = call.psa.world.stamp()
    reference = call.psa.renderer.reference(call.view, SHAPES["CatalogItem"], item["id"])
    price = {"price": items.price_of(item), "quantity": quantity, "date": date}
    return Result(200, {"catalogItem": reference, **answer, **price})


@route("POST", "/procurement/catalog/#/copy")
def copy_catalog_item(call: Call) -> Result:
    world = call.psa.world
    with world.write():
        item = call.psa.engine.existing("catalog", call.ids[0], None, world.store)
        row = items.copied(world, item)
    return Result(200, call.psa.show("catalog", row))


def _vendor_shown(call: Call, view: View, row: Row) -> dict[str, Any]:
    """The vendor's record of this has no `_info`."""
    record = shown(call.psa, view, "catalogVendor", row, None)
    return {name: value for name, value in record.items() if name != "_info"}


@route("GET", "/procurement/catalog/vendors/#")
def catalog_vendors(call: Call) -> Result:
    call.psa.engine.existing("catalog", call.ids[0], None, call.view)
    rows = call.view.find("catalogVendor", "catalogItemId", (call.ids[0],))
    return Result(200, [_vendor_shown(call, call.view, row) for row in rows])


@route("POST", "/procurement/catalog/vendors")
def post_catalog_vendor(call: Call) -> Result:
    """The item is named in the body, not in the path."""
    body, world = object_body(call.body), call.psa.world
    number = body.get("catalogItemId")
    if isinstance(number, bool) or not isinstance(number, int):
        raise refused("catalogVendors", "catalogItemId", "The catalogItemId field is required.")
    with world.write():
        row = call.psa.engine.create("catalogVendor", body, number)
    return Result(201, _vendor_shown(call, world.store, row))


@route("PUT", "/procurement/catalog/#/vendors/#")
def put_catalog_vendor(call: Call) -> Result:
    """The document's body is a whole catalog item; what it says of vendor and SKU is taken."""
    body, world = object_body(call.body), call.psa.world
    with world.write():
        row = call.psa.engine.existing("catalogVendor", call.ids[1], call.ids[0], world.store)
        vendor = body.get("vendor")
        wanted: dict[str, Any] = {
            "vendorId": vendor.get("id") if isinstance(vendor, dict) else row["vendorId"],
            "vendorSku": body.get("vendorSku"),
            "isPreferredVendor": row["isPreferredVendor"],
        }
        row = call.psa.engine.put("catalogVendor", row["id"], wanted, call.ids[0])
    return Result(200, _vendor_shown(call, world.store, row))


# --- the statuses of purchase orders


@route("GET", "/procurement/purchaseorderstatuses/#/usages")
@route("GET", "/procurement/purchaseorderstatuses/#/usages/list")
def status_usages(call: Call) -> Result:
    call.psa.engine.existing("purchaseOrderStatus", call.ids[0], None, call.view)
    count = purchasing.usages(call.view, call.ids[0])
    usage = {"type": "Purchase Order", "typeKey": "PurchaseOrder", "count": count}
    return Result(200, [{"id": call.ids[0], **usage}] if count else [])


# --- whole purchase orders


@route("POST", "/procurement/purchaseorders/#/copy")
def copy_purchase_order(call: Call) -> Result:
    world = call.psa.world
    with world.write():
        order = call.psa.engine.existing("purchaseOrder", call.ids[0], None, world.store)
        row = purchasing.copied(world, order)
    return Result(200, call.psa.show("purchaseOrder", world.row("purchaseOrder", row["id"])))


def _batching(act: Callable[[World, Row], bool], done: str, call: Call) -> Result:
    world = call.psa.world
    with world.write():
        order = call.psa.engine.existing("purchaseOrder", call.ids[0], None, world.store)
        success = act(world, order)
    number = order["poNumber"]
    message = f"{number} was {done}." if success else f"{number} has no lines to be {done}."
    return Result(200, {"success": success, "message": message})


for name, act in (("unbatch", accounting.unbatch), ("rebatch", accounting.rebatch)):
    path = f"/procurement/purchaseorders/#/{name}"
    add_route("POST", path, partial(_batching, act, f"{name}ed"))


# --- the short forms of records

for table, path in (
    ("catalogInfo", "/procurement/catalog"),
    ("purchaseOrderInfo", "/procurement/purchaseorders"),
    ("purchaseOrderStatusInfo", "/procurement/purchaseorderstatuses"),
):
    add_route("GET", f"{path}/#/info", partial(get_record, RESOURCES[table]))
