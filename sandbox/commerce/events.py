"""From rows to the documents of events, as somebody would post them who sees all of Commerce.

Owns which fields an event carries. Dates are in UTC; what the API does not carry (tickets, papers
of a receipt) comes from what a person said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.commerce.shop import Row, Shop

Json = dict[str, Any]


def _names(text: str) -> list[str]:
    return text.split()


SALES_ORDER = _names(
    "id orderNumber reference customerID quoteID status fulfillmentStatus entryType notes "
    "deliveryAmount deliveryTax paymentSurchargeAmount paymentSurchargeTax couponDiscount "
    "orderDate createdDate modifiedDate"
)
SALES_ORDER_LINE = _names(
    "id salesOrderID productID lineNumber cost price tax taxRate quantity title description "
    "isRecurring recurringType discountMethod discountValue serialNumbers modifiedDate"
)
PURCHASE_ORDER = _names(
    "id orderNumber reference supplierID warehouseID salesOrderID type status note dueDate "
    "orderDate receivedDate modifiedDate"
)
PURCHASE_ORDER_LINE = _names(
    "id purchaseOrderID productID lineNumber title description price tax taxRate landedCost "
    "quantity quantityReceived serialNumbers modifiedDate"
)
COST = _names("id description amount tax taxRate modifiedDate")
QUOTE = _names("id quoteNumber salesOrderId title status customerID expiryDate modifiedDate")
SECTION = _names("id quoteID type lineNumber isMultiChoice isSelected title")
QUOTE_LINE = _names(
    "id quoteSectionID lineNumber title productID productNumber price quantity isOptional "
    "isSelected isQuantityEditable isRecurring tax taxRate discountMethod discountValue "
    "modifiedDate"
)
CUSTOMER = _names("id accountNumber name taxNumber")
SUPPLIER = _names("id accountNumber name email")
PRODUCT = _names("id productNumber manufacturerPartNumber type title isSerialized isRecurring")


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def sales_order(shop: Shop, number: int) -> Json:
    """The whole sales order as it stands."""
    row = shop.get("salesorder", number)
    lines = shop.of("salesorderline", "salesOrderID", number)
    found = {
        **_shown(row, SALES_ORDER),
        "lines": [_shown(line, SALES_ORDER_LINE) for line in lines],
        "customer": _shown(shop.get("customer", row["customerID"]), CUSTOMER),
        "products": _products(shop, lines),
    }
    if row["contactEmail"]:
        found["contact"] = {"email": row["contactEmail"]}
    return _with_beyond(shop, "salesorder", number, {**found, **_owner(shop, row)})


def purchase_order(shop: Shop, number: int) -> Json:
    row = shop.get("purchaseorder", number)
    lines = shop.of("purchaseorderline", "purchaseOrderID", number)
    costs = shop.of("purchaseordercost", "purchaseOrderID", number)
    found = {
        **_shown(row, PURCHASE_ORDER),
        "lines": [_shown(line, PURCHASE_ORDER_LINE) for line in lines],
        "costs": [_shown(cost, COST) for cost in costs],
        "supplier": _shown(shop.get("supplier", row["supplierID"]), SUPPLIER),
        "products": _products(shop, lines),
    }
    return _with_beyond(shop, "purchaseorder", number, found)


def quote(shop: Shop, number: int) -> Json:
    row = shop.get("quote", number)
    sections, every = [], []
    for section in shop.of("quotesection", "quoteID", number):
        lines = shop.of("quoteline", "quoteSectionID", section["id"])
        every += lines
        shown = [_shown(line, QUOTE_LINE) for line in lines]
        sections.append({**_shown(section, SECTION), "lines": shown})
    found = {
        **_shown(row, QUOTE),
        "sections": sections,
        "customer": _shown(shop.get("customer", row["customerID"]), CUSTOMER),
        "products": _products(shop, every),
    }
    if row["contactEmail"]:
        found["contact"] = {"email": row["contactEmail"]}
    return _with_beyond(shop, "quote", number, {**found, **_owner(shop, row)})


def event(shop: Shop, type_: str, **data: Any) -> Json:
    return {"type": type_, "timestamp": utc(shop.now()), "data": data}


def _shown(row: Row, names: Sequence[str]) -> Json:
    found: Json = {}
    for name in names:
        value = row[name]
        if isinstance(value, datetime):
            value = utc(value)
        elif isinstance(value, tuple | list):
            value = [dict(one) for one in value]
        if value is not None:
            found[name] = value
    return found


def _products(shop: Shop, lines: Iterable[Row]) -> list[Json]:
    numbers = sorted({line["productID"] for line in lines if line["productID"]})
    known = shop.rows["product"]
    return [_shown(known[number], PRODUCT) for number in numbers if number in known]


def _owner(shop: Shop, row: Row) -> Json:
    owner = shop.rows["employee"].get(row["ownerEmployeeID"] or 0)
    return {"ownerEmail": owner["email"]} if owner else {}


def _with_beyond(shop: Shop, table: str, number: int, found: Json) -> Json:
    """With what only a person's side knows; `lines` of it by line id."""
    beyond = dict(shop.beyond.get((table, number), {}))
    lines: Mapping[int, Json] = beyond.pop("lines", {})
    if lines:
        found["lines"] = [{**line, **lines.get(line["id"], {})} for line in found["lines"]]
    return {**found, **beyond}
