"""Every record as a table: its fields with kinds and lengths, and what a line holds.

Facts of `xero.openapi.json` and, for what that cut leaves out (currencies, tracking, payments), of
the vendor's own client. What follows from a field is said in the rules beside the records.
"""

from __future__ import annotations

from sandbox.xero.model.fields import fields_of

ORGANISATION = fields_of(
    "OrganisationID~:g Name~:s LegalName~:s Version~:s OrganisationType~:s BaseCurrency~:s"
    " CountryCode~:s IsDemoCompany~:b OrganisationStatus~:s PaysTax~:b FinancialYearEndDay~:n"
    " FinancialYearEndMonth~:n PeriodLockDate~:d EndOfYearLockDate~:d CreatedDateUTC~:m"
    " Timezone~:s OrganisationEntityType~:s ShortCode~:s Class~:s Edition~:s"
)
ACCOUNT = fields_of(
    "AccountID~:g Code:s10 Name:s150"
    " Type:e(BANK|CURRENT|CURRLIAB|DEPRECIATN|DIRECTCOSTS|EQUITY|EXPENSE|FIXED|INVENTORY|LIABILITY"
    "|NONCURRENT|OTHERINCOME|OVERHEADS|PREPAYMENT|REVENUE|SALES|TERMLIAB)"
    " Status:e(ACTIVE|ARCHIVED|DELETED) Description:s4000 BankAccountNumber:s CurrencyCode:s"
    " TaxType:s EnablePaymentsToAccount:b ShowInExpenseClaims:b Class~:s SystemAccount~:s"
    " UpdatedDateUTC~:m HasAttachments~:b AddToWatchlist:b"
)
TAX_RATE = fields_of(
    "Name:s50 TaxType:s TaxComponents:l Status:e(ACTIVE|DELETED|ARCHIVED|PENDING) ReportTaxType:s"
    " CanApplyToAssets~:b CanApplyToEquity~:b CanApplyToExpenses~:b CanApplyToLiabilities~:b"
    " CanApplyToRevenue~:b DisplayTaxRate~:n EffectiveRate~:n"
)
CURRENCY = fields_of("Code:s3 Description~:s")
TRACKING = fields_of("TrackingCategoryID~:g Name:s100 Status:e(ACTIVE|ARCHIVED|DELETED) Options~:l")
CONTACT = fields_of(
    "ContactID:g ContactNumber:s50 AccountNumber:s50 ContactStatus:e(ACTIVE|ARCHIVED|GDPRREQUEST)"
    " Name:s255 FirstName:s255 LastName:s255 CompanyNumber:s50 EmailAddress:s255"
    " BankAccountDetails:s TaxNumber:s50 AccountsReceivableTaxType:s AccountsPayableTaxType:s"
    " Addresses:l Phones:l ContactPersons:l IsSupplier~:b IsCustomer~:b DefaultCurrency:s3"
    " SalesDefaultAccountCode:s PurchasesDefaultAccountCode:s UpdatedDateUTC~:m HasAttachments~:b"
)
ITEM = fields_of(
    "ItemID:g Code:s30 Name:s50 IsSold:b IsPurchased:b Description:s4000 PurchaseDescription:s4000"
    " PurchaseDetails:o SalesDetails:o InventoryAssetAccountCode:s IsTrackedAsInventory~:b"
    " QuantityOnHand~:n TotalCostPool~:n UpdatedDateUTC~:m"
)
ITEM_DETAILS = fields_of("UnitPrice:n AccountCode:s COGSAccountCode:s TaxType:s")
LINE = fields_of(
    "LineItemID:g Description:s4000 Quantity:n UnitAmount:n ItemCode:s30 AccountCode:s AccountID:g"
    " TaxType:s TaxAmount:n LineAmount:n DiscountRate:n DiscountAmount:n Tracking:l"
)
INVOICE = fields_of(
    "InvoiceID:g Type:e(ACCREC|ACCPAY) Contact:o Date:d DueDate:d LineAmountTypes:s LineItems:l"
    " InvoiceNumber:s255 Reference:s255 BrandingThemeID:g Url:s500 CurrencyCode:s3 CurrencyRate:n"
    " Status:e(DRAFT|SUBMITTED|AUTHORISED|DELETED|VOIDED|PAID) SentToContact:b"
    " ExpectedPaymentDate:d PlannedPaymentDate:d RoundingAmount:n SubTotal:n TotalTax:n Total:n"
    " TotalDiscount~:n AmountDue~:n AmountPaid~:n AmountCredited~:n FullyPaidOnDate~:d"
    " UpdatedDateUTC~:m HasAttachments~:b IsDiscounted~:b"
)
CREDIT_NOTE = fields_of(
    "CreditNoteID:g Type:e(ACCRECCREDIT|ACCPAYCREDIT) Contact:o Date:d DueDate:d LineAmountTypes:s"
    " LineItems:l CreditNoteNumber:s255 Reference:s255 BrandingThemeID:g CurrencyCode:s3"
    " CurrencyRate:n Status:e(DRAFT|SUBMITTED|AUTHORISED|DELETED|VOIDED|PAID) SentToContact:b"
    " SubTotal:n TotalTax:n Total:n RemainingCredit~:n AppliedAmount~:n FullyPaidOnDate~:d"
    " UpdatedDateUTC~:m HasAttachments~:b"
)
PURCHASE_ORDER = fields_of(
    "PurchaseOrderID:g Contact:o Date:d DeliveryDate:d LineAmountTypes:s LineItems:l"
    " PurchaseOrderNumber:s255 Reference:s255 BrandingThemeID:g CurrencyCode:s3 CurrencyRate:n"
    " Status:e(DRAFT|SUBMITTED|AUTHORISED|BILLED|DELETED) SentToContact:b DeliveryAddress:s"
    " AttentionTo:s255 Telephone:s50 DeliveryInstructions:s500 ExpectedArrivalDate:d"
    " SubTotal~:n TotalTax~:n Total~:n TotalDiscount~:n UpdatedDateUTC~:m HasAttachments~:b"
)
PAYMENT = fields_of(
    "PaymentID:g Invoice:o CreditNote:o Account:o Code:s InvoiceNumber:s CreditNoteNumber:s Date:d"
    " CurrencyRate:n Amount:n Reference:s Status:e(AUTHORISED|DELETED) IsReconciled:b"
    " PaymentType~:s UpdatedDateUTC~:m"
)
ALLOCATION = fields_of("AllocationID~:g Invoice:o Amount:n Date:d")
LINE_AMOUNT_TYPES = ("Exclusive", "Inclusive", "NoTax")
