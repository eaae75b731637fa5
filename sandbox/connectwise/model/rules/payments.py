"""What hangs on an invoice: payments and credits, its way through reviewers, commissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model.errors import refused
from sandbox.connectwise.model.rules import invoicing
from sandbox.connectwise.model.rules.base import Extras, Rules, decimal, fill, money
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NAME = "payment"


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    invoice = world.row("invoice", new["invoice"])
    sums = invoicing.show(world, world.store, invoice)
    given = decimal(new.get("amount"))
    if given <= 0:
        raise refused(NAME, "amount", "The amount must be above 0")
    if given > decimal(sums["balance"]) + decimal((old or {}).get("amount")):
        raise refused(NAME, "amount", f"The balance of the invoice is {sums['balance']}")
    credit = world.get("invoice", new.get("credit"))
    if credit is not None and (
        credit["type"] != "CreditMemo" or credit["company"] != invoice["company"]
    ):
        raise refused(NAME, "credit", "The credit is not a credit memo of the same company")
    kind = "Payment" if credit is None else "Credit"
    fill(new, type=kind, paymentDate=world.stamp(), appliedBy=world.member)


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    world.replace("invoice", world.row("invoice", new["invoice"]))


def deleted(world: World, row: Row) -> None:
    world.replace("invoice", world.row("invoice", row["invoice"]))


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    invoice = view.get("invoice", row["invoice"])
    if invoice is None:
        return {}
    sums = invoicing.show(world, view, invoice)
    return {
        "balance": sums["balance"],
        "invoiceBalance": sums["balance"],
        "invoiceTotal": sums["total"],
    }


def save_routing(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    others = world.find("invoiceRouting", "invoice", new["invoice"])
    fill(new, sequenceNumber=len(others) + 1)
    if not new.get("reviewedFlag"):
        new["dateReviewedUTC"] = None
    elif not (old or {}).get("reviewedFlag"):
        new["dateReviewedUTC"] = world.stamp()


def save_commission(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    for field in ("percent", "splitPercent"):
        if not 0 <= decimal(new.get(field)) <= 100:
            raise refused("invoiceCommission", field, "The value must be between 0 and 100")
    if decimal(new.get("adjustment")) != decimal((old or {}).get("adjustment")):
        new["adjustedBy"] = world.member


def show_commission(world: World, view: View, row: Row) -> Mapping[str, Any]:
    invoice = view.get("invoice", row["invoice"])
    if invoice is None:
        return {}
    net = decimal(invoicing.show(world, view, invoice)["subtotal"])
    share = net * decimal(row.get("percent")) / 100 * decimal(row.get("splitPercent")) / 100
    return {
        "salesOrder": invoice.get("salesOrder"),
        "netAmount": money(net),
        "amount": money(share + decimal(row.get("adjustment"))),
    }


RULES: dict[str, Rules] = {
    "invoicePayment": Rules(save, saved, after_delete=deleted, computed=show),
    "invoiceRouting": Rules(save_routing),
    "invoiceCommission": Rules(save_commission, computed=show_commission),
}
