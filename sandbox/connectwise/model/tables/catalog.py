"""What hangs on a catalog item: its short form, a bundle's components, least stock."""

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
