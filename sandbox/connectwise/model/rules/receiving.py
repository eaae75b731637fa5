"""Receiving a purchase order line: in full, in part with the rest cloned, or the rest cancelled.

Owns what happens to the line, its links, the stock, the picks and the clone. `plan` decides before
the line is stored and refuses; `carry_out` does the rest afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sandbox.connectwise.model.errors import Refusal, refused
from sandbox.connectwise.model.rules import demand, stock
from sandbox.connectwise.model.rules.base import Extras, amount, changed, decimal
from sandbox.connectwise.model.store import Row
from sandbox.connectwise.model.world import World

NAME = "purchaseOrderLineItem"
CLONE, CANCEL = "PartiallyReceiveCloneRest", "PartiallyReceiveCancelRest"
FULL, WAITING = "FullyReceived", "Waiting"
FIXED_WHEN_CLOSED = (
    "quantity",
    "receivedQuantity",
    "receivedStatus",
    "product",
    "closedFlag",
    "canceledFlag",
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one write receives: the quantity, the rest, and whether the rest lives on."""

    quantity: Decimal
    rest: Decimal
    clone: bool
    serials: tuple[str, ...]


def plan(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    before: Row = old or {"receivedQuantity": 0, "receivedStatus": WAITING}
    if old is not None and old.get("closedFlag") and changed(old, new, *FIXED_WHEN_CLOSED):
        raise refused(NAME, "closedFlag", "The line item is closed and cannot be changed")
    ordered, received = decimal(new["quantity"]), decimal(new.get("receivedQuantity"))
    earlier = decimal(before.get("receivedQuantity"))
    if earlier and extras.get("patched", frozenset()) & {"receivedQuantity", "receivedStatus"}:
        # Also with the same values: receiving is an action here, and a second one is a mistake.
        raise refused(NAME, "receivedQuantity", "The line item has already been received")
    if received < earlier:
        raise refused(NAME, "receivedQuantity", "A received quantity cannot be lowered")
    if received > ordered:
        raise refused(
            NAME, "receivedQuantity", "The received quantity cannot be above the ordered quantity"
        )
    if new.get("canceledFlag") and not before.get("canceledFlag"):
        _plan_cancel(world, new, received, extras)
        return
    if received > earlier or changed(before, new, "receivedStatus"):
        _plan_receipt(world, new, received, ordered, extras)
    elif new.get("closedFlag") and not before.get("closedFlag"):
        extras["closed_short" if received < ordered else "closed_late"] = True


def _plan_cancel(world: World, new: Row, received: Decimal, extras: Extras) -> None:
    if received:
        raise refused(NAME, "canceledFlag", "A received line item cannot be cancelled")
    new["closedFlag"] = True
    new["canceledBy"] = world.member
    new["dateCanceled"] = new["dateCanceledUtc"] = world.stamp()
    extras["closed_short"] = True


def _plan_receipt(
    world: World, new: Row, received: Decimal, ordered: Decimal, extras: Extras
) -> None:
    status = new.get("receivedStatus") or WAITING
    if received <= 0:
        raise refused(NAME, "receivedQuantity", "The received quantity must be above 0")
    if received < ordered and status not in {CLONE, CANCEL}:
        raise _partial_without_choice(status)
    if received == ordered:
        if status == WAITING and not new.get("closedFlag"):
            raise _partial_without_choice(status)
        status = FULL
    serials = _serials(world, new, received)
    new["receivedStatus"] = status
    new["quantity"] = amount(received)
    new["closedFlag"] = bool(new.get("closedFlag")) or world.switches.auto_close_line
    new["dateReceived"] = new.get("dateReceived") or world.stamp()
    extras["receipt"] = Receipt(received, ordered - received, status == CLONE, tuple(serials))


def _partial_without_choice(status: str) -> Refusal:
    return refused(
        NAME,
        "receivedStatus",
        f"{status} does not fit the received quantity: it must be FullyReceived with the whole "
        f"quantity, or one of {CLONE} and {CANCEL} with less",
    )


def _serials(world: World, new: Row, received: Decimal) -> list[str]:
    item = world.row("catalog", new["product"])
    serials = stock.split_serials(new.get("serialNumbers"))
    if not item.get("serializedFlag"):
        return serials
    if len(serials) != received:
        raise refused(
            NAME,
            "serialNumbers",
            f"{int(received)} serial numbers are required, {len(serials)} were given",
        )
    if len({serial.casefold() for serial in serials}) != len(serials):
        raise refused(NAME, "serialNumbers", "A serial number is given twice")
    known = stock.known_serials(world.store, item["id"], serials)
    if known:
        raise refused(NAME, "serialNumbers", f"The serial number {known[0]} already exists")
    return serials


def carry_out(world: World, line: Row, extras: Extras) -> None:
    if extras.get("closed_short"):
        demand.release(world, line["id"], keep=decimal(line.get("receivedQuantity")))
        _close_order(world, line)
        return
    receipt = extras.get("receipt")
    if not isinstance(receipt, Receipt):
        if extras.get("closed_late"):
            _close_order(world, line)
        return
    _into_stock(world, line, receipt)
    links = _share_links(world, line, receipt)
    if world.switches.auto_pick:
        _pick(world, line, links)
    if world.switches.callback_on_receive:
        world.announce("purchaseOrder", line["purchaseOrderId"])
    _close_order(world, line)


def _into_stock(world: World, line: Row, receipt: Receipt) -> None:
    item, warehouse, shelf = line["product"], line.get("warehouse"), line.get("warehouseBin")
    stock.add(world, item, warehouse, shelf, receipt.quantity)
    stock.add_serials(world, item, warehouse, shelf, list(receipt.serials))


def _share_links(world: World, line: Row, receipt: Receipt) -> list[tuple[Row, Decimal]]:
    """Gives the received quantity to the links, oldest first, and the rest to the clone."""
    clone = _clone(world, line, receipt) if receipt.clone else None
    left = receipt.quantity
    served: list[tuple[Row, Decimal]] = []
    for link in demand.links_of_line(world.store, line["id"]):
        held = decimal(link["quantity"])
        share = min(left, held)
        left -= share
        if share > 0:
            served.append(
                (
                    world.change(
                        "link", link["id"], quantity=amount(share), received=amount(share)
                    ),
                    share,
                )
            )
        else:
            world.delete("link", link["id"])
        if clone is not None and held > share and world.switches.clone_keeps_link:
            demand.add_link(world, clone["id"], link["product"], held - share)
        product = world.get("product", link["product"])
        if product is not None:
            world.replace("product", product)
    return served


def _clone(world: World, line: Row, receipt: Receipt) -> Row:
    """The rest of a line, as a line of its own with a new id and number."""
    lines = world.find("line", "purchaseOrderId", line["purchaseOrderId"])
    kept = {name: value for name, value in line.items() if name not in {"id", "_info"}}
    return world.insert(
        "line",
        kept
        | {
            "quantity": amount(receipt.rest),
            "lineNumber": max(int(each["lineNumber"]) for each in lines) + 1,
            "receivedQuantity": 0,
            "receivedStatus": WAITING,
            "closedFlag": False,
            "serialNumbers": None,
            "packingSlip": None,
            "dateReceived": None,
            "unbatchedRecId": None,
            "batch": None,
        },
    )


def _pick(world: World, line: Row, served: list[tuple[Row, Decimal]]) -> None:
    item, warehouse, shelf = line["product"], line.get("warehouse"), line.get("warehouseBin")
    for link, share in served:
        product = world.get("product", link["product"])
        if product is None:
            continue
        # Since the purchase, less may be wanted: the surplus stays on hand.
        take = min(share, demand.wanted(product) - demand.picked(world.store, product["id"]))
        if take <= 0:
            continue
        stock.add(world, item, warehouse, shelf, -take)
        serials = stock.serials_at(world.store, item, warehouse, shelf)
        own = {serial.casefold() for serial in stock.split_serials(line.get("serialNumbers"))}
        chosen = [row["id"] for row in serials if row["serial"].casefold() in own][: int(take)]
        stock.assign(world, chosen, product["id"])
        add_pick(world, product, warehouse, shelf, take, chosen)


def add_pick(
    world: World,
    product: Row,
    warehouse: int | None,
    shelf: int | None,
    quantity: Decimal,
    serial_ids: list[int],
) -> Row:
    details = world.find("shipping", "productItem", product["id"])
    detail = world.insert(
        "shipping",
        {
            "productItem": product["id"],
            "pickedQuantity": int(quantity),
            "shippedQuantity": 0,
            "quantity": int(quantity),
            "warehouse": warehouse,
            "warehouseBin": shelf,
            "serialNumberIds": serial_ids,
            "lineNumber": len(details) + 1,
        },
    )
    world.replace("product", world.row("product", product["id"]))
    return detail


def _close_order(world: World, line: Row) -> None:
    """With the switch on, the last closed line closes its purchase order."""
    if not world.switches.auto_close_order:
        return
    lines = world.find("line", "purchaseOrderId", line["purchaseOrderId"])
    status = world.flagged("purchaseOrderStatus", "defaultClosedFlag")
    if status is None or not all(each.get("closedFlag") for each in lines):
        return
    world.change(
        "purchaseOrder",
        line["purchaseOrderId"],
        status=status["id"],
        dateClosed=world.stamp(),
        closedBy=world.member,
    )
