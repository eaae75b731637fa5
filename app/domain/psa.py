"""ConnectWise records in the service's own terms.

Owns what steps read and write, without wire names. Quantities and money are Decimal, ids integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Setup(StrEnum):
    """Kinds of ConnectWise's own set-up records, chosen by name or by flag."""

    OPPORTUNITY_STATUS = "opportunity_status"
    OPPORTUNITY_TYPE = "opportunity_type"
    SALES_ORDER_STATUS = "sales_order_status"
    PURCHASE_ORDER_STATUS = "purchase_order_status"
    BILLING_TERMS = "billing_terms"
    UNIT_OF_MEASURE = "unit_of_measure"
    PRODUCT_TYPE = "product_type"
    PRODUCT_SUBCATEGORY = "product_subcategory"
    WAREHOUSE = "warehouse"
    WAREHOUSE_BIN = "warehouse_bin"
    LOCATION = "location"
    DEPARTMENT = "department"
    INVOICE_STATUS = "invoice_status"
    BOARD = "board"


@dataclass(frozen=True, slots=True)
class SetupRecord:
    """A set-up record. `parent` is the warehouse of a bin, else None."""

    id: int
    name: str
    default: bool = False
    closed: bool = False
    default_closed: bool = False
    won: bool = False
    lost: bool = False
    inactive: bool = False
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What ConnectWise says about itself; an answer proves that the credentials hold."""

    version: str
    cloud: bool


@dataclass(frozen=True, slots=True)
class Company:
    id: int
    identifier: str
    name: str
    default_contact_id: int | None = None
    currency: str = ""  # its code, empty where ConnectWise keeps one currency and tells none


@dataclass(frozen=True, slots=True)
class Contact:
    id: int
    emails: tuple[str, ...]
    default: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    id: int
    identifier: str
    emails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opportunity:
    id: int
    name: str
    company_id: int
    status_id: int
    notes: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """An opportunity's forecast item; `included` is its Include tick."""

    id: int
    catalog_item_id: int | None
    quantity: Decimal
    included: bool


@dataclass(frozen=True, slots=True)
class Product:
    """A product standing on an opportunity, a sales order or a ticket (IV_Product)."""

    id: int
    catalog_item_id: int
    sku: str
    quantity: Decimal
    price: Decimal
    cost: Decimal
    xref: str | None
    product_class: str | None = None
    cancelled: Decimal = Decimal(0)
    opportunity_id: int | None = None
    sales_order_id: int | None = None
    ticket_id: int | None = None
    invoice_id: int | None = None
    invoice_number: str = ""  # what people call it; empty where ConnectWise does not say
    forecast_id: int | None = None
    open_demand: Decimal | None = None  # needToOrderQuantity, None where ConnectWise does not say
    approved: bool | None = None  # poApprovedFlag


@dataclass(frozen=True, slots=True)
class CatalogItem:
    id: int
    identifier: str
    product_class: str | None = None
    serialized: bool = False
    unit_of_measure_id: int | None = None
    part_number: str = ""  # the manufacturer's
    manufacturer: str = ""
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class SalesOrder:
    id: int
    company_id: int
    opportunity_id: int | None
    status_id: int
    bill_shipped: bool | None
    invoice_ids: tuple[int, ...] = ()
    product_ids: tuple[int, ...] = ()
    notes: str = ""
    bill_closed: bool | None = None


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    id: int
    number: str
    vendor_id: int | None
    status_id: int | None
    closed: bool
    notes: str = ""
    supplier_invoice: str = ""
    supplier_invoice_date: str = ""  # as ConnectWise writes it


@dataclass(frozen=True, slots=True)
class PurchaseOrderLine:
    """A line as it stands. `sales_order_ids` is the read-back of the demand link."""

    id: int
    line_number: int
    catalog_item_id: int
    sku: str
    quantity: Decimal
    received: Decimal
    received_status: str | None
    closed: bool
    cancelled: bool
    sales_order_ids: tuple[int, ...] = ()
    # Lines name no tickets: the steps set this from the report, for lines of the order's products.
    ticket_id: int | None = None
    serialized: bool = False
    batched: bool = False  # taken over by accounting: nothing of it may be changed
    packing_slip: str = ""
    unit_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DemandLink:
    """A row of the report PurchaseOrderWithLineItems that names a demand product."""

    purchase_order_id: int
    line_id: int
    product_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ShippingDetail:
    id: int
    picked: Decimal
    shipped: Decimal


@dataclass(frozen=True, slots=True)
class Invoice:
    id: int
    number: str
    type: str
    sales_order_id: int | None = None
    ticket_id: int | None = None
    apply_to_type: str | None = None
    apply_to_id: int | None = None
    reference: str | None = None
    changed: str = ""  # when it changed last, as ConnectWise writes it
    tax_code_id: int | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    id: int
    url: str
    type: str
    level: str
    object_id: int
    inactive: bool


# What the service sends


@dataclass(frozen=True, slots=True)
class NewCatalogItem:
    """Lengths are cut by the caller: identifier 75 at most, description 60."""

    identifier: str
    description: str
    customer_description: str
    product_class: str  # Inventory, NonInventory, Service
    subcategory_id: int
    type_id: int
    unit_of_measure_id: int | None
    price: Decimal
    cost: Decimal
    serialized: bool
    manufacturer_part_number: str | None = None


@dataclass(frozen=True, slots=True)
class NewOpportunity:
    name: str  # 100 at most
    company_id: int
    contact_id: int
    sales_rep_id: int
    notes: str
    type_id: int | None = None
    expected_close: datetime | None = None
    location_id: int | None = None
    business_unit_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product for exactly one parent: opportunity, sales order or ticket."""

    catalog_item_id: int
    quantity: Decimal
    price: Decimal
    cost: Decimal
    xref: str
    description: str
    opportunity_id: int | None = None
    sales_order_id: int | None = None
    ticket_id: int | None = None


@dataclass(frozen=True, slots=True)
class ProductChange:
    """Only what is not None is changed."""

    xref: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    cost: Decimal | None = None
    quantity_cancelled: Decimal | None = None
    ticket_id: int | None = None  # moves it to that ticket (E7)
    need_to_purchase: bool | None = None  # False: no demand is raised for it (A10)

    @property
    def empty(self) -> bool:
        return self == ProductChange()


@dataclass(frozen=True, slots=True)
class NewSalesOrder:
    company_id: int
    status_id: int
    sales_rep_id: int
    po_number: str | None
    notes: str
    contact_id: int | None = None
    location_id: int | None = None
    business_unit_id: int | None = None


@dataclass(frozen=True, slots=True)
class SalesOrderChange:
    status_id: int | None = None
    bill_shipped: bool | None = None
    po_number: str | None = None
    bill_closed: bool | None = None

    @property
    def empty(self) -> bool:
        return self == SalesOrderChange()


@dataclass(frozen=True, slots=True)
class Demand:
    """Part of a product's open demand that a purchase order shall cover."""

    product_id: int
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class NewPurchaseOrder:
    vendor_id: int
    warehouse_id: int | None
    status_id: int
    terms_id: int
    notes: str
    number: str | None = None
    location_id: int | None = None
    business_unit_id: int | None = None
    drop_ship_company_id: int | None = None  # the customer to whom the supplier delivers


@dataclass(frozen=True, slots=True)
class PurchaseOrderChange:
    """Only what is not None is changed."""

    number: str | None = None
    notes: str | None = None
    status_id: int | None = None
    drop_ship_company_id: int | None = None
    vendor_invoice_number: str | None = None
    vendor_invoice_date: datetime | None = None
    tracking_number: str | None = None
    freight: Decimal | None = None

    @property
    def empty(self) -> bool:
        return self == PurchaseOrderChange()


@dataclass(frozen=True, slots=True)
class NewPurchaseOrderLine:
    catalog_item_id: int
    description: str
    line_number: int
    quantity: Decimal
    unit_cost: Decimal
    unit_of_measure_id: int
    warehouse_id: int | None = None
    vendor_sku: str | None = None


@dataclass(frozen=True, slots=True)
class PurchaseOrderLineChange:
    """Only what is not None is changed. `cancelled` is the reason: the line is cancelled."""

    quantity: Decimal | None = None
    unit_cost: Decimal | None = None
    cancelled: str | None = None
    packing_slip: str | None = None
    tracking_number: str | None = None
    serial_numbers: tuple[str, ...] | None = None

    @property
    def empty(self) -> bool:
        return self == PurchaseOrderLineChange()


@dataclass(frozen=True, slots=True)
class Receiving:
    """Receive one purchase order line. `status`: FullyReceived, PartiallyReceiveCloneRest or
    PartiallyReceiveCancelRest. `quantity` is the line's received quantity afterwards."""

    quantity: Decimal
    status: str
    received_at: datetime | None = None
    packing_slip: str | None = None
    serial_numbers: tuple[str, ...] = ()
    tracking_number: str | None = None


@dataclass(frozen=True, slots=True)
class Shipping:
    quantity: Decimal
    warehouse_id: int
    bin_id: int
    tracking_number: str | None = None
    serial_numbers: tuple[str, ...] = field(default=())
