"""The story of one order as Commerce events, for the OpenAPI document and for trying things out.

Owns examples only. They name the records that the simulators start with, so that each of them can
be posted to a service that was started with `make up`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

CUSTOMER = {"id": 77, "accountNumber": "CONTOSO", "name": "Contoso Ltd", "taxNumber": None}
CONTACT = {
    "firstName": "Dana",
    "lastName": "Lee",
    "email": "dana.lee@contoso.example",
    "phone": None,
}
PEOPLE: dict[str, Any] = {
    "customer": CUSTOMER,
    "contact": CONTACT,
    "ownerEmail": "sales@msp.example",
    "connectwise": {
        "ticketId": None,
        "ticketChoice": "none",
        "opportunityId": 88,
        "companyIdentifier": "Contoso",
    },
}


def _product(id_: int, number: str, title: str, part: str, type_: int = 0) -> dict[str, Any]:
    return {
        "id": id_,
        "productNumber": number,
        "manufacturerPartNumber": part,
        "type": type_,
        "title": title,
        "brand": "Dell" if part else None,
        "isSerialized": type_ == 0,
        "isRecurring": False,
    }


MONITOR = _product(301, "DELL-P2425H", 'Dell P2425H 24" monitor', "P2425H")
DOCK = _product(302, "DELL-WD22TB4", "Dell WD22TB4 Thunderbolt dock", "WD22TB4")
INSTALLATION = _product(303, "INSTALL-HALFDAY", "Installation, half day", "", 2)
PRODUCTS = [MONITOR, DOCK, INSTALLATION]
# Product, price, cost, quantity; a tenth of the price is tax.
SOLD: list[tuple[dict[str, Any], float, float, int]] = [
    (MONITOR, 239.0, 180.0, 10),
    (DOCK, 319.0, 240.0, 3),
    (INSTALLATION, 450.0, 0.0, 1),
]
SUPPLIERS = {
    8891: {"id": 9, "accountNumber": "INGRAM", "name": "Ingram Micro"},
    8892: {"id": 10, "accountNumber": "SYNNEX", "name": "TD Synnex"},
}


def _event(type_: str, at: str, **data: Any) -> dict[str, Any]:
    return {"type": type_, "timestamp": at, "data": data}


def _sales_order(at: str, status: int) -> dict[str, Any]:
    lines = [
        {
            "id": number,
            "salesOrderID": 1201,
            "productID": product["id"],
            "lineNumber": number,
            "cost": cost,
            "price": price,
            "tax": round(price / 10, 2),
            "taxRate": 0.1,
            "quantity": quantity,
            "title": product["title"],
            "isRecurring": False,
            "lineTax": round(price * quantity / 10, 2),
        }
        for number, (product, price, cost, quantity) in enumerate(SOLD, start=1)
    ]
    return {
        "id": 1201,
        "orderNumber": "ON10001201",
        "reference": "7781-A",
        "customerID": CUSTOMER["id"],
        "quoteID": 501,
        "status": status,
        "fulfillmentStatus": 0,
        "entryType": 1,
        "deliveryAmount": 25.0,
        "deliveryTax": 2.5,
        "currency": "USD",
        "orderDate": "2026-11-19T10:02:00Z",
        "modifiedDate": at,
        "lines": lines,
        "products": PRODUCTS,
        "total": 4204.2,
        **PEOPLE,
    }


def _quote(at: str) -> dict[str, Any]:
    def line(id_: int, product: dict[str, Any], price: float, quantity: int) -> dict[str, Any]:
        return {
            "id": id_,
            "lineNumber": id_ % 10,
            "title": product["title"],
            "productID": product["id"],
            "productNumber": product["productNumber"],
            "price": price,
            "quantity": quantity,
            "isOptional": product is DOCK,
            "isSelected": True,
        }

    monitor, dock, installation = SOLD
    hardware = [line(11, MONITOR, monitor[1], 10), line(12, DOCK, dock[1], 3)]
    services = [line(21, INSTALLATION, installation[1], 1)]
    return {
        "id": 501,
        "quoteNumber": "QO10000501",
        "salesOrderId": 1201,
        "title": "Desk refresh",
        "status": 3,
        "customerID": CUSTOMER["id"],
        "modifiedDate": at,
        "sections": [
            {"id": 1, "isMultiChoice": False, "isSelected": True, "lines": hardware},
            {"id": 2, "isMultiChoice": False, "isSelected": True, "lines": services},
        ],
        "products": PRODUCTS,
        **PEOPLE,
    }


def _purchase_order(
    at: str, received: int = 0, *, id_: int = 8891, status: int = 1
) -> dict[str, Any]:
    product, _, cost, quantity = SOLD[0] if id_ == 8891 else SOLD[1]
    line = {
        "id": 1,
        "purchaseOrderID": id_,
        "productID": product["id"],
        "lineNumber": 1,
        "title": product["title"],
        "price": cost,
        "tax": 0,
        "quantity": quantity,
        "quantityReceived": received,
        "salesOrderLineID": None,
    }
    return {
        "id": id_,
        "orderNumber": f"PO1000{id_}",
        "reference": "ON10001201",
        "supplierID": SUPPLIERS[id_]["id"],
        "salesOrderID": 1201,
        "type": 0,
        "status": status,
        "currency": "USD",
        "orderDate": "2026-11-19T10:05:00Z",
        "modifiedDate": at,
        "lines": [line],
        "costs": [],
        "supplier": SUPPLIERS[id_],
        "products": [product],
    }


def _receipt(number: int, at: str, first: int, last: int) -> dict[str, Any]:
    line = {
        "purchaseOrderLineID": 1,
        "quantity": last - first + 1,
        "serialNumbers": [f"SN{serial:03}" for serial in range(first, last + 1)],
    }
    return {
        "id": f"8891-{number}",
        "purchaseOrderID": 8891,
        "receivedDate": at,
        "packingSlip": f"IM-5512{number}",
        "supplierInvoiceNumber": f"IM-INV-992{number}",
        "lines": [line],
    }


def _sales_invoice(at: str) -> dict[str, Any]:
    lines = [
        {"id": 1, "productID": 301, "kind": "product", "title": MONITOR["title"]},
        {"id": 2, "productID": None, "kind": "freight", "title": "Delivery"},
    ]
    amounts = [{"quantity": 10, "price": 239.0, "tax": 23.9}, {"quantity": 1, "price": 25.0}]
    return {
        "id": 3301,
        "invoiceNumber": "IN10003301",
        "salesOrderID": 1201,
        "customerID": CUSTOMER["id"],
        "issueDate": at,
        "currency": "USD",
        "modifiedDate": at,
        "customer": CUSTOMER,
        "lines": [{**line, **amount} for line, amount in zip(lines, amounts, strict=True)],
    }


@cache
def examples() -> Mapping[str, Any]:
    """Events by type, with a remark where a type comes twice. Callers must not change them."""
    won, approved, ordered = "2026-11-19T10:00:00Z", "2026-11-19T10:02:05Z", "2026-11-19T10:05:00Z"
    part, rest, gone = "2026-11-20T14:11:00Z", "2026-11-23T09:30:00Z", "2026-11-19T13:00:00Z"
    received = "purchase_order.receipted"
    cancelled = _purchase_order(gone, id_=8892, status=90)
    return {
        "quote.won": _event("quote.won", won, quote=_quote(won)),
        "sales_order.approved": _event(
            "sales_order.approved", approved, salesOrder=_sales_order(approved, 2)
        ),
        "purchase_order.approved": _event(
            "purchase_order.approved", ordered, purchaseOrder=_purchase_order(ordered)
        ),
        f"{received} (part)": _event(
            received,
            part,
            receipt=_receipt(1, part, 1, 4),
            purchaseOrder=_purchase_order(part, 4),
        ),
        f"{received} (rest)": _event(
            received,
            rest,
            receipt=_receipt(2, rest, 5, 10),
            purchaseOrder=_purchase_order(rest, 10, status=2),
        ),
        "purchase_order.cancelled": _event(
            "purchase_order.cancelled", gone, purchaseOrder=cancelled
        ),
        "sales_order.cancelled": _event(
            "sales_order.cancelled", gone, salesOrder=_sales_order(gone, 90)
        ),
        "sales_invoice.issued": _event(
            "sales_invoice.issued", approved, salesInvoice=_sales_invoice(approved)
        ),
    }
