"""The records that a company starts with: chart of accounts, tax, terms, a few names and items."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.quickbooks.model.engine import Engine
from sandbox.quickbooks.model.tables import ENTITIES

ACCOUNTS = (
    ("2000", "Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
    ("1200", "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
    ("1000", "Checking", "Bank", "Checking"),
    ("2100", "Mastercard", "Credit Card", "CreditCard"),
    ("1300", "Inventory Asset", "Other Current Asset", "Inventory"),
    ("4000", "Sales of Product Income", "Income", "SalesOfProductIncome"),
    ("4100", "Services", "Income", "ServiceFeeIncome"),
    ("5000", "Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
    ("5100", "Freight and Delivery", "Cost of Goods Sold", "ShippingFreightDeliveryCos"),
    ("6100", "Supplier Tax", "Expense", "TaxesPaid"),
    ("6900", "Rounding", "Expense", "OtherMiscellaneousServiceCost"),
)
TERMS = (("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30))
VENDORS = ("Ingram Micro", "TD SYNNEX")
CUSTOMERS = ("Contoso Ltd", "Northwind Traders")
ITEMS = (
    ("Hardware", "NonInventory", "Sales of Product Income", "Cost of Goods Sold"),
    ("Labor", "Service", "Services", "Cost of Goods Sold"),
    ("Delivery", "Service", "Sales of Product Income", "Freight and Delivery"),
    ("Rounding", "Service", "Sales of Product Income", "Rounding"),
)
# Name, percent, whether purchases have it too.
TAXES: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "US": (("State tax", "8.25", False),),
    "GB": (("20.0% S", "20", True), ("5.0% R", "5", True), ("0.0% Z", "0", True)),
    "AU": (("GST", "10", True), ("GST free", "0", True)),
}


def sow(engine: Engine) -> None:
    world = engine.world
    with world.write(first=True):
        accounts: dict[str, str] = {}
        for number, name, kind, sub_type in ACCOUNTS:
            row = engine.post(
                ENTITIES["Account"],
                {"Name": name, "AcctNum": number, "AccountType": kind, "AccountSubType": sub_type},
            )
            accounts[name] = row["Id"]
        for name, days in TERMS:
            engine.post(ENTITIES["Term"], {"Name": name, "DueDays": days})
        for name in VENDORS:
            engine.post(ENTITIES["Vendor"], {"DisplayName": name})
        for name in CUSTOMERS:
            engine.post(ENTITIES["Customer"], {"DisplayName": name})
        for name, kind, income, expense in ITEMS:
            engine.post(
                ENTITIES["Item"],
                {
                    "Name": name,
                    "Sku": name.upper(),
                    "Type": kind,
                    "IncomeAccountRef": {"value": accounts[income]},
                    "ExpenseAccountRef": {"value": accounts[expense]},
                },
            )
        _sow_tax(engine)


def _sow_tax(engine: Engine) -> None:
    world = engine.world
    for name, percent, purchases in TAXES[world.switches.country]:
        rate = world.insert(
            "TaxRate",
            {
                "Name": name,
                "Description": name,
                "Active": True,
                "RateValue": Decimal(percent),
                "AgencyRef": {"value": "1"},
                "SpecialTaxType": "NONE",
                "DisplayType": "ReadOnly",
            },
        )
        listed = {
            "TaxRateDetail": [
                {
                    "TaxRateRef": {"value": rate["Id"], "name": name},
                    "TaxTypeApplicable": "TaxOnAmount",
                }
            ]
        }
        empty: dict[str, Any] = {"TaxRateDetail": []}
        world.insert(
            "TaxCode",
            {
                "Name": name,
                "Description": name,
                "Active": True,
                "Hidden": False,
                "Taxable": True,
                "TaxGroup": True,
                "SalesTaxRateList": listed,
                "PurchaseTaxRateList": listed if purchases else empty,
            },
        )
    if world.switches.american:
        # Two codes that every US company has, under names for ids.
        for code, taxable in (("TAX", True), ("NON", False)):
            row = world.insert(
                "TaxCode",
                {
                    "Name": code,
                    "Description": code,
                    "Active": True,
                    "Hidden": False,
                    "Taxable": taxable,
                    "TaxGroup": False,
                    "SalesTaxRateList": {"TaxRateDetail": []},
                    "PurchaseTaxRateList": {"TaxRateDetail": []},
                },
            )
            world.delete("TaxCode", row["Id"])
            world.store.put("TaxCode", code, row | {"Id": code})
