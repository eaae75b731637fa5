"""Opportunities with their forecast, notes and set-up lists, and sales orders."""

from sandbox.connectwise.model.resources import ALL, CURRENCY, CUSTOM, resource

resource(
    "opportunity",
    "/sales/opportunities",
    f"""
    name*:s100 expectedCloseDate!:d type:r(OpportunityType) stage:r(OpportunityStage)
    status:r(OpportunityStatus) priority:x(sort|level) notes:s
    probability:r(OpportunityProbability) source:s50 rating:x campaign:x
    primarySalesRep*:r(Member) secondarySalesRep:r(Member) locationId!:k(location)
    businessUnitId!:k(department) company*:r(Company) contact*:r(Contact) site:r(Site)
    customerPO:s25 pipelineChangeDate-:d dateBecameLead:d closedDate:d closedBy-:r(Member)
    totalSalesTax:n shipToCompany:r(Company) shipToContact:r(Contact) shipToSite:r(Site)
    billToCompany:r(Company) billToContact:r(Contact) billToSite:r(Site)
    billingTerms:r(BillingTerms) taxCode:r(TaxCode) {CURRENCY} companyLocationId:k(location)
    technicalContact:r(Contact) {CUSTOM}
    """,
    first_id=88,  # the opportunity that the simulator starts with
    indexed="company status",
    callback="opportunity",
    default_records={
        "status": "opportunityStatus defaultFlag",
        "billingTerms": "billingTerm defaultFlag",
    },
)

resource(
    "opportunityStatus",
    "/sales/opportunities/statuses",
    """
    name*:s30 wonFlag:b lostFlag:b closedFlag:b inactiveFlag:b defaultFlag:b enteredBy-:s
    dateEntered-:d
    """,
    defaults={
        "wonFlag": False,
        "lostFlag": False,
        "closedFlag": False,
        "inactiveFlag": False,
        "defaultFlag": False,
    },
)

resource(
    "opportunityType",
    "/sales/opportunities/types",
    "description*:s50 inactiveFlag:b",
    defaults={"inactiveFlag": False},
)

resource(
    "stage",
    "/sales/stages",
    "name*:s50 probability:r(OpportunityProbability) color:s25 sequenceNumber:i",
    name="opportunityStage",
)

resource("probability", "/sales/probabilities", "probability*:i", name="salesProbability")

resource(
    "forecastItem",
    "/sales/opportunities/#/forecast",
    """
    forecastDescription:s50 opportunity*:r(Opportunity) quantity:n
    status*:r(OpportunityStatus) catalogItem:r(IvItem) productDescription:s productClass-:s
    revenue:n cost:n margin~:n percentage:i includeFlag:b quoteWerksDocNo:s20
    quoteWerksDocName:s255 quoteWerksQuantity:i
    forecastType*:e(Other1|Other2|Agreement|Product|Service) linkFlag:b recurringRevenue:n
    recurringCost:n recurringDateStart:d recurringDateEnd:d billCycle:x cycleBasis:s
    cycles:i recurringFlag:b sequenceNumber:n subNumber:i taxableFlag:b
    """,
    first_id=61000,
    parent="opportunity",
    parent_table="opportunity",
    defaults={"includeFlag": True, "linkFlag": False, "quantity": 1.0, "percentage": 100},
)

resource(
    "opportunityNote",
    "/sales/opportunities/#/notes",
    "opportunityId-:k(opportunity) type:x text*:s flagged:b enteredBy-:s mobileGuid:s",
    first_id=3100,
    parent="opportunityId",
    parent_table="opportunity",
)

resource(
    "order",
    "/sales/orders",
    f"""
    company*:r(Company) contact:r(Contact) phone:s phoneExt:s email:s site:r(Site)
    status*:r(OrderStatus) opportunity:r(Opportunity) orderDate:d dueDate:d
    billingTerms:r(BillingTerms) taxCode:r(TaxCode) poNumber:s50 location:r(SystemLocation)
    department:r(SystemDepartment) salesRep*:r(Member) notes:s billClosedFlag:b
    billShippedFlag:b restrictDownpaymentFlag:b description:s topCommentFlag:b
    bottomCommentFlag:b shipToCompany:r(Company) shipToContact:r(Contact) shipToSite:r(Site)
    billToCompany:r(Company) billToContact:r(Contact) billToSite:r(Site) productIds~:li
    documentIds-:li invoiceIds~:li configIds-:li total~:n taxTotal~:n {CURRENCY}
    companyLocation:r(SystemLocation) subTotal~:n {CUSTOM}
    """,
    name="salesOrder",
    first_id=3400,
    created=200,
    indexed="opportunity company",
    defaults={
        "billClosedFlag": False,
        "billShippedFlag": False,
        "restrictDownpaymentFlag": False,
        "documentIds": [],
        "configIds": [],
    },
    default_records={"billingTerms": "billingTerm defaultFlag"},
)

resource(
    "orderStatus",
    "/sales/orders/statuses",
    "name*:s50 defaultFlag:b inactiveFlag:b sortOrder:i closedFlag:b emailTemplate:x",
    created=200,
    defaults={"defaultFlag": False, "inactiveFlag": False, "closedFlag": False},
)

resource(
    "orderLine",
    "/sales/orders/#/lineitems",
    """
    purchaseOrderNumber~:s salesOrder*:r(SalesOrder) billStatus~:s quantity~^:i
    quantityCancelled~^:i
    """,
    name="salesOrdersLineItem",
    stored_in="product",
    methods=ALL - {"POST"},
    parent="salesOrder",
    parent_table="order",
)
