"""What the doctor looks at: the findings, and what each step of a scenario needs of ConnectWise.

Owns the closed tables of set-up records and reads by step. Pure; the looking is
`app/sync/doctor.py`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """`unproven`: nothing that could be asked says it. `skipped`: an earlier finding hides it."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNPROVEN = "unproven"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `proven_by` is what was asked, in the system's own words. `fix` is
    empty where nothing has to be done. `wrote`: only a probe's write, taken away again, proves it."""

    name: str
    area: str
    outcome: Outcome
    sentence: str
    cause: str = ""
    fix: str = ""
    proven_by: str = ""
    wrote: bool = False


def worst(findings: Collection[Finding]) -> Outcome:
    """How all of them stand together; what is unproven or skipped is no worse than a warning."""
    outcomes = {finding.outcome for finding in findings}
    if Outcome.FAILED in outcomes:
        return Outcome.FAILED
    return Outcome.OK if outcomes <= {Outcome.OK} else Outcome.WARNING


# Which set-up records a step cannot do without, as settings by name.
SETTINGS_OF: Mapping[str, tuple[str, ...]] = {
    "raise_ticket": ("connectwise_board",),
    "create_products": (
        "connectwise_product_type",
        "connectwise_product_subcategory",
    ),
    "win_opportunity": ("connectwise_won_status",),
    "create_sales_order": ("connectwise_sales_order_status_waiting",),
    "sync_purchase_order": (
        "connectwise_purchase_order_status_open",
        "connectwise_warehouse",
        "connectwise_purchase_terms",
        "connectwise_unit_of_measure",
    ),
    "receive_purchase_order": ("connectwise_purchase_order_status_closed",),
    "ship_goods": ("connectwise_warehouse", "connectwise_warehouse_bin"),
    "release_invoice": ("connectwise_sales_order_status_ready",),
}
# The same where tickets are invoiced: no sales order stands, so it has no status (B2).
NOT_BY_TICKET = (
    "connectwise_sales_order_status_waiting",
    "connectwise_sales_order_status_ready",
)
# Catalog items that carry a sales order's header amounts (B1.6).
HEADER_ITEMS: Mapping[str, str] = {
    "connectwise_freight_item": "a delivery amount",
    "connectwise_surcharge_item": "a payment surcharge",
    "connectwise_coupon_item": "a coupon",
    "connectwise_rounding_item": "a rounding gap",
}


class Read(StrEnum):
    """A harmless read that shows whether the API member may use a part of ConnectWise."""

    COMPANIES = "companies"
    CONTACTS = "contacts"
    MEMBERS = "members"
    OPPORTUNITIES = "opportunities"
    CATALOG = "catalog"
    PRODUCTS = "products"
    SALES_ORDERS = "sales_orders"
    TICKETS = "tickets"
    PURCHASE_ORDERS = "purchase_orders"
    LINK_REPORT = "link_report"
    INVOICES = "invoices"


ALWAYS = (Read.COMPANIES, Read.CONTACTS, Read.MEMBERS)
READS_OF: Mapping[str, tuple[Read, ...]] = {
    "raise_ticket": (Read.TICKETS,),
    "create_products": (Read.OPPORTUNITIES, Read.CATALOG, Read.PRODUCTS),
    "win_opportunity": (Read.OPPORTUNITIES,),
    "create_sales_order": (Read.SALES_ORDERS,),
    "sync_purchase_order": (Read.PURCHASE_ORDERS,),
    "link_demand": (Read.LINK_REPORT,),
    "release_invoice": (Read.INVOICES,),
}
# What no read shows, in the words of Commerce's own list of permissions (commerce.md 3.2).
WRITES = (
    "A probe proves it (`demandlink doctor --write`). Without one it is seen at the first write: give "
    "the member's role everything that docs/how-to/connectwise-procurement-opportunity.md lists."
)

# Accounts and items of the ledger, by step.
LEDGER_ACCOUNTS: Mapping[str, tuple[str, ...]] = {
    "post_bill": ("ledger_purchase_goods", "ledger_purchase_freight"),
    "post_invoice": ("ledger_sales_product", "ledger_sales_service", "ledger_sales_delivery"),
}
LEDGER_TAX_CODES: Mapping[str, tuple[str, ...]] = {
    "post_bill": ("ledger_purchase_tax_code", "ledger_no_tax_code"),
    "post_invoice": ("ledger_sales_tax_code", "ledger_no_tax_code"),
}


def settings_of(steps: Collection[str], *, by_ticket: bool) -> tuple[str, ...]:
    """The set-up records that these steps need, each once."""
    wanted = [name for step in SETTINGS_OF if step in steps for name in SETTINGS_OF[step]]
    left_out = NOT_BY_TICKET if by_ticket else ()
    return tuple(dict.fromkeys(name for name in wanted if name not in left_out))


def reads_of(steps: Collection[str]) -> tuple[Read, ...]:
    """The reads that these steps need, each once."""
    wanted = [read for step in READS_OF if step in steps for read in READS_OF[step]]
    return tuple(dict.fromkeys((*ALWAYS, *wanted)))
