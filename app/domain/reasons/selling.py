"""Reasons about quotes, opportunities, tickets and sales orders."""

from __future__ import annotations

from app.domain.codes import Code, State, Who
from app.domain.reasons.reason import H, Reason, W

REASONS: dict[Code, Reason] = {
    Code.ORDER_NOT_APPROVED: Reason(
        W,
        Who.SALES,
        "B1",
        "The sales order is still a draft in Commerce.",
        "Approve or cancel the sales order in Commerce.",
    ),
    Code.QUOTE_MISSING: Reason(
        W,
        Who.NOBODY,
        "B1.5",
        "The order names a quote that has not come in.",
        "Nothing: after QUOTE_WAIT the order goes on by its own lines.",
    ),
    Code.SO_MISSING: Reason(
        W,
        Who.NOBODY,
        "B1.7",
        "The ConnectWise sales order does not stand yet.",
        "Where a person makes it: convert the opportunity to a sales order in ConnectWise.",
    ),
    Code.TICKET_PRODUCTS_MISSING: Reason(
        W,
        Who.NOBODY,
        "B2.2",
        "The order's products do not stand on its ticket yet.",
        "Nothing, if the order is under way; else see what holds its ticket or its products.",
    ),
    Code.OTHER_QUOTE_OPEN: Reason(
        W,
        Who.NOBODY,
        "B1.4",
        "A quote was declined while another quote of its opportunity is open.",
        "Nothing: the opportunity is marked lost when its last open quote is declined.",
    ),
    Code.OPTIONS_UNMATCHED: Reason(
        H,
        Who.SALES,
        "B1.5",
        "The chosen options do not fit the opportunity's products.",
        "Correct the products on the opportunity in ConnectWise.",
    ),
    Code.OPPORTUNITY_LOST: Reason(
        H,
        Who.SALES,
        "B1.4",
        "The opportunity is marked lost.",
        "Reopen the opportunity in ConnectWise, or cancel the order in Commerce.",
    ),
    Code.OPPORTUNITY_MISSING: Reason(
        H,
        Who.SALES,
        "D-13",
        "No opportunity is named and OPPORTUNITY_MISSING is hold.",
        "Name the opportunity in Commerce.",
    ),
    Code.OPPORTUNITY_SHARED: Reason(
        H,
        Who.SALES,
        "D-13",
        "The opportunity already carries another Commerce order.",
        "Choose: append to its sales order, or make a separate one.",
    ),
    Code.OPPORTUNITY_OF_OTHER_COMPANY: Reason(
        H,
        Who.SALES,
        "D-10",
        "The opportunity belongs to another company than the order.",
        "Correct the opportunity in Commerce, or the mapping of the customer.",
    ),
    Code.TICKET_OF_OTHER_COMPANY: Reason(
        H,
        Who.SALES,
        "E6",
        "The chosen ticket belongs to another company than the order.",
        "Choose a ticket of the customer, or a new one, on the order's page or by POST "
        "/admin/orders/{number}/ticket.",
    ),
    Code.TICKET_CLOSED: Reason(
        H,
        Who.SALES,
        "B2.4",
        "The ticket is closed, and no products may be put on it or moved from it.",
        "Open it again in ConnectWise and look again, choose another ticket while none of the "
        "order's products stand on it, or go on with the closed ticket.",
    ),
    Code.TICKET_MERGED: Reason(
        H,
        Who.SALES,
        "B2.4",
        "The ticket was merged into another one, and the order's products were left on it.",
        "Move the products to the other ticket in ConnectWise and look again, or go on as it is.",
    ),
    Code.SALES_ORDER_UNCERTAIN: Reason(
        H,
        Who.SALES,
        "H9",
        "More than one ConnectWise sales order could be this order's.",
        "Remove the wrong one in ConnectWise.",
    ),
    Code.PRODUCTS_NOT_CONVERTED: Reason(
        H,
        Who.SALES,
        "B1.6",
        "The sales order does not carry all products of the order.",
        "Add the missing products to the sales order in ConnectWise.",
    ),
    Code.NEEDS_AGREEMENT: Reason(
        State.DONE,
        Who.SALES,
        "H5",
        "A recurring line is billed by an agreement.",
        "Add the recurring line to the customer's agreement in ConnectWise.",
    ),
}
