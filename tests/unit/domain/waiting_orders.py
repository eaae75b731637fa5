"""Orders that wait for something, made up from a seed, and what people can do to them.

Owns the making, in every configuration and with most of what may stand in the way of an invoice: drafts,
totals, quotes and opportunities that are missing, several purchase orders, surplus, drop shipments,
drafts and cancelled ones, receipts in part, above the order, taken back or without papers, mappings that
are missing, tickets that were closed, invoices too early, holds. Asserts nothing.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from app.domain.codes import Code, State
from app.domain.errors import Hold
from app.domain.order import OrderView
from app.domain.records import Fact, Other, Ref
from app.domain.release import unordered
from app.domain.scenario import forbidden
from tests.builders import (
    PHYSICAL,
    SERVICE,
    Json,
    at,
    came,
    event,
    issued,
    line,
    ordered,
    po_line,
    product,
    purchase_order,
    sales_order,
)
from tests.ideal import World, scenario

B1, B2 = "connectwise-procurement-opportunity", "connectwise-procurement-ticket"
A, C, D = "connectwise-invoicing", "commerce-invoicing", "connectwise-managed"
BEHAVIOUR: Mapping[str, Sequence[str]] = {
    "raise_ticket": ["always", "always", "chosen"],
    "invoice_policy": ["all_goods", "all_goods", "shipped_only"],
    "invoice_from": ["opportunity", "opportunity", "ticket"],
    "invoice_action": ["mark_ready", "create_invoice"],
    "invoice_lock": ["none", "bill_closed_flag"],
    "purchase_order_timing": ["on_receipt", "on_issue"],
    "sales_order_creation": ["automatic", "wait_for_person"],
    "opportunity_missing": ["create", "plain_sales_order", "hold"],
    "demand_linking": ["demand_creates_po", "demand_appends_to_po", "automatic"],
    "mark_shipped": ["drop_ship_only", "on_receipt", "never"],
    "bill_per": ["receipt", "purchase_order"],
    "invoice_status": ["draft", "approved"],
}


@dataclass
class Played(World):
    """A world that knows the documents as Commerce has them, so that people can act on them.
    `stuck`: steps whose mapping nobody has added yet."""

    order: Json = field(default_factory=dict)
    bought: dict[int, Json] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    others: tuple[Other, ...] = ()  # on the same sales order or ticket
    shared: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    minute: int = 1000

    def view(self) -> OrderView:
        return replace(super().view(), others=self.others, shared=self.shared)

    def twin(self) -> Played:
        """The same again: what happens to it leaves this one alone."""
        parts = {one.name: copy.copy(getattr(self, one.name)) for one in fields(self)}
        return Played(**parts)

    def codes(self) -> list[str]:
        return [f"{one.step} {one.subject} {one.code}" for one in self.plan().verdicts if one.code]

    def sell(self, **more: Any) -> None:
        self.minute += 1
        self.order = {**self.order, **more, "modifiedDate": at(self.minute)}
        self.deliver(ordered(copy.deepcopy(self.order)))

    def buy(self, number: int, lines: Mapping[int, Json]) -> None:
        """Lines of a purchase order as they are now, by id."""
        self.minute += 1
        before = self.bought[number]
        changed = [{**one, **lines.get(one["id"], {})} for one in before["lines"]]
        self.bought[number] = {**before, "lines": changed, "modifiedDate": at(self.minute)}
        self.deliver(issued(copy.deepcopy(self.bought[number])))

    def receive(self, number: int, got: Mapping[int, int]) -> None:
        self.minute += 1
        document, told = came(self.bought[number], f"R{self.minute}", got, minute=self.minute)
        self.bought[number] = document
        self.deliver(told)

    def bill(self, number: int) -> None:
        self.deliver(
            event(
                "sales_invoice.issued",
                salesInvoice={
                    "id": number,
                    "invoiceNumber": f"IN{number}",
                    "salesOrderID": self.order["id"],
                    "customerID": 77,
                    "issueDate": at(500),
                    "modifiedDate": at(500),
                    "customer": self.order["customer"],
                    "lines": [
                        {"id": 1, "kind": "product", "title": "All", "quantity": 1, "price": 100}
                    ],
                },
            )
        )

    def gone(self, *, gone: bool) -> None:
        """What was read last of the record that carries the products."""
        before = self.facts.get(("invoicing", ""))
        body = {**(before.body if before is not None else {}), "gone": gone}
        self.facts["invoicing", ""] = Fact("invoicing", "", body, self.now)

    def mend(self, step: str) -> None:
        """A person adds the mapping: what waits for it is tried again."""
        self.stuck.discard(step)
        self.row = replace(self.row, wake_seq=self.row.wake_seq + 1)

    def _apply(self, step: str, subject: str, want: Mapping[str, Any]) -> None:
        if step in self.stuck:
            raise Hold(Code.MAPPING_MISSING, f"{step} knows no company.")
        super()._apply(step, subject, want)
        made = {
            "post_purchase_order": "ledger_purchase_order",
            "post_bill": "bill",
            "post_invoice": "ledger_invoice",
        }.get(step)
        if made is not None and want.get("invoice", 0) is not None:
            self.refs[made, subject] = Ref(made, subject, "7001")


@dataclass
class Story:
    """What came in of an order, and how people have left it."""

    scenario: str
    settings: dict[str, Any]
    order: Json
    purchase_orders: list[Json]
    receipts: list[tuple[int, dict[int, int]]]
    invoices: list[int] = field(default_factory=list)
    taken_back: dict[int, int] = field(default_factory=dict)  # of line 1, by purchase order
    stuck: set[str] = field(default_factory=set)
    on: dict[str, int] = field(default_factory=dict)
    closed: bool = False  # the ticket, by a person
    gone: bool = False  # the sales order or ticket
    others: tuple[Other, ...] = ()
    shared: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    held: bool = False

    def world(self) -> Played:
        told = Played(
            dict(self.settings),
            scenario(self.scenario),
            order=copy.deepcopy(self.order),
            bought={one["id"]: copy.deepcopy(one) for one in self.purchase_orders},
            stuck=set(self.stuck),
            others=self.others,
            shared=dict(self.shared),
        )
        told.deliver(ordered(copy.deepcopy(self.order)))
        told.deliver(*(issued(copy.deepcopy(one)) for one in self.purchase_orders))
        for number in self.invoices:
            told.bill(number)
        for number, got in self.receipts:
            told.receive(number, got)
        told.settle()
        for number, much in self.taken_back.items():
            now = told.bought[number]["lines"][0]["quantityReceived"]
            told.buy(number, {1: {"quantityReceived": max(now - much, 0)}})
            left = {
                one["id"]: one["quantity"] - one["quantityReceived"]
                for one in told.bought[number]["lines"][1:]
                if one["quantity"] > one["quantityReceived"]
            }
            if left:  # and the rest comes, for which it is in the way
                told.receive(number, left)
        view = told.view()
        # Of a line that nobody ordered the stock may be enough, and then the invoice is right.
        if self.on and view.products_stand and not unordered(view).keys() & set(map(int, self.on)):
            told.on = dict(self.on)
            told._look("invoicing")
        if self.gone and told.view().parent:
            told.gone(gone=True)
        if self.closed and told.view().ref("ticket"):
            told.facts["ticket", ""] = ticket(told, closed=True)
        told.settle()
        # Before it is tried nobody can know that a mapping is missing.
        tried = {step for (step, _), row in told.ledger.items() if row.code is Code.MAPPING_MISSING}
        told.stuck &= tried
        if self.held:
            told.row = replace(told.row, held_by="the customer thinks it over")
        return told


def ticket(told: World, *, closed: bool) -> Fact:
    """What is read of the order's ticket."""
    body = {"id": told.view().ref("ticket"), "closed": closed, "named": "Closed"}
    since = told.now.isoformat() if closed else None
    return Fact("ticket", "", {**body, "merged_into": None, "since": since}, told.now)


# --- orders ---------------------------------------------------------------------------------------


def story(seed: int) -> Story:
    """A made-up order of any configuration. Each trouble is rare, so that most orders have few."""
    rng = random.Random(seed)  # noqa: S311 - a made-up order, no secret
    by = rng.choice([B1, B1, B1, B2, B2, A, C, C, D])
    uses = scenario(by)
    chosen: dict[str, Any] = {}
    for name, values in BEHAVIOUR.items():
        more = {**chosen, name: rng.choice(values)}
        chosen = more if forbidden(uses, {**uses.defaults, **more}) is None else chosen
    order = _order(rng)
    purchase_orders, receipts = [], []
    for number in range(8891, 8891 + rng.choice([0, 1, 1, 1, 2, 2, 3])):
        one = _purchase_order(rng, number, order["lines"])
        purchase_orders.append(one)
        if one["status"] == 1:
            receipts += _receipts(rng, one)
    told = Story(by, chosen, order, purchase_orders, receipts, held=rng.random() < 0.15)
    if by == C:
        told.invoices = list(range(1, 1 + rng.randint(0, 2)))
    if receipts and rng.random() < 0.2:
        told.taken_back = {rng.choice(receipts)[0]: 1}
    if rng.random() < 0.2:
        told.stuck = {rng.choice([use.name for use in uses.steps])}
    if by in (B1, B2) and rng.random() < 0.2:
        told.on = {str(rng.choice(order["lines"])["id"]): 55}
    told.closed = rng.random() < 0.1
    told.gone = rng.random() < 0.05
    if rng.random() < 0.1 and by != C:
        kind = "ticket" if chosen.get("invoice_from") == "ticket" or by == B2 else "sales_order"
        other = Other("ON10001202", State.WAITING, Code.GOODS_NOT_RECEIVED, shares=kind)
        told.others = (other,)
    if rng.random() < 0.1:
        told.shared = {("opportunity", "88"): ("ON10001202",)}
    return told


def _order(rng: random.Random) -> Json:
    lines, products = [], []
    for n in range(1, rng.randint(1, 3) + 1):
        quantity = rng.randint(1, 4)
        stock = rng.choice([0, 0, 0, 0, quantity, 1])
        lines.append(line(n, 300 + n, quantity, quantityFromStock=stock))
        kind = SERVICE if rng.random() < 0.1 else PHYSICAL
        products.append(product(300 + n, type=kind, isRecurring=rng.random() < 0.05))
    more: Json = {"opportunity": rng.choice([88, 88, None])}
    if rng.random() < 0.1:
        more["status"] = 1  # a draft
    if rng.random() < 0.1:
        more["total"] = 1  # not what the lines add up to
    if rng.random() < 0.1:
        more["quoteID"] = 501  # which never comes in
    if rng.random() < 0.05:
        more["fulfillmentStatus"] = 1
    return sales_order(lines, products=products, **more)


def _purchase_order(rng: random.Random, number: int, lines: list[Json]) -> Json:
    which = [one["productID"] for one in lines if rng.random() < 0.7]
    which += [399] if not which or rng.random() < 0.1 else []  # bought beside what is sold
    most = {one["productID"]: one["quantity"] for one in lines}
    above = rng.choice([0, 0, 0, 2])
    bought = [
        po_line(index, product_id, (rng.randint(1, much) if rng.random() < 0.4 else much) + above)
        for index, product_id in enumerate(which, 1)
        for much in [most.get(product_id, 2)]
    ]
    if rng.random() < 0.1:
        bought[0]["quantityReceived"] = 1  # of which the papers are missing
    kind = int(rng.random() < 0.2)  # 1: drop shipment
    status = rng.choice([1, 1, 1, 1, 1, 1, 1, 0, 90])  # 0: a draft, 90: cancelled
    return purchase_order(number, bought, type=kind, status=status)


def _receipts(rng: random.Random, document: Json) -> list[tuple[int, dict[int, int]]]:
    left = {one["id"]: one["quantity"] - one["quantityReceived"] for one in document["lines"]}
    found = []
    for _ in range(rng.randint(0, 2)):
        got = {key: rng.randint(0, rest) for key, rest in left.items() if rest}
        got = {key: much for key, much in got.items() if much}
        left = {key: rest - got.get(key, 0) for key, rest in left.items()}
        if got:
            found.append((document["id"], got))
    if found and rng.random() < 0.15:  # more came than was ordered
        above = {key: rest + 1 for key, rest in left.items() if rng.random() < 0.7}
        found += [(document["id"], above)] if above else []
    return found
