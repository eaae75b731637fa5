"""A record that somebody deleted in ConnectWise, and what is forgotten so that it is made anew.

Owns which records a person may have made again (REMOTE_GONE), and what the service has to unlearn of
them: references, what was applied, and the outcomes of what was announced, so that the ordinary steps
announce and make them anew. Never a record on which goods were received. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from app.domain import invoices
from app.domain.choices import LOOK_AGAIN, MAKE_AGAIN, SKIP
from app.domain.order import OrderView
from app.domain.records import ORDER, Intent
from app.domain.standing import SYNC, received_remotely, receiving_in_doubt

ON_A_PURCHASE_ORDER = (SYNC, "link_demand", "receive_purchase_order")
PRODUCT = "/procurement/products/{id}"  # as endpoints are named to people
PRODUCT_KEY = re.compile(r"(opportunity|sales_order|ticket):\d+:.+")
BEFORE_THE_SALES_ORDER = ("create_products", "win_opportunity")
WITH_THE_SALES_ORDER = (*BEFORE_THE_SALES_ORDER, "create_sales_order", "stop_demand")
SALES_ORDER = "/sales/orders/{id}"
PARENT_GONE = "is gone in ConnectWise."


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is unlearned: ledger rows (step, subject), references (kind, key), announced writes
    (step, subject, key), facts (kind, key)."""

    ledger: tuple[tuple[str, str], ...] = ()
    refs: tuple[tuple[str, str], ...] = ()
    intents: tuple[tuple[str, str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    def ids(self, intents: Collection[Intent]) -> list[int]:
        return [one.id for one in intents if (one.step, one.subject, one.key) in self.intents]


def ways(view: OrderView, subject: str, sentence: str) -> tuple[str, ...]:
    """What a person may choose when a step met a record that is gone."""
    again = (MAKE_AGAIN.name,) if forgotten(view, subject, sentence) is not None else ()
    return (*again, LOOK_AGAIN.name, SKIP.name)


def forgotten(view: OrderView, subject: str, sentence: str) -> Forgotten | None:
    """What is unlearned of the record that a sentence names by its endpoint; None where it cannot
    be made again by the ordinary steps: it is not ours, or other records rest on it."""
    po_id = subject.split(":")[1] if ":" in subject else None
    if "/procurement/purchaseorders/{id}" in sentence and po_id is not None:
        return _purchase_order(view, int(po_id))
    if SALES_ORDER in sentence or sentence.endswith(PARENT_GONE):
        return _sales_order(view)
    if PRODUCT in sentence:
        return _products(view, "create_products")
    ours = ("create_products", ORDER, "") in view.outcomes
    if "/sales/opportunities/{id}" in sentence and ours and view.ref("sales_order") is None:
        found = _products(view, *BEFORE_THE_SALES_ORDER)
        return Forgotten(
            found.ledger,
            (*found.refs, ("opportunity", "")),
            (*found.intents, ("create_products", ORDER, "")),
        )
    return None


def _purchase_order(view: OrderView, po_id: int) -> Forgotten | None:
    if any(received_remotely(view, po_id).values()) or receiving_in_doubt(view, po_id):
        return None  # ConnectWise keeps what was received: then it is another fault

    def about(subject: str) -> bool:
        return subject.split(":")[1:2] == [str(po_id)]

    return Forgotten(
        tuple((s, on) for s, on in view.ledger if s in ON_A_PURCHASE_ORDER and about(on)),
        (("purchase_order", str(po_id)),),
        tuple(key for key in view.outcomes if key[0] in ON_A_PURCHASE_ORDER and about(key[1])),
    )


def _sales_order(view: OrderView) -> Forgotten | None:
    """With its products, which went with it. Its opportunity is opened again, edited and converted
    once more. Not where a purchase order, an invoice or another order rests on it."""
    bought = any(kind == "purchase_order" for kind, _ in view.refs)
    in_doubt = any(step in ON_A_PURCHASE_ORDER for step, _ in view.in_doubt)
    released = view.applied("release_invoice", ORDER) is not None
    shared = view.appended or bool(view.others)
    if view.by_ticket or bought or in_doubt or released or shared or invoices.read(view).get("on"):
        return None
    found = _products(view, *WITH_THE_SALES_ORDER)
    made = tuple(key for key in view.outcomes if key[0] == "create_sales_order")
    return Forgotten(
        found.ledger,
        (*found.refs, ("sales_order", "")),
        tuple(dict.fromkeys((*found.intents, *made))),
        (("conversion", ""), (invoices.FACT, ""), ("status_written", "")),
    )


def _products(view: OrderView, *steps: str) -> Forgotten:
    """Which of them is gone nobody says: those that stand are found by their mark again."""
    return Forgotten(
        tuple((step, ORDER) for step in steps if (step, ORDER) in view.ledger),
        tuple(key for key in view.refs if key[0] == "product"),
        tuple(key for key in view.outcomes if _of_a_product(key[2])),
    )


def _of_a_product(key: str) -> bool:
    """Keys of products name parent, its id and the line."""
    return PRODUCT_KEY.fullmatch(key) is not None
