"""What the purchasing officer should buy for an order, as Commerce worked it out (D3, D5).

Owns the suggestion as a document and as the text of a note, and the wait for lines that no purchase
order covers yet. Pure; where and how often it is written is `app/steps/suggest_purchase.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain import money
from app.domain.codes import Code
from app.domain.documents import PurchaseOrder, PurchaseOrderLine
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.records import ORDER
from app.domain.release import unordered
from app.domain.shut import Shut

STEP = "suggest_purchase"
MAIL_STEP = "mail_suggestion"
PLACES = Decimal("0.0001")  # a discounted unit price may have any number of digits
LONGEST_NOTE = 1000  # of Commerce's own note, which may carry anything


def subjects(view: OrderView) -> Sequence[str]:
    """Each purchase order, and the order for what none of them covers. Stock has no ticket."""
    if view.stock:
        return ()
    return (*(f"po:{po.id}" for po in view.purchase_orders if not po.draft), ORDER)


def wanted(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    """The suggestion as it should be told; None: there is none, and none was told.

    Received quantities are no part of it, so a receipt changes nothing (D2).
    """
    ticket = view.ref("ticket")
    if ticket is None and view.finished("raise_ticket", ORDER):
        return None  # a person left the ticket out
    before = view.applied(STEP, subject)
    found = _of_order(view) if subject == ORDER else _of_purchase_order(view, subject, before)
    if found is not None:
        result: Mapping[str, Any] = canonical({"for": subject, "ticket": ticket, **found})
        return result
    if before is None:
        return None
    return {"for": subject, "ticket": before["ticket"], "withdrawn": True}


def officer(view: OrderView) -> str:
    """Where suggestions are mailed to; empty: nowhere. Read live: people come and go."""
    return view.names.get("purchasing_officer_email", "").strip()


def letter_wanted(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    """The suggestion as it should be mailed; None: no address, or nothing to tell. It names no
    ticket, so that an order on another ticket is not mailed anew (E7)."""
    if not officer(view):
        return None
    before = view.applied(MAIL_STEP, subject)
    found = _of_order(view) if subject == ORDER else _of_purchase_order(view, subject, before)
    if found is None and before is None:
        return None
    result: Mapping[str, Any] = canonical({"for": subject, **(found or {"withdrawn": True})})
    return result


def told_before(view: OrderView, step: str, subject: str) -> list[Mapping[str, Any]]:
    """What a step told of a subject so far, by its numbered outcomes, the oldest first."""
    found = [
        (int(key), outcome)
        for (by, about, key), outcome in view.outcomes.items()
        if (by, about) == (step, subject)
    ]
    return [outcome for _, outcome in sorted(found, key=lambda one: one[0])]


def _of_order(view: OrderView) -> dict[str, Any] | None:
    order, rest = view.sales_order, unordered(view)
    if order is None or not rest:
        return None
    lines = [
        {
            "sku": order.product(line).product_number,
            "title": line.title,
            "quantity": rest[line.id],
            "cost": line.cost or None,  # Commerce tells 0 where it knows none
            "from_stock": line.quantity_from_stock or None,
        }
        for line in view.sold_lines
        if line.id in rest
    ]
    return {"currency": _currency(view, order.currency), "lines": lines}


def _of_purchase_order(
    view: OrderView, subject: str, before: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    po = view.purchase_order(int(subject.split(":")[1]))
    if po is None or po.cancelled:
        return None
    lines = [line for line in po.lines if line.quantity]
    bought = all(line.quantity_received >= line.quantity for line in lines)
    if not lines or (before is None and bought):
        return None
    return {
        "supplier": po.supplier.name,
        "account": po.supplier.account_number,
        "drop_ship": po.drop_ship,
        "reference": po.reference,
        "note": po.note[:LONGEST_NOTE] if po.note else None,
        "currency": _currency(view, po.currency),
        "lines": [_line(view, po, line) for line in lines],
        "costs": [{"title": cost.description, "amount": cost.amount} for cost in po.costs],
    }


def _line(view: OrderView, po: PurchaseOrder, line: PurchaseOrderLine) -> dict[str, Any]:
    known = {product.id: product.product_number for product in po.products}
    order = view.sales_order
    if order is not None:
        known = {product.id: product.product_number for product in order.products} | known
    stock = [
        sold.quantity_from_stock
        for sold in view.sold_lines
        if sold.quantity_from_stock
        and (line.sales_order_line_id or sold.id) == sold.id
        and sold.product_id == line.product_id
    ]
    return {
        "sku": known.get(line.product_id),
        "title": line.title,
        "quantity": line.quantity,
        "supplier_sku": line.supplier_sku,
        "cost": money.unit_price(line).quantize(PLACES),
        "from_stock": sum(stock) or None,
    }


def _currency(view: OrderView, told: str | None) -> str:
    return told or view.names.get("commerce_currency", "")


# As a text --------------------------------------------------------------------------------------


def headline(view: OrderView, want: Mapping[str, Any]) -> str:
    """The subject of a letter, which says at once that nothing was ordered (D4)."""
    kind = "Suggestion withdrawn" if want.get("withdrawn") else "Suggestion"
    supplier = f", {want['supplier']}" if want.get("supplier") else ""
    return " ".join(f"[{kind}] Purchase {_about(view, want)}{supplier}".split())


def _about(view: OrderView, want: Mapping[str, Any]) -> str:
    subject, order = str(want["for"]), view.row.name
    return order if subject == ORDER else f"{view.label(subject)} for {order}"


def text(view: OrderView, want: Mapping[str, Any], ending: str, *, again: bool) -> str:
    """The note. Every line is a sentence of its own: ConnectWise may keep line breaks as blanks.
    `ending`: the natural key of the note, or where a letter points to; `again`: it was told before."""
    subject, about = str(want["for"]), _about(view, want)
    if want.get("withdrawn"):
        why = (
            "its lines are on purchase orders of Commerce, or from stock."
            if subject == ORDER
            else "it is cancelled in Commerce."
        )
        return "\n".join((f"Purchasing suggestion {about} is withdrawn: {why}", ending))
    first = (
        f"Purchasing suggestion {about}. It is a suggestion only: nothing was ordered, and no "
        "supplier was contacted."
    )
    told = [first]
    if again:
        told.append("It replaces the one before.")
    if subject == ORDER:
        told.append("Commerce names no supplier for these lines.")
    else:
        account = f" ({want['account']})" if want["account"] else ""
        told.append(f"Supplier: {want['supplier']}{account}.")
    if want.get("drop_ship"):
        told.append("Shipped by the supplier to the customer.")
    told.extend(_told(line, want["currency"]) for line in want["lines"])
    told.extend(
        f"{cost['title']}: {_amount(cost['amount'], want['currency'])}."
        for cost in want.get("costs", ())
    )
    if want.get("reference"):
        told.append(f"Reference: {want['reference']}.")
    if want.get("note"):
        # Commerce keeps a bid number here; it has no field of its own.
        told.append(f"Note in Commerce: {want['note']}")
    return "\n".join((*told, ending))


def _told(line: Mapping[str, Any], currency: str) -> str:
    parts = [f"{line['quantity']} x {line['sku'] or ''} {line['title']}".replace("  ", " ")]
    if line.get("supplier_sku"):
        parts.append(f"supplier SKU {line['supplier_sku']}")
    if line["cost"] is not None:
        parts.append(f"cost {_amount(line['cost'], currency)} each")
    if line["from_stock"]:
        parts.append(f"{line['from_stock']} more from own stock")
    return f"- {', '.join(parts)}."


def _amount(amount: Any, currency: str) -> str:
    return f"{amount} {currency}".strip()


# The wait ---------------------------------------------------------------------------------------


def lines_suggested(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D3: Commerce makes its purchase orders a moment after the order. What none of them covers is
    told after QUOTE_WAIT, so that not every order gets a note that the next event withdraws."""
    if subject != ORDER or view.applied(STEP, ORDER) is not None:
        return None
    seen = view.facts.get(("sales_order_seen", ""))
    until = (seen.seen_at if seen is not None else view.now) + view.live.quote_wait
    if view.now >= until:
        return None
    count = sum(unordered(view).values())
    return Shut(
        Code.LINE_NOT_ORDERED,
        f"{count} units of {view.row.name} are on no purchase order in Commerce yet; they are "
        "suggested without a supplier if none comes.",
        until=until,
        next_look="when a purchase order comes in",
        never_held=True,
    )
