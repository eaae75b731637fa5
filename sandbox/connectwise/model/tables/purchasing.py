"""Purchase orders with lines and notes, the links to demand, and picking and shipping."""

from sandbox.connectwise.model.resources import CURRENCY, CUSTOM, resource

resource(
    "purchaseOrder",
    "/procurement/purchaseorders",
    f"""
    businessUnitId:a(businessUnit) businessUnit:r(BillingUnit) cancelReason:s closedFlag~:b
    closedBy-:s customerCity:s customerCompany:r(Company) customerContact:r(Contact)
    customerCountry:x(identifier) customerExtension:s customerName:s customerPhone:s
    customerSite:r(Site) customerSiteName:s customerState:s customerStreetLine1:s
    customerStreetLine2:s customerZip:s dateClosed-:d dropShipCustomerFlag:b enteredBy-:s
    freightCost:n freightPackingSlip:s freightTaxTotal:n internalNotes:s
    locationId:a(location) location:r(SystemLocation) poDate!:d poNumber!:s50 salesTax~:n
    shipmentDate:d shipmentMethod:r(ShipmentMethod) shippingInstructions:s
    status*:r(PurchaseOrderStatus) subTotal~:n taxCode:r(TaxCode) taxFreightFlag:b
    taxPoFlag:b terms*:r(BillingTerms) total~:n trackingNumber:s50 updateShipmentInfo^:b
    updateVendorOrderNumber^:b vendorCompany*:r(Company) vendorContact:r(Contact)
    vendorInvoiceDate:d vendorInvoiceNumber:s50 vendorOrderNumber:s50 vendorSite:r(Site)
    warehouse:r(Warehouse) warehouseContact:r(Contact) {CURRENCY} {CUSTOM}
    """,
    first_id=7001,
    indexed="vendorCompany poNumber status",
    callback="purchaseorder",
    defaults={
        "dropShipCustomerFlag": False,
        "taxFreightFlag": False,
        "taxPoFlag": False,
        "freightCost": 0.0,
    },
    default_records={"warehouse": "warehouse overallDefaultFlag"},
)

resource(
    "purchaseOrderStatus",
    "/procurement/purchaseorderstatuses",
    """
    name*:s50 defaultFlag:b closedFlag:b inactiveFlag:b defaultClosedFlag:b sortOrder:i
    emailTemplate:x
    """,
    defaults={
        "defaultFlag": False,
        "closedFlag": False,
        "inactiveFlag": False,
        "defaultClosedFlag": False,
    },
)

resource(
    "purchaseOrderInfo",
    "/procurement/purchaseorders/info",
    CURRENCY,
    stored_in="purchaseOrder",
    methods=frozenset(),
)

resource(
    "purchaseOrderStatusInfo",
    "/procurement/purchaseorderstatuses/info",
    "name:s defaultFlag:b closedFlag:b inactiveFlag:b defaultClosedFlag:b sortOrder:i",
    stored_in="purchaseOrderStatus",
    methods=frozenset(),
)

resource(
    "purchaseOrderStatusEmail",
    "/procurement/purchaseorderstatuses/#/emailtemplates",
    """
    status-:r(PurchaseOrderStatus) useSenderFlag:b firstName:s100 lastName:s100 emailAddress:s100
    subject*:s200 body:s copySenderFlag:b
    """,
    name="purchaseOrderStatusEmailTemplate",
    first_id=660,
    parent="status",
    parent_table="purchaseOrderStatus",
)

resource(
    "purchaseOrderStatusNotification",
    "/procurement/purchaseorderstatuses/#/notifications",
    "notifyWho*:x(identifier) status-:r(PurchaseOrderStatus) member:r(Member) email:s50 workflowStep:i",
    first_id=680,
    parent="status",
    parent_table="purchaseOrderStatus",
)

resource(
    "line",
    "/procurement/purchaseorders/#/lineitems",
    f"""
    backorderedFlag:b canceledBy-:s canceledFlag:b canceledReason:s100 closedFlag:b
    dateCanceled-:d dateCanceledUtc-:d description*:s6000 displayInternalNotesFlag:b
    expectedShipDate:d internalNotes:s1000 lineNumber*:i packingSlip:s50 product*:r(IvItem)
    purchaseOrderId-:k(purchaseOrder) purchaseOrderNumber~:s quantity*:n receivedQuantity:i
    serialNumbers:s shipDate:d shipmentMethod:r(ShipmentMethod) tax:n trackingNumber:s50
    unitCost:n unitOfMeasure*:r(UnitOfMeasure) vendorOrderNumber:s50 vendorSku:s50
    warehouse:r(Warehouse) warehouseBin:r(WarehouseBin) shipSet:s10 dateReceived:d
    receivedStatus:e(Waiting|FullyReceived|PartiallyReceiveCancelRest|PartiallyReceiveCloneRest)
    extCost~:n expectedArrivalDate:d isDetachAvailable-:b batchedFlag-:b unbatchedRecId-:i
    salesOrder~^:lr(SalesOrder) {CUSTOM}
    """,
    name="purchaseOrderLineItem",
    first_id=82001,
    parent="purchaseOrderId",
    parent_table="purchaseOrder",
    indexed="product batch",
    defaults={
        "backorderedFlag": False,
        "canceledFlag": False,
        "closedFlag": False,
        "receivedQuantity": 0,
        "receivedStatus": "Waiting",
        "tax": 0.0,
        "batchedFlag": False,
        "isDetachAvailable": False,
    },
)

resource(
    "purchaseOrderNote",
    "/procurement/purchaseorders/#/notes",
    "purchaseHeaderRecID-:k(purchaseOrder) text:s type:x flagged:b enteredBy-:s",
    first_id=640,
    parent="purchaseHeaderRecID",
    parent_table="purchaseOrder",
)

resource(
    "shipping",
    "/procurement/products/#/pickingShippingDetails",
    """
    pickedQuantity:i shippedQuantity:i warehouse*:r(Warehouse)
    warehouseBin*:r(WarehouseBin) shipmentMethod:r(ShipmentMethod) serialNumber:s
    serialNumberIds:li trackingNumber:s productItem-:r(ProductItem) lineNumber-:i
    quantity-:i expectedArrivalDate:d shipmentDate:d
    """,
    name="productPickingShippingDetail",
    first_id=88001,
    parent="productItem",
    parent_table="product",
    created=200,
    answers_lists=True,
    defaults={"pickedQuantity": 0, "shippedQuantity": 0},
)
