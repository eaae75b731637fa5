"""Invoices: what they apply to, which products they take, and what taking them does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import exists, invalid_object, refused
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    decimal,
    default_place,
    fill,
    money,
)
from sandbox.connectwise.model.rules.demand import wanted
from sandbox.connectwise.model.rules.orders import line_total
from sandbox.connectwise.model.rules.products import delivered
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NAME = "invoice"
LONGEST_TERM = 3650
APPLIES_TO = {
    "SalesOrder": ("order", "salesOrder"),
    "Ticket": ("ticket", "ticket"),
    "Project": ("project", "project"),
    "Agreement": ("agreement", "agreement"),
}
TAKES_NOTHING = {"DownPayment", "CreditMemo", "Miscellaneous"}


def is_closed(view: View, invoice: Row) -> bool:
    status = view.get("billingStatus", invoice.get("status")) or {}
    return bool(status.get("closedFlag"))


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is None:
        _apply_to(world, new)
        _fill(world, new)
    elif old.get("applyToId") != new.get("applyToId"):
        raise refused(NAME, "applyToId", "An invoice cannot be applied to something else")
    elif old.get("glBatch") is not None and old != new:
        raise refused(NAME, "glBatch", "The invoice is in an accounting batch and is locked")
    for other in world.find(NAME, "invoiceNumber", new.get("invoiceNumber")):
        if other["id"] != new.get("id"):
            message = "An invoice with this number already exists"
            raise invalid_object(NAME, exists(NAME, "invoiceNumber", message))
    if is_closed(world.store, new) and not (old and is_closed(world.store, old)):
        new["closedBy"] = world.member


def _fill(world: World, new: Row) -> None:
    number = max((int(row["id"]) for row in world.store.rows(NAME)), default=12000) + 1
    terms = world.get("billingTerm", new.get("billingTerms")) or {}
    company = world.get("company", new.get("company")) or {}
    place = default_place(world)
    days = min(max(int(terms.get("dueDays") or 0), 0), LONGEST_TERM)
    due = world.now() + timedelta(days=days)
    fill(
        new,
        invoiceNumber=f"INV{number}",
        date=world.stamp(),
        dueDate=due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        location=place["location"],
        department=place["department"],
        billToCompany=new.get("company"),
        shipToCompany=new.get("company"),
        accountNumber=company.get("accountNumber"),
        taxCode=company.get("taxCode"),
        billingSite=company.get("site"),
    )


def _apply_to(world: World, new: Row) -> None:
    kind, number = new.get("applyToType"), new.get("applyToId")
    if kind not in APPLIES_TO:
        return
    table, field = APPLIES_TO[kind]
    target = world.get(table, number)
    if target is None:
        raise refused(NAME, "applyToId", f"The {kind} {number} could not be found.")
    if target["company"] != new.get("company"):
        raise refused(NAME, "company", f"The {kind} {number} is another company's")
    new[field] = number
    if table == "order":
        status = world.get("orderStatus", target.get("status")) or {}
        if target.get("billClosedFlag") and not status.get("closedFlag"):
            raise refused(NAME, "applyToId", "The sales order is billed only after it is closed")
        fill(new, customerPO=target.get("poNumber"), taxCode=target.get("taxCode"))


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is not None or new["type"] in TAKES_NOTHING:
        return
    if not world.switches.invoice_post_picks_products:
        return
    for product in _billable(world, new):
        world.change("product", product["id"], invoice=new["id"])
    if new.get("salesOrder") is not None:
        world.replace("order", world.row("order", new["salesOrder"]))


def _billable(world: World, invoice: Row) -> list[Row]:
    """The uninvoiced products of what the invoice applies to; shipped ones where only those bill.

    A product partly shipped waits: no source says that ConnectWise would split it.
    """
    order = world.get("order", invoice.get("salesOrder"))
    chosen = [
        product
        for _, field in APPLIES_TO.values()
        if invoice.get(field) is not None
        for product in world.find("product", field, invoice[field])
        if product.get("invoice") is None
        and product.get("billableOption") == "Billable"
        and wanted(product) > 0
    ]
    if order is None or not order.get("billShippedFlag"):
        return chosen
    return [product for product in chosen if delivered(world.store, product)]


def delete(world: World, row: Row) -> None:
    if is_closed(world.store, row):
        raise refused(NAME, "status", "A closed invoice cannot be deleted")
    if row.get("glBatch") is not None:
        raise refused(NAME, "glBatch", "The invoice is in an accounting batch and is locked")
    for field in ("invoice", "credit"):
        if world.find("invoicePayment", field, row["id"]):
            raise refused(NAME, "payments", "An invoice with payments cannot be deleted")
    for table in ("invoiceRouting", "invoiceCommission"):
        for child in world.find(table, "invoice", row["id"]):
            world.delete(table, child["id"])
    for product in world.find("product", "invoice", row["id"]):
        world.change("product", product["id"], invoice=None)
    if row.get("salesOrder") is not None:
        world.replace("order", world.row("order", row["salesOrder"]))


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    products = view.find("product", "invoice", (row["id"],))
    total = sum((line_total(product) for product in products), Decimal(0))
    if row["type"] == "DownPayment":
        total = decimal(row.get("downpaymentApplied"))
    code = view.get("taxCode", row.get("taxCode")) or {}
    taxable = sum(
        (line_total(product) for product in products if product.get("taxableFlag")), Decimal(0)
    )
    tax = taxable * decimal(code.get("levelOneRate")) / 100
    paid, credited = paid_on(view, row["id"])
    return {
        "productTotal": money(total),
        "subtotal": money(total),
        "salesTax": money(tax),
        "total": money(total + tax),
        "payments": money(paid),
        "credits": money(credited),
        "balance": money(total + tax - paid - credited),
    }


def paid_on(view: View, invoice_id: int) -> tuple[Decimal, Decimal]:
    """What has been paid on an invoice, by payments and by credit memos."""
    paid = credited = Decimal(0)
    for payment in view.find("invoicePayment", "invoice", (invoice_id,)):
        if payment.get("credit") is None:
            paid += decimal(payment.get("amount"))
        else:
            credited += decimal(payment.get("amount"))
    return paid, credited


RULES: dict[str, Rules] = {NAME: Rules(save, saved, before_delete=delete, computed=show)}
