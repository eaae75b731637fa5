"""The rules of tickets, asked like the others at every write of the service (A4, B2.4, E4, E6).

Owns one function a rule. A product is the service's where it carries the mark of an order; what
else stands on a ticket is the desk's, and the service may not touch it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.observer.mirror import Mirror, Row, order_of
from sandbox.observer.rules import Rule, Write
from sandbox.observer.whose import Broken


def _closed(mirror: Mirror, product: Row) -> bool:
    ticket = mirror.get("ticket", product.get("ticket"))
    status = mirror.status("boardStatus", ticket["status"]) if ticket is not None else {}
    return bool(status.get("closedStatus"))


def ticket_still_open(write: Write) -> Iterator[Broken]:
    """B2.4: nothing is linked or received for a product on a ticket that is closed."""
    links = [(old, new) for old, new in write.rows("link") if _grew(old, new, "quantity")]
    for line_before, line in write.rows("line"):
        if line_before is not None and _grew(line_before, line, "receivedQuantity"):
            links += [(None, link) for link in write.after.links_of_line(int(line["id"]))]
    for _, link in links:
        product = write.after.get("product", link["product"])
        if product is not None and _closed(write.after, product):
            sentence = f"Product {product['id']} was linked or received on closed ticket"
            order = order_of(product.get("integrationXRef"))
            yield "B2.4", order, f"{sentence} {product['ticket']}."


def _grew(old: Row | None, new: Row, field: str) -> bool:
    before = float(old.get(field) or 0) if old is not None else 0.0
    return float(new.get(field) or 0) > before


def own_products_only(write: Write) -> Iterator[Broken]:
    """E4: an order is added to a ticket; what stands there of others is not touched. Linking and
    receiving changes what ConnectWise shows of a product, so only direct writes are asked."""
    if not write.path.startswith("/procurement/products"):
        return
    for old, new in write.rows("product"):
        if old is None or old.get("ticket") is None:
            continue
        if order_of(old.get("integrationXRef")) is None:
            yield "E4", None, f"Product {new['id']} on ticket {old['ticket']} is not the service's."


def ticket_of_the_customer(write: Write) -> Iterator[Broken]:
    """E6: products stand on tickets of the order's own company only."""
    for old, new in write.rows("product"):
        number = new.get("ticket")
        if number is None or (old is not None and old.get("ticket") == number):
            continue
        order = order_of(new.get("integrationXRef"))
        document = write.told.orders.get(order) if order is not None else None
        body = document.at(write.moment) if document is not None else None
        named = ((body or {}).get("connectwise") or {}).get("companyIdentifier")
        ticket = write.after.get("ticket", number)
        company = write.after.get("company", ticket["company"]) if ticket is not None else None
        owner = str(company["identifier"]) if company is not None else ""
        if named and owner.casefold() != str(named).casefold():
            sentence = f"Product {new['id']} was put on ticket {number} of company"
            yield "E6", order, f"{sentence} {owner}, not {named}."


def one_ticket(write: Write) -> Iterator[Broken]:
    """H1, H9: a ticket is made once."""
    for old, new in write.rows("ticket"):
        mark = new.get("externalXRef")
        if not mark or (old is not None and old.get("externalXRef") == mark):
            continue
        same = [row["id"] for row in write.after.rows("ticket") if row.get("externalXRef") == mark]
        if len(same) > 1:
            yield "H1", None, f"tickets {same} carry the mark {mark}."


def never_on_both(write: Write) -> Iterator[Broken]:
    """A4: what is sold stands on the ticket, or on the opportunity and its sales order, never on
    both: it would be billed twice."""
    for _, new in write.rows("product"):
        mark = new.get("integrationXRef")
        if order_of(mark) is None:
            continue
        on = [row for row in write.after.marked(str(mark)) if row["integrationXRef"] == mark]
        tickets = [row for row in on if row.get("ticket") is not None]
        others = [
            row
            for row in on
            if row.get("salesOrder") is not None or row.get("opportunity") is not None
        ]
        if tickets and others:
            yield "A4", order_of(mark), f"{mark} stands on a ticket and is sold elsewhere too."


BEFORE: tuple[Rule, ...] = (ticket_still_open,)
AFTER: tuple[Rule, ...] = (own_products_only, ticket_of_the_customer, one_ticket, never_on_both)
