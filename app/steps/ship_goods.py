"""ship_goods: what the service itself has to mark as shipped on the sales order (B1.3, D-14).

Owns shipping details by the cumulative target of each line. Receiving into the MSP's warehouse is
not shipping, so by default only drop-shipped goods are marked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.errors import Hold, Wait
from app.domain.order import OrderView
from app.domain.quantities import RECEIVE, to_ship
from app.domain.records import ORDER
from app.domain.shut import Shut
from app.steps import announced
from app.steps.effects import Effects, Look, Outcome
from app.steps.resolve import setting

name = "ship_goods"
version = 1
KIND = "shipping"  # as it is announced


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    shipped = {str(line): quantity for line, quantity in sorted(to_ship(view).items())}
    return {"shipped": shipped} if shipped else None


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    before = (view.applied(name, ORDER) or {}).get("shipped", {})
    return [
        f"mark {quantity - before.get(line, 0)} of line {line} as shipped"
        for line, quantity in want["shipped"].items()
        if quantity > before.get(line, 0)
    ]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    before = (fx.view.applied(name, ORDER) or {}).get("shipped", {})
    await announced.settle(fx, KIND, _look(fx))
    for line, target in want["shipped"].items():
        if target > before.get(line, 0):
            await _ship(fx, line, Decimal(target), Decimal(before.get(line, 0)))


async def _ship(fx: Effects, line: str, target: Decimal, before: Decimal) -> None:
    product = fx.ref("product", line)
    if product is None:
        raise Hold(Code.SHIPPING_UNCERTAIN, f"Line {line} has no product in ConnectWise.")
    warehouse = await setting(fx, "connectwise_warehouse")
    place = await setting(fx, "connectwise_warehouse_bin", parent=warehouse.id)
    details = await fx.cw.shipping_details(product)
    done = sum((detail.shipped for detail in details), Decimal(0))
    accepted = fx.view.decided(Code.SHIPPING_UNCERTAIN) == "accept_connectwise"
    if done < before and not accepted:
        sentence = (
            f"ConnectWise shows {done.normalize():f} of line {line} shipped, but "
            f"{before.normalize():f} were shipped by the service."
        )
        row = fx.view.ledger.get((name, ORDER))
        if wait := await fx.lagging(row.applied_at if row else None, sentence):
            raise wait
        raise Hold(Code.SHIPPING_UNCERTAIN, sentence)
    picked = sum((detail.picked for detail in details), Decimal(0))
    if picked < target:
        await _wait_for_picking(fx, line)
    for detail in details:  # what ConnectWise picked by itself is shipped first
        amount = min(detail.picked - detail.shipped, target - done)
        if amount > 0:
            shipping = psa.Shipping(detail.shipped + amount, warehouse.id, place.id)
            await _once(fx, line, product, detail.id, shipping, done, done + amount)
            done += amount
    if done < target:
        shipping = psa.Shipping(target - done, warehouse.id, place.id)
        await _once(fx, line, product, None, shipping, done, target)


async def _wait_for_picking(fx: Effects, line: str) -> None:
    """ConnectWise may have picked the goods by itself and not show it yet; picking them again
    would be refused. One READ_LAG after the last receipt its picking shows, or there is none."""
    received = [
        row.applied_at
        for (step, _), row in fx.view.ledger.items()
        if step == RECEIVE and row.applied_at is not None
    ]
    until = max(received, default=fx.view.now) + fx.view.live.read_lag
    if fx.view.now < until:
        raise Wait(Code.READ_LAG, f"Line {line} may not show as picked yet.", until)


async def _once(
    fx: Effects,
    line: str,
    product: int,
    detail: int | None,
    shipping: psa.Shipping,
    before: Decimal,
    target: Decimal,
) -> None:
    async def send() -> Outcome:
        if detail is None:
            await fx.cw.add_shipping(product, shipping)
        else:
            await fx.cw.change_shipping(product, detail, shipping)
        return {"shipped": str(target)}

    evidence = {"product": product, "before": str(before), "target": str(target)}
    await fx.once(KIND, f"{line}:{target.normalize():f}", evidence, send, _look(fx))


def _look(fx: Effects) -> Look:
    async def look(known: Outcome) -> Outcome | None:
        details = await fx.cw.shipping_details(int(known["product"]))
        there = sum((one.shipped for one in details), Decimal(0))
        return {"shipped": str(known["target"])} if there >= Decimal(known["target"]) else None

    return look
