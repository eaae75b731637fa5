"""What a reference to another record shows: its table and the fields beside the id.

Owns the vendor's reference shapes for the kinds that this simulator keeps.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """`shown` maps the reference's field to the target's; `keys` may stand in for the id."""

    name: str
    table: str
    shown: tuple[tuple[str, str], ...]
    keys: tuple[str, ...] = ()
    href: str = ""


def _shape(name: str, table: str, shown: str, keys: str = "") -> Shape:
    """`shown` is `out` or `out=field`, separated by blanks; `keys` are fields unique enough."""
    pairs = tuple(
        (part.partition("=")[0], part.partition("=")[2] or part) for part in shown.split()
    )
    return Shape(name, table, pairs, tuple(keys.split()), name[0].lower() + name[1:] + "_href")


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        _shape("Company", "company", "identifier name", "identifier name"),
        _shape("CompanyStatus", "companyStatus", "name", "name"),
        _shape("Contact", "contact", "name=fullName", ""),
        _shape("Site", "site", "name", "name"),
        _shape("Member", "member", "identifier name=fullName", "identifier"),
        _shape("SystemLocation", "location", "name", "name"),
        _shape("OwnerLevel", "location", "name", "name"),
        _shape("SystemDepartment", "department", "identifier name", "identifier name"),
        _shape("BillingUnit", "department", "name", "name"),
        _shape("OpportunityType", "opportunityType", "name=description", "description"),
        _shape("OpportunityStage", "stage", "name", "name"),
        _shape("OpportunityStatus", "opportunityStatus", "name", "name"),
        _shape("OpportunityProbability", "probability", "name=label", ""),
        _shape("Opportunity", "opportunity", "name", ""),
        _shape("OrderStatus", "orderStatus", "name", "name"),
        _shape("SalesOrder", "order", "identifier=label", ""),
        _shape("CatalogItem", "catalog", "identifier name=description", "identifier"),
        _shape("IvItem", "catalog", "identifier serializedFlag", "identifier"),
        _shape("ProductItem", "product", "name=description", ""),
        _shape("ProductCategory", "category", "name", "name"),
        _shape("ProductSubCategory", "subcategory", "name", "name"),
        _shape("ProductType", "productType", "name", "name"),
        _shape("Manufacturer", "manufacturer", "name", "name"),
        _shape("UnitOfMeasure", "unitOfMeasure", "name", "name"),
        _shape("Warehouse", "warehouse", "name lockedFlag", "name"),
        _shape("WarehouseBin", "bin", "name", "name"),
        _shape("ShipmentMethod", "shipmentMethod", "name", "name"),
        _shape("PurchaseOrderStatus", "purchaseOrderStatus", "name", "name"),
        _shape("PurchaseOrder", "purchaseOrder", "name=poNumber", ""),
        _shape("BillingTerms", "billingTerm", "name", "name"),
        _shape("BillingStatus", "billingStatus", "name isClosed=closedFlag", "name"),
        _shape("TaxCode", "taxCode", "name=identifier", "identifier"),
        _shape("Invoice", "invoice", "identifier=invoiceNumber billingType=type applyToType", ""),
        _shape("Board", "board", "name", "name"),
        _shape("ServiceStatus", "boardStatus", "name sort=sortOrder", "name"),
        _shape("Ticket", "ticket", "summary", ""),
        _shape("Project", "project", "name", ""),
        _shape("ProjectBoard", "board", "name", "name"),
        _shape("ProjectStatus", "projectStatus", "name", "name"),
        _shape("Agreement", "agreement", "name type=typeName chargeFirmFlag=chargeToFirm", ""),
        _shape("Batch", "accountingBatch", "name=batchIdentifier", ""),
        _shape("LineItem", "line", "identifier=description", ""),
    )
}
