"""ConnectWise's records as they arrive, as far as the service reads them.

Owns names and types of the wire (`connectwise.openapi.json`). Lenient: unknown fields are ignored
and nearly everything may be absent, because the vendor adds fields within a version and leaves
nulls out; only a record's own id must be there. Must not know the domain.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel


def _listed(value: Any) -> Any:
    """Lists may be null, or a single object where the vendor is inconsistent."""
    if value is None:
        return []
    return [value] if isinstance(value, dict) else value


def _text(value: Any) -> Any:
    return "" if value is None else value


Id = Annotated[int, Field(gt=0)]
Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(lambda value: False if value is None else value)]
Number = Annotated[Decimal, BeforeValidator(lambda value: 0 if value is None else value)]


class Wire(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", frozen=True, coerce_numbers_to_str=True
    )


class Reference(Wire):
    """A reference to another record. Its id is null where ConnectWise knows only a name."""

    id: int | None = None
    identifier: Text = ""
    name: Text = ""
    serialized_flag: Flag = False


References = Annotated[list[Reference], BeforeValidator(_listed)]


class Record(Wire):
    id: Id


class Info(Wire):
    """What ConnectWise tells of every record."""

    last_updated: Text = ""


class SystemInfo(Wire):
    version: Text = ""
    is_cloud: Flag = False


class SetupEntry(Record):
    """Any set-up list's record: each kind has some of these flags."""

    name: Text = Field("", validation_alias=AliasChoices("name", "description"))
    default_flag: Flag = False
    overall_default_flag: Flag = False
    closed_flag: Flag = False
    default_closed_flag: Flag = False
    won_flag: Flag = False
    lost_flag: Flag = False
    inactive_flag: Flag = False
    project_flag: Flag = False
    warehouse: Reference | None = None


class Currency(Wire):
    currency_code: Text = ""


class Company(Record):
    identifier: Text = ""
    name: Text = ""
    default_contact: Reference | None = None
    billing_contact: Reference | None = None
    account_number: Text = ""
    tax_code: Reference | None = None
    currency: Currency | None = None
    deleted_flag: Flag = False


class CommunicationItem(Wire):
    type: Reference | None = None
    value: Text = ""
    communication_type: Text = ""


class Contact(Record):
    default_flag: Flag = False
    inactive_flag: Flag = False
    communication_items: Annotated[list[CommunicationItem], BeforeValidator(_listed)] = []


class Member(Record):
    identifier: Text = ""
    office_email: Text = ""
    mobile_email: Text = ""
    home_email: Text = ""
    primary_email: Text = ""
    inactive_flag: Flag = False
    license_class: Text = ""
    default_location: Reference | None = None
    default_department: Reference | None = None


class Opportunity(Record):
    name: Text = ""
    company: Reference | None = None
    status: Reference | None = None
    notes: Text = ""
    closed_date: Text = ""


class ForecastItem(Record):
    catalog_item: Reference | None = None
    quantity: Number = Decimal(0)
    include_flag: Flag = False


class Forecast(Wire):
    forecast_items: Annotated[list[ForecastItem], BeforeValidator(_listed)] = []


class Product(Record):
    catalog_item: Reference | None = None
    quantity: Number = Decimal(0)
    quantity_cancelled: Number = Decimal(0)
    price: Number = Decimal(0)
    cost: Number = Decimal(0)
    integration_xref: Text = Field("", alias="integrationXRef")
    product_class: str | None = None
    opportunity: Reference | None = None
    sales_order: Reference | None = None
    ticket: Reference | None = None
    invoice: Reference | None = None
    forecast_detail_id: int | None = None
    po_approved_flag: bool | None = None
    need_to_order_quantity: Decimal | None = None


class CatalogItem(Record):
    identifier: Text = ""
    product_class: str | None = None
    serialized_flag: Flag = False
    unit_of_measure: Reference | None = None
    manufacturer: Reference | None = None
    manufacturer_part_number: Text = ""
    inactive_flag: Flag = False


class SalesOrder(Record):
    company: Reference | None = None
    opportunity: Reference | None = None
    status: Reference | None = None
    bill_shipped_flag: bool | None = None
    bill_closed_flag: bool | None = None
    invoice_ids: Annotated[list[int], BeforeValidator(_listed)] = []
    product_ids: Annotated[list[int], BeforeValidator(_listed)] = []
    notes: Text = ""


class PurchaseOrder(Record):
    po_number: Text = ""
    vendor_company: Reference | None = None
    status: Reference | None = None
    closed_flag: Flag = False
    internal_notes: Text = ""
    vendor_invoice_number: Text = ""
    vendor_invoice_date: Text = ""


class PurchaseOrderLine(Record):
    line_number: int | None = None
    product: Reference | None = None
    quantity: Number = Decimal(0)
    received_quantity: Number = Decimal(0)
    received_status: str | None = None
    closed_flag: Flag = False
    canceled_flag: Flag = False
    batched_flag: Flag = False
    packing_slip: Text = ""
    unit_cost: Number | None = None
    sales_order: References = []


class DemandAnswer(Wire):
    purchase_order: Reference | None = None


class ShippingDetail(Record):
    picked_quantity: Number = Decimal(0)
    shipped_quantity: Number = Decimal(0)


class Invoice(Record):
    invoice_number: Text = ""
    type: Text = ""
    sales_order: Reference | None = None
    ticket: Reference | None = None
    apply_to_type: str | None = None
    apply_to_id: int | None = None
    reference: str | None = None
    tax_code: Reference | None = None
    info: Info | None = Field(None, alias="_info")


class GlEntry(Wire):
    type: Text = ""
    description: Text = ""
    product_id: Text = ""


class BoardStatus(Record):
    """A status of a service board: other names than any other set-up list has."""

    name: Text = ""
    default_flag: Flag = False
    closed_status: Flag = False
    inactive: Flag = False
    sort_order: int | None = None


class Ticket(Record):
    summary: Text = ""
    company: Reference | None = None
    board: Reference | None = None
    status: Reference | None = None
    closed_flag: Flag = False
    external_xref: Text = Field("", alias="externalXRef")
    merged_parent_ticket: Reference | None = None


class TicketNote(Record):
    text: Text = ""


class Callback(Record):
    url: Text = ""
    type: Text = ""
    level: Text = ""
    object_id: int | None = None
    inactive_flag: Flag = False
    member_id: int | None = None


class ProcurementSetting(Wire):
    starting_purchase_order_num: int = 0
    purchase_order_prefix: Text = ""
    purchase_order_suffix: Text = ""
    prefix_suffix_type: Text = ""
    disable_auto_pick_flag: Flag = False
    auto_close_purchase_order_flag: Flag = False
    auto_close_purchase_order_item_flag: Flag = False
    auto_approve_purchase_order_flag: Flag = False
    disable_negative_inventory_flag: Flag = False
    disable_cost_updates_flag: Flag = False
    tax_purchase_order_flag: Flag = False


class Report(Wire):
    """Columns come as one object each, whose only key is the column's name."""

    column_definitions: list[dict[str, Any]] = Field([], alias="column_definitions")
    row_values: list[list[Any]] = Field([], alias="row_values")


class DemandRow(Wire):
    """A row of PurchaseOrderWithLineItems, its columns in lower case."""

    purchase_order_id: Id = Field(alias="purchase_header_recid")
    line_id: int | None = Field(alias="purchase_detail_recid")
    product_id: int | None = Field(alias="iv_product_recid")
    quantity: Number = Field(alias="quantity")
