"""What of an order stands on invoices in ConnectWise, by line, and what a person accepted of it.

Owns the fact `invoicing`: how it is made of products that were read, and how it is read. Pure; the
kind of an invoice says nothing here: only which products it carries (B1.12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.domain import psa
from app.domain.choices import ACCEPT_UNLINKED
from app.domain.codes import Code
from app.domain.order import OrderView
from app.domain.records import Fact

FACT = "invoicing"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
ACCEPTABLE = frozenset({Code.INVOICED_TOO_EARLY, Code.PO_AFTER_INVOICE})


def read(view: OrderView) -> Mapping[str, Any]:
    """What was read last, empty before the first reading."""
    fact = view.facts.get((FACT, ""))
    return fact.body if fact is not None else {}


def noted(
    view: OrderView, products: Sequence[psa.Product], *, whole: bool = False
) -> dict[str, Any]:
    """The reading after these products. `whole`: they are all that stand on the sales order.

    Since when an invoice is known is kept: what a person accepts are invoices that were known.
    """
    before = read(view)
    invoiced, on = (dict(before.get(name, {})) if not whole else {} for name in ("invoiced", "on"))
    for product in products:
        key = key_of(view, product)
        if key is None:
            continue
        invoiced.pop(key, None)
        on.pop(key, None)
        if product.invoice_id is not None:
            invoiced[key] = int(product.quantity - product.cancelled)
            on[key] = product.invoice_id
    seen = {
        str(invoice): before.get("seen", {}).get(str(invoice)) or view.now.isoformat()
        for invoice in on.values()
    }
    numbers = {str(p.invoice_id): called(p) for p in products if p.invoice_id is not None}
    known = {**before.get("numbers", {}), **numbers}
    kept = {invoice: known[invoice] for invoice in seen if invoice in known}
    body = {**before, "invoiced": invoiced, "on": on, "seen": seen, "numbers": kept}
    if stock := from_stock(view):
        open_ones = dict(before.get("open", {})) if not whole else {}
        for product in products:
            key = key_of(view, product)
            if key in stock and product.open_demand is not None:
                open_ones[key] = min(int(product.open_demand), stock[key])
        body["open"] = open_ones
    return body


def from_stock(view: OrderView) -> dict[str, int]:
    """What of each line comes from the MSP's own stock (H4, D-15), by line key, where Commerce's
    purchase orders meet ConnectWise's demand: nobody takes the stock's part off that demand."""
    if "receive_purchase_order" not in view.steps:
        return {}
    return {
        str(line.id): min(line.quantity_from_stock, line.quantity)
        for line in view.sold_lines
        if line.quantity_from_stock and view.physical(line)
    }


def asked_for_stock(view: OrderView) -> dict[str, int]:
    """What comes from stock and was still asked of ConnectWise's purchasers when it was read last,
    by line key: it would be ordered although nobody needs it."""
    stock, seen = from_stock(view), read(view).get("open", {})
    return {key: int(seen[key]) for key in stock if seen.get(key)}


def with_reading(view: OrderView, body: Mapping[str, Any]) -> OrderView:
    """The view as it will be once the reading is kept."""
    return replace(view, facts={**view.facts, (FACT, ""): Fact(FACT, "", body, view.now)})


def key_of(view: OrderView, product: psa.Product) -> str | None:
    """The line's key of a product of ours, None for a foreign one. Lines that left count."""
    prefix = view.xref("")
    if product.xref is None or not product.xref.startswith(prefix):
        return None
    return product.xref.removeprefix(prefix)


def invoiced_lines(view: OrderView) -> dict[str, int]:
    """Invoiced by line key, in whole units; lines without an invoice are left out."""
    body = read(view).get("invoiced", {})
    return {str(key): int(quantity) for key, quantity in body.items() if quantity}


def accepted_unlinked(view: OrderView) -> frozenset[str]:
    """Keys of lines whose invoice a person accepted (D-6, D-7): nothing is linked for them.

    A decision is about the invoices that were known when it was made, not about later ones.
    """
    moments = [
        decision.at
        for decision in view.every_decision
        if decision.code in ACCEPTABLE and decision.choice == ACCEPT_UNLINKED.name
    ]
    if not moments:
        return frozenset()
    last = max(moments)
    return frozenset(key for key in invoiced_lines(view) if _since(view, key) <= last)


def _since(view: OrderView, key: str) -> datetime:
    body = read(view)
    seen = body.get("seen", {}).get(str(body.get("on", {}).get(key)))
    return datetime.fromisoformat(seen) if seen else LONG_AGO


def named(view: OrderView, keys: Sequence[str]) -> str:
    """The invoices that these lines stand on, as a sentence lists them; empty where none is known."""
    body = read(view)
    found = sorted({int(body["on"][key]) for key in keys if key in body.get("on", {})})
    return f"invoice {', '.join(numbered(body, one) for one in found)}" if found else ""


def called(product: psa.Product) -> str:
    """The product's invoice as people call it: by its number, which is not its id."""
    return product.invoice_number or str(product.invoice_id)


def numbered(body: Mapping[str, Any], invoice: int) -> str:
    """An invoice of a reading as people call it; one that was read before numbers were, by its id."""
    return str(body.get("numbers", {}).get(str(invoice), invoice))


def on_invoices(view: OrderView, keys: Sequence[str]) -> str:
    """These lines with their invoices, as a sentence names them."""
    titles = {str(line.id): line.title for line in view.sold_lines}
    body = read(view)
    on = body.get("on", {})
    return ", ".join(
        f"{titles.get(key, key)} on invoice {numbered(body, on[key])}"
        if key in on
        else titles.get(key, key)
        for key in keys
    )
