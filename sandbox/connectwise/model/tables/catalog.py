"""What hangs on a catalog item: its short form, a bundle's components, least stock,
other vendors, and the adjustments of what is on hand."""

from sandbox.connectwise.model.resources import resource
from sandbox.connectwise.model.tables.procurement import CLASSES

HIDDEN_FLAGS = """
    hidePriceFlag:b hideItemIdentifierFlag:b hideDescriptionFlag:b hideQuantityFlag:b
    hideExtendedPriceFlag:b
"""

resource(
    "catalogInfo",
    "/procurement/catalog/info",
    f"""
    identifier:s description:s inactiveFlag:b productClass:e({CLASSES}) serializedCostFlag:b
    price:n cost:n taxableFlag:b dropShipFlag:b specialOrderFlag:b customerDescription:s
    manufacturerPartNumber:s vendorSku:s billableOption:e(Billable|DoNotBill|NoCharge|NoDefault)
    """,
    name="catalogItemInfo",
    stored_in="catalog",
    methods=frozenset(),
)

resource(
    "catalogComponent",
    "/procurement/catalog/#/components",
    f"""
    sequenceNumber:i quantity*:n catalogItem*:r(CatalogItem) {HIDDEN_FLAGS}
    parentCatalogItem-:r(CatalogItem) price:n cost:n
    """,
    first_id=9501,
    parent="parentCatalogItem",
    parent_table="catalog",
    indexed="catalogItem",
)

resource(
    "component",
    "/procurement/products/#/components",
    f"""
    sequenceNumber!:i quantity*:n catalogItem*:r(CatalogItem) {HIDDEN_FLAGS}
    vendor~^:r(Company) parentProductItem-:r(ProductItem) productItem-:r(ProductItem)
    price~^:n cost~^:n
    """,
    name="productComponent",
    first_id=45001,
    parent="parentProductItem",
    parent_table="product",
    created=200,
    answers_lists=True,
    indexed="productItem",
)

resource(
    "minimumStock",
    "/procurement/catalog/#/minimumStockByWarehouse",
    "warehouse*:r(Warehouse) minimumStock*:i",
    name="minimumStockByWarehouse",
    first_id=9901,
    parent="catalogItem",
    parent_table="catalog",
)

resource(
    "catalogVendor",
    "/procurement/catalog/#/vendors",
    "catalogItemId-:k(catalog) vendorId*:k(company) vendorSku:s50 isPreferredVendor:b vendorName~:s",
    name="catalogVendors",
    first_id=9801,
    methods=frozenset({"DELETE"}),
    parent="catalogItemId",
    parent_table="catalog",
    defaults={"isPreferredVendor": False},
)

resource(
    "adjustment",
    "/procurement/adjustments",
    """
    identifier*:s50 type*:x(identifier) reason:s100 notes:s closedFlag:b closedBy-:s
    closedDate-:d adjustmentDetails~^:lo
    """,
    name="procurementAdjustment",
    first_id=5601,
    indexed="identifier",
    defaults={"closedFlag": False},
)
