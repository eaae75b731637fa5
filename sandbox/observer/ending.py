"""What stands in ConnectWise in the end, held against what Commerce told.

Owns the laws of conservation and the check that no released sales order lacks goods. Says nothing
of orders that are under way: a missing record is no fault here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from sandbox.observer.matrix import Rows
from sandbox.observer.mirror import Mirror, order_of, wanted
from sandbox.observer.rules import short_of_goods
from sandbox.observer.told import Told
from sandbox.observer.whose import Broken, of_others

END = datetime.max.replace(tzinfo=UTC)


def faults(
    mirror: Mirror, told: Told, ready: str, matrix: Rows, links: Collection[int] = ()
) -> Iterator[Broken]:
    """Everything that is not as it may be. `links`: those that a write of the service made."""
    for link in mirror.rows("link"):
        if link["id"] in links and not float(link.get("received") or 0):
            yield from of_others(mirror, told, END, link, "left linked")
    for product in mirror.marked("dl:"):
        order = order_of(product["integrationXRef"])
        if order is None:
            continue
        if order not in told.orders:
            yield "H1", order, f"Product {product['id']} is marked for an order nobody told of."
        linked = sum(float(link["quantity"]) for link in mirror.links_of_product(product["id"]))
        got = mirror.received(product["id"])
        if linked > wanted(product):
            sentence = f"Product {product['id']}: {linked:g} linked, {wanted(product):g} sold."
            yield "B1.9", order, sentence
        if got > linked:
            yield "H2", order, f"Product {product['id']}: {got:g} received, {linked:g} linked."
    for sales_order in mirror.rows("order"):
        status = mirror.status("orderStatus", sales_order["status"])
        if status.get("name") == ready:
            yield from short_of_goods(mirror, told, END, matrix, sales_order)
    for ticket in mirror.rows("ticket"):
        if mirror.status("boardStatus", ticket["status"]).get("name") == ready:
            yield from short_of_goods(mirror, told, END, matrix, ticket, "ticket")
