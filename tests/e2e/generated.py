"""Orders made up from a seed: their events, what stood in ConnectWise before, and how it must end.

Owns the making and an expectation that is worked out from the story alone, not from what the
service does. The same seed with another `base` is the same story under other ids.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.e2e.harness import Stack
from tests.e2e.ledgers import invoice
from tests.e2e.orders import (
    CABLE,
    DOCK,
    INGRAM,
    INSTALL,
    MONITOR,
    MONITOR_BIG,
    PRODUCTS,
    SYNNEX,
    Json,
    Order,
)

GOODS = (MONITOR, DOCK, CABLE, MONITOR_BIG)
SUPPLIERS = (INGRAM, SYNNEX)
ENDED, POSTED = ("done", "not_needed"), ("post_purchase_order", "post_bill", "post_invoice")


@dataclass
class Story:
    """`events` in the order in which Commerce made them. `code`: where the order must end."""

    order: Order
    events: list[Json]
    sold: dict[str, int]
    received: dict[str, int] = field(default_factory=dict)
    purchase_orders: dict[str, str] = field(default_factory=dict)
    code: str = "RELEASED"
    invoiced: Decimal = Decimal(0)  # by Commerce, where it issued a sales invoice
    ticket: int | None = None  # chosen at checkout

    @property
    def number(self) -> str:
        return self.order.number

    def expected(self, row: str = "B1") -> dict[str, Any]:
        """As tests.e2e.endings gives it for a row of the matrix."""
        through = self.code == "RELEASED" or row == "D"  # there ConnectWise buys: no goods gate it
        marks = len(self.order.lines) + len(self.order.header)
        on_sales_order = {
            "opportunity": "Won",
            "sales_order": "Ready to invoice" if through else "Waiting for goods",
            "sold": self.sold,
            "purchase_orders": {},
            "received": {},
            "marks": marks,
        }
        bought = {"purchase_orders": self.purchase_orders, "received": self.received}
        won = "Won" if self.order.opportunity is not None else None
        owed = Decimal(100 * sum(self.received.values()))
        ledger = {"bills": owed, "invoices": self.invoiced if row == "C" else Decimal(0)}
        nothing = {"sold": {}, "purchase_orders": {}, "received": {}, "marks": 0}
        every: dict[str, dict[str, Any]] = {
            "A": on_sales_order | ledger,
            "B1": on_sales_order | bought,
            "B2": bought
            | {
                "opportunity": won,
                "ticket": "Ready to invoice" if through else "New",
                "sold": self.sold,
                "marks": marks,
            },
            "C": nothing | ledger | {"opportunity": "Won", "ticket": "New"},
            "D": on_sales_order,
        }
        return every[row]

    def told(self, order: Json, row: str = "B1") -> bool:
        """Whether the service is through with all that came in."""
        if row == "C" or (row == "D" and self.code != "RELEASED"):
            if order["state"] != "done":
                return False
        elif order["answer"]["code"] != self.code:
            return False
        if any(step["state"] not in ENDED for step in order["steps"] if step["step"] in POSTED):
            return False
        shown: dict[str, int] = {}
        for line in order["lines"]:
            shown[line["title"]] = shown.get(line["title"], 0) + int(line["received"])
        wanted = {f"Product {sku}": n for sku, n in self.received.items()}
        return {title: n for title, n in shown.items() if n} == wanted


def story(
    seed: int, base: int, opportunity: int | None, *, corrections: bool = False, most: int = 3
) -> Story:
    """A story of up to four lines on up to two purchase orders each, received in parts. `most`
    bounds the products sold.

    With `corrections` the order and its purchase orders were told otherwise before, and some
    purchase orders are cancelled. What was received by then would freeze them (D-11), so such a
    story has to be told whole before anything is done.
    """
    rng = random.Random(seed)  # noqa: S311 - a made-up order, no secret
    goods = rng.sample(GOODS, rng.randint(1, most))
    lines = [(product, rng.randint(1, 9)) for product in goods]
    if rng.random() < 0.3:  # the same product on two lines (D-8)
        lines.append((goods[0], rng.randint(1, 4)))
    bought = list(lines)
    if rng.random() < 0.5:
        lines.append((INSTALL, 1))
    header: Json = {"deliveryAmount": 25} if rng.random() < 0.4 else {}
    left_out = [product for product in GOODS if product not in goods]
    not_chosen = tuple(left_out[:1]) if rng.random() < 0.5 else ()
    named = opportunity is not None and rng.random() < 0.8
    order = Order(
        id=base,
        lines=lines,
        opportunity=opportunity,
        quote_id=base if named else None,
        not_chosen=not_chosen if named else (),
        header=header,
    )
    sold: dict[str, int] = {}
    for product, quantity in lines:
        _add(sold, product, quantity)
    if header:
        sold["FREIGHT"] = 1
    events = [order.quote()] if named else []
    if corrections:
        order.lines = [(product, quantity + rng.randint(0, 3)) for product, quantity in lines]
        order.lines += [(CABLE, 2)] if rng.random() < 0.5 else []
        events.append(order.approved())
        order.lines = lines
    events.append(order.approved())
    if rng.random() < 0.3:  # told again with nothing new in it but its date
        events.append(order.approved("sales_order.updated"))
    made = Story(order, events, sold)
    _buy(rng, made, bought, corrections=corrections)
    return made


def invoiced(made: Story) -> None:
    """Commerce issues its sales invoice, of all that was sold."""
    lines = [
        (
            "product" if product != INSTALL else "service",
            f"Product {PRODUCTS[product]['productNumber']}",
            str(quantity),
            str(PRODUCTS[product]["price"]),
        )
        for product, quantity in made.order.lines
    ]
    if made.order.header:
        lines.append(("freight", "Delivery", "1", "25"))
    made.invoiced = sum(
        (Decimal(quantity) * Decimal(price) for _, _, quantity, price in lines), Decimal(0)
    )
    number = made.order.id
    told = invoice(made.order, *lines, id=number, invoiceNumber=f"IN1000{number}")
    made.events.append(told)


def declined(made: Story) -> None:
    """Another quote of the same opportunity, which the customer declined."""
    number = made.order.id + 5
    other = Order(id=number, lines=made.order.lines, opportunity=made.order.opportunity)
    other.quote_id = number
    made.events.append(other.declined())


def choose(made: Story, ticket: int) -> None:
    """An open ticket is chosen at checkout (E1, E2)."""
    made.ticket = ticket
    for event in made.events:
        told = event["data"].get("salesOrder")
        if told is not None:
            told["connectwise"] |= {"ticketId": ticket, "ticketChoice": "existing"}


def _add(counts: dict[str, int], product: int, quantity: int) -> None:
    sku = PRODUCTS[product]["productNumber"]
    counts[sku] = counts.get(sku, 0) + quantity


def _cancelled(order: Order, po: int, lines: list[tuple[int, int]]) -> list[Json]:
    """A purchase order that was issued and cancelled: another one stands in its place."""
    issued = order.ordered(po, lines)
    gone = order.ordered(po, lines)
    document = gone["data"]["purchaseOrder"]
    order.purchase_orders.pop(po)
    cancelled = {**gone, "type": "purchase_order.cancelled"}
    cancelled["data"] = {"purchaseOrder": {**document, "status": 90}}
    return [issued, cancelled]


def _buy(
    rng: random.Random, made: Story, bought: list[tuple[int, int]], *, corrections: bool
) -> None:
    """Every line is ordered, split over purchase orders, and received in up to three parts."""
    baskets: dict[int, dict[int, int]] = {}
    for product, quantity in bought:
        first = rng.randint(1, quantity) if rng.random() < 0.4 else quantity
        for basket, part in ((0, first), (1, quantity - first)):
            if part:
                there = baskets.setdefault(basket + rng.randint(0, 1), {})
                there[product] = there.get(product, 0) + part
    complete = rng.random() < 0.7
    for basket in sorted(baskets):
        po = made.order.id * 10 + basket
        inside: list[tuple[int, int]] = sorted(baskets[basket].items())
        if corrections and rng.random() < 0.5:
            before = [(product, quantity + 1) for product, quantity in inside]
            made.events.append(made.order.ordered(po, before, SUPPLIERS[basket % 2]))
        if corrections and rng.random() < 0.4:
            made.events += _cancelled(made.order, po + 5, inside)
        made.events.append(made.order.ordered(po, inside, SUPPLIERS[basket % 2]))
        _receive(rng, made, po, inside, complete=complete)
    if not complete:
        made.code = "GOODS_NOT_RECEIVED"


def _receive(
    rng: random.Random, made: Story, po: int, inside: list[tuple[int, int]], *, complete: bool
) -> None:
    open_ones = {index: quantity for index, (_, quantity) in enumerate(inside, start=1)}
    last = not complete
    for _ in range(rng.randint(0, 2)):
        taken = {
            index: rng.randint(1, quantity - last)
            for index, quantity in open_ones.items()
            if quantity - last > 0 and rng.random() < 0.7
        }
        if taken:
            _take(made, po, inside, open_ones, taken)
    rest = {index: quantity for index, quantity in open_ones.items() if quantity}
    if complete and rest:
        _take(made, po, inside, open_ones, rest)
    if sum(open_ones.values()) < sum(quantity for _, quantity in inside):
        status = "Received In Full" if not any(open_ones.values()) else "New"
        made.purchase_orders[f"PO1000{po}"] = status


def _take(
    made: Story,
    po: int,
    inside: list[tuple[int, int]],
    open_ones: dict[int, int],
    taken: dict[int, int],
) -> None:
    made.events.append(made.order.receipted(po, taken))
    for index, quantity in taken.items():
        open_ones[index] -= quantity
        _add(made.received, inside[index - 1][0], quantity)


def arrivals(made: Story, seed: int) -> list[tuple[str, Json]]:
    """The story's events in another order, some of them twice or three times, with webhook ids."""
    rng = random.Random(seed)  # noqa: S311 - an order of arrival, no secret
    copies = [
        (f"{made.number}-{number}", event)
        for number, event in enumerate(made.events)
        for _ in range(rng.choice((1, 1, 2, 3)))
    ]
    rng.shuffle(copies)
    return copies


async def opportunity_for(stack: Stack, seed: int) -> int | None:
    """The deal that a salesperson entered before, with a product for each thing offered, or none."""
    if seed % 4 == 0:
        return None
    made = await _make(
        stack,
        "/sales/opportunities",
        name=f"Deal {seed}",
        company={"identifier": "Contoso"},
        contact={"id": (await stack.get("/company/contacts"))[0]["id"]},
        primarySalesRep={"identifier": "sales"},
    )
    known = {item["identifier"] for item in await stack.get("/procurement/catalog")}
    for product in (*GOODS, INSTALL):
        number = PRODUCTS[product]["productNumber"]
        if number in known and (seed % 3 or product != DOCK):
            await _make(
                stack,
                "/procurement/products",
                catalogItem={"identifier": number},
                opportunity={"id": made["id"]},
                quantity=1 + seed % 3,
                billableOption="Billable",
            )
    return int(made["id"])


async def _make(stack: Stack, path: str, **body: Any) -> Json:
    answer = await stack.cw.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made
