"""ConnectWise's records into the service's own terms.

Pure: parsed JSON in, domain records out. Raises pydantic.ValidationError when a record cannot be
read (its id is missing or a number is none), never anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.connectors.connectwise import schemas
from app.domain import psa


def _id(reference: schemas.Reference | None) -> int | None:
    """A reference's id; ConnectWise writes 0 as well as null for "none"."""
    return (reference.id or None) if reference is not None else None


def _known(reference: schemas.Reference | None) -> int:
    """The id of a reference that the contract promises; 0, which is no record's id, when it is
    missing: one odd record of somebody else must not make a whole list unreadable."""
    return _id(reference) or 0


def _emails(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values if "@" in value))


def system_info(raw: Any) -> psa.SystemInfo:
    read = schemas.SystemInfo.model_validate(raw)
    return psa.SystemInfo(version=read.version, cloud=read.is_cloud)


def setup_record(raw: Any) -> psa.SetupRecord | None:
    """None for an inactive record, and for a board of projects: it takes no service tickets."""
    read = schemas.SetupEntry.model_validate(raw)
    if read.inactive_flag or read.project_flag:
        return None
    return psa.SetupRecord(
        id=read.id,
        name=read.name,
        default=read.default_flag or read.overall_default_flag,
        closed=read.closed_flag,
        default_closed=read.default_closed_flag,
        won=read.won_flag,
        lost=read.lost_flag,
        parent=_id(read.warehouse),
    )


def company(raw: Any) -> psa.Company | None:
    """None for a deleted company."""
    read = schemas.Company.model_validate(raw)
    if read.deleted_flag:
        return None
    return psa.Company(
        id=read.id,
        identifier=read.identifier,
        name=read.name,
        default_contact_id=_id(read.default_contact),
        currency=read.currency.currency_code.strip().upper() if read.currency else "",
    )


def contact(raw: Any) -> psa.Contact | None:
    """None for an inactive contact."""
    read = schemas.Contact.model_validate(raw)
    if read.inactive_flag:
        return None
    values = (
        item.value
        for item in read.communication_items
        if item.communication_type in {"", "Email"}  # a phone number holds no @ anyway
    )
    return psa.Contact(id=read.id, emails=_emails(values), default=read.default_flag)


def member(raw: Any) -> psa.Member | None:
    """None for an inactive member."""
    read = schemas.Member.model_validate(raw)
    if read.inactive_flag:
        return None
    values = (read.primary_email, read.office_email, read.mobile_email, read.home_email)
    return psa.Member(id=read.id, identifier=read.identifier, emails=_emails(values))


def opportunity(raw: Any) -> psa.Opportunity:
    """`closed` says only that a closed date stands on it: whether its status is a closed one is
    said by the status's own flags (connectwise.md 3.1)."""
    read = schemas.Opportunity.model_validate(raw)
    return psa.Opportunity(
        id=read.id,
        name=read.name,
        company_id=_known(read.company),
        status_id=_known(read.status),
        notes=read.notes,
        closed=bool(read.closed_date),
    )


def forecast_lines(raw: Any) -> list[psa.ForecastLine]:
    """The lines of an answer to GET forecast: a list of forecasts by contract, one by habit."""
    forecasts = raw if isinstance(raw, list) else [raw]
    return [
        psa.ForecastLine(
            id=item.id,
            catalog_item_id=_id(item.catalog_item),
            quantity=item.quantity,
            included=item.include_flag,
        )
        for one in forecasts
        for item in schemas.Forecast.model_validate(one).forecast_items
    ]


def product(raw: Any) -> psa.Product:
    read = schemas.Product.model_validate(raw)
    return psa.Product(
        id=read.id,
        catalog_item_id=_known(read.catalog_item),
        sku=read.catalog_item.identifier if read.catalog_item is not None else "",
        quantity=read.quantity,
        price=read.price,
        cost=read.cost,
        xref=read.integration_xref or None,
        product_class=read.product_class,
        cancelled=read.quantity_cancelled,
        opportunity_id=_id(read.opportunity),
        sales_order_id=_id(read.sales_order),
        ticket_id=_id(read.ticket),
        invoice_id=_id(read.invoice),
        invoice_number=read.invoice.identifier if read.invoice is not None else "",
        forecast_id=read.forecast_detail_id or None,
        open_demand=read.need_to_order_quantity,
        approved=read.po_approved_flag,
    )


def catalog_item(raw: Any) -> psa.CatalogItem:
    read = schemas.CatalogItem.model_validate(raw)
    return psa.CatalogItem(
        id=read.id,
        identifier=read.identifier,
        product_class=read.product_class,
        serialized=read.serialized_flag,
        unit_of_measure_id=_id(read.unit_of_measure),
        part_number=read.manufacturer_part_number.strip(),
        manufacturer=read.manufacturer.name.strip() if read.manufacturer is not None else "",
        inactive=read.inactive_flag,
    )


def sales_order(raw: Any) -> psa.SalesOrder:
    read = schemas.SalesOrder.model_validate(raw)
    return psa.SalesOrder(
        id=read.id,
        company_id=_known(read.company),
        opportunity_id=_id(read.opportunity),
        status_id=_known(read.status),
        bill_shipped=read.bill_shipped_flag,
        invoice_ids=tuple(read.invoice_ids),
        product_ids=tuple(read.product_ids),
        notes=read.notes,
        bill_closed=read.bill_closed_flag,
    )


def purchase_order(raw: Any) -> psa.PurchaseOrder:
    read = schemas.PurchaseOrder.model_validate(raw)
    return psa.PurchaseOrder(
        id=read.id,
        number=read.po_number,
        vendor_id=_id(read.vendor_company),
        status_id=_id(read.status),
        closed=read.closed_flag,
        notes=read.internal_notes,
        supplier_invoice=read.vendor_invoice_number.strip(),
        supplier_invoice_date=read.vendor_invoice_date,
    )


def purchase_order_line(raw: Any) -> psa.PurchaseOrderLine:
    read = schemas.PurchaseOrderLine.model_validate(raw)
    return psa.PurchaseOrderLine(
        id=read.id,
        line_number=read.line_number or 0,
        catalog_item_id=_known(read.product),
        sku=read.product.identifier if read.product is not None else "",
        quantity=read.quantity,
        received=read.received_quantity,
        received_status=read.received_status,
        closed=read.closed_flag,
        cancelled=read.canceled_flag,
        sales_order_ids=tuple(one.id for one in read.sales_order if one.id),
        serialized=read.product.serialized_flag if read.product is not None else False,
        batched=read.batched_flag,
        packing_slip=read.packing_slip.strip(),
        unit_cost=read.unit_cost,
    )


def demanded_purchase_order(raw: Any) -> int | None:
    """The id of the purchase order in an answer to POST purchasingDemands, if it says one."""
    if not isinstance(raw, Mapping):
        return None
    return _id(schemas.DemandAnswer.model_validate(raw).purchase_order)


def demand_links(raw: Any) -> list[psa.DemandLink]:
    """Rows of the report PurchaseOrderWithLineItems that name a demand product.

    Columns are found by name, whatever their order and case. Raises pydantic.ValidationError for
    a report without its columns.
    """
    report = schemas.Report.model_validate(raw)
    names = [next(iter(one), "").lower() for one in report.column_definitions]
    links: list[psa.DemandLink] = []
    for values in report.row_values:
        row = schemas.DemandRow.model_validate(dict(zip(names, values, strict=False)))
        if row.product_id is None or row.line_id is None:
            continue
        links.append(
            psa.DemandLink(
                purchase_order_id=row.purchase_order_id,
                line_id=row.line_id,
                product_id=row.product_id,
                quantity=row.quantity,
            )
        )
    return links


def rows_of_report(raw: Any) -> int:
    return len(schemas.Report.model_validate(raw).row_values)


def shipping_detail(raw: Any) -> psa.ShippingDetail:
    read = schemas.ShippingDetail.model_validate(raw)
    return psa.ShippingDetail(
        id=read.id, picked=read.picked_quantity, shipped=read.shipped_quantity
    )


def invoice(raw: Any) -> psa.Invoice:
    read = schemas.Invoice.model_validate(raw)
    return psa.Invoice(
        id=read.id,
        number=read.invoice_number,
        type=read.type,
        sales_order_id=_id(read.sales_order),
        ticket_id=_id(read.ticket),
        apply_to_type=read.apply_to_type,
        apply_to_id=read.apply_to_id or None,
        reference=read.reference or None,
        changed=read.info.last_updated if read.info is not None else "",
        tax_code_id=_id(read.tax_code),
    )


def callback(raw: Any) -> psa.Callback:
    read = schemas.Callback.model_validate(raw)
    return psa.Callback(
        id=read.id,
        url=read.url,
        type=read.type.lower(),
        level=read.level.lower(),
        object_id=read.object_id or 0,
        inactive=read.inactive_flag,
    )


def record_id(raw: Any) -> int:
    return schemas.Record.model_validate(raw).id
