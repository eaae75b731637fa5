"""QuickBooks' records as they arrive, as far as the service reads them.

Owns names and types of the wire. Lenient: unknown fields are ignored and nearly everything may be
absent; only a record's own id must be there. Must not know the domain.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal


def _listed(value: Any) -> Any:
    return [] if value is None else [value] if isinstance(value, dict) else value


def _text(value: Any) -> Any:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(lambda value: False if value is None else value)]
Number = Annotated[Decimal, BeforeValidator(lambda value: 0 if value is None else value)]


class Wire(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_pascal, extra="ignore", frozen=True, coerce_numbers_to_str=True
    )


class Reference(Wire):
    value: Text = Field("", alias="value")


class Email(Wire):
    address: Text = ""


class Record(Wire):
    id: Annotated[str, Field(min_length=1)]
    sync_token: Text = ""
    status: Text = Field("", alias="status")


class Name(Record):
    """A vendor or a customer."""

    display_name: Text = ""
    active: bool | None = None
    currency_ref: Reference | None = None
    primary_email_addr: Email | None = None


class Item(Record):
    name: Text = ""
    sku: Text = ""
    active: bool | None = None
    type: Text = ""


class Account(Record):
    name: Text = ""
    acct_num: Text = ""
    account_type: Text = ""
    account_sub_type: Text = ""
    currency_ref: Reference | None = None


class TaxRate(Record):
    rate_value: Decimal | None = None


class TaxRateDetail(Wire):
    tax_rate_ref: Reference | None = None


class TaxRateList(Wire):
    tax_rate_detail: Annotated[list[TaxRateDetail], BeforeValidator(_listed)] = []


class TaxCode(Record):
    name: Text = ""
    sales_tax_rate_list: TaxRateList | None = None
    purchase_tax_rate_list: TaxRateList | None = None


class Link(Wire):
    txn_id: Text = ""
    txn_type: Text = ""
    txn_line_id: Text = ""


Links = Annotated[list[Link], BeforeValidator(_listed)]


class Detail(Wire):
    """Any line's detail: each kind has some of these."""

    item_ref: Reference | None = None
    account_ref: Reference | None = None
    tax_code_ref: Reference | None = None
    qty: Decimal | None = None
    unit_price: Decimal | None = None


class Line(Wire):
    id: Text = ""
    description: Text = ""
    amount: Number = Decimal(0)
    detail_type: Text = ""
    linked_txn: Links = []
    item_based_expense_line_detail: Detail | None = None
    account_based_expense_line_detail: Detail | None = None
    sales_item_line_detail: Detail | None = None

    @property
    def detail(self) -> Detail | None:
        return (
            self.item_based_expense_line_detail
            or self.account_based_expense_line_detail
            or self.sales_item_line_detail
        )


class TaxDetail(Wire):
    total_tax: Number = Decimal(0)


class Transaction(Record):
    doc_number: str | None = None
    txn_date: str | None = None
    vendor_ref: Reference | None = None
    customer_ref: Reference | None = None
    ap_account_ref: Reference | None = Field(None, alias="APAccountRef")
    currency_ref: Reference | None = None
    private_note: Text = ""
    total_amt: Number = Decimal(0)
    balance: Decimal | None = None
    txn_tax_detail: TaxDetail | None = None
    linked_txn: Links = []
    line: Annotated[list[Line], BeforeValidator(_listed)] = []
    po_status: Text = Field("", alias="POStatus")
    txn_status: Text = ""


class CompanyInfo(Wire):
    company_name: Text = ""
    country: Text = ""


class AccountingPrefs(Wire):
    book_close_date: str | None = None


class ProductPrefs(Wire):
    inventory_and_purchase_order: Flag = False


class SalesPrefs(Wire):
    custom_txn_numbers: Flag = False
    allow_estimates: Flag = False


class TaxPrefs(Wire):
    partner_tax_enabled: Flag = False


class CurrencyPrefs(Wire):
    multi_currency_enabled: Flag = False
    home_currency: Reference | None = None


class NameValue(Wire):
    name: Text = ""
    value: Text = ""


class OtherPrefs(Wire):
    name_value: Annotated[list[NameValue], BeforeValidator(_listed)] = []


class Preferences(Wire):
    accounting_info_prefs: AccountingPrefs = AccountingPrefs()
    product_and_services_prefs: ProductPrefs = ProductPrefs()
    sales_forms_prefs: SalesPrefs = SalesPrefs()
    tax_prefs: TaxPrefs = TaxPrefs()
    currency_prefs: CurrencyPrefs = CurrencyPrefs()
    other_prefs: OtherPrefs = OtherPrefs()
