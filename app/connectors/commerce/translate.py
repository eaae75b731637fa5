"""From the API's flat records to the documents of the events. Pure.

Owns which field of the wire stands where in a document (commerce.md 1.3 and the events' schema).
Dates become UTC: the API writes them without an offset, in a zone that is not documented. Nulls
are left out. What the API does not carry is absent: tickets, currency, totals, stock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from app.domain.documents import Kind

Json = dict[str, Any]
Record = Mapping[str, Any]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


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
PURCHASE_ORDER_COST = _names("id description amount tax taxRate modifiedDate")
QUOTE = _names("id quoteNumber salesOrderId title status customerID expiryDate modifiedDate")
QUOTE_SECTION = _names("id quoteID type lineNumber isMultiChoice isSelected title")
QUOTE_LINE = _names(
    "id quoteSectionID lineNumber title productID productNumber price quantity isOptional "
    "isSelected isQuantityEditable isRecurring tax taxRate discountMethod discountValue "
    "modifiedDate"
)
CUSTOMER = _names("id accountNumber name taxNumber")
SUPPLIER = _names("id accountNumber name email")
PRODUCT = _names("id productNumber manufacturerPartNumber type title isSerialized isRecurring")
_HEADERS = {
    Kind.SALES_ORDER: SALES_ORDER,
    Kind.PURCHASE_ORDER: PURCHASE_ORDER,
    Kind.QUOTE: (*QUOTE, "createdDate"),
}
ADDRESS = {
    "company": "deliveryCompany",
    "contact": "deliveryContact",
    "phone": "deliveryPhone",
    "address": "deliveryAddress",
    "city": "deliveryCity",
    "state": "deliveryState",
    "postalCode": "deliveryPostalCode",
    "country": "deliveryCountry",
    "instruction": "deliveryInstruction",
}
SALES_ORDER_CONTACT = {
    "firstName": "contactFirstName",
    "lastName": "contactLastName",
    "email": "contactEmail",
}
# A quote has one text for the whole name, which cannot be taken apart.
QUOTE_CONTACT = {"email": "contactEmail"}


def sales_order(
    header: Record,
    lines: Iterable[Record],
    *,
    customer: Record | None,
    products: Iterable[Record],
    owner: Record | None,
    zone: tzinfo,
) -> Json:
    """The whole sales order. A party that is absent is left out, and missed at the door."""
    return {
        **_picked(header, SALES_ORDER, zone),
        "lines": _listed(lines, SALES_ORDER_LINE, zone),
        "products": _listed(products, PRODUCT, zone),
        **_party("customer", customer, CUSTOMER, zone),
        **_renamed("contact", header, SALES_ORDER_CONTACT),
        **_renamed("delivery", header, ADDRESS),
        **_owner(owner),
    }


def purchase_order(
    header: Record,
    lines: Iterable[Record],
    costs: Iterable[Record],
    *,
    supplier: Record | None,
    products: Iterable[Record],
    zone: tzinfo,
) -> Json:
    """The whole purchase order. Its lines name no sales order lines: the API has no such field."""
    return {
        **_picked(header, PURCHASE_ORDER, zone),
        "lines": _listed(lines, PURCHASE_ORDER_LINE, zone),
        "costs": _listed(costs, PURCHASE_ORDER_COST, zone),
        "products": _listed(products, PRODUCT, zone),
        **_party("supplier", supplier, SUPPLIER, zone),
        **_renamed("delivery", header, ADDRESS),
    }


def quote(
    header: Record,
    sections: Sequence[tuple[Record, Iterable[Record]]],
    *,
    customer: Record | None,
    products: Iterable[Record],
    owner: Record | None,
    zone: tzinfo,
) -> Json:
    """The quote with its options as they were chosen."""
    return {
        **_picked(header, QUOTE, zone),
        "sections": [
            {**_picked(section, QUOTE_SECTION, zone), "lines": _listed(lines, QUOTE_LINE, zone)}
            for section, lines in _in_order(sections)
        ],
        "products": _listed(products, PRODUCT, zone),
        **_party("customer", customer, CUSTOMER, zone),
        **_renamed("contact", header, QUOTE_CONTACT),
        **_owner(owner),
    }


def header(kind: Kind, record: Record, zone: tzinfo) -> Json:
    """A document as its list shows it, without parts and parties."""
    return _picked(record, _HEADERS[kind], zone)


def products_of(lines: Iterable[Record]) -> list[int]:
    """Ids of the products that lines name, each once. Lines of a quote may be free text."""
    named = (line.get("productID") for line in lines)
    return sorted({one for one in named if isinstance(one, int) and one > 0})


def moment(text: str, zone: tzinfo) -> str:
    """A date of the wire in UTC. One that cannot be read stays, and is refused at the door."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return text
    aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=zone)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def after(when: datetime, zone: tzinfo) -> str:
    """A date as `modifiedAfter` takes it: without an offset, in the API's own zone."""
    return when.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def _picked(record: Record, names: Sequence[str], zone: tzinfo) -> Json:
    found: Json = {}
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if name == "serialNumbers":
            value = [{k: v for k, v in serial.items() if v is not None} for serial in value]
        elif name.endswith("Date") and isinstance(value, str):
            value = moment(value, zone)
        found[name] = value
    return found


def _listed(records: Iterable[Record], names: Sequence[str], zone: tzinfo) -> list[Json]:
    """In the order of their numbers: pages may come in any, and must give one hash."""
    found = [_picked(record, names, zone) for record in records]
    return sorted(found, key=lambda one: (one.get("lineNumber", 0), one.get("id", 0)))


def _in_order(
    sections: Sequence[tuple[Record, Iterable[Record]]],
) -> list[tuple[Record, Iterable[Record]]]:
    return sorted(sections, key=lambda one: (one[0].get("lineNumber") or 0, one[0].get("id") or 0))


def _party(name: str, record: Record | None, names: Sequence[str], zone: tzinfo) -> Json:
    return {} if record is None else {name: _picked(record, names, zone)}


def _renamed(name: str, header: Record, fields: Mapping[str, str]) -> Json:
    found = {ours: header[theirs] for ours, theirs in fields.items() if header.get(theirs)}
    return {name: found} if found else {}


def _owner(owner: Record | None) -> Json:
    email = owner.get("email") if owner is not None else None
    return {"ownerEmail": email} if email else {}
