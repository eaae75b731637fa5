"""The catalog, products, and the set-up lists of procurement."""

from sandbox.connectwise.model.resources import CURRENCY, CUSTOM, READ, resource

CLASSES = "Agreement|Bundle|Inventory|NonInventory|Service"

resource(
    "catalog",
    "/procurement/catalog",
    f"""
    identifier*:s75 description*:s60 inactiveFlag:b subcategory*:r(ProductSubCategory)
    type*:r(ProductType) productClass:e({CLASSES})
    serializedFlag:b serializedCostFlag:b phaseProductFlag:b unitOfMeasure:r(UnitOfMeasure)
    minStockLevel:i price:n cost:n
    priceAttribute:e(FixedFee|NotToExceed|OverrideRate|TimeAndMaterials) taxableFlag:b
    dropShipFlag:b specialOrderFlag:b customerDescription*:s6000
    manufacturer:r(Manufacturer) manufacturerPartNumber:s50 vendor:r(Company) vendorSku:s50
    notes:s integrationXRef:s50 sla:x entityType:x recurringFlag:b recurringRevenue:n
    recurringCost:n recurringOneTimeFlag:b recurringBillCycle:x
    recurringCycleType:e(ContractYear|CalendarYear) calculatedPriceFlag:b
    calculatedCostFlag:b category:r(ProductCategory) calculatedPrice:n calculatedCost:n
    billableOption:e(Billable|DoNotBill|NoCharge|NoDefault) connectWiseID-:s agreementType:x
    markupPercentage:n markupFlag:b autoUpdateUnitCostFlag:b autoUpdateUnitPriceFlag:b
    {CUSTOM}
    """,
    name="catalogItem",
    first_id=9001,
    indexed="identifier",
    callback="productcatalog",
    defaults={
        "productClass": "NonInventory",
        "inactiveFlag": False,
        "serializedFlag": False,
        "taxableFlag": True,
        "billableOption": "Billable",
        "price": 0.0,
        "cost": 0.0,
    },
    default_records={"unitOfMeasure": "unitOfMeasure defaultFlag"},
)

resource(
    "product",
    "/procurement/products",
    f"""
    catalogItem*:r(CatalogItem) description:s2000 sequenceNumber:n quantity:n
    unitOfMeasure:r(UnitOfMeasure) price:n cost:n extPrice~:n extCost~:n discount:n margin~:n
    agreementAmount:n
    priceMethod:e(FlatRateForRange|PercentMarkupFromCost|PercentMarkdownFromPrice|PricePerUnit)
    billableOption*:e(Billable|DoNotBill|NoCharge) agreement:r(Agreement)
    locationId!:a(location) location:r(SystemLocation) businessUnitId!:a(businessUnit)
    businessUnit:r(BillingUnit) vendor:r(Company) vendorSku:s50 taxableFlag:b dropshipFlag:b
    specialOrderFlag:b phaseProductFlag:b cancelledFlag:b quantityCancelled:n
    cancelledReason:s100 customerDescription!:s6000 internalNotes:s1000 productSuppliedFlag:b
    subContractorShipToId:i subContractorAmountLimit:n recurring:o sla:x entityType:x
    ticket:r(Ticket) project:r(Project) phase:x salesOrder:r(SalesOrder) opportunity:r(Opportunity)
    invoice:r(Invoice) warehouseId:a(warehouseIdObject) warehouseIdObject:r(Warehouse)
    warehouseBinId:a(warehouseBinIdObject) warehouseBinIdObject:r(WarehouseBin)
    calculatedPriceFlag:b calculatedCostFlag:b forecastDetailId-:k(forecastItem) cancelledBy-:i
    cancelledDate-:d warehouse~:s warehouseBin~:s purchaseDate:d taxCode:r(TaxCode)
    integrationXRef:s listPrice:n serialNumberIds~:li serialNumbers~:ls company-:r(Company)
    forecastStatus-:r(OpportunityStatus) productClass-:e({CLASSES}) needToPurchaseFlag~^:b
    needToOrderQuantity~:i minimumStockFlag:b shipSet:s10 calculatedPrice:n calculatedCost:n
    invoiceGrouping:x poApprovedFlag:b uom~:s addComponentsFlag^:b ignorePricingSchedulesFlag^:b
    asioSubscriptionsID:s bypassForecastUpdate^:b {CUSTOM}
    """,
    name="productItem",
    first_id=40001,
    indexed="salesOrder opportunity ticket project agreement invoice catalogItem integrationXRef "
    "forecastDetailId bundle",
    defaults={
        "quantity": 1.0,
        "discount": 0.0,
        "cancelledFlag": False,
        "quantityCancelled": 0.0,
        "dropshipFlag": False,
        "specialOrderFlag": False,
        "poApprovedFlag": True,
    },
)

resource(
    "category",
    "/procurement/categories",
    """
    name*:s50 inactiveFlag:b priceLevelXref:s10 integrationXref:s50 locationIds:li
    defaultFlag:b addAllLocations^:b removeAllLocations^:b
    """,
    defaults={"inactiveFlag": False, "defaultFlag": False},
)

resource(
    "subcategory",
    "/procurement/subcategories",
    """
    name*:s50 inactiveFlag:b integrationXref:s50 defaultFlag:b category*:r(ProductCategory)
    """,
    first_id=20,
    defaults={"inactiveFlag": False, "defaultFlag": False},
)

resource(
    "productType",
    "/procurement/types",
    """
    name*:s50 inactiveFlag:b typeXref:e(InventoryPart|NonInventoryPart|OtherCharge|Service)
    defaultFlag:b
    """,
    first_id=30,
    defaults={"inactiveFlag": False, "defaultFlag": False},
)

resource(
    "manufacturer",
    "/procurement/manufacturers",
    "name*:s50 inactiveFlag:b",
    first_id=50,
    defaults={"inactiveFlag": False},
)

resource(
    "unitOfMeasure",
    "/procurement/unitOfMeasures",
    "name*:s50 inactiveFlag:b defaultFlag:b uomScheduleXref:s31",
    defaults={"inactiveFlag": False, "defaultFlag": False},
)

resource(
    "shipmentMethod",
    "/procurement/shipmentmethods",
    "name*:s50 defaultFlag:b trackingUrl:s200",
    first_id=3,
    defaults={"defaultFlag": False},
)

resource(
    "warehouse",
    "/procurement/warehouses",
    f"""
    name*:s50 company:r(Company) location*:r(SystemLocation) contact:r(Contact)
    department*:r(SystemDepartment) manager:r(Member) site:r(Site) locationXref:s10
    locationDefaultFlag:b overallDefaultFlag:b inactiveFlag:b lockedFlag:b {CURRENCY}
    """,
    first_id=4,
    defaults={"overallDefaultFlag": False, "inactiveFlag": False, "lockedFlag": False},
)

resource(
    "bin",
    "/procurement/warehouseBins",
    """
    name*:s50 warehouse*:r(Warehouse) location:r(SystemLocation)
    department:r(SystemDepartment) minQuantity:n maxQuantity:n overflowBin:r(WarehouseBin)
    manager:r(Member) length:n width:n height:n weight:n defaultFlag:b inactiveFlag:b
    quantityOnHand~:i company:r(Company) transferBin:r(WarehouseBin)
    """,
    name="warehouseBin",
    first_id=70,
    indexed="warehouse",
    defaults={"defaultFlag": False, "inactiveFlag": False},
)

resource(
    "inventory",
    "/procurement/warehouseBins/#/inventoryOnHand",
    """
    catalogItem-:r(CatalogItem) warehouse-:r(Warehouse) warehouseBin-:r(WarehouseBin)
    onHand-:i serialNumbers~:lo
    """,
    name="inventoryOnHand",
    first_id=5200,
    methods=READ,
    parent="warehouseBin",
    parent_table="bin",
    indexed="catalogItem",
)

resource(
    "catalogInventory",
    "/procurement/catalog/#/inventory",
    """
    catalogItem-:r(CatalogItem) warehouse-:r(Warehouse) warehouseBin-:r(WarehouseBin)
    onHand-:i serialNumbers~:lo
    """,
    stored_in="inventory",
    methods=READ,
    parent="catalogItem",
    parent_table="catalog",
)

resource(
    "serial",
    "/procurement/onhandserialnumbers",
    """
    serial-:s catalogItem-:r(CatalogItem) warehouse-:r(Warehouse)
    warehouseBin-:r(WarehouseBin)
    """,
    name="onHandSerialNumber",
    first_id=5900,
    methods=READ,
    indexed="serial catalogItem",
)

resource(
    "procurementSetting",
    "/procurement/settings",
    """
    startingPurchaseOrderNum*:i purchaseOrderPrefix:s5 purchaseOrderSuffix:s5
    prefixSuffixType:e(Prefix|Suffix) disableCostUpdatesFlag:b
    disableNegativeInventoryFlag:b costingMethod*:e(FIFO|LIFO|AverageCosting)
    autoClosePurchaseOrderFlag~^:b autoClosePurchaseOrderItemFlag~^:b
    autoApprovePurchaseOrderFlag:b taxPurchaseOrderFlag:b taxFreightFlag:b
    useVendorTaxCodeFlag:b numDecimalPlaces:i disableAutoPickFlag~^:b
    defaultProductTaxableFlag:b eoriNumber:s50 notificationForChangesInShippingInfoFlag:b
    shippingInfoNotificationEmail:s250
    """,
    methods=frozenset({"GET", "PUT", "PATCH"}),
)
