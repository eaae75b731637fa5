"""The entities of the company as tables: fields, types, lengths, choices, references.

Owns names and types (accounting.md 2, and the derived contract); what a record must obey besides
is in the rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.quickbooks.model.fields import Field, parse_fields

PERSON = """
    IntuitId:s Organization:b Title:s GivenName:s100 MiddleName:s100 FamilyName:s100 Suffix:s16
    FullyQualifiedName-:s CompanyName:s100 DisplayName:s500 PrintOnCheckName:s110 UserId-:s Active:b
    V4IDPseudonym-:s PrimaryPhone:o AlternatePhone:o Mobile:o Fax:o PrimaryEmailAddr:o WebAddr:o
    OtherContactInfo:lo DefaultTaxCodeRef:x ContactName:s AltContactName:s Notes:s2000 BillAddr:o
    ShipAddr:o OtherAddr:lo ParentRef:x Balance-:n CreditLimit:n AcctNum:s100 CurrencyRef:x
    TDSEnabled:b BusinessNumber:s GSTIN:s GSTRegistrationType:s Source:s CustomField:lo
    AttachableRef:lo OpenBalanceDate:d
"""
TRANSACTION = """
    CustomField:lo AttachableRef:lo DocNumber:s21 TxnDate:d DepartmentRef:x CurrencyRef:x
    ExchangeRate:n PrivateNote:s4000 TxnStatus:s LinkedTxn:lo Line:lo TxnTaxDetail:o TxnSource:s
    TaxFormType:s TaxFormNum:s TransactionLocationType:s Tag:lo TxnApprovalInfo:o RecurDataRef:x
    RecurringInfo:o ProjectRef:x TotalCostAmount-:n HomeTotalCostAmount-:n
"""
PURCHASE = """
    VendorRef*:r(Vendor) APAccountRef:r(Account) TotalAmt-:n BillEmail:o ReplyEmail:o Memo:s4000
    GlobalTaxCalculation:e(TaxInclusive|TaxExcluded|NotApplicable) VendorAddr:o
"""
SALE = """
    AutoDocNumber:b CustomerRef*:r(Customer) CustomerMemo:o BillAddr:o ShipAddr:o FreeFormAddress:b
    ShipFromAddr:o RemitToRef:x ClassRef:x SalesTermRef:r(Term) DueDate:d SalesRepRef:x PONumber:s15
    FOB:s ShipMethodRef:x ShipDate:d TrackingNum:s
    GlobalTaxCalculation:e(TaxInclusive|TaxExcluded|NotApplicable) TotalAmt-:n HomeTotalAmt-:n
    ApplyTaxAfterDiscount:b ShippingTaxIncludedInTotalTax:b TemplateRef:x
    PrintStatus:e(NotSet|NeedToPrint|PrintComplete) EmailStatus:e(NotSet|NeedToSend|EmailSent)
    BillEmail:o BillEmailCc:o BillEmailBcc:o ARAccountRef:r(Account) Balance-:n HomeBalance-:n
    FinanceCharge:b PaymentMethodRef:x PaymentRefNum:s PaymentType:s CheckPayment:o
    CreditCardPayment:o DepositToAccountRef:r(Account) DeliveryInfo-:o DiscountRate:n DiscountAmt:n
    GovtTxnRefIdentifier:s TaxExemptionRef:x
"""
ACCOUNT_TYPES = (
    "Bank|Accounts_Receivable|Other_Current_Asset|Fixed_Asset|Other_Asset|Accounts_Payable|"
    "Credit_Card|Other_Current_Liability|Long_Term_Liability|Equity|Income|Cost_of_Goods_Sold|"
    "Expense|Other_Income|Other_Expense|Non-Posting"
)
EXPENSE_DETAIL = """
    CustomerRef:r(Customer) ClassRef:x BillableStatus:e(Billable|NotBillable|HasBeenBilled)
    MarkupInfo:o TaxCodeRef:r(TaxCode) TaxInclusiveAmt:n
"""
ITEM_DETAIL = """
    ItemRef:r(Item) UnitPrice:n UnitCostPrice:n RatePercent:n PriceLevelRef:x Qty:n UOMRef:x
    ItemAccountRef:x InventorySiteRef:x TaxClassificationRef:x
"""

LINE = parse_fields(
    "Id:s LineNum:i Description:s4000 Amount:n Received-:n LinkedTxn:lo DetailType:s CustomField:lo "
    "ProjectRef:x CostAmount-:n HomeCostAmount-:n CustomExtensions:lo"
)
DETAILS: dict[str, dict[str, Field]] = {
    "ItemBasedExpenseLineDetail": parse_fields(ITEM_DETAIL + EXPENSE_DETAIL),
    "AccountBasedExpenseLineDetail": parse_fields(
        "AccountRef*:r(Account) TaxAmount:n " + EXPENSE_DETAIL
    ),
    "SalesItemLineDetail": parse_fields(
        ITEM_DETAIL + "ClassRef:x MarkupInfo:o TaxCodeRef:r(TaxCode) ServiceDate:d "
        "TaxInclusiveAmt:n DiscountRate:n DiscountAmt:n DeferredRevenue:b"
    ),
    "DiscountLineDetail": parse_fields(
        "DiscountRef:x PercentBased:b DiscountPercent:n DiscountAccountRef:r(Account) ServiceDate:d "
        "ClassRef:x TaxCodeRef:r(TaxCode)"
    ),
    "DescriptionLineDetail": parse_fields("ServiceDate:d TaxCodeRef:r(TaxCode)"),
    "SubTotalLineDetail": parse_fields("ItemRef:x ServiceDate:d"),
}
DETAIL_OF = {name: name for name in DETAILS} | {"DescriptionOnly": "DescriptionLineDetail"}
LINK = parse_fields("TxnId:s TxnType:s TxnLineId:s")
TAX = parse_fields(
    "DefaultTaxCodeRef:x TxnTaxCodeRef:x TotalTax:n TaxReviewStatus:s TaxLine:lo UseAutomatedSalesTax:b"
)
TAX_LINE = LINE | parse_fields("TaxLineDetail:o")
TAX_LINE_DETAIL = parse_fields(
    "TaxRateRef:x PercentBased:b TaxPercent:n NetAmountTaxable:n TaxInclusiveAmount:n "
    "OverrideDeltaAmount:n ServiceDate:d"
)
ON_PURCHASES = ("ItemBasedExpenseLineDetail", "AccountBasedExpenseLineDetail", "DescriptionOnly")
ON_SALES = ("SalesItemLineDetail", "DiscountLineDetail", "SubTotalLineDetail", "DescriptionOnly")

# Every record can be asked for by these.
BY_RECORD = frozenset({"Id", "MetaData.CreateTime", "MetaData.LastUpdatedTime"})
BY_NAME = frozenset({"DisplayName", "Active", "GivenName", "FamilyName", "CompanyName", "Balance"})
BY_DOCUMENT = frozenset({"DocNumber", "TxnDate", "TotalAmt"})


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record. `family`: name (shares one name space), list, transaction or setup
    (read only). `contact` is the field of a transaction that says whose it is. `voided_by`: the
    operation that voids it, if one does."""

    name: str
    family: str
    fields: dict[str, Field]
    sequence: str
    first_id: int
    queryable: frozenset[str]
    label: str
    contact: str = ""
    details: tuple[str, ...] = ()
    voided_by: str = ""
    read_by_id: bool = True


ENTITIES: dict[str, Entity] = {}


def entity(
    name: str,
    family: str,
    fields: str,
    *,
    sequence: str,
    first_id: int,
    queryable: str,
    label: str = "",
    contact: str = "",
    details: tuple[str, ...] = (),
    voided_by: str = "",
    read_by_id: bool = True,
) -> None:
    ENTITIES[name] = Entity(
        name,
        family,
        parse_fields(fields),
        sequence,
        first_id,
        frozenset(queryable.split()) | BY_RECORD,
        label or f"{name}s",
        contact,
        details,
        voided_by,
        read_by_id,
    )


entity(
    "Vendor",
    "name",
    PERSON + "TaxCountry:s TaxIdentifier:s20 TaxIdEffectiveDate:d VendorTypeRef:x TermRef:r(Term) "
    "PrefillAccountRef:x BillRate:n Vendor1099:b T4AEligible:b T5018Eligible:b TDSEntityTypeId:i "
    "TDSSectionTypeId:i TDSOverrideThreshold:b TaxReportingBasis:s APAccountRef:r(Account) "
    "IsSubContractor:b SubcontractorType:s CISRate:s HasTPAR:b VendorPaymentBankDetail:o CostRate:n "
    "AgencyVerificationStatus:s AgencyVerificationStatusMsg:s AgencyVerificationTSUTC:s "
    "CompanyRegistrationNumber:s",
    sequence="name",
    first_id=56,
    queryable=" ".join(BY_NAME),
)
entity(
    "Customer",
    "name",
    PERSON + "Taxable:b Job:b BillWithParent:b RootCustomerRef:x Level-:i CustomerTypeRef:x "
    "SalesTermRef:r(Term) SalesRepRef:x TaxGroupCodeRef:x TaxRateRef:x PaymentMethodRef:x CCDetail:o "
    "PriceLevelRef:x BalanceWithJobs-:n OverDueBalance-:n TotalRevenue-:n TotalExpense-:n "
    "PreferredDeliveryMethod:s ResaleNum:s16 JobInfo:o SecondaryTaxIdentifier:s ARAccountRef:x "
    "PrimaryTaxIdentifier:s TaxExemptionReasonId:s IsProject:b IsCISContractor:b ClientCompanyId:s "
    "ClientEntityId:s TaxRegime:s",
    sequence="name",
    first_id=56,
    queryable=" ".join(BY_NAME),
)
entity(
    "Item",
    "list",
    "Name*:s100 Sku:s100 Description:s4000 Active:b SubItem:b ParentRef:x Level-:i "
    "FullyQualifiedName-:s Taxable:b SalesTaxIncluded:b PercentBased:b UnitPrice:n RatePercent:n "
    "Type:e(Assembly|Category|Fixed_Asset|Group|Inventory|NonInventory|Other_Charge|Payment|Service|"
    "Subtotal|Discount|Tax|Tax_Group|Bundle) PaymentMethodRef:x UOMSetRef:x "
    "IncomeAccountRef:r(Account) PurchaseDesc:s1000 PurchaseTaxIncluded:b PurchaseCost:n "
    "ExpenseAccountRef:r(Account) COGSAccountRef:x AssetAccountRef:r(Account) "
    "PrefVendorRef:r(Vendor) AvgCost-:n TrackQtyOnHand:b QtyOnHand:n QtyOnPurchaseOrder-:n "
    "QtyOnSalesOrder-:n ReorderPoint:n ManPartNum:s DepositToAccountRef:x SalesTaxCodeRef:x "
    "PurchaseTaxCodeRef:x InvStartDate:d BuildPoint:n PrintGroupedItems:b SpecialItem:b "
    "SpecialItemType:s ItemGroupDetail:o ItemAssemblyDetail:o AbatementRate:n ReverseChargeRate:n "
    "ServiceType:s ItemCategoryType:s TaxClassificationRef:x UQCDisplayText:s UQCId:s ClassRef:x "
    "Source:s DeferredRevenue:b CustomExtensions:lo CustomField:lo AttachableRef:lo",
    sequence="item",
    first_id=3,
    queryable="Name Sku Type Active FullyQualifiedName",
)
entity(
    "Account",
    "list",
    "Name*:s100 SubAccount:b ParentRef:x Description:s FullyQualifiedName-:s AccountAlias:s "
    f"TxnLocationType:s Active:b Classification:e(Asset|Equity|Expense|Liability|Revenue) "
    f"AccountType:e({ACCOUNT_TYPES}) AccountSubType:s AccountPurposes:lo AcctNum:s20 AcctNumExtn:s "
    "BankNum:s OpeningBalance-:n OpeningBalanceDate:d CurrentBalance-:n "
    "CurrentBalanceWithSubAccounts-:n CurrencyRef:x TaxAccount:b TaxCodeRef:x "
    "OnlineBankingEnabled:b FIName:s JournalCodeRef:x CustomField:lo AttachableRef:lo",
    sequence="account",
    first_id=33,
    queryable="Name AcctNum AccountType AccountSubType Classification Active FullyQualifiedName",
)
entity(
    "Term",
    "list",
    "Name*:s31 Active:b Type:s DiscountPercent:n DueDays:i DiscountDays:i DayOfMonthDue:i "
    "DueNextMonthDays:i DiscountDayOfMonth:i CustomField:lo AttachableRef:lo",
    sequence="term",
    first_id=1,
    queryable="Name Active",
)
entity(
    "TaxCode",
    "setup",
    "Name:s Description:s Active:b Hidden:b Taxable:b TaxGroup:b SalesTaxRateList:o "
    "PurchaseTaxRateList:o AdjustmentTaxRateList:o TaxCodeConfigType:s",
    sequence="tax_code",
    first_id=2,
    queryable="Name Active Taxable",
)
entity(
    "TaxRate",
    "setup",
    "Name:s Description:s Active:b RateValue:n AgencyRef:x TaxReturnLineRef:x EffectiveTaxRate:lo "
    "SpecialTaxType:s DisplayType:s OriginalTaxRate:x",
    sequence="tax_rate",
    first_id=1,
    queryable="Name Active",
)
entity(
    "PurchaseOrder",
    "transaction",
    TRANSACTION + PURCHASE + "TaxCodeRef:x ClassRef:x ReimbursableInfoRef:x SalesTermRef:r(Term) "
    "DueDate:d ExpectedDate:d ShipTo:x DropShipToEntity:x InventorySiteRef:x ShipAddr:o "
    "ShipMethodRef:x FOB:s POEmail:o TemplateRef:x PrintStatus:e(NotSet|NeedToPrint|PrintComplete) "
    "EmailStatus:e(NotSet|NeedToSend|EmailSent) ManuallyClosed:b POStatus:e(Open|Closed)",
    sequence="transaction",
    first_id=145,
    queryable=" ".join(BY_DOCUMENT) + " VendorRef APAccountRef",
    contact="VendorRef",
    details=ON_PURCHASES,
)
entity(
    "Bill",
    "transaction",
    TRANSACTION + PURCHASE + "PayerRef:x SalesTermRef:r(Term) DueDate:d RemitToAddr:o ShipAddr:o "
    "Balance-:n HomeBalance-:n LessCIS:n IncludeInAnnualTPAR:b",
    sequence="transaction",
    first_id=145,
    queryable=" ".join(BY_DOCUMENT) + " VendorRef APAccountRef SalesTermRef DueDate Balance",
    contact="VendorRef",
    details=ON_PURCHASES,
)
entity(
    "VendorCredit",
    "transaction",
    TRANSACTION + PURCHASE + "Balance-:n IncludeInAnnualTPAR:b",
    sequence="transaction",
    first_id=145,
    queryable=" ".join(BY_DOCUMENT) + " VendorRef APAccountRef",
    contact="VendorRef",
    details=ON_PURCHASES,
)
entity(
    "Invoice",
    "transaction",
    TRANSACTION + SALE + "Deposit:n AllowIPNPayment:b AllowOnlinePayment:b "
    "AllowOnlineCreditCardPayment:b AllowOnlineACHPayment:b AllowOnlinePayPalPayment:b "
    "EInvoiceStatus:s ECloudStatusTimeStamp:s LessCIS:n InvoiceLink-:s",
    sequence="transaction",
    first_id=145,
    queryable=" ".join(BY_DOCUMENT) + " CustomerRef DueDate Balance",
    contact="CustomerRef",
    details=ON_SALES,
    voided_by="void",
)
entity(
    "Estimate",
    "transaction",
    TRANSACTION + SALE + "ExpirationDate:d AcceptedBy:s AcceptedDate:d",
    sequence="transaction",
    first_id=145,
    queryable=" ".join(BY_DOCUMENT) + " CustomerRef ExpirationDate",
    contact="CustomerRef",
    details=ON_SALES,
)
entity(
    "BillPayment",
    "transaction",
    "DocNumber:s21 TxnDate:d DepartmentRef:x CurrencyRef:x ExchangeRate:n PrivateNote:s4000 "
    "VendorRef*:r(Vendor) APAccountRef:r(Account) PayType*:e(Check|CreditCard) CheckPayment:o "
    "CreditCardPayment:o TotalAmt*:n Line:lo ProcessBillPayment:b TransactionLocationType:s",
    sequence="transaction",
    first_id=145,
    queryable=" ".join(BY_DOCUMENT) + " VendorRef",
    contact="VendorRef",
    voided_by="update",
)
entity(
    "Payment",
    "transaction",
    "TxnDate:d CurrencyRef:x ExchangeRate:n PrivateNote:s4000 CustomerRef*:r(Customer) "
    "ARAccountRef:r(Account) DepositToAccountRef:r(Account) PaymentMethodRef:x PaymentRefNum:s21 "
    "CreditCardPayment:o TotalAmt*:n UnappliedAmt-:n ProcessPayment:b Line:lo TxnSource:s "
    "TransactionLocationType:s ProjectRef:x TaxExemptionRef:x",
    sequence="transaction",
    first_id=145,
    queryable="TxnDate TotalAmt CustomerRef PaymentRefNum",
    contact="CustomerRef",
    voided_by="update",
)
# Their bodies are made from the switches.
entity(
    "CompanyInfo", "setup", "", sequence="company", first_id=1, queryable="", label="CompanyInfo"
)
entity(
    "Preferences",
    "setup",
    "",
    sequence="company",
    first_id=1,
    queryable="",
    label="Preferences",
    read_by_id=False,
)

BY_PATH = {name.lower(): one for name, one in ENTITIES.items()}
