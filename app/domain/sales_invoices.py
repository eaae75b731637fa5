"""Commerce's sales invoice as it should stand in the ledger (C3 to C5).

Owns its lines, amounts, number and whether it is a draft. Pure; which customer, accounts or items
it names in the ledger is the step's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.bills import cents
from app.domain.days import day
from app.domain.documents import SalesInvoice, SalesInvoiceLine
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.records import ORDER

STEP = "post_invoice"


def subjects(view: OrderView) -> list[str]:
    """Each invoice; the order itself while Commerce has issued none."""
    return [f"invoice:{one.id}" for one in view.sales_invoices] or [ORDER]


def wanted(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    if subject == ORDER:
        return {"invoice": None}  # the gate says that there is none
    number = int(subject.split(":")[1])
    invoice = next((one for one in view.sales_invoices if one.id == number), None)
    order = view.sales_order
    if invoice is None:
        return view.applied(STEP, subject)
    behaviour = view.behaviour
    own = behaviour.invoice_numbering == "commerce"
    body: dict[str, Any] = canonical(
        {
            "subject": subject,
            "invoice": invoice.id,
            "customer": invoice.customer_id,
            "number": f"{behaviour.invoice_number_prefix}{invoice.invoice_number}" if own else None,
            "reference": invoice.invoice_number if order is None else order.order_number,
            "on": day(invoice.issued_on, view.live.zone).isoformat(),
            "due": day(invoice.due_on, view.live.zone).isoformat() if invoice.due_on else None,
            "currency": invoice.currency or view.names.get("commerce_currency", ""),
            "draft": behaviour.invoice_status == "draft",
            "lines": [_line(view, invoice, line) for line in invoice.lines],
        }
    )
    return body


def _line(view: OrderView, invoice: SalesInvoice, line: SalesInvoiceLine) -> dict[str, Any]:
    """A discount is taken off, whichever sign it was told with (the vendor does not say)."""
    sign = -1 if line.kind == "discount" else 1
    price = sign * abs(line.price) if line.kind == "discount" else line.price
    tax = line.tax * line.quantity if view.live.tax_basis == "unit" else line.tax
    return {
        "kind": line.kind,
        "title": line.title,
        "quantity": line.quantity,
        "price": price,
        "amount": cents(price * line.quantity),
        "tax": cents(sign * abs(tax) if line.kind == "discount" else tax),
    }
