"""Agreements, as far as conversions make them and products stand on them."""

from sandbox.connectwise.model.resources import CURRENCY, CUSTOM, resource
from sandbox.connectwise.model.tables.service import BILLING

YEARS = "ContractYear|CalendarYear"
CYCLES = f"Contract2Weeks|Contract4Weeks|{YEARS}|CalendarMonth|CalendarQuarter|CalendarWeek|"

resource(
    "agreement",
    "/finance/agreements",
    f"""
    name*:s100 type*:x company*:r(Company) contact*:r(Contact) site:r(Site)
    subContractCompany:r(Company) subContractContact:r(Contact) parentAgreement:r(Agreement)
    customerPO:s50 location:r(SystemLocation) department:r(SystemDepartment)
    restrictLocationFlag:b restrictDepartmentFlag:b startDate:d endDate:d noEndingDateFlag:b
    opportunity:r(Opportunity) cancelledFlag:b dateCancelled:d reasonCancelled:s100 sla:x
    workOrder:s20 internalNotes:s applicationUnits:e(Amount|Hours|Incidents) applicationLimit:n
    applicationCycle:e({CYCLES}ContractQuarter) applicationUnlimitedFlag:b oneTimeFlag:b
    coverAgreementTime:b coverAgreementProduct:b coverAgreementExpense:b coverSalesTax:b
    carryOverUnused:b allowOverruns:b expiredDays:i limit:i expireWhenZero:b chargeToFirm:b
    employeeCompRate!:e(Actual|Hourly) employeeCompNotExceed:e(Billing|Amount|Percent)
    compHourlyRate:n compLimitAmount:n billingCycle:x billOneTimeFlag:b
    billingTerms:r(BillingTerms) invoicingCycle!:e({YEARS}) billToCompany:r(Company)
    billToContact:r(Contact) billToSite:r(Site) billAmount:n taxable:b prorateFirstBill:n
    billStartDate:d taxCode:r(TaxCode) restrictDownPayment:b prorateFlag:b
    invoiceProratedAdditionsFlag:b invoiceDescription:s topComment:b bottomComment:b workRole:x
    workType:x projectType:x invoiceTemplate:x billTime!:e({BILLING}) billExpenses!:e({BILLING})
    billProducts!:e({BILLING}) billableTimeInvoice:b billableExpenseInvoice:b
    billableProductInvoice:b {CURRENCY} periodType:e(Current|Future|Both|Undefined)
    autoInvoiceFlag:b nextInvoiceDate:s companyLocation:r(SystemLocation) shipToCompany:r(Company)
    shipToContact:r(Contact) shipToSite:r(Site) agreementStatus~:s {CUSTOM}
    """,
    first_id=2601,
    indexed="company opportunity",
    callback="agreement",
    defaults={
        "cancelledFlag": False,
        "chargeToFirm": False,
        "employeeCompRate": "Actual",
        "invoicingCycle": "ContractYear",
        "billTime": "Billable",
        "billExpenses": "Billable",
        "billProducts": "Billable",
    },
)
