"""What ties documents together: bills to purchase orders, invoices to estimates.

A link that is not right is dropped without a word (accounting.md 2.7): the bill stands, alone. The
other side is kept in step after every write.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.quickbooks.model import errors
from sandbox.quickbooks.model.store import Row
from sandbox.quickbooks.model.tables import DETAIL_OF, Entity
from sandbox.quickbooks.model.world import World

ORDER = "PurchaseOrder"
ESTIMATE = "Estimate"
OPEN = "Open"
CLOSED = "Closed"


def read(world: World, spec: Entity, row: Row, old: Row | None) -> None:
    """Keeps the links that are right. A line that stands already keeps those it has: to link it,
    it has to come as a new line."""
    asked = row.pop("LinkedTxn", None) or []
    if spec.name == "Bill":
        _of_bill(world, row, old, asked)
    else:
        for line in row["Line"]:
            line.pop("LinkedTxn", None)
    if spec.name == "Invoice":
        _of_invoice(world, row, old, asked)
    elif spec.name in {ORDER, ESTIMATE} and old is not None and "LinkedTxn" in old:
        row["LinkedTxn"] = old["LinkedTxn"]


def _of_bill(world: World, row: Row, old: Row | None, asked: list[Row]) -> None:
    named = {str(each.get("TxnId")) for each in asked if each.get("TxnType") == ORDER}
    standing = {line["Id"]: line.get("LinkedTxn") for line in (old or {}).get("Line", ())}
    named |= {link["TxnId"] for links in standing.values() for link in links or ()}
    for line in row["Line"]:
        given = line.pop("LinkedTxn", [])
        if line["Id"] in standing:
            kept = standing[line["Id"]]
        elif world.switches.drop_po_link:
            kept = None
        else:
            kept = [link for link in given if _right(world, row, link, named)]
        if kept:
            line["LinkedTxn"] = kept
    orders = dict.fromkeys(
        link["TxnId"] for line in row["Line"] for link in line.get("LinkedTxn", ())
    )
    if orders:
        row["LinkedTxn"] = [{"TxnId": each, "TxnType": ORDER} for each in orders]


def _right(world: World, bill: Row, link: Row, named: set[str]) -> bool:
    order = world.get(ORDER, link.get("TxnId"))
    return (
        link.get("TxnType") == ORDER
        and order is not None
        and link["TxnId"] in named
        and order["VendorRef"]["value"] == bill["VendorRef"]["value"]
        and order["POStatus"] == OPEN
        and any(line["Id"] == link.get("TxnLineId") for line in order["Line"])
    )


def _of_invoice(world: World, row: Row, old: Row | None, asked: list[Row]) -> None:
    had = {
        link["TxnId"] for link in (old or {}).get("LinkedTxn", ()) if link["TxnType"] == ESTIMATE
    }
    wanted = {str(each.get("TxnId")) for each in asked if each.get("TxnType") == ESTIMATE}
    if len(wanted) > 1:
        raise errors.business("An invoice is made from one estimate at most.")
    for each in wanted - had:
        estimate = world.get(ESTIMATE, each)
        if estimate is None:
            raise errors.bad_reference("Estimates", each, "LinkedTxn")
        if estimate["TxnStatus"] in {"Closed", "Rejected"}:
            raise errors.business(f"The estimate {each} is {estimate['TxnStatus'].lower()}.")
    found = sorted(wanted | had)
    if found:
        row["LinkedTxn"] = [{"TxnId": each, "TxnType": ESTIMATE} for each in found]


def settle(world: World, spec: Entity, before: Row | None, after: Row | None) -> None:
    """Brings the other side of changed links into step."""
    if spec.name == "Bill":
        for order in _named(before, ORDER) | _named(after, ORDER):
            _settle_order(world, order)
    elif spec.name == ORDER and before is not None and after is not None:
        _settle_order(world, after["Id"])
    elif spec.name == "Invoice":
        for estimate in _named(before, ESTIMATE) | _named(after, ESTIMATE):
            _settle_estimate(world, estimate)


def _named(row: Row | None, kind: str) -> set[str]:
    return {link["TxnId"] for link in (row or {}).get("LinkedTxn", ()) if link["TxnType"] == kind}


def bills_of(world: World, order_id: str) -> list[Row]:
    return [bill for bill in world.store.rows("Bill") if order_id in _named(bill, ORDER)]


def _settle_order(world: World, order_id: str) -> None:
    order = world.get(ORDER, order_id)
    if order is None:
        return
    bills = bills_of(world, order_id)
    received: dict[str, Decimal] = {}
    for bill in bills:
        for line in bill["Line"]:
            for link in line.get("LinkedTxn", ()):
                if link["TxnId"] == order_id:
                    sofar = received.get(link["TxnLineId"], Decimal(0))
                    received[link["TxnLineId"]] = sofar + _measure(line)
    lines = [line | {"Received": received.get(line["Id"], Decimal(0))} for line in order["Line"]]
    whole = all(line["Received"] >= _measure(line) for line in lines)
    status = order["POStatus"]
    if whole and bills and world.switches.po_closes_when_billed:
        status = CLOSED
    elif not order.get("ManuallyClosed") and not whole:
        status = OPEN
    changed = {"Line": lines, "POStatus": status}
    changed["LinkedTxn"] = [{"TxnId": bill["Id"], "TxnType": "Bill"} for bill in bills]
    world.change(ORDER, order_id, **changed)


def _measure(line: Row) -> Decimal:
    """What is counted of a line: its quantity, or its amount where it has none."""
    detail = line.get(DETAIL_OF[line["DetailType"]], {})
    measure: Decimal = detail.get("Qty") or line.get("Amount", Decimal(0))
    return measure


def _settle_estimate(world: World, estimate_id: str) -> None:
    if world.get(ESTIMATE, estimate_id) is None:
        return
    invoices = [
        invoice["Id"]
        for invoice in world.store.rows("Invoice")
        if estimate_id in _named(invoice, ESTIMATE)
    ]
    world.change(
        ESTIMATE,
        estimate_id,
        TxnStatus="Closed" if invoices else "Pending",
        LinkedTxn=[{"TxnId": each, "TxnType": "Invoice"} for each in invoices],
    )
