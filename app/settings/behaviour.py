"""What the service does where there is a choice.

Seeds the database once; pinned on an order when its sales order arrives (`Group.BEHAVIOUR`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from app.settings.fields import Part, Switch, behaviour


class BehaviourSettings(Part):
    """The choices, with the rule that each one comes from."""

    scenario: str = behaviour("connectwise-procurement-opportunity", "Scenario of new orders.")
    purchase_order_timing: Literal["on_receipt", "on_issue"] = behaviour(
        "on_receipt", "When a purchase order reaches ConnectWise, or the ledger in A and C (D-2)."
    )
    sales_order_creation: Literal["automatic", "wait_for_person"] = behaviour(
        "automatic", "Who makes the ConnectWise sales order (D-3)."
    )
    opportunity_missing: Literal["create", "plain_sales_order", "hold"] = behaviour(
        "create", "What happens to an order that names no opportunity (D-13)."
    )
    demand_linking: Literal["demand_creates_po", "demand_appends_to_po", "automatic"] = behaviour(
        "demand_creates_po", "How purchase orders are linked to purchasing demand (D-4)."
    )
    po_numbering: Literal["commerce", "connectwise"] = behaviour(
        "commerce", "Whose number a purchase order carries in ConnectWise."
    )
    invoice_policy: Literal["all_goods", "shipped_only"] = behaviour(
        "all_goods", "Whether all goods or only shipped goods are released for invoicing (B1.11)."
    )
    invoice_action: Literal["mark_ready", "create_invoice"] = behaviour(
        "mark_ready", "What releasing does: set the ready status, or also create the invoice (D-5)."
    )
    invoice_from: Literal["opportunity", "ticket", "commerce"] = behaviour(
        "opportunity",
        "What is invoiced: in ConnectWise the opportunity's sales order or the ticket, or Commerce's"
        " own sales invoice in the ledger; follows the scenario (A4).",
    )
    invoice_status: Literal["draft", "approved"] = behaviour(
        "draft", "How sales invoices reach the ledger (C4, D-9)."
    )
    invoice_numbering: Literal["ledger", "commerce"] = behaviour(
        "ledger", "Whose number a sales invoice carries in the ledger (C5)."
    )
    invoice_number_prefix: str = behaviour(
        "", "Stands before Commerce's invoice numbers in the ledger, so that they cannot clash."
    )
    draft_as_estimate: Switch = behaviour(
        "false", "Whether a ledger without drafts gets an estimate instead of a kept draft (D-9)."
    )
    bill_per: Literal["receipt", "purchase_order"] = behaviour(
        "receipt",
        "Whether the ledger gets a bill for each receipt, or one for each purchase order that grows"
        " with its receipts (C6).",
    )
    invoice_lock: Literal["none", "bill_closed_flag"] = behaviour(
        "none",
        "Whether the sales order bills only when closed until its gate opens (D-5); not documented"
        " by ConnectWise, so it is read back.",
    )
    raise_ticket: Literal["always", "chosen"] = behaviour(
        "always",
        "Whether an order for which no ticket was chosen gets one of its own (E3); where tickets"
        " are invoiced it always does.",
    )
    closed_ticket: Literal["new_ticket", "hold"] = behaviour(
        "new_ticket", "What becomes of an order whose chosen ticket is closed (E4)."
    )
    ticket_type: str = behaviour("", "Type of created tickets, by its name; empty: none.")
    ticket_summary: str = behaviour(
        "Sales order {number}: {customer}",
        "Summary of tickets that are created; {number}, {customer}, {reference} and {title} (the"
        " quote's) stand for the order's.",
    )
    mark_shipped: Literal["drop_ship_only", "on_receipt", "never"] = behaviour(
        "drop_ship_only", "Which received goods the service marks as shipped (D-14)."
    )
    partial_receipt: Literal["clone_rest", "cancel_rest"] = behaviour(
        "clone_rest", "The rest of a partly received line. A cancelled one that comes is held."
    )
    stock_purchase_orders: Literal["sync_unlinked", "ignore"] = behaviour(
        "sync_unlinked", "What becomes of purchase orders that name no sales order."
    )
    lost_on_decline: Switch = behaviour(
        "false",
        "Whether a declined quote marks its opportunity lost, if no other quote or order of the"
        " opportunity stands against it (B1.4).",
    )
    rounding_limit: Decimal = behaviour(
        Decimal("0.05"),
        "Largest rounding gap between lines and total, in the order's currency.",
        ge=0,
    )
