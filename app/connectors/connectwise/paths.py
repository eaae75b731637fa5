"""Where ConnectWise keeps what: the paths of the records and lists that the service uses.

Owns paths only, as `connectwise.openapi.json` has them, all below the configured base address.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain import psa

INFO = "/system/info"
PURCHASING_DEMANDS = "/procurement/purchasingDemands"
OPPORTUNITIES = "/sales/opportunities"
SALES_ORDERS = "/sales/orders"
PRODUCTS = "/procurement/products"
CATALOG = "/procurement/catalog"
PROCUREMENT_SETTINGS = "/procurement/settings"
PURCHASE_ORDERS = "/procurement/purchaseorders"
INVOICES = "/finance/invoices"
CALLBACKS = "/system/callbacks"
COMPANIES = "/company/companies"
CONTACTS = "/company/contacts"
MEMBERS = "/system/members"
TICKETS = "/service/tickets"

SETUP_PATHS: Mapping[psa.Setup, str] = {
    psa.Setup.OPPORTUNITY_STATUS: "/sales/opportunities/statuses",
    psa.Setup.OPPORTUNITY_TYPE: "/sales/opportunities/types",
    psa.Setup.SALES_ORDER_STATUS: "/sales/orders/statuses",
    psa.Setup.PURCHASE_ORDER_STATUS: "/procurement/purchaseorderstatuses",
    psa.Setup.BILLING_TERMS: "/finance/billingTerms",
    psa.Setup.UNIT_OF_MEASURE: "/procurement/unitOfMeasures",
    psa.Setup.PRODUCT_TYPE: "/procurement/types",
    # The list has no path in the OpenAPI document, which knows its records by id only.
    psa.Setup.PRODUCT_SUBCATEGORY: "/procurement/subcategories",
    psa.Setup.WAREHOUSE: "/procurement/warehouses",
    psa.Setup.WAREHOUSE_BIN: "/procurement/warehouseBins",
    psa.Setup.LOCATION: "/system/locations",
    psa.Setup.DEPARTMENT: "/system/departments",
    psa.Setup.INVOICE_STATUS: "/finance/billingStatuses",
    psa.Setup.BOARD: "/service/boards",
}


def forecast_of(opportunity_id: int) -> str:
    return f"{OPPORTUNITIES}/{opportunity_id}/forecast"


def lines_of(purchase_order_id: int) -> str:
    return f"{PURCHASE_ORDERS}/{purchase_order_id}/lineitems"


def statuses_of(board_id: int) -> str:
    return f"/service/boards/{board_id}/statuses"


def notes_of(ticket_id: int) -> str:
    return f"{TICKETS}/{ticket_id}/notes"


def shipping_of(product_id: int) -> str:
    return f"{PRODUCTS}/{product_id}/pickingShippingDetails"


def report(name: str) -> str:
    return f"/system/reports/{name}"
