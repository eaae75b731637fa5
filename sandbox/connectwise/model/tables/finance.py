"""Invoices and the set-up lists of finance."""

from sandbox.connectwise.model.resources import CURRENCY, CUSTOM, resource

LEVELS = " ".join(
    f"level{level}Rate:n level{level}RateType:e(Amount|Percent) level{level}Caption:s25 "
    f"level{level}TaxCodeXref:s50 level{level}AgencyXref:s100 level{level}ServicesFlag:b "
    f"level{level}ExpensesFlag:b level{level}ProductsFlag:b"
    for level in ("One", "Two", "Three", "Four", "Five", "Six")
)

resource(
    "invoice",
    "/finance/invoices",
    f"""
    invoiceNumber!:s15 type*:e(Agreement|CreditMemo|DownPayment|Miscellaneous|Progress|Standard)
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
    closedBy-:s payments-:n credits-:n balance~:n specialInvoiceFlag:b billingSetupReference:x
    ticket-:r(Ticket) project:x phase:x salesOrder-:r(SalesOrder)
    agreement:x(type|chargeFirmFlag) glBatch-:x unbatchedBatch-:x {CUSTOM}
    """,
    first_id=12001,
    indexed="salesOrder ticket company invoiceNumber",
    callback="invoice",
    defaults={
        "restrictDownpaymentFlag": False,
        "serviceTotal": 0.0,
        "expenseTotal": 0.0,
        "payments": 0.0,
        "credits": 0.0,
    },
    default_records={
        "status": "billingStatus defaultFlag",
        "billingTerms": "billingTerm defaultFlag",
    },
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
