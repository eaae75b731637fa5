"""Records of ConnectWise's and the ledger's own set-up, by name.

They seed the database once and are read live from there (`Group.NAMES`).
"""

from __future__ import annotations

from app.settings.fields import Part, name


class NameSettings(Part):
    """Which records of a set-up the steps use."""

    connectwise_warehouse: str = name("Warehouse of purchase orders and shipping.")
    connectwise_warehouse_bin: str = name("Bin of the warehouse.")
    connectwise_sales_rep: str = name(
        "Identifier of the member who owns what no Commerce owner is mapped for."
    )
    connectwise_purchase_terms: str = name("Billing terms of purchase orders.")
    connectwise_product_type: str = name("Type of catalog items that are created.")
    connectwise_product_subcategory: str = name("Subcategory of catalog items that are created.")
    connectwise_unit_of_measure: str = name("Unit of measure of created items and lines.")
    connectwise_won_status: str = name("Opportunity status that means won.")
    connectwise_lost_status: str = name("Opportunity status that means lost.")
    connectwise_open_status: str = name("Opportunity status to which a won one is reopened.")
    connectwise_opportunity_type: str = name("Type of opportunities that are created.")
    connectwise_sales_order_status_waiting: str = name(
        "Sales order status until the invoice gate opens; has no flag, so it must be set."
    )
    connectwise_sales_order_status_ready: str = name(
        "Sales order status once the invoice gate is open; has no flag, so it must be set."
    )
    connectwise_invoice_status: str = name(
        "Status of invoices that are created; empty: ConnectWise's own default."
    )
    connectwise_purchase_order_status_open: str = name("Status of open purchase orders.")
    connectwise_purchase_order_status_closed: str = name("Status of completed purchase orders.")
    connectwise_purchase_order_status_cancelled: str = name(
        "Status of cancelled purchase orders; empty: the closed one that is not the default closed."
    )
    connectwise_freight_item: str = name("Catalog item of delivery amounts.")
    connectwise_surcharge_item: str = name("Catalog item of payment surcharges.")
    connectwise_coupon_item: str = name("Catalog item of coupon discounts.")
    connectwise_rounding_item: str = name("Catalog item of rounding gaps.")
    connectwise_location: str = name("Location of created records.")
    connectwise_business_unit: str = name("Business unit (department) of created records.")

    ledger_purchase_goods: str = name(
        "Account (code or name) of goods on bills; an account, as items would count stock twice."
    )
    ledger_purchase_freight: str = name("Account of freight and costs on bills.")
    ledger_purchase_tax: str = name(
        "Account of a supplier's tax, where the ledger's bills carry no tax code."
    )
    ledger_purchase_tax_code: str = name("Tax code of taxed lines of bills, by id or name.")
    ledger_sales_product: str = name(
        "Account of products sold; the code of an item where the ledger's invoices need items."
    )
    ledger_sales_service: str = name("The same for services and labor (C3).")
    ledger_sales_delivery: str = name("The same for delivery and payment surcharges.")
    ledger_sales_discount: str = name("The same for discounts.")
    ledger_sales_tax_code: str = name("Tax code of taxed lines of sales invoices.")
    ledger_no_tax_code: str = name("Tax code of untaxed lines of taxed documents.")
    ledger_rounding: str = name("Account of rounding gaps on bills.")

    connectwise_board: str = name("Service board of tickets that are created.")
    connectwise_ticket_status: str = name("Status of new tickets; empty: the board's default.")
    connectwise_ticket_status_ready: str = name(
        "Status of a ticket once its invoice gate is open; empty: the board's status with the name"
        " of CONNECTWISE_SALES_ORDER_STATUS_READY."
    )
    connectwise_ticket_boards: str = name(
        "Boards whose open tickets may be chosen, comma-separated; empty: every board."
    )
    connectwise_ticket_statuses: str = name(
        "Statuses of tickets that may be chosen, comma-separated; empty: every open one."
    )
