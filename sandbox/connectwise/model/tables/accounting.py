"""The accounting interface: what waits to be posted, and the batches that have been made of it."""

from sandbox.connectwise.model.resources import CURRENCY, READ, resource
from sandbox.connectwise.model.tables.finance import INVOICE_TYPES

TAX_LEVELS = " ".join(
    f"{level}TaxFlag:b {level}TaxXref:s {level}TaxAmount:n"
    for level in ("state", "county", "city", "country", "composite", "levelSix")
)

resource(
    "accountingBatch",
    "/finance/accounting/batches",
    """
    batchIdentifier-:s50 exportInvoicesFlag-:b exportExpensesFlag-:b exportProductsFlag-:b
    closedFlag-:b
    """,
    first_id=301,
    methods=frozenset({"GET", "DELETE"}),
)

resource(
    "batchEntry",
    "/finance/accounting/batches/#/entries",
    """
    accountType-:s name-:s accountNumber-:s debit-:n credit-:n cost-:n item-:s salesCode-:s
    costOfGoodsSoldAccountNumber-:s invoice-:r(Invoice) purchaseOrder-:r(PurchaseOrder)
    lineItem-:r(LineItem)
    """,
    first_id=30101,
    methods=READ,
    parent="batch",
    parent_table="accountingBatch",
)

resource(
    "unpostedInvoice",
    "/finance/accounting/unpostedinvoices",
    f"""
    billingLogId:i locationId:a(location) location:r(OwnerLevel) departmentId:a(department)
    department:r(SystemDepartment) company:r(Company) accountNumber:s billToCompany:r(Company)
    billToSite:r(Site) shipToCompany:r(Company) shipToSite:r(Site) invoiceNumber:s invoiceDate:s
    invoiceType:e({INVOICE_TYPES}) description:s billingTerms:r(BillingTerms) dueDays:s dueDate:s
    {CURRENCY} subTotal:n total:n hasTime:b hasExpenses:b hasProducts:b invoiceTaxableFlag:b
    taxCode:r(TaxCode) avalaraTaxFlag:b itemTaxableFlag:b salesTaxAmount:n {TAX_LEVELS}
    createdBy:s dateClosed:s
    """,
    methods=READ,
)

resource(
    "unpostedProcurement",
    "/finance/accounting/unpostedprocurement",
    f"""
    description:s unpostedProductId:s locationId:i departmentId:i
    procurementType:e(Purchase|Adjustment|Transfer) purchaseOrder:r(PurchaseOrder) purchaseDate:s
    trackingNumber:s billingTerms:r(BillingTerms) {CURRENCY} total:n taxCode:r(TaxCode)
    avalaraTaxFlag:b itemTaxableFlag:b purchaseOrderTaxableFlag:b {TAX_LEVELS} taxTotal:n
    customer:r(Company) vendor:r(Company) vendorAccountNumber:s vendorInvoiceNumber:s
    vendorInvoiceDate:s taxFreightFlag:b freightTaxTotal:n freightCost:n dateClosed:s
    """,
    methods=READ,
)
