"""Commerce documents as typed values: quote, sales order, purchase order, receipt, invoice.

Owns the meaning of the inbound fields (`commerce-events.schema.json`) and nothing about where a
document came from. Quantities are whole units, money is Decimal in the document's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)


class Kind(StrEnum):
    """Kinds of documents that are merged."""

    QUOTE = "quote"
    SALES_ORDER = "sales_order"
    PURCHASE_ORDER = "purchase_order"
    RECEIPT = "receipt"
    SALES_INVOICE = "sales_invoice"


class SalesOrderStatus(IntEnum):
    """Known values; the vendor may add others, so the fields stay integers."""

    DRAFT = 1
    APPROVED = 2
    PROCESSED = 3
    CANCELLED = 90


class PurchaseOrderStatus(IntEnum):
    DRAFT = 0
    APPROVED = 1
    RECEIVED = 2
    CANCELLED = 90


class QuoteStatus(IntEnum):
    WON = 3
    DECLINED = 90


class ProductType(IntEnum):
    PHYSICAL = 0
    NON_PHYSICAL = 1
    SERVICE = 2
    BUNDLE = 3


def _aware(value: datetime) -> datetime:
    # The vendor's zone is not documented; without an offset we read UTC.
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("text must not contain the character U+0000")
    return value


def _none_is_zero(value: Any) -> Any:
    return 0 if value is None else value


Moment = Annotated[datetime, AfterValidator(_aware)]
Stated = datetime  # as it was written, with its own offset or none: `days.day` reads it
Text = Annotated[str, AfterValidator(_no_nul)]
# What records are found by stands in keys and indexes, which cut what is longer than 300 characters,
# and a key that is cut is found no more. No honest number comes near it.
Number = Annotated[str, Field(max_length=200), AfterValidator(_no_nul)]
RecordId = Annotated[int, Field(ge=0, le=2**63 - 1)]
Quantity = Annotated[int, Field(ge=0, le=1_000_000_000)]
Money = Annotated[
    Decimal,
    BeforeValidator(_none_is_zero),
    Field(ge=-(10**12), le=10**12, allow_inf_nan=False),
]


class Document(BaseModel):
    """Base: immutable, unknown fields are allowed and not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Customer(Document):
    id: RecordId
    name: Text
    account_number: Text | None = Field(None, alias="accountNumber")


class Contact(Document):
    first_name: Text | None = Field(None, alias="firstName")
    last_name: Text | None = Field(None, alias="lastName")
    email: Text | None = None


def unnumbered(product_id: Any) -> str:
    """The product number of a product that Commerce gives none."""
    return f"COMMERCE-{product_id}"


class Product(Document):
    """Enough of a product to find or make its ConnectWise catalog item."""

    id: RecordId
    product_number: Number = Field(alias="productNumber")
    manufacturer_part_number: Text | None = Field(None, alias="manufacturerPartNumber")
    type: int
    title: Text
    brand: Text | None = None
    is_serialized: bool = Field(False, alias="isSerialized")
    is_recurring: bool = Field(False, alias="isRecurring")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, body: Any) -> Any:
        """One without a product number goes by its id: nothing else tells it from others."""
        number = body.get("productNumber") if isinstance(body, Mapping) else None
        if isinstance(number, str) and not number.strip():
            return {**body, "productNumber": unnumbered(body.get("id"))}
        return body

    @property
    def physical(self) -> bool:
        """Whether goods have to come before the line may be invoiced (D-15)."""
        return self.type in (ProductType.PHYSICAL, ProductType.BUNDLE)

    @classmethod
    def unlisted(cls, line: SalesOrderLine | PurchaseOrderLine) -> Product:
        """Stands for a line's product that Commerce did not list."""
        return cls(
            id=line.product_id,
            product_number=unnumbered(line.product_id),
            type=ProductType.PHYSICAL,
            title=line.title,
        )


class Hints(Document):
    """What the person chose in Commerce and the vendor's own API does not carry."""

    ticket_id: RecordId | None = Field(None, alias="ticketId")
    ticket_choice: Text | None = Field(None, alias="ticketChoice")
    opportunity_id: RecordId | None = Field(None, alias="opportunityId")
    company_identifier: Text | None = Field(None, alias="companyIdentifier")


class Line(Document):
    """A priced line. `price` is per unit, before tax and before discount (D-12)."""

    id: RecordId
    line_number: int = Field(alias="lineNumber")
    title: Text
    price: Money
    tax: Money = Decimal(0)
    tax_rate: Decimal | None = Field(None, alias="taxRate")
    line_tax: Decimal | None = Field(None, alias="lineTax")
    discount_method: int | None = Field(None, alias="discountMethod")
    discount_value: Decimal | None = Field(None, alias="discountValue")
    is_recurring: bool | None = Field(None, alias="isRecurring")
    modified_date: Moment | None = Field(None, alias="modifiedDate")


class SalesOrderLine(Line):
    recurring_type: int | None = Field(None, alias="recurringType")
    product_id: RecordId = Field(alias="productID")
    quantity: Quantity
    cost: Money = Decimal(0)
    quantity_from_stock: int | None = Field(None, alias="quantityFromStock")


class SalesOrder(Document):
    id: RecordId
    order_number: Number = Field(alias="orderNumber", min_length=1)
    reference: Text | None = None
    customer_id: RecordId = Field(alias="customerID")
    quote_id: RecordId | None = Field(None, alias="quoteID")
    status: int
    fulfillment_status: int = Field(0, alias="fulfillmentStatus")
    entry_type: int = Field(0, alias="entryType")
    delivery_amount: Money = Field(Decimal(0), alias="deliveryAmount")
    delivery_tax: Money = Field(Decimal(0), alias="deliveryTax")
    surcharge_amount: Money = Field(Decimal(0), alias="paymentSurchargeAmount")
    surcharge_tax: Money = Field(Decimal(0), alias="paymentSurchargeTax")
    coupon_discount: Money = Field(Decimal(0), alias="couponDiscount")
    currency: Text | None = None
    order_date: Moment = Field(alias="orderDate")
    modified_date: Moment = Field(alias="modifiedDate")
    lines: tuple[SalesOrderLine, ...]
    customer: Customer
    products: tuple[Product, ...]
    connectwise: Hints = Hints()
    contact: Contact | None = None
    owner_email: Text | None = Field(None, alias="ownerEmail")
    total: Decimal | None = None

    @property
    def cancelled(self) -> bool:
        return self.status == SalesOrderStatus.CANCELLED

    @property
    def draft(self) -> bool:
        return self.status == SalesOrderStatus.DRAFT

    def recurs(self, line: SalesOrderLine) -> bool:
        """H5: whether a line is billed again and again. Where it does not say so itself, its period
        does, or its product."""
        if line.is_recurring is not None:
            return line.is_recurring
        return line.recurring_type is not None or self.product(line).is_recurring

    def product(self, line: SalesOrderLine) -> Product:
        """The line's product; a line whose product is not listed stands for itself."""
        for product in self.products:
            if product.id == line.product_id:
                return product
        return Product.unlisted(line)


class QuoteLine(Line):
    product_id: RecordId | None = Field(None, alias="productID")
    product_number: Text | None = Field(None, alias="productNumber")
    quantity: Decimal
    is_optional: bool = Field(alias="isOptional")
    is_selected: bool = Field(alias="isSelected")


class QuoteSection(Document):
    id: RecordId
    is_multi_choice: bool = Field(alias="isMultiChoice")
    is_selected: bool = Field(alias="isSelected")
    lines: tuple[QuoteLine, ...]


class Quote(Document):
    id: RecordId
    quote_number: Number = Field(alias="quoteNumber")
    sales_order_id: RecordId | None = Field(
        None, validation_alias=AliasChoices("salesOrderId", "salesOrderID")
    )
    title: Text | None = None
    status: int
    customer_id: RecordId = Field(alias="customerID")
    modified_date: Moment = Field(alias="modifiedDate")
    sections: tuple[QuoteSection, ...]
    customer: Customer
    products: tuple[Product, ...] = ()
    connectwise: Hints = Hints()
    contact: Contact | None = None
    owner_email: Text | None = Field(None, alias="ownerEmail")

    @property
    def declined(self) -> bool:
        return self.status == QuoteStatus.DECLINED


class Supplier(Document):
    id: RecordId
    name: Text
    account_number: Text | None = Field(None, alias="accountNumber")


class PurchaseOrderLine(Line):
    product_id: RecordId = Field(alias="productID")
    quantity: Quantity
    quantity_received: Quantity = Field(alias="quantityReceived")
    sales_order_line_id: RecordId | None = Field(None, alias="salesOrderLineID")
    supplier_sku: Text | None = Field(None, alias="supplierSku")


class PurchaseOrderCost(Document):
    id: RecordId
    description: Text
    amount: Money
    tax: Money = Decimal(0)
    modified_date: Moment | None = Field(None, alias="modifiedDate")


class PurchaseOrder(Document):
    id: RecordId
    order_number: Number = Field(alias="orderNumber", min_length=1)
    supplier_id: RecordId = Field(alias="supplierID")
    sales_order_id: RecordId | None = Field(None, alias="salesOrderID")
    type: int
    status: int
    reference: Text | None = None
    note: Text | None = None
    currency: Text | None = None
    order_date: Moment = Field(alias="orderDate")
    ordered_on: Stated = Field(alias="orderDate")
    modified_date: Moment = Field(alias="modifiedDate")
    lines: tuple[PurchaseOrderLine, ...]
    costs: tuple[PurchaseOrderCost, ...] = ()
    supplier: Supplier
    products: tuple[Product, ...] = ()

    @property
    def cancelled(self) -> bool:
        return self.status == PurchaseOrderStatus.CANCELLED

    @property
    def draft(self) -> bool:
        return self.status == PurchaseOrderStatus.DRAFT

    @property
    def drop_ship(self) -> bool:
        return self.type == 1


class ReceiptLine(Document):
    purchase_order_line_id: RecordId = Field(alias="purchaseOrderLineID")
    quantity: Annotated[int, Field(ge=1, le=1_000_000_000)]
    serial_numbers: tuple[Text, ...] = Field((), alias="serialNumbers")
    # Ours, set when the event is merged: quantityReceived of the line in the same event's
    # purchase order. It makes a receipt a cumulative interval (from, to].
    to: int | None = None


class Receipt(Document):
    id: Number = Field(min_length=1)
    purchase_order_id: RecordId = Field(alias="purchaseOrderID")
    received_date: Moment = Field(alias="receivedDate")
    received_on: Stated = Field(alias="receivedDate")
    packing_slip: Text | None = Field(None, alias="packingSlip")
    supplier_invoice_number: Text | None = Field(None, alias="supplierInvoiceNumber")
    supplier_invoice_date: Moment | None = Field(None, alias="supplierInvoiceDate")
    invoiced_on: Stated | None = Field(None, alias="supplierInvoiceDate")
    due_on: Stated | None = Field(None, alias="dueDate")
    tracking_number: Text | None = Field(None, alias="trackingNumber")
    freight: Decimal | None = None
    lines: tuple[ReceiptLine, ...] = Field(min_length=1)
    modified_date: Moment | None = Field(None, alias="modifiedDate")
    # Ours: nobody told this receipt, the poll saw `quantityReceived` go up. It has no papers.
    polled: bool = False


class SalesInvoiceLine(Document):
    id: RecordId
    kind: Text
    title: Text
    quantity: Decimal
    price: Money
    tax: Money = Decimal(0)


class SalesInvoice(Document):
    id: RecordId
    invoice_number: Number = Field(alias="invoiceNumber")
    sales_order_id: RecordId = Field(alias="salesOrderID")
    customer_id: RecordId = Field(alias="customerID")
    issued_on: Stated = Field(alias="issueDate")
    due_on: Stated | None = Field(None, alias="dueDate")
    currency: Text | None = None
    modified_date: Moment = Field(alias="modifiedDate")
    lines: tuple[SalesInvoiceLine, ...] = Field(min_length=1)
    customer: Customer


MODELS: dict[Kind, type[Document]] = {
    Kind.QUOTE: Quote,
    Kind.SALES_ORDER: SalesOrder,
    Kind.PURCHASE_ORDER: PurchaseOrder,
    Kind.RECEIPT: Receipt,
    Kind.SALES_INVOICE: SalesInvoice,
}


def parse(kind: Kind, body: Mapping[str, Any]) -> Document:
    """The typed document. Raises pydantic.ValidationError naming each wrong field."""
    return MODELS[kind].model_validate(body)
