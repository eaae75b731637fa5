"""Invoices and the set-up lists of finance."""

from sandbox.connectwise.model.resources import CURRENCY, CUSTOM, READ, resource

LEVELS = " ".join(
    f"level{level}Rate:n level{level}RateType:e(Amount|Percent) level{level}Caption:s25 "
    f"level{level}TaxCodeXref:s50 level{level}AgencyXref:s100 level{level}ServicesFlag:b "
    f"level{level}ExpensesFlag:b level{level}ProductsFlag:b"
    for level in ("One", "Two", "Three", "Four", "Five", "Six")
)

INVOICE_TYPES = "Agreement|CreditMemo|DownPayment|Miscellaneous|Progress|Standard"

resource(
    "invoice",
    "/finance/invoices",
    f"""
    invoiceNumber!:s15 type*:e({INVOICE_TYPES})
    status:r(BillingStatus) company*:r(Company) billToCompany:r(Company)
    shipToCompany:r(Company) accountNumber:s
    applyToType:e(All|Agreement|Project|ProjectPhase|SalesOrder|Ticket) applyToId:i
    attention:s60 shipToAttention:s60 billingSite:r(Site) billingSiteAddressLine1:s
    billingSiteAddressLine2:s billingSiteCity:s billingSiteState:s billingSiteZip:s
    billingSiteCountry:s shippingSite:r(Site) shippingSiteAddressLine1:s
    shippingSiteAddressLine2:s shippingSiteCity:s shippingSiteState:s shippingSiteZip:s
    shippingSiteCountry:s billingTerms:r(BillingTerms) reference:s50 customerPO:s50
    templateSetupId:i invoiceTemplate:x emailTemplateId:i addToBatchEmailList:b date:d
    restrictDownpaymentFlag:b locationId!:a(location) location:r(SystemLocation)
    departmentId:a(department) department:r(BillingUnit) territoryId:a(territory)
    territory:r(SystemLocation) topComment:s bottomComment:s taxableFlag:b taxCode:r(TaxCode)
    internalNotes:s downpaymentPreviouslyTaxedFlag:b serviceTotal-:n
    overrideDownPaymentAmountFlag:b {CURRENCY} dueDate:d expenseTotal-:n productTotal~:n
    previousProgressApplied-:n serviceAdjustmentAmount:n agreementAmount:n downpaymentApplied:n
    subtotal~:n total~:n remainingDownpayment-:n salesTax~:n adjustmentReason:s adjustedBy-:s
    closedBy-:s payments~:n credits~:n balance~:n specialInvoiceFlag:b billingSetupReference:x
    ticket-:r(Ticket) project-:r(Project) phase:x salesOrder-:r(SalesOrder)
    agreement-:r(Agreement) glBatch-:r(Batch) unbatchedBatch-:r(Batch) {CUSTOM}
    """,
    first_id=12001,
    indexed="salesOrder ticket project agreement company invoiceNumber glBatch",
    callback="invoice",
    defaults={
        "restrictDownpaymentFlag": False,
        "serviceTotal": 0.0,
        "expenseTotal": 0.0,
    },
    default_records={
        "status": "billingStatus defaultFlag",
        "billingTerms": "billingTerm defaultFlag",
    },
)

resource(
    "invoicePayment",
    "/finance/invoices/#/payments",
    """
    type:s source:s invoice-:r(Invoice) credit:r(Invoice) amount:n balance~:n invoiceBalance~:n
    invoiceTotal~:n paymentDate:d appliedBy-:s paymentSyncStatus:s glBatchID:s50
    paymentSyncDate:d paymentAccount:s aRPaymentAccount:s
    """,
    name="payment",
    first_id=15001,
    parent="invoice",
    parent_table="invoice",
    indexed="credit",
)

resource(
    "invoiceRouting",
    "/finance/invoices/#/routings",
    """
    sequenceNumber:i member*:r(Member) invoice-:r(Invoice) reviewedFlag:b dateReviewedUTC-:d
    """,
    first_id=15501,
    parent="invoice",
    parent_table="invoice",
    defaults={"reviewedFlag": False},
)

resource(
    "invoiceCommission",
    "/finance/invoices/#/commissions",
    """
    invoice-:r(Invoice) member*:r(Member) salesOrder~:r(SalesOrder) percent:n splitPercent:n
    adjustment:n adjustmentReason:s adjustedBy-:s netAmount~:n amount~:n
    """,
    first_id=15701,
    parent="invoice",
    parent_table="invoice",
    defaults={"percent": 0.0, "splitPercent": 100.0},
)

resource(
    "glEntry",
    "/finance/invoices/#/glEntries",
    "type:s amount:n cost:n description:s productId:s salesCode:s isBatched:b",
    methods=READ,
    parent="invoice",
    parent_table="invoice",
)

resource(
    "billingStatus",
    "/finance/billingStatuses",
    "name*:s30 sortOrder:i defaultFlag:b closedFlag:b inactiveFlag:b sentFlag:b",
    defaults={
        "defaultFlag": False,
        "closedFlag": False,
        "inactiveFlag": False,
        "sentFlag": False,
    },
)

resource(
    "billingTerm",
    "/finance/billingTerms",
    "name*:s50 defaultFlag:b dueDays*:i termsXref:s50",
    name="billingTerms",
    defaults={"defaultFlag": False},
)

resource(
    "taxCode",
    "/finance/taxCodes",
    f"""
    identifier*:s8 description*:s50 invoiceCaption*:s25 country:x(identifier) effectiveDate*:d
    defaultFlag:b displayOnInvoiceFlag:b canadaCalculateGSTFlag:b cancelDate:d {LEVELS}
    workRoleIds:li expenseTypeIds:li productTypeIds:li
    """,
    first_id=5,
    defaults={"defaultFlag": False},
)
