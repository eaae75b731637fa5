"""The reports: flat rows over the records, the one supported way to read the links of demand.

Owns columns and rows; conditions on them are compiled by `query`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.connectwise.model.conditions import Both, Comparison, Node, malformed
from sandbox.connectwise.model.query import ANY, Path, cached_parse, compile_node, sort_key
from sandbox.connectwise.model.rules.containers import head
from sandbox.connectwise.model.rules.demand import links_of_line, picked
from sandbox.connectwise.model.rules.products import shipped
from sandbox.connectwise.model.store import Row, View

Wanted = Mapping[str, tuple[Any, ...]]
"""Values that the conditions demand of a column, by its name in lower case; they narrow."""

Rows = Callable[[View, Wanted], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Report:
    """`columns` maps a column to its type; `rows` gives dictionaries by column."""

    name: str
    columns: Mapping[str, str]
    rows: Rows


def _columns(text: str) -> dict[str, str]:
    """`name:type` tokens; the types are those of the vendor's column definitions."""
    return dict(token.split(":", 1) for token in text.split())


def _wanted_lines(view: View, wanted: Wanted) -> Iterable[Row]:
    if "purchase_header_recid" in wanted:
        return view.find("line", "purchaseOrderId", wanted["purchase_header_recid"])
    if "iv_product_recid" in wanted:
        links = view.find("link", "product", wanted["iv_product_recid"])
        found = (view.get("line", number) for number in sorted({link["line"] for link in links}))
        return [line for line in found if line is not None]
    return view.rows("line")


def _lines(view: View, wanted: Wanted) -> Iterator[Row]:
    for line in _wanted_lines(view, wanted):
        order = view.get("purchaseOrder", line["purchaseOrderId"]) or {}
        item = view.get("catalog", line["product"]) or {}
        unit = view.get("unitOfMeasure", line.get("unitOfMeasure")) or {}
        method = view.get("shipmentMethod", line.get("shipmentMethod")) or {}
        row = {
            "Purchase_Header_RecID": line["purchaseOrderId"],
            "Purchase_Detail_RecID": line["id"],
            "IV_Item_RecID": line["product"],
            "Item_ID": item.get("identifier"),
            "Description": line.get("description"),
            "Line_Number": line.get("lineNumber"),
            "Quantity": line.get("quantity"),
            "Received": line.get("receivedStatus") != "Waiting",
            "Received_Qty": line.get("receivedQuantity"),
            "received_status": line.get("receivedStatus"),
            "Date_Received": line.get("dateReceived"),
            "Backorder_Flag": bool(line.get("backorderedFlag")),
            "Serialized_Flag": bool(item.get("serializedFlag")),
            "PO_Number": order.get("poNumber"),
            "Vendor_SKU": line.get("vendorSku"),
            "itemunitcost": line.get("unitCost"),
            "itemuom": unit.get("name"),
            "tracking_number": line.get("trackingNumber"),
            "tracking_url": method.get("trackingUrl"),
            "shipmethoddescription": method.get("name"),
            "Expected_Ship_Date": line.get("expectedShipDate"),
            "Last_Update": line["_info"]["lastUpdated"],
            "Updated_By": line["_info"]["updatedBy"],
        }
        links = links_of_line(view, line["id"])
        for link in links:
            yield row | {"IV_Product_RecID": link["product"]}
        if not links:
            yield row | {"IV_Product_RecID": None}


def _products(view: View, wanted: Wanted) -> Iterator[Row]:
    numbers = wanted.get("iv_product_recid")
    chosen = (
        view.rows("product")
        if numbers is None
        else [row for row in (view.get("product", number) for number in numbers) if row]
    )
    for product in chosen:
        item = view.get("catalog", product["catalogItem"]) or {}
        placed = head(view, product)
        invoice = view.get("invoice", placed.get("invoice")) or {}
        yield {
            "iv_product_RecID": product["id"],
            "IV_Item_RecID": product["catalogItem"],
            "Item_ID": item.get("identifier"),
            "Description": product.get("description"),
            "Quantity": product.get("quantity"),
            "Quantity_Cancelled": product.get("quantityCancelled"),
            "Quantity_Picked": float(picked(view, product["id"])),
            "Quantity_Shipped": float(shipped(view, product["id"])),
            "invoice_flag": placed.get("invoice") is not None,
            "invoice_number": invoice.get("invoiceNumber"),
            "billing_log_recid": placed.get("invoice"),
            "SO_Header_RecID": placed.get("salesOrder"),
            "SR_Service_RecID": placed.get("ticket"),
            "Last_Update": product["_info"]["lastUpdated"],
            "Updated_By": product["_info"]["updatedBy"],
        }


def _purchase_orders(view: View, wanted: Wanted) -> Iterator[Row]:
    for order in view.rows("purchaseOrder"):
        vendor = view.get("company", order["vendorCompany"]) or {}
        status = view.get("purchaseOrderStatus", order["status"]) or {}
        warehouse = view.get("warehouse", order.get("warehouse")) or {}
        yield {
            "Purchase_Header_RecID": order["id"],
            "PO_Number": order.get("poNumber"),
            "Purchase_Date": order.get("poDate"),
            "Vendor_RecID": order["vendorCompany"],
            "Vendor_Name": vendor.get("name"),
            "Vendor_Order_Nbr": order.get("vendorOrderNumber"),
            "Vendor_Invoice_Number": order.get("vendorInvoiceNumber"),
            "Warehouse": warehouse.get("name"),
            "PO_Status": status.get("name"),
            "Closed_Flag": bool(status.get("closedFlag")),
            "Freight_Cost": order.get("freightCost"),
            "Tracking_Number": order.get("trackingNumber"),
            "Last_Update": order["_info"]["lastUpdated"],
            "Updated_By": order["_info"]["updatedBy"],
        }


def _sales_orders(view: View, wanted: Wanted) -> Iterator[Row]:
    for order in view.rows("order"):
        company = view.get("company", order["company"]) or {}
        status = view.get("orderStatus", order.get("status")) or {}
        yield {
            "SO_Header_RecID": order["id"],
            "Order_Number": order.get("label"),
            "Order_Date": order.get("orderDate"),
            "Company_RecID": order["company"],
            "Company_Name": company.get("name"),
            "SO_Opportunity_RecID": order.get("opportunity"),
            "Order_Status": status.get("name"),
            "Closed_Flag": bool(status.get("closedFlag")),
            "PO_Number": order.get("poNumber"),
            "Bill_Closed_Flag": bool(order.get("billClosedFlag")),
            "Bill_Shipped_Flag": bool(order.get("billShippedFlag")),
            "Last_Update": order["_info"]["lastUpdated"],
            "Updated_By": order["_info"]["updatedBy"],
        }


def _details(view: View, wanted: Wanted) -> Iterator[Row]:
    numbers = wanted.get("iv_product_recid")
    details = (
        view.rows("shipping") if numbers is None else view.find("shipping", "productItem", numbers)
    )
    for detail in details:
        serials = [
            (view.get("assigned", number) or view.get("serial", number) or {}).get("serial")
            for number in detail.get("serialNumberIds") or ()
        ]
        yield {
            "IV_Product_RecID": detail["productItem"],
            "IV_Product_Detail_RecID": detail["id"],
            "Quantity_Picked": detail.get("pickedQuantity"),
            "Quantity_Shipped": detail.get("shippedQuantity"),
            "Date_Picked": detail["_info"]["dateEntered"],
            "Date_Shipped": detail.get("shipmentDate"),
            "Serial_Number": ", ".join(serial for serial in serials if serial) or None,
            "Tracking_Number": detail.get("trackingNumber"),
            "Last_Update": detail["_info"]["lastUpdated"],
            "Updated_By": detail["_info"]["updatedBy"],
        }


REPORTS: dict[str, Report] = {
    report.name.lower(): report
    for report in (
        Report(
            "PurchaseOrderWithLineItems",
            _columns(
                "Purchase_Header_RecID:Numeric Purchase_Detail_RecID:Numeric "
                "IV_Product_RecID:Numeric IV_Item_RecID:Numeric Item_ID:Text Description:Text "
                "Line_Number:Numeric Quantity:Numeric Received:Boolean Received_Qty:Numeric "
                "received_status:Text Date_Received:DateTime Backorder_Flag:Boolean "
                "Serialized_Flag:Boolean PO_Number:Text Vendor_SKU:Text itemunitcost:Numeric "
                "itemuom:Text tracking_number:Text tracking_url:Text shipmethoddescription:Text "
                "Expected_Ship_Date:DateTime Last_Update:DateTime Updated_By:Text"
            ),
            _lines,
        ),
        Report(
            "Product",
            _columns(
                "iv_product_RecID:Numeric IV_Item_RecID:Numeric Item_ID:Text Description:Text "
                "Quantity:Numeric Quantity_Cancelled:Numeric Quantity_Picked:Numeric "
                "Quantity_Shipped:Numeric invoice_flag:Boolean invoice_number:Text "
                "billing_log_recid:Numeric SO_Header_RecID:Numeric SR_Service_RecID:Numeric Last_Update:DateTime "
                "Updated_By:Text"
            ),
            _products,
        ),
        Report(
            "ProductDetail",
            _columns(
                "IV_Product_RecID:Numeric IV_Product_Detail_RecID:Numeric Quantity_Picked:Numeric "
                "Quantity_Shipped:Numeric Date_Picked:DateTime Date_Shipped:DateTime "
                "Serial_Number:Text Tracking_Number:Text Last_Update:DateTime Updated_By:Text"
            ),
            _details,
        ),
        Report(
            "PurchaseOrder",
            _columns(
                "Purchase_Header_RecID:Numeric PO_Number:Text Purchase_Date:DateTime "
                "Vendor_RecID:Numeric Vendor_Name:Text Vendor_Order_Nbr:Text "
                "Vendor_Invoice_Number:Text Warehouse:Text PO_Status:Text Closed_Flag:Boolean "
                "Freight_Cost:Numeric Tracking_Number:Text Last_Update:DateTime Updated_By:Text"
            ),
            _purchase_orders,
        ),
        Report(
            "SalesOrder",
            _columns(
                "SO_Header_RecID:Numeric Order_Number:Text Order_Date:DateTime "
                "Company_RecID:Numeric Company_Name:Text SO_Opportunity_RecID:Numeric "
                "Order_Status:Text Closed_Flag:Boolean PO_Number:Text Bill_Closed_Flag:Boolean "
                "Bill_Shipped_Flag:Boolean Last_Update:DateTime Updated_By:Text"
            ),
            _sales_orders,
        ),
    )
}
IDENTITY = {
    "PurchaseOrderWithLineItems": "Purchase_Detail_RecID",
    "Product": "iv_product_RecID",
    "ProductDetail": "IV_Product_Detail_RecID",
    "PurchaseOrder": "Purchase_Header_RecID",
    "SalesOrder": "SO_Header_RecID",
}
"""The column that tells one row of a report from another."""

TYPES = {"Numeric": "number", "Text": "text", "Boolean": "flag", "DateTime": "date"}


def demanded(node: Node) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The columns that every match must hold one of these values in."""
    for part in node.parts if isinstance(node, Both) else (node,):
        if isinstance(part, Comparison) and part.operator in {"=", "in"} and not part.negated:
            yield part.path.lower(), part.values


def run(
    report: Report, view: View, conditions: str | None, columns: Iterable[str], order: str | None
) -> tuple[list[str], list[Row]]:
    """The chosen columns and the matching rows. Raises `Refusal` 400."""
    names = {name.lower(): name for name in report.columns}

    def path_of(text: str) -> Path:
        name = names.get(text.lower())
        if name is None:
            raise malformed(f"the report has no column {text}")
        return Path(lambda view, row: row[name], TYPES.get(report.columns[name], ANY))

    chosen = [names.get(name.strip().lower()) for name in columns]
    if None in chosen:
        raise malformed("columns names a column that the report does not have")
    node = cached_parse(conditions) if conditions else None
    test = compile_node(node, path_of) if node is not None else None
    rows = [
        row
        for row in report.rows(view, dict(demanded(node)) if node is not None else {})
        if test is None or test(view, row)
    ]
    for part in reversed([part for part in (order or "").split(",") if part.strip()]):
        words = part.split()
        path = path_of(words[0])
        downward = len(words) > 1 and words[1].lower() == "desc"
        rows.sort(key=lambda row: sort_key(path.get(view, row)), reverse=downward)
    return [name for name in chosen if name] or list(report.columns), rows


def answer(report: Report, columns: list[str], rows: list[Row]) -> dict[str, Any]:
    """The vendor's shape: a definition for each column, and bare rows of values."""
    keys = {IDENTITY[report.name]}
    return {
        "column_definitions": [
            {
                name: {
                    "type": report.columns[name],
                    "isNullable": name not in keys,
                    "identityColumn": name in keys,
                }
            }
            for name in columns
        ],
        "row_values": [[row[name] for name in columns] for row in rows],
    }
