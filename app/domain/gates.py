"""Gates: named pure functions that say whether a step may run now, and if not, why.

Owns the waits before the sales order stands, and the table of all gates. The worker, the API and
the command line ask the same functions, so they cannot disagree.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.codes import Code, Who
from app.domain.gates_of_buying import (
    demand_free,
    goods_arrived_or_issued,
    purchase_order_stays,
    surplus_comes_last,
)
from app.domain.gates_of_goods import (
    earlier_receipts_received,
    receipt_consistent,
    surplus_stands,
)
from app.domain.gates_of_invoice import (
    goods_complete,
    link_not_invoiced,
    order_not_invoiced,
    receipt_not_invoiced,
)
from app.domain.gates_of_ledger import (
    purchase_order_posted,
    receipt_has_papers,
    receipt_of_known_order,
    sales_invoice_issued,
)
from app.domain.order import OrderView, named
from app.domain.shut import Gate, Shut
from app.domain.suggestion import lines_suggested
from app.domain.tickets import ticket_open, ticket_products_stand


def sales_order_known(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """H1: documents may come before the sales order that they belong to."""
    if view.sales_order is not None:
        return None
    kinds = sorted(
        {"purchase order" for _ in view.purchase_orders}
        | {"receipt" for _ in view.receipts}
        | {"quote" for _ in (view.quote,) if view.quote}
    )
    what = " and ".join(kinds) or "document"
    return Shut(
        Code.SALES_ORDER_UNKNOWN,
        f"A {what} came in for sales order {view.row.name}, which Commerce has not sent yet.",
        next_look="when the sales order comes in",
    )


def sales_order_approved(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """A draft is never mirrored."""
    order = view.sales_order
    if order is None or not order.draft:
        return None
    return Shut(
        Code.ORDER_NOT_APPROVED,
        f"Sales order {order.order_number} is a draft in Commerce.",
        next_look="when it is approved",
    )


def quote_known(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.5: an order that names a quote waits for it, for QUOTE_WAIT, then goes on."""
    order = view.sales_order
    if order is None or order.quote_id is None or view.quote is not None:
        return None
    # Counted from when the sales order itself came in: `since` starts anew with every reason.
    seen = view.facts.get(("sales_order_seen", ""))
    until = (seen.seen_at if seen is not None else view.now) + view.live.quote_wait
    if view.now >= until:
        return None
    return Shut(
        Code.QUOTE_MISSING,
        f"Quote {order.quote_id} of {order.order_number} has not come in; "
        "its options decide which products are sold.",
        until=until,
        next_look="when the quote comes in",
        never_held=True,
    )


def total_agrees(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-12: lines and header have to add up to the stated total."""
    order = view.sales_order
    if order is None:
        return None
    gap = money.gap(order, view.live.tax_basis)
    if abs(gap) <= view.behaviour.rounding_limit:
        return None
    computed = money.total(order, view.live.tax_basis)
    stated = money.told(order.total if order.total is not None else Decimal(0))
    return Shut(
        Code.TOTAL_MISMATCH,
        f"Lines and header amounts of {order.order_number} add up to {money.told(computed)}, "
        f"but Commerce states {stated}.",
        opened_by=("accept_lines",),
    )


def opportunity_free(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-13: an opportunity that carries another Commerce order is not taken by itself."""
    if view.by_ticket:
        return None  # nothing of it is taken but its status
    opportunity = view.opportunity_id
    if opportunity is None:
        if view.opportunity_missing == "hold" and view.ref("opportunity") is None:
            return Shut(
                Code.OPPORTUNITY_MISSING,
                f"{view.row.name} names no opportunity, and orders without one are held.",
            )
        return None
    if view.ref("opportunity") == opportunity:
        return None
    others = view.shared.get(("opportunity", str(opportunity)), ())
    if not others or view.decided(Code.OPPORTUNITY_SHARED) == "append":
        return None
    return Shut(
        Code.OPPORTUNITY_SHARED,
        f"Opportunity {opportunity} already carries {', '.join(others)}.",
    )


def opportunity_named(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-13, where no product stands on the opportunity: several orders may name one then."""
    missing = view.opportunity_id is None and view.ref("opportunity") is None
    if not missing or view.opportunity_missing != "hold":
        return None
    return Shut(
        Code.OPPORTUNITY_MISSING,
        f"{view.row.name} names no opportunity, and orders without one are held.",
    )


def sales_order_wanted(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-3, B1.7: where a person converts, the service waits until the conversion shows."""
    if not view.person_converts or view.ref("sales_order") is not None:
        return None
    opportunity = view.ref("opportunity")
    if opportunity is None or not view.finished("win_opportunity", "order"):
        return None  # nothing to convert yet, or ever (D-13 plain_sales_order)
    fact = view.facts.get(("conversion", ""))
    if fact is not None and fact.body.get("sales_orders"):
        return None
    told = named("opportunity", opportunity)
    return Shut(
        Code.SO_MISSING,
        f"{told[:1].upper()}{told[1:]} has to be converted to a sales order in ConnectWise; "
        "goods cannot be received before it stands.",
        who=Who.SALES,
        looks=("conversion",),
        next_look="when ConnectWise shows the conversion",
    )


def sales_order_stands(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.7: nothing is ordered, linked or received before the sales order's products stand."""
    if view.stock or view.finished("create_sales_order", "order") or view.sells_nothing:
        return None
    person = view.person_converts
    return Shut(
        Code.SO_MISSING,
        f"The ConnectWise sales order of {view.row.name} does not stand yet, so nothing can be "
        "linked to it or received for it.",
        who=Who.SALES if person else Who.NOBODY,
        next_look="when the sales order stands",
    )


def products_stand(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D1: what is invoiced stands where it is invoiced from, the sales order or an open ticket."""
    if not view.by_ticket:
        return sales_order_stands(view, subject, since)
    return ticket_products_stand(view, subject, since) or ticket_open(view, subject, since)


GATES: dict[str, Gate] = {
    gate.__name__: gate
    for gate in (
        sales_order_known,
        sales_order_approved,
        quote_known,
        total_agrees,
        opportunity_free,
        opportunity_named,
        sales_order_wanted,
        sales_order_stands,
        ticket_open,
        ticket_products_stand,
        products_stand,
        lines_suggested,
        purchase_order_stays,
        goods_arrived_or_issued,
        demand_free,
        receipt_consistent,
        earlier_receipts_received,
        surplus_comes_last,
        surplus_stands,
        order_not_invoiced,
        link_not_invoiced,
        receipt_not_invoiced,
        goods_complete,
        receipt_of_known_order,
        purchase_order_posted,
        receipt_has_papers,
        sales_invoice_issued,
    )
}
