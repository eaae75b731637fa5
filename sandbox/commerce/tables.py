"""Every resource of the API as a table: fields with types, filters, and what a list can do.

Owns facts of the vendor's document, restated. `i` integer, `n` number, `b` yes or no, `t` text,
`d` date, `s` serial numbers; `?` may be null.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ADDRESS = "{0}Company:t? {0}Contact:t? {0}Address:t? {0}City:t? {0}State:t? {0}PostalCode:t? {0}Country:t?"
DELIVERY = ADDRESS.format("delivery") + " deliveryInstruction:t?"
MADE = "createdDate:d modifiedDate:d"
MADE_OTHERWISE = "createDate:d modifiedDate:d"  # five resources name it so
DISCOUNT = "discountMethod:i? discountValue:n?"
RECURRING = "isRecurring:b recurringType:i? recurringDuration:i?"


@dataclass(frozen=True)
class Table:
    """A resource. `filters`: query parameters with the field that each compares."""

    name: str
    fields: dict[str, str]
    filters: dict[str, str] = field(default_factory=dict)
    paged: bool = True
    delta: bool = True  # takes modifiedAfter
    by_id: bool = True
    parent: tuple[str, str] | None = None  # field and table of what it is part of


def _table(name: str, fields: str, *filters: str, parent: str = "", **more: bool) -> Table:
    pairs = dict(part.split(":") for part in fields.split())
    field_name, _, whole = parent.partition(":")
    owner = (field_name, whole) if parent else None
    return Table(name, pairs, {one: one for one in filters}, parent=owner, **more)


_ALL = (
    _table("brand", f"id:i name:t imageFilename:t? {MADE_OTHERWISE}"),
    _table(
        "category",
        f"id:i parentID:i? name:t type:i displayOrder:i html:t? {MADE}",
        paged=False,
        delta=False,
    ),
    _table(
        "contact",
        "id:i customerID:i email:t? firstName:t? lastName:t? phone:t? mobile:t? autoSendInvoice:b "
        f"inviteDate:d? lastLoginDate:d? {MADE}",
        "customerID",
    ),
    _table(
        "customer",
        "id:i accountNumber:t name:t ownerEmployeeID:i? taxNumber:t? billingAddress:t? "
        "billingCity:t? billingState:t? billingCountry:t? billingPostalCode:t? priceGroup:i "
        f"hasCreditLimit:b {MADE_OTHERWISE}",
    ),
    _table(
        "customeraddress",
        "id:i customerID:i contactName:t? address:t? city:t? state:t? country:t? postalCode:t? "
        f"deliveryInstruction:t? {MADE_OTHERWISE}",
        "customerID",
    ),
    _table(
        "employee",
        f"id:i firstName:t lastName:t email:t isActive:b visibility:i lastLoginDate:d? {MADE}",
        delta=False,
    ),
    _table(
        "product",
        "id:i productNumber:t manufacturerPartNumber:t type:i title:t brandID:i weight:n "
        "categoryID:i? price:n retailPrice:n isHidden:b isActive:b isRecommended:b isSerialized:b "
        f"isRecurring:b recurringType:i? url:t {MADE}",
        "manufacturerPartNumber",
    ),
    # Without an id: `productID` is only what it is filtered by.
    _table("productimage", "productNumber:t url:t", "productID", delta=False, by_id=False),
    _table(
        "productsupplier",
        f"id:i productID:i supplierID:i quantity:i cost:n productNumber:t {MADE}",
        "productID",
    ),
    _table(
        "purchaseorder",
        "id:i orderNumber:t reference:t? supplierID:i warehouseID:i? salesOrderID:i? type:i "
        f"status:i note:t? dueDate:d? {ADDRESS.format('billing')} {DELIVERY} orderDate:d "
        f"receivedDate:d? {MADE}",
        "orderNumber",
    ),
    _table(
        "purchaseordercost",
        f"id:i purchaseOrderID:i description:t amount:n tax:n taxRate:n {MADE}",
        "purchaseOrderID",
        parent="purchaseOrderID:purchaseorder",
    ),
    _table(
        "purchaseorderline",
        "id:i purchaseOrderID:i productID:i title:t description:t? price:n tax:n taxRate:n? "
        f"landedCost:n quantity:i quantityReceived:i lineNumber:i serialNumbers:s {MADE}",
        "purchaseOrderID",
        parent="purchaseOrderID:purchaseorder",
    ),
    _table(
        "quote",
        "id:i salesOrderId:i? code:t quoteNumber:t title:t status:i privateNote:t? "
        "ownerEmployeeID:i? customerID:i contactName:t? contactEmail:t? deliveryType:i "
        f"{DELIVERY} deliveryPhone:t? deliveryAmount:n deliveryTax:n deliveryTaxRate:n "
        f"autotaskQuoteID:i? autotaskOpportunityID:i? autotaskOrganizationID:i? expiryDate:d {MADE}",
        "quoteNumber",
    ),
    _table(
        "quoteline",
        "id:i quoteSectionID:i lineNumber:i title:t description:t? productID:i? productNumber:t "
        "price:n taxRate:n tax:n quantity:i isOptional:b isSelected:b isQuantityEditable:b "
        f"{RECURRING} {DISCOUNT} {MADE}",
        "quoteSectionID",
        delta=False,
        parent="quoteSectionID:quotesection",
    ),
    _table(
        "quotesection",
        "id:i quoteID:i type:i lineNumber:i isMultiChoice:b isSelected:b title:t?",
        "quoteID",
        delta=False,
        parent="quoteID:quote",
    ),
    _table(
        "salesorder",
        "id:i orderNumber:t reference:t? ownerEmployeeID:i? customerID:i contactFirstName:t? "
        "contactLastName:t? contactEmail:t? quoteID:i? status:i fulfillmentStatus:i entryType:i "
        f"notes:t? {DELIVERY} deliveryPhone:t? deliveryAmount:n deliveryTaxRate:n deliveryTax:n "
        "paymentSurchargeAmount:n paymentSurchargeTaxRate:n paymentSurchargeTax:n couponDiscount:n "
        f"ipAddress:t? ipAddressCountry:t? orderDate:d {MADE}",
        "orderNumber",
    ),
    _table(
        "salesorderline",
        "id:i salesOrderID:i productID:i lineNumber:i cost:n price:n tax:n taxRate:n? quantity:i "
        f"title:t description:t? unitWeight:n {RECURRING} {DISCOUNT} serialNumbers:s {MADE}",
        "salesOrderID",
        parent="salesOrderID:salesorder",
    ),
    _table(
        "salesorderpayment",
        f"id:i salesOrderID:i type:i amount:n transactionID:t? {MADE}",
        "salesOrderID",
        parent="salesOrderID:salesorder",
    ),
    _table(
        "supplier",
        f"id:i accountNumber:t? name:t isOnline:b onlineETA:d? email:t? note:t? {MADE_OTHERWISE}",
    ),
    _table(
        "warehouse",
        "id:i name:t email:t? address:t? city:t? state:t? postalCode:t? country:t? "
        f"{MADE_OTHERWISE}",
    ),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
EMPTY = {"i": 0, "n": 0, "b": False, "t": "", "s": ()}
STAMPS = ("createdDate", "createDate", "modifiedDate")
