"""The service's own terms into ConnectWise's request bodies.

Pure: domain records in, JSON values out (Decimals stay Decimals). Owns which field says what;
raises checks.Refused for what ConnectWise would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.connectors.connectwise.translate import checks, patches
from app.connectors.connectwise.translate.patches import Replace
from app.domain import psa

OWNER = "owner"


def _reference(record_id: int) -> dict[str, int]:
    return {"id": record_id}


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what is not given."""
    return {name: value for name, value in body.items() if value is not None}


def _optional_reference(record_id: int | None) -> dict[str, int] | None:
    return None if record_id is None else _reference(record_id)


def _optional_text(field: str, value: str | None, longest: int) -> str | None:
    return None if value is None else checks.text(field, value, longest)


# Creating


def new_catalog_item(new: psa.NewCatalogItem) -> dict[str, Any]:
    return _given(
        {
            "identifier": checks.required("identifier", new.identifier, 75),
            "description": checks.required("description", new.description, 60),
            "customerDescription": checks.required(
                "customerDescription", new.customer_description, 6000
            ),
            "productClass": new.product_class,
            "subcategory": _reference(new.subcategory_id),
            "type": _reference(new.type_id),
            "unitOfMeasure": _optional_reference(new.unit_of_measure_id),
            "price": checks.number("price", new.price),
            "cost": checks.number("cost", new.cost),
            "serializedFlag": new.serialized,
            "manufacturerPartNumber": _optional_text(
                "manufacturerPartNumber", new.manufacturer_part_number, 50
            ),
        }
    )


def new_opportunity(new: psa.NewOpportunity) -> dict[str, Any]:
    closing = new.expected_close
    return _given(
        {
            "name": checks.required("name", new.name, 100),
            "company": _reference(new.company_id),
            "contact": _reference(new.contact_id),
            "primarySalesRep": _reference(new.sales_rep_id),
            "notes": checks.text("notes", new.notes),
            "type": _optional_reference(new.type_id),
            "expectedCloseDate": None if closing is None else checks.moment(closing),
            "locationId": new.location_id,
            "businessUnitId": new.business_unit_id,
        }
    )


def new_product(new: psa.NewProduct) -> dict[str, Any]:
    parents = {
        "opportunity": _optional_reference(new.opportunity_id),
        "salesOrder": _optional_reference(new.sales_order_id),
        "ticket": _optional_reference(new.ticket_id),
    }
    if sum(parent is not None for parent in parents.values()) != 1:
        raise checks.Refused("a product stands on exactly one opportunity, sales order or ticket.")
    return _given(
        {
            "catalogItem": _reference(new.catalog_item_id),
            # The description is the item's own title; the customer's text may be longer.
            "description": checks.text("description", new.description, 2000),
            "customerDescription": checks.text("customerDescription", new.description, 6000),
            "quantity": checks.number("quantity", new.quantity),
            "price": checks.number("price", new.price),
            "cost": checks.number("cost", new.cost),
            "billableOption": "Billable",
            "integrationXRef": checks.required("integrationXRef", new.xref),
            **parents,
        }
    )


def new_sales_order(new: psa.NewSalesOrder) -> dict[str, Any]:
    return _given(
        {
            "company": _reference(new.company_id),
            "status": _reference(new.status_id),
            "salesRep": _reference(new.sales_rep_id),
            "contact": _optional_reference(new.contact_id),
            "poNumber": _optional_text("poNumber", new.po_number, 50),
            "notes": checks.text("notes", new.notes),
            "location": _optional_reference(new.location_id),
            "department": _optional_reference(new.business_unit_id),
        }
    )


def conversion(product_ids: Sequence[int]) -> dict[str, Any]:
    """Only the named products go along, with all notes and documents (B1.6)."""
    if not product_ids:
        raise checks.Refused("a sales order needs at least one product of the opportunity.")
    return {
        "includeAllProductsFlag": False,
        "includeProductIds": list(product_ids),
        "includeAllNotesFlag": True,
        "includeAllDocumentsFlag": True,
    }


def purchasing_demand(
    vendor_id: int,
    warehouse_id: int,
    demand: Sequence[psa.Demand],
    purchase_order: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`purchase_order` is the whole record to extend, as ConnectWise gave it (D-4): the schema
    asks for its required fields. What is only computed or empty is left out of it."""
    if not demand:
        raise checks.Refused("a purchase order made from demand needs at least one product.")
    body: dict[str, Any] = {
        "vendor": _reference(vendor_id),
        "warehouse": _reference(warehouse_id),
        "products": [
            {
                "productRecId": part.product_id,
                "quantity": checks.whole("quantity", part.quantity, least=1),
                "cost": checks.number("cost", part.cost),
            }
            for part in demand
        ],
    }
    if purchase_order is not None:
        body["purchaseOrder"] = {
            name: value
            for name, value in purchase_order.items()
            if name != "_info" and value is not None
        }
    return body


def new_purchase_order(new: psa.NewPurchaseOrder) -> dict[str, Any]:
    return _given(
        {
            "vendorCompany": _reference(new.vendor_id),
            "status": _reference(new.status_id),
            "terms": _reference(new.terms_id),
            "warehouse": _optional_reference(new.warehouse_id),
            "internalNotes": checks.text("internalNotes", new.notes),
            "poNumber": _optional_text("poNumber", new.number, 50),
            "locationId": new.location_id,
            "businessUnitId": new.business_unit_id,
            "dropShipCustomerFlag": True if new.drop_ship_company_id is not None else None,
            "customerCompany": _optional_reference(new.drop_ship_company_id),
        }
    )


def new_purchase_order_line(new: psa.NewPurchaseOrderLine) -> dict[str, Any]:
    return _given(
        {
            "description": checks.required("description", new.description, 6000),
            "lineNumber": new.line_number,
            "product": _reference(new.catalog_item_id),
            "quantity": checks.positive("quantity", new.quantity),
            "unitCost": checks.number("unitCost", new.unit_cost),
            "unitOfMeasure": _reference(new.unit_of_measure_id),
            "warehouse": _optional_reference(new.warehouse_id),
            "vendorSku": _optional_text("vendorSku", new.vendor_sku, 50),
        }
    )


def new_shipping(shipping: psa.Shipping) -> dict[str, Any]:
    """What is shipped is picked as well."""
    quantity = checks.whole("quantity", shipping.quantity, least=1)
    return _given(
        {
            "pickedQuantity": quantity,
            "shippedQuantity": quantity,
            "warehouse": _reference(shipping.warehouse_id),
            "warehouseBin": _reference(shipping.bin_id),
            "trackingNumber": shipping.tracking_number,
            "serialNumber": serials(shipping.serial_numbers),
        }
    )


def new_invoice(
    applied_to: int,
    company_id: int,
    reference: str,
    status_id: int | None = None,
    *,
    ticket: bool = False,
) -> dict[str, Any]:
    """Of a sales order, or of a ticket. Without a status ConnectWise gives its own default."""
    new = {
        "type": "Standard",
        "company": _reference(company_id),
        "applyToType": "Ticket" if ticket else "SalesOrder",
        "applyToId": applied_to,
        "reference": checks.required("reference", reference, 50),
    }
    return new if status_id is None else new | {"status": _reference(status_id)}


def new_callback(
    url: str, type_: str, description: str, *, suppress_own: bool = True
) -> dict[str, Any]:
    """One registration for all records of a type: level owner, whose object is always 1.

    `suppress_own` spares the echo of what the service's own member writes (connectwise.md 2.1).
    """
    return {
        "url": checks.required("url", url),
        "objectId": 1,
        "type": type_,
        "level": OWNER,
        "description": checks.text("description", description, 100),
        "inactiveFlag": False,
        "isSelfSuppressedFlag": suppress_own,
    }


def serials(numbers: Sequence[str]) -> str | None:
    """All serial numbers in one text. The separator is not documented; a comma is the usual one."""
    cleaned = [checks.required("serialNumbers", number).strip() for number in numbers]
    if any("," in number for number in cleaned):
        raise checks.Refused("a serial number may not hold a comma.")
    return ",".join(cleaned) or None


# Changing


def forecast_change(*, included: bool) -> list[Replace]:
    return [Replace("includeFlag", included, patches.same_flag)]


def opportunity_status(status_id: int, closed_at: datetime | None) -> list[Replace]:
    changes = [Replace("status", _reference(status_id), patches.same_reference)]
    if closed_at is not None:
        changes.append(Replace("closedDate", checks.moment(closed_at), patches.same_date))
    return changes


def sales_order_change(change: psa.SalesOrderChange) -> list[Replace]:
    changes: list[Replace] = []
    if change.status_id is not None:
        changes.append(Replace("status", _reference(change.status_id), patches.same_reference))
    if change.bill_shipped is not None:
        changes.append(Replace("billShippedFlag", change.bill_shipped, patches.same_flag))
    if change.bill_closed is not None:
        changes.append(Replace("billClosedFlag", change.bill_closed, patches.same_flag))
    if change.po_number is not None:
        changes.append(
            Replace("poNumber", checks.text("poNumber", change.po_number, 50), patches.same_text)
        )
    return changes


def purchase_order_change(change: psa.PurchaseOrderChange) -> list[Replace]:
    changes: list[Replace] = []
    for path, text, longest in (
        ("poNumber", change.number, 50),
        ("internalNotes", change.notes, None),
        ("vendorInvoiceNumber", change.vendor_invoice_number, 50),
        ("trackingNumber", change.tracking_number, 50),
    ):
        if text is not None:
            changes.append(Replace(path, checks.text(path, text, longest), patches.same_text))
    if change.vendor_invoice_date is not None:
        moment = checks.moment(change.vendor_invoice_date)
        changes.append(Replace("vendorInvoiceDate", moment, patches.same_date))
    if change.freight is not None:
        amount = checks.number("freightCost", change.freight)
        changes.append(Replace("freightCost", amount, patches.same_amount))
    if change.drop_ship_company_id is not None:
        changes.append(Replace("dropShipCustomerFlag", True, patches.same_flag))
        customer = _reference(change.drop_ship_company_id)
        changes.append(Replace("customerCompany", customer, patches.same_reference))
    if change.status_id is not None:
        # Last: a closed order may take nothing more.
        changes.append(Replace("status", _reference(change.status_id), patches.same_reference))
    return changes


def purchase_order_line_change(change: psa.PurchaseOrderLineChange) -> list[Replace]:
    changes: list[Replace] = []
    if change.quantity is not None:
        quantity = checks.positive("quantity", change.quantity)
        changes.append(Replace("quantity", quantity, patches.same_quantity))
    if change.unit_cost is not None:
        cost = checks.number("unitCost", change.unit_cost)
        changes.append(Replace("unitCost", cost, patches.same_amount))
    if change.cancelled is not None:
        reason = checks.text("canceledReason", change.cancelled, 100)
        changes.append(Replace("canceledReason", reason, patches.same_text))
        changes.append(Replace("canceledFlag", True, patches.same_flag))
    return changes + _papers(change.packing_slip, change.tracking_number, change.serial_numbers)


def _papers(
    packing_slip: str | None, tracking_number: str | None, serial_numbers: Sequence[str] | None
) -> list[Replace]:
    changes: list[Replace] = []
    if packing_slip is not None:
        slip = checks.text("packingSlip", packing_slip, 50)
        changes.append(Replace("packingSlip", slip, patches.same_text))
    if tracking_number is not None:
        tracking = checks.text("trackingNumber", tracking_number, 50)
        changes.append(Replace("trackingNumber", tracking, patches.same_text))
    numbers = serials(serial_numbers or ())
    if numbers is not None:
        changes.append(Replace("serialNumbers", numbers, patches.same_serials))
    return changes


def receiving(received: psa.Receiving) -> list[Replace]:
    """Receive a line up to a quantity (connectwise.md 3.7)."""
    quantity = checks.whole("receivedQuantity", received.quantity)
    # The papers come before the quantity: a closed line may take nothing more.
    changes = _papers(received.packing_slip, received.tracking_number, received.serial_numbers)
    if received.received_at is not None:
        moment = checks.moment(received.received_at)
        changes.append(Replace("dateReceived", moment, patches.same_date))
    changes.append(Replace("receivedQuantity", quantity, patches.same_quantity))
    changes.append(Replace("receivedStatus", received.status, patches.no_longer_waiting))
    return changes


def shipping_change(shipped: psa.Shipping) -> list[Replace]:
    """Ship up to a quantity from one picking row. What is picked stays as it is: lowering it would
    put picked goods back on the shelf, and raising it is a new row (`new_shipping`)."""
    quantity = checks.whole("shippedQuantity", shipped.quantity, least=1)
    changes = [Replace("shippedQuantity", quantity, patches.same_quantity)]
    if shipped.tracking_number is not None:
        changes.append(
            Replace(
                "trackingNumber",
                checks.text("trackingNumber", shipped.tracking_number),
                patches.same_text,
            )
        )
    numbers = serials(shipped.serial_numbers)
    if numbers is not None:
        changes.append(Replace("serialNumber", numbers, patches.same_serials))
    return changes


def callback_change(url: str) -> list[Replace]:
    return [
        Replace("url", checks.required("url", url), patches.same_text),
        Replace("inactiveFlag", False, patches.same_flag),
    ]
