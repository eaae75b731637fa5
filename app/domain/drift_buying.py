"""Drift of what is bought in ConnectWise: purchase orders, their lines, links and receipts (H12).

Owns the comparison with what `sync_purchase_order`, `link_demand` and `receive_purchase_order` left
there, and purchase orders for our demand that are not the order's own. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.choices import LOOK_AGAIN
from app.domain.codes import Code, Who
from app.domain.documents import PurchaseOrder
from app.domain.drift import CONNECTWISE, Bought, Compared, Drift, rerun
from app.domain.drift_selling import twin
from app.domain.gone import forgotten
from app.domain.options import sku_key
from app.domain.order import OrderView
from app.domain.part_numbers import known_as
from app.domain.standing import RECEIVE, SYNC, received_remotely, standing_shares, stands

LINK = "link_demand"
GONE = "/procurement/purchaseorders/{id}"
KIND = "purchase_order"


def found(one: Compared) -> Iterator[Drift]:
    """Everything of the buying side that stands otherwise."""
    for purchase_order in one.view.purchase_orders:
        ref = one.view.refs.get((KIND, str(purchase_order.id)))
        if ref is None:
            continue
        subject, named = f"po:{purchase_order.id}", purchase_order.order_number
        if (KIND, ref.external_id) in one.reading.gone:
            yield _drift(
                Code.DRIFT_MISSING, ref.external_id, SYNC, subject, f"stands for {named}", "gone",
                f"Purchase order {ref.external_id} for {named} is gone in ConnectWise.",
                fix=forgotten(one.view, subject, GONE),
            )  # fmt: skip
            continue
        there = one.reading.bought.get(str(purchase_order.id))
        if there is None or purchase_order.cancelled or (SYNC, subject) not in one.settled:
            continue
        yield from _header(one, purchase_order, there)
        yield from _quantities(one, purchase_order, there)
        if (LINK, subject) in one.settled:
            yield from _unlinked(one, purchase_order, there)
    yield from _twice(one)


def _drift(
    code: Code,
    record: str,
    step: str,
    subject: str,
    says: str,
    stands_now: str,
    sentence: str,
    **more: Any,
) -> Drift:
    return Drift(
        code, CONNECTWISE, KIND, record, step, subject, says, stands_now, sentence,
        Who.PURCHASING, **more,
    )  # fmt: skip


def _header(one: Compared, purchase_order: PurchaseOrder, there: Bought) -> Iterator[Drift]:
    """The number, where it is ours to give. It may be cut to what ConnectWise holds."""
    view, subject = one.view, f"po:{purchase_order.id}"
    want = stands(view, purchase_order.id) or {}
    given = str(want.get("number", ""))
    decided = {"stands", "by_hand", "cancelled"} & want.keys()
    if view.behaviour.po_numbering != "commerce" or not given or decided:
        return
    if view.decided(Code.PO_NUMBER_TAKEN, subject) is not None:
        return
    number = there.header.number
    if number and not given.startswith(number):
        # The status is set to open again with the number, so the end of it is done again too.
        again = rerun(*(key for key in ((SYNC, subject), (RECEIVE, subject)) if key in one.settled))
        yield _drift(
            Code.DRIFT_DIFFERENT, str(there.header.id), SYNC, subject, given, number,
            f"Purchase order {there.header.id} is {given} in Commerce and {number} in ConnectWise.",
            about="number", fix=again,
        )  # fmt: skip


# Lines --------------------------------------------------------------------------------------------


def _quantities(one: Compared, purchase_order: PurchaseOrder, there: Bought) -> Iterator[Drift]:
    """Ordered, received and at which cost, by product: lines are split when a part of them comes."""
    view, record = one.view, str(there.header.id)
    items = _items(view)
    ordered, costs = _wanted(view, purchase_order, items)
    received = _received(view, purchase_order, items)
    subject, names = f"po:{purchase_order.id}", _names(view, purchase_order, items)
    open_lines = [line for line in there.lines if not line.cancelled]
    stand = _sums(open_lines, items, "quantity")
    came = _sums(there.lines, items, "received")
    for key in sorted({*ordered, *stand}):
        what = names.get(key) or next(x.sku for x in open_lines if _key(x, items) == key)
        told, now = ordered.get(key, Decimal(0)), stand.get(key, Decimal(0))
        if key not in ordered:
            yield _drift(
                Code.DRIFT_FOREIGN, record, SYNC, subject, "not ordered", f"{_plain(now)} ordered",
                f"{_plain(now)} {what} stand on purchase order {record} for "
                f"{purchase_order.order_number}, and not in Commerce: somebody added them.",
                about=key,
            )  # fmt: skip
            continue
        cut = view.behaviour.partial_receipt == "cancel_rest" and received.get(key)
        if told != now and not cut:
            yield _differs(one, purchase_order, record, key, what, "ordered", told, now)
        if received.get(key, Decimal(0)) != came.get(key, Decimal(0)):
            told, now = received.get(key, Decimal(0)), came.get(key, Decimal(0))
            yield _differs(one, purchase_order, record, key, what, "received", told, now)
        for line in open_lines:
            if _key(line, items) == key and line.unit_cost is not None and costs.get(key):
                cost = line.unit_cost.quantize(Decimal("0.01"))
                if cost not in costs[key]:
                    yield _costs(purchase_order, record, line, min(costs[key]), cost)


def _differs(
    one: Compared,
    purchase_order: PurchaseOrder,
    record: str,
    key: str,
    what: str,
    how: str,
    told: Decimal,
    now: Decimal,
) -> Drift:
    step = SYNC if how == "ordered" else RECEIVE
    return _drift(
        Code.DRIFT_DIFFERENT, record, step, f"po:{purchase_order.id}",
        f"{_plain(told)} {how}", f"{_plain(now)} {how}",
        f"{_plain(told)} {what} are {how} on {purchase_order.order_number} by what the service did, "
        f"and {_plain(now)} on purchase order {record}.",
        about=f"{how}/{key}",
    )  # fmt: skip


def _costs(
    purchase_order: PurchaseOrder,
    record: str,
    line: psa.PurchaseOrderLine,
    told: Decimal,
    now: Decimal,
) -> Drift:
    return _drift(
        Code.DRIFT_DIFFERENT, record, SYNC, f"po:{purchase_order.id}", f"{told} each",
        f"{now} each",
        f"{line.sku} costs {told} on {purchase_order.order_number} and {now} on purchase order "
        f"{record}.",
        about=f"cost/{line.id}",
    )  # fmt: skip


def _items(view: OrderView) -> dict[int, str]:
    """The catalog item by Commerce product, as far as the order's products name it."""
    found: dict[int, str] = {}
    for line in view.sold_lines:
        ref = view.refs.get(("product", str(line.id)))
        if ref is not None and ref.data.get("catalog_item"):
            found[line.product_id] = f"item:{ref.data['catalog_item']}"
    return found


def _key(line: psa.PurchaseOrderLine, items: dict[int, str]) -> str:
    item = f"item:{line.catalog_item_id}"
    return item if item in items.values() else f"sku:{sku_key(line.sku)}"


def _of(view: OrderView, purchase_order: PurchaseOrder, product: int, items: dict[int, str]) -> str:
    if product in items:
        return items[product]
    numbers = {one.id: one.product_number for one in purchase_order.products}
    return f"sku:{sku_key(known_as(view, numbers.get(product, '')))}"


def _names(view: OrderView, purchase_order: PurchaseOrder, items: dict[int, str]) -> dict[str, str]:
    return {
        _of(view, purchase_order, one.id, items): one.product_number
        for one in purchase_order.products
    }


def _wanted(
    view: OrderView, purchase_order: PurchaseOrder, items: dict[int, str]
) -> tuple[dict[str, Decimal], dict[str, set[Decimal]]]:
    """What stands by the ledger: the order's own part, and what was added above it (B1.9)."""
    surplus = view.applied(SYNC, f"surplus:{purchase_order.id}") or {}
    own = [s for s in standing_shares(view, purchase_order.id) if s["line"] is not None]
    quantities: dict[str, Decimal] = {}
    costs: dict[str, set[Decimal]] = {}
    for share in (*own, *surplus.get("shares", ())):
        key = _of(view, purchase_order, int(share["product"]), items)
        quantities[key] = quantities.get(key, Decimal(0)) + Decimal(str(share["quantity"]))
        cost = Decimal(str(share["cost"])).quantize(Decimal("0.01"))
        costs.setdefault(key, set()).add(cost)
    return {key: q for key, q in quantities.items() if q}, costs


def _received(
    view: OrderView, purchase_order: PurchaseOrder, items: dict[int, str]
) -> dict[str, Decimal]:
    products = {line.id: line.product_id for line in purchase_order.lines}
    result: dict[str, Decimal] = {}
    for line, quantity in received_remotely(view, purchase_order.id).items():
        if line in products:
            key = _of(view, purchase_order, products[line], items)
            result[key] = result.get(key, Decimal(0)) + quantity
    return result


def _sums(lines: Any, items: dict[int, str], name: str) -> dict[str, Decimal]:
    result: dict[str, Decimal] = {}
    for line in lines:
        key = _key(line, items)
        result[key] = result.get(key, Decimal(0)) + getattr(line, name)
    return {key: quantity for key, quantity in result.items() if quantity}


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


# Links --------------------------------------------------------------------------------------------


def _unlinked(one: Compared, purchase_order: PurchaseOrder, there: Bought) -> Iterator[Drift]:
    """B1.2: a line that was linked and is not any more. With reports by product and quantity, else
    by what the lines say of their sales order."""
    view, record = one.view, there.header.id
    want = view.applied(LINK, f"po:{purchase_order.id}") or {}
    agreed = want.get("unlinked") or _accepted(view, purchase_order.id)
    if want.get("order") != view.row.source_id or agreed:
        return
    linked: dict[str, Decimal] = {}
    for share in want.get("shares", ()):
        key = str(share["line"])
        linked[key] = linked.get(key, Decimal(0)) + Decimal(str(share["quantity"]))
    titles = {str(line.id): line.title for line in view.sold_lines}
    for key, quantity in sorted(linked.items()):
        now = _linked_now(one, there, key)
        if now is None or now >= quantity:
            continue
        yield _drift(
            Code.DRIFT_UNLINKED, str(record), LINK, f"po:{purchase_order.id}",
            f"{_plain(quantity)} linked", f"{_plain(now)} linked",
            f"{_plain(quantity)} {titles.get(key, key)} on {purchase_order.order_number} were linked "
            f"to the order's demand, and {_plain(now)} are on purchase order {record}.",
            about=key, fix=rerun((LINK, f"po:{purchase_order.id}")),
        )  # fmt: skip


def _accepted(view: OrderView, purchase_order_id: int) -> bool:
    """Whether a person let goods of it go on without their link."""
    chosen = (
        view.decided_on(code, purchase_order_id)
        for code in (Code.DEMAND_NOT_LINKED, Code.LINE_MISSING)
    )
    return any(choice not in (None, LOOK_AGAIN.name, "link_again") for choice in chosen)


def _linked_now(one: Compared, there: Bought, key: str) -> Decimal | None:
    view, links = one.view, one.reading.links
    ref = view.refs.get(("product", key))
    alive = {line.id: line for line in there.lines if not line.cancelled}
    if ref is None:
        return None
    if links is not None:
        rows = [r for r in links if r.product_id == int(ref.external_id) and r.line_id in alive]
        return sum((row.quantity for row in rows), Decimal(0))
    if view.by_ticket:
        return None  # lines name no tickets, and only the report would tell
    sold = view.ref("sales_order")
    item = ref.data.get("catalog_item")
    mine = [x for x in alive.values() if x.catalog_item_id == item and sold in x.sales_order_ids]
    return sum((line.quantity for line in mine), Decimal(0))


# Twice, and by others -----------------------------------------------------------------------------


def _twice(one: Compared) -> Iterator[Drift]:
    view = one.view
    ours = {ref.external_id: key for (kind, key), ref in view.refs.items() if kind == KIND}
    told: set[int] = set()
    for purchase_order in view.purchase_orders:
        known = view.ref(KIND, str(purchase_order.id))
        marker = view.marker("purchase order", str(purchase_order.id))
        number = str((stands(view, purchase_order.id) or {}).get("number") or "")
        for other in (*one.reading.vendor_orders, *one.reading.elsewhere):
            marked = marker in other.notes or (bool(number) and other.number == number)
            # One that is closed takes no goods any more: it was cancelled for this one (D-4).
            if known is None or not marked or other.closed:
                continue
            if str(other.id) in ours or other.id in told:
                continue
            told.add(other.id)
            yield twin(
                one, KIND, str(other.id), str(known), SYNC, f"po:{purchase_order.id}", marker,
                f"{purchase_order.order_number} stands twice in ConnectWise", Who.PURCHASING,
            )  # fmt: skip
    yield from _for_our_demand(one, ours, told)


def _for_our_demand(one: Compared, ours: dict[str, str], told: set[int]) -> Iterator[Drift]:
    """Purchase orders that are not the order's and cover its demand: bought twice where there is
    more on order than was sold, else by somebody else."""
    view, links = one.view, one.reading.links or ()
    products = {
        int(ref.external_id): key for (kind, key), ref in view.refs.items() if kind == "product"
    }
    sold = {str(line.id): line for line in view.sold_lines}
    for other in one.reading.elsewhere:
        rows = [r for r in links if r.purchase_order_id == other.id and r.product_id in products]
        if other.id in told or str(other.id) in ours or not rows:
            continue
        keys = sorted({products[row.product_id] for row in rows})
        over = [
            key
            for key in keys
            if key in sold
            and sum(r.quantity for r in links if products.get(r.product_id) == key)
            > sold[key].quantity
        ]
        titles = ", ".join(sold[key].title for key in (over or keys) if key in sold)
        named = f"{other.id} ({other.number})" if other.number else str(other.id)
        subject = _subject(view, keys)
        if over:
            kept = ", ".join(sorted(ours)) or "none"
            yield twin(
                one, KIND, str(other.id), kept, SYNC, subject, ",".join(over),
                f"More of {titles} is on order than {view.row.name} sold", Who.PURCHASING,
            )  # fmt: skip
            continue
        yield _drift(
            Code.DRIFT_FOREIGN, str(other.id), SYNC, subject, "ordered for this order",
            f"ordered on {named}",
            f"Purchase order {named}, which is not the order's own, is linked to the demand of "
            f"{view.row.name} for {titles}.",
            about=",".join(keys),
        )  # fmt: skip


def _subject(view: OrderView, keys: list[str]) -> str:
    """The purchase order of Commerce that buys for these lines, else the order."""
    for purchase_order in view.open_purchase_orders:
        shares = standing_shares(view, purchase_order.id)
        if any(str(share["line"]) in keys for share in shares):
            return f"po:{purchase_order.id}"
    return "order"
