"""The Commerce events' contract, restated: every document with its fields, and the events.

Owns names, types and what is required, in one line of text a field; `schema()` makes the JSON
Schema (2020-12) of it that the door checks with and `/openapi.json` publishes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

# "name!" is required, "type?" may be null, "[Type]" is a list, "[Type]+" one that is not empty.
DOCUMENTS: dict[str, str] = {
    "Customer": ("id!: integer; accountNumber: text; name!: text; taxNumber: text?"),
    "Product": (
        "id!: integer; productNumber!: text; manufacturerPartNumber: text; type!: integer; "
        "title!: text; brand: text?; category: text?; isSerialized: boolean; isRecurring: boolean"
    ),
    "Serial": ("serialNumber!: text; status: text?; warehouseID: integer?"),
    "SalesOrderLine": (
        "id!: integer; salesOrderID: integer; productID!: integer; lineNumber!: integer; cost: "
        "number; price!: number; tax: number; taxRate: number?; quantity!: integer from 0; "
        "title!: text; description: text?; isRecurring: boolean; recurringType: integer?; "
        "discountMethod: integer?; discountValue: number?; serialNumbers: [Serial]; lineTax: "
        "number?; quantityFromStock: integer?; modifiedDate: moment?"
    ),
    "ConnectWiseHints": (
        "ticketId: integer?; ticketChoice: one of existing|new|none; opportunityId: integer?; "
        "companyIdentifier: text?"
    ),
    "SalesOrder": (
        "id!: integer; orderNumber!: text; reference: text?; customerID!: integer; quoteID: "
        "integer?; status!: integer; fulfillmentStatus: integer; entryType: integer; notes: "
        "text?; deliveryAmount: number; deliveryTax: number; paymentSurchargeAmount: number; "
        "paymentSurchargeTax: number; couponDiscount: number; currency: text?; orderDate!: "
        "moment; createdDate: moment; modifiedDate!: moment; lines!: [SalesOrderLine]; customer!: "
        "Customer; products!: [Product]; connectwise: ConnectWiseHints; contact: Contact; "
        "ownerEmail: text?; total: number?; delivery: Address"
    ),
    "QuoteLine": (
        "id!: integer; quoteSectionID: integer; lineNumber!: integer; title!: text; productID: "
        "integer?; productNumber: text?; price!: number; quantity!: number; isOptional!: boolean; "
        "isSelected!: boolean; isQuantityEditable: boolean; isRecurring: boolean; tax: number?; "
        "taxRate: number?; discountMethod: integer?; discountValue: number?; modifiedDate: "
        "moment?"
    ),
    "QuoteSection": (
        "id!: integer; quoteID: integer; type: integer; lineNumber: integer; isMultiChoice!: "
        "boolean; isSelected!: boolean; title: text?; lines!: [QuoteLine]"
    ),
    "Quote": (
        "id!: integer; quoteNumber!: text; salesOrderId: integer?; title: text; status!: integer; "
        "customerID!: integer; expiryDate: moment?; modifiedDate!: moment; sections!: "
        "[QuoteSection]; customer!: Customer; products: [Product]; connectwise: ConnectWiseHints; "
        "contact: Contact; ownerEmail: text?; currency: text?"
    ),
    "Supplier": ("id!: integer; accountNumber: text?; name!: text; email: text?"),
    "PurchaseOrderLine": (
        "id!: integer; purchaseOrderID: integer; productID!: integer; lineNumber!: integer; "
        "title!: text; description: text?; price!: number; tax: number; taxRate: number?; "
        "landedCost: number; quantity!: integer from 0; quantityReceived!: integer from 0; "
        "salesOrderLineID: integer?; supplierSku: text?; serialNumbers: [Serial]; modifiedDate: "
        "moment?; lineTax: number?"
    ),
    "PurchaseOrderCost": (
        "id!: integer; description!: text; amount!: number; tax: number; taxRate: number?"
    ),
    "PurchaseOrder": (
        "id!: integer; orderNumber!: text; reference: text?; supplierID!: integer; warehouseID: "
        "integer?; salesOrderID: integer?; type!: integer; status!: integer; note: text?; "
        "dueDate: moment?; currency: text?; orderDate!: moment; receivedDate: moment?; "
        "modifiedDate!: moment; lines!: [PurchaseOrderLine]; costs: [PurchaseOrderCost]; "
        "supplier!: Supplier; products: [Product]; delivery: Address; total: number?"
    ),
    "ReceiptLine": (
        "purchaseOrderLineID!: integer; quantity!: integer from 1; serialNumbers: [text]"
    ),
    "Receipt": (
        "id!: text; purchaseOrderID!: integer; receivedDate!: moment; packingSlip: text?; "
        "supplierInvoiceNumber: text?; supplierInvoiceDate: moment?; dueDate: moment?; "
        "trackingNumber: text?; freight: number?; lines!: [ReceiptLine]+; modifiedDate: moment?"
    ),
    "SalesInvoiceLine": (
        "id!: integer; productID: integer?; kind!: one of "
        "product|service|freight|surcharge|discount; title!: text; quantity!: number; price!: "
        "number; tax: number; taxRate: number?"
    ),
    "SalesInvoice": (
        "id!: integer; invoiceNumber!: text; salesOrderID!: integer; customerID!: integer; "
        "issueDate!: moment; dueDate: moment?; currency: text?; modifiedDate!: moment; lines!: "
        "[SalesInvoiceLine]+; customer!: Customer"
    ),
    "Contact": ("firstName: text?; lastName: text?; email: text?; phone: text?"),
    "Address": (
        "company: text?; contact: text?; phone: text?; address: text?; city: text?; state: text?; "
        "postalCode: text?; country: text?; instruction: text?"
    ),
}

# What each group of events carries. A document is always whole, never a difference.
EVENTS: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    (("quote.won", "quote.declined"), {"quote": "Quote"}),
    (
        ("sales_order.approved", "sales_order.updated", "sales_order.cancelled"),
        {"salesOrder": "SalesOrder"},
    ),
    (
        ("purchase_order.approved", "purchase_order.updated", "purchase_order.cancelled"),
        {"purchaseOrder": "PurchaseOrder"},
    ),
    (
        ("purchase_order.receipted", "purchase_order.invoiced"),
        {"receipt": "Receipt", "purchaseOrder": "PurchaseOrder"},
    ),
    (("sales_invoice.issued",), {"salesInvoice": "SalesInvoice"}),
)

ENVELOPE = "type!: text; timestamp!: moment; id: text; schemaVersion: integer"


def _type(text: str) -> dict[str, Any]:
    """The schema of one field's type, as the tables above write it."""
    if text.startswith("one of "):
        return {"enum": text.removeprefix("one of ").split("|")}
    text, _, least = text.partition(" from ")
    nullable = text.endswith("?")
    text = text.rstrip("?")
    node: dict[str, Any]
    if text.startswith("["):
        node = {"type": "array", "items": _type(text.strip("[]+"))}
        if text.endswith("+"):
            node["minItems"] = 1
    elif text[0].isupper():
        return {"$ref": f"#/$defs/{text}"}
    elif text == "moment":
        node = {"type": "string", "format": "date-time"}
    else:
        node = {"type": "string" if text == "text" else text}
    if least:
        node["minimum"] = int(least)
    if nullable:
        node["type"] = [node["type"], "null"]
    return node


def _object(fields: str) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in fields.split("; "):
        name, _, type_ = field.partition(": ")
        if name.endswith("!"):
            name = name[:-1]
            required.append(name)
        properties[name] = _type(type_)
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": True,
    }


def _event(types: tuple[str, ...], parts: dict[str, str]) -> dict[str, Any]:
    event = _object(ENVELOPE)
    event["properties"]["type"] = {"enum": list(types)}
    data = {name: {"$ref": f"#/$defs/{document}"} for name, document in parts.items()}
    event["properties"]["data"] = {
        "type": "object",
        "properties": data,
        "required": list(data),
        "additionalProperties": True,
    }
    event["required"].append("data")
    return event


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a delivery's body. Callers must not change it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Commerce events",
        "description": (
            "Whole documents: events may come late, twice and in any order, the newest version "
            "of a document counts, received quantities are sums. Other types are kept unhandled."
        ),
        "oneOf": [_event(types, parts) for types, parts in EVENTS],
        "$defs": {name: _object(fields) for name, fields in DOCUMENTS.items()},
    }
