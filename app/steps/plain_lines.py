"""Purchase order lines that no demand makes: surplus, what goes on unlinked, and all of them where
ConnectWise links by itself.

Owns their posting, one announcement a line. They come after the demand: a plain line that
ConnectWise links by itself would take demand away from the lines that belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.cuts import cut
from app.domain.documents import PurchaseOrder
from app.domain.json_values import canonical
from app.domain.options import IDENTIFIER
from app.domain.order import OrderView
from app.domain.standing import SYNC
from app.steps import catalog
from app.steps.effects import Effects, Learn, Outcome
from app.steps.identifiers import product_of
from app.steps.resolve import setting

Share = Mapping[str, Any]
JUST_MADE = "plain lines just made"  # by purchase order: as ConnectWise answered


def items_of(view: OrderView, document: PurchaseOrder, products: set[int]) -> list[dict[str, Any]]:
    """What the catalog items of a purchase order's own products need, to be made if missing."""
    lines = {line.product_id: line for line in document.lines}
    items = []
    for product_id in sorted(products & lines.keys()):
        line = lines[product_id]
        product = product_of(view, document, line)
        items.append(
            {
                "product": product_id,
                "sku": product.product_number[:IDENTIFIER],
                "title": line.title,
                "price": 0,
                "cost": line.price,
                "physical": product.physical,
                "serialized": product.is_serialized,
                "mpn": product.manufacturer_part_number,
            }
        )
    result: list[dict[str, Any]] = canonical(items)
    return result


async def plain_lines(
    fx: Effects,
    want: Mapping[str, Any],
    shares: Sequence[Share],
    purchase_order: int,
    *,
    kind: str = "line",
    revision: str = "",
) -> None:
    """Bring the plain lines of one revision of a purchase order to these shares: what an earlier
    attempt at it added counts, the rest is added."""
    subject = subject_of(want)
    items = await _items(fx, want, shares)
    for index, share in enumerate(shares):
        base = _base(kind, share, revision)
        done, turn = _added(fx.view, subject, base, share)
        rest = Decimal(str(share["quantity"])) - done
        if rest > 0 or (SYNC, subject, _key(base, turn)) in fx.view.doubts:
            new = await _new_line(fx, want, share, items, rest, index)
            await _post(fx, purchase_order, _key(base, turn), new)
    fx.forget("lines", str(want["purchase_order"]))


async def plain_line(
    fx: Effects,
    want: Mapping[str, Any],
    share: Share,
    quantity: Decimal,
    purchase_order: int,
    *,
    step: str,
    learn: Learn,
) -> None:
    """One more plain line for a part of a share that goes on unlinked."""
    base, turn = _base("unlinked", share, ""), 1
    subject = f"po:{want['purchase_order']}"
    while (step, subject, _key(base, turn)) in fx.view.outcomes:
        turn += 1
    items = await _items(fx, want, [share])
    new = await _new_line(fx, want, share, items, quantity, 0)
    await _post(fx, purchase_order, _key(base, turn), new, learn)
    fx.forget("lines", str(want["purchase_order"]))


async def extra_line(
    fx: Effects,
    want: Mapping[str, Any],
    share: Share,
    quantity: Decimal,
    purchase_order: int,
    key: str,
) -> bool:
    """A plain line for goods that have none. False: it was made before, whatever became of it."""
    earlier = fx.recent(JUST_MADE, str(purchase_order)) or {}
    new = await _new_line(fx, want, share, await _items(fx, want, [share]), quantity, 0)
    await _post(fx, purchase_order, key, new)
    made = fx.recent(JUST_MADE, str(purchase_order)) or {}
    fresh = [line for number, line in made.items() if number not in earlier]
    # A read may lag behind: the answer tells of the line.
    fx.keep("lines", [*(fx.recent("lines", po := str(want["purchase_order"])) or ()), *fresh], po)
    return bool(fresh)


def plain_parts(
    want: Mapping[str, Any], line: str, quantity: Decimal
) -> list[tuple[Share, Decimal]]:
    """A sales order line's unlinked quantity, laid on the purchase order lines that cover it."""
    parts: list[tuple[Share, Decimal]] = []
    for share in want["shares"]:
        part = min(quantity, Decimal(str(share["quantity"]))) if share["line"] == line else 0
        if part > 0:
            parts.append((share, Decimal(part)))
            quantity -= part
    return parts


Items = Mapping[int, tuple[int, str]]


async def _items(fx: Effects, want: Mapping[str, Any], shares: Sequence[Share]) -> Items:
    """Catalog item and title by product, for shares whose line has no product of its own."""
    unknown = {int(share["product"]) for share in shares if _ref(fx, share) is None}
    if not unknown:
        return {}
    document = fx.view.purchase_order(int(want["purchase_order"]))
    assert document is not None  # noqa: S101 - want() found it
    items = list(want.get("items", ())) or items_of(fx.view, document, unknown)
    made = await catalog.ensure(fx, items)
    return {int(i["product"]): (made[str(i["sku"])], str(i["title"])) for i in items}


async def _new_line(
    fx: Effects,
    want: Mapping[str, Any],
    share: Share,
    items: Items,
    quantity: Decimal,
    index: int,
) -> psa.NewPurchaseOrderLine:
    ref = _ref(fx, share)
    item, title = (
        (int(ref.data["catalog_item"]), str(ref.data["sku"]))
        if ref is not None
        else items[int(share["product"])]
    )
    return psa.NewPurchaseOrderLine(
        catalog_item_id=item,
        description=cut(title, 6000),
        line_number=_line_number(fx.view, want, share, index),
        quantity=quantity,
        unit_cost=Decimal(str(share["cost"])),
        unit_of_measure_id=(await setting(fx, "connectwise_unit_of_measure")).id,
        warehouse_id=(await setting(fx, "connectwise_warehouse")).id,
    )


def _ref(fx: Effects, share: Share) -> Any:
    return fx.view.refs.get(("product", str(share["line"]))) if share["line"] is not None else None


def subject_of(want: Mapping[str, Any]) -> str:
    """Of the want of a purchase order, or of its surplus."""
    return f"{'surplus' if 'items' in want else 'po'}:{want['purchase_order']}"


def _base(kind: str, share: Share, revision: str) -> str:
    key = f"{kind}:{share['po_line']}:{share['line'] or 'surplus'}"
    return f"{key}@{revision}" if revision else key


def _key(base: str, turn: int) -> str:
    return base if turn == 1 else f"{base}#{turn}"


def _added(view: OrderView, subject: str, base: str, share: Share) -> tuple[Decimal, int]:
    """What a revision added already, and the number of its next line. Outcomes of an older kind
    do not tell their quantity: it was the share's."""
    done, turn = Decimal(0), 1
    while (outcome := view.outcomes.get((SYNC, subject, _key(base, turn)))) is not None:
        done += Decimal(str(outcome.get("quantity", share["quantity"])))
        turn += 1
    return done, turn


def _line_number(view: OrderView, want: Mapping[str, Any], share: Share, index: int) -> int:
    """The natural key of a new line, far above the numbers that ConnectWise gives. `index` tells
    the lines of one go apart: one purchase order line may cover two lines of the order (D-8).
    Lines that came before keep their numbers."""
    mark = f":{share['po_line']}:"
    earlier = sum(
        1
        for _, about, key in view.outcomes
        if about.split(":")[1:2] == [str(want["purchase_order"])] and mark in key
    )
    return 1000 + int(share["po_line"]) % 1_000_000 * 1000 + (index + 10 * earlier) % 1000


async def _post(
    fx: Effects,
    purchase_order: int,
    key: str,
    new: psa.NewPurchaseOrderLine,
    learn: Learn | None = None,
) -> None:
    async def send() -> Outcome:
        made = await fx.cw.add_purchase_order_line(purchase_order, new)
        earlier = fx.recent(JUST_MADE, str(purchase_order)) or {}
        fx.keep(JUST_MADE, {**earlier, made.id: made}, str(purchase_order))
        return {"id": made.id, "quantity": str(new.quantity)}

    async def look(known: Outcome) -> Outcome | None:
        for line in await fx.cw.purchase_order_lines(purchase_order):
            same_number = line.line_number == int(known["line_number"])
            if same_number and line.catalog_item_id == int(known["item"]):
                return {"id": line.id, "quantity": str(known.get("quantity", line.quantity))}
        return None

    evidence = {
        "purchase_order": purchase_order,
        "item": new.catalog_item_id,
        "line_number": new.line_number,
        "quantity": str(new.quantity),
    }
    await fx.once("purchase_order_line", key, evidence, send, look, learn)


def line_ids(view: OrderView, subject: str, kinds: Sequence[str], po_line: int | None) -> set[int]:
    """ConnectWise ids of the plain lines that a purchase order got, of one of its lines or all."""
    found: set[int] = set()
    for (step, about, key), outcome in view.outcomes.items():
        kind, _, rest = key.partition(":")
        if step != SYNC or about != subject or kind not in kinds or "id" not in outcome:
            continue
        if po_line is None or rest.split(":")[0] == str(po_line):
            found.add(int(outcome["id"]))
    return found
