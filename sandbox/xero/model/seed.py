"""The records that an organisation starts with: the books of a small provider.

Owns data only: accounts, rates, currencies, tracking, contacts and items that a reader meets again
in the demos of the other simulators.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.xero.model.books import Books
from sandbox.xero.model.setup import CLASS_OF

CREATED = datetime(2024, 7, 1, 9, 0, tzinfo=UTC)
ACCOUNTS = (
    # code, name, type, tax type, system account
    ("090", "Business Bank Account", "BANK", "NONE", ""),
    ("200", "Sales", "REVENUE", "OUTPUT", ""),
    ("210", "Services", "REVENUE", "OUTPUT", ""),
    ("260", "Other Revenue", "REVENUE", "OUTPUT", ""),
    ("300", "Purchases", "DIRECTCOSTS", "INPUT", ""),
    ("310", "Cost of Goods Sold", "DIRECTCOSTS", "INPUT", ""),
    ("425", "Freight & Courier", "EXPENSE", "INPUT", ""),
    ("453", "Office Expenses", "EXPENSE", "INPUT", ""),
    ("610", "Accounts Receivable", "CURRENT", "NONE", "DEBTORS"),
    ("630", "Inventory", "CURRENT", "NONE", ""),
    ("800", "Accounts Payable", "CURRLIAB", "NONE", "CREDITORS"),
    ("820", "Sales Tax", "CURRLIAB", "NONE", "GST"),
    ("860", "Rounding", "CURRLIAB", "NONE", "ROUNDING"),
    ("999", "Old Expenses", "EXPENSE", "NONE", ""),
)
RATES = (
    # tax type, name, percent, purchases, sales, status
    ("NONE", "Tax Exempt", "0", True, True, "ACTIVE"),
    ("INPUT", "Tax on Purchases", "10", True, False, "ACTIVE"),
    ("OUTPUT", "Tax on Sales", "10", False, True, "ACTIVE"),
    ("TAX001", "City sales tax", "8.25", True, True, "ACTIVE"),
    ("TAX002", "Sales tax until 2024", "7.5", True, True, "DELETED"),
)
CURRENCIES = (("USD", "United States Dollar", "1"), ("EUR", "Euro", "0.92"))
CONTACTS = (
    ("Contoso Ltd", "CONTOSO", False, "ACTIVE"),
    ("Ingram Micro", "INGRAM", True, "ACTIVE"),
    ("Long gone supplies", "", True, "ARCHIVED"),
)


def plant(books: Books, tenant_id: str, name: str) -> None:
    """Writes the first records."""
    with books.write("", "Xero", first=True):
        _organisation(books, tenant_id, name)
        for code, title, kind, tax, system in ACCOUNTS:
            _account(books, code, title, kind, tax, system)
        for tax_type, title, percent, purchases, sales, status in RATES:
            rate = Decimal(percent)
            part = {"Name": title, "Rate": rate, "IsCompound": False, "IsNonRecoverable": False}
            _put(
                books, "taxRate", tax_type,
                TaxType=tax_type, Name=title, Status=status, ReportTaxType="NONE",
                TaxComponents=[part], DisplayTaxRate=rate, EffectiveRate=rate,
                CanApplyToAssets=purchases, CanApplyToEquity=purchases and sales,
                CanApplyToExpenses=purchases, CanApplyToLiabilities=purchases and sales,
                CanApplyToRevenue=sales,
            )  # fmt: skip
        for code, title, rate_text in CURRENCIES:
            _put(books, "currency", code, Code=code, Description=title, Rate=Decimal(rate_text))
        _tracking(books)
        for title, number, supplier, status in CONTACTS:
            _contact(books, title, number, status, supplier=supplier)
        _items(books)


def _put(books: Books, table: str, key: str, **values: Any) -> None:
    books.store.put(table, key, values | {"UpdatedDateUTC": CREATED})


def _organisation(books: Books, tenant_id: str, name: str) -> None:
    _put(
        books, "organisation", tenant_id,
        OrganisationID=tenant_id, Name=name, LegalName=name, Version="GLOBAL",
        OrganisationType="COMPANY", OrganisationEntityType="COMPANY", CountryCode="US",
        BaseCurrency=books.base_currency, IsDemoCompany=False, OrganisationStatus="ACTIVE",
        PaysTax=True, FinancialYearEndDay=31, FinancialYearEndMonth=12, CreatedDateUTC=CREATED,
        Timezone="UTC", ShortCode="!hArbr", Class="STANDARD", Edition="BUSINESS",
    )  # fmt: skip


def _account(books: Books, code: str, title: str, kind: str, tax: str, system: str) -> None:
    key = books.new_guid()
    row: dict[str, Any] = {
        "AccountID": key,
        "Code": code,
        "Name": title,
        "Type": kind,
        "Class": CLASS_OF[kind],
        "Status": "ARCHIVED" if code == "999" else "ACTIVE",
        "TaxType": tax,
        "EnablePaymentsToAccount": kind == "BANK",
        "ShowInExpenseClaims": False,
    }
    if system:
        row["SystemAccount"] = system
    if kind == "BANK":
        row |= {"BankAccountNumber": "0000000001", "CurrencyCode": books.base_currency}
    _put(books, "account", key, **row)


def _tracking(books: Books) -> None:
    key = books.new_guid()
    options = [
        {"TrackingOptionID": books.new_guid(), "Name": name, "Status": "ACTIVE"}
        for name in ("North", "South")
    ]
    _put(
        books, "tracking", key,
        TrackingCategoryID=key, Name="Region", Status="ACTIVE", Options=options,
    )  # fmt: skip


def _contact(books: Books, title: str, number: str, status: str, *, supplier: bool) -> None:
    key = books.new_guid()
    row: dict[str, Any] = {
        "ContactID": key,
        "Name": title,
        "ContactStatus": status,
        "IsSupplier": supplier,
        "IsCustomer": not supplier,
        "Addresses": [],
        "Phones": [],
        "ContactPersons": [],
    }
    if number:
        row["ContactNumber"] = number
    _put(books, "contact", key, **row)


def _items(books: Books) -> None:
    for code, title, cost, price in (
        ("P2425H", "Dell P2425H 24 monitor", "180.55", "239.00"),
        ("FREIGHT", "Freight", "0", "0"),
    ):
        key = books.new_guid()
        _put(
            books, "item", key,
            ItemID=key, Code=code, Name=title, Description=title, PurchaseDescription=title,
            IsSold=True, IsPurchased=True, IsTrackedAsInventory=False,
            PurchaseDetails={
                "UnitPrice": Decimal(cost), "AccountCode": "300", "TaxType": "INPUT",
            },
            SalesDetails={
                "UnitPrice": Decimal(price), "AccountCode": "200", "TaxType": "OUTPUT",
            },
        )  # fmt: skip
