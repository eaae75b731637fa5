"""The day's stories: what happens in Commerce, and where each order must stand in the end.

Owns the script. A story posts signed events as Commerce would, does what people would do, and
waits for what the service says of the order. What must be true in the end is `Ending`, checked
by `checks.py` when all stories are told. Stories in which something turns are in `turns.py`.
"""

from __future__ import annotations

from sandbox.demo.day import Day
from sandbox.demo.ending import Ending, Story
from sandbox.demo.events import Sale
from sandbox.demo.goods import (
    BIG_MONITOR,
    CABLE,
    CONTOSO,
    DOCK,
    INGRAM,
    INSTALL,
    KIT,
    MONITOR,
    NORDIC,
    NORTHWIND,
    SYNNEX,
)
from sandbox.demo.purchases import Purchase
from sandbox.demo.turns import TURNS
from sandbox.demo.ways import WAYS

OFFERED_OPPORTUNITY = 88  # the simulator starts with it: Contoso's quote 501 was written for it
NORDIC_IN_CONNECTWISE = "NORDICS"
# Time enough to kill a worker in; ConnectWise goes on with what it was asked all the same.
SLOW_SECONDS = 1.5


def straight(day: Day) -> Ending:
    sale = Sale(
        1201,
        CONTOSO,
        [(MONITOR, 10), (DOCK, 3), (INSTALL, 1)],
        quote=501,
        options=[(MONITOR, 10, True), (BIG_MONITOR, 10, False)],
        opportunity=OFFERED_OPPORTUNITY,
        title="Desk refresh",
    )
    purchase = Purchase(8891, sale, INGRAM, [(MONITOR, 10), (DOCK, 3)])
    day.begin(
        "A straight order",
        "Contoso accepts quote QO10000501: of two monitors offered it takes the 24-inch one, with "
        "docks and half a day of installation. The deal is opportunity 88 in ConnectWise.",
    )
    with day.counting(sale.number):
        day.post(sale.won(), sale.approved())
        day.follow(sale.number, "waiting", "LINE_NOT_ORDERED")
        day.post(purchase.approved())
        day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED")
        day.post(purchase.receive())
        day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def two_suppliers(day: Day) -> Ending:
    lines = [(MONITOR, 10), (DOCK, 5)]
    opportunity = day.office.make_opportunity("Northwind", "Meeting rooms", lines)
    sale = Sale(1202, NORTHWIND, lines, opportunity=opportunity)
    monitors = Purchase(8893, sale, INGRAM, [(MONITOR, 10)])
    docks = Purchase(8894, sale, SYNNEX, [(DOCK, 5)])
    day.begin(
        "Two suppliers, and a part that is still missing",
        "Northwind's monitors come from Ingram Micro, its docks from TD Synnex. All docks arrive, "
        "but only four of ten monitors: the order may not be invoiced yet.",
    )
    day.post(sale.approved(), monitors.approved(), docks.approved())
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED")
    day.post(docks.receive(), monitors.receive({MONITOR: 4}))
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED", says="6 of 10")
    return Ending(
        sale,
        "waiting",
        "GOODS_NOT_RECEIVED",
        f"6 of 10 {MONITOR.title} are still to be received on {monitors.number}.",
        (monitors, docks),
        "Waiting for goods",
    )


def priced(day: Day) -> Ending:
    lines = [(KIT, 2), (CABLE, 8)]
    sale = Sale(
        1209,
        NORTHWIND,
        lines,
        delivery="30.00",
        surcharge="4.50",
        coupon="15.00",
        discounts={1: "10"},
    )
    purchase = Purchase(8919, sale, SYNNEX, lines, freight="18.00")
    day.begin(
        "A discount, a delivery, a surcharge and a coupon",
        "Each amount of the order's head becomes a line of its own, so that ConnectWise bills to "
        "the cent what Commerce sold. The kit is a bundle: one line, one product. The supplier "
        "takes 18.00 for the freight, which goes on the purchase order once.",
    )
    day.post(sale.approved(), purchase.approved(), purchase.receive({CABLE: 8}))
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED")
    day.post(purchase.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def mixed(day: Day) -> Ending:
    sale = Sale(1210, CONTOSO, [(CABLE, 10), (DOCK, 3), (CABLE, 4)], from_stock={3: 4})
    cables = Purchase(8920, sale, INGRAM, [(CABLE, 10)])
    docks = Purchase(8921, sale, SYNNEX, [(DOCK, 3)], drop_ship=True)
    day.begin(
        "From the shelf, from a supplier, and straight to the customer",
        "The same cable is on two lines: ten are ordered, four are on the shelf and need no "
        "purchase order. TD Synnex sends the docks straight to Contoso, so they count as shipped "
        "when they are received; the cables come to the warehouse and do not.",
    )
    day.post(sale.approved(), cables.approved(), docks.approved())
    day.post(docks.receive(), cables.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, cables, docks)


def receipt_first(day: Day) -> Ending:
    sale = Sale(1203, NORTHWIND, [(DOCK, 2), (CABLE, 20)])
    purchase = Purchase(8895, sale, SYNNEX, [(DOCK, 2), (CABLE, 20)])
    purchase.approved()
    day.begin(
        "A receipt before its sales order",
        "Messages overtake one another: the goods' receipt is here, the order is not. ConnectWise "
        "would lose the link if they were received now, so they wait. This order has no deal in "
        "ConnectWise either, and the cable is not in its catalog: both are made.",
    )
    day.post(purchase.receive())
    day.follow(f"id:{sale.id}", "waiting", "SALES_ORDER_UNKNOWN")
    day.post(sale.approved())
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def twice_and_shuffled(day: Day) -> Ending:
    lines = [(MONITOR, 6), (DOCK, 6)]
    opportunity = day.office.make_opportunity("Contoso", "Second floor", lines)
    sale = Sale(1204, CONTOSO, lines, quote=504, opportunity=opportunity, title="Second floor")
    purchase = Purchase(8896, sale, INGRAM, [(MONITOR, 6), (DOCK, 6)])
    in_order = [
        sale.won(),
        sale.approved(),
        purchase.approved(),
        purchase.receive({MONITOR: 2, DOCK: 6}),
        purchase.receive(),
    ]
    day.begin(
        "Every message twice, and out of order",
        "The five messages of a straight day, from the last to the first. Each is delivered again "
        "under the same id, which counts once, and again under a new one, which changes nothing.",
    )
    for event in reversed(in_order[1:]):
        day.post_thrice(event)
    # An order waits for its quote, as the quote says which options were chosen; not for ever.
    day.follow(sale.number, "waiting", "QUOTE_MISSING")
    day.post_thrice(in_order[0])
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def killed(day: Day) -> Ending:
    lines = [(MONITOR, 4)]
    opportunity = day.office.make_opportunity("Contoso", "Reception", lines)
    sale = Sale(1205, CONTOSO, lines, opportunity=opportunity)
    purchase = Purchase(8897, sale, INGRAM, [(MONITOR, 4)])
    events = [sale.approved(), purchase.approved(), purchase.receive()]
    day.begin(
        "A worker killed half-way",
        "While ConnectWise works on making the sales order, the worker is killed with -9. Nobody "
        "saw the answer, so the next worker looks before it does anything again.",
    )
    day.office.slow_down("POST", "/convertToSalesOrder$", SLOW_SECONDS)
    day.post(*events)
    day.wait_for(day.office.busy, "ConnectWise to be asked for the sales order")
    day.look(sale.number)
    pid = day.stack.kill_worker()
    day.happened(f"kill -9 {pid}: the worker is gone, with its call to ConnectWise under way.")
    day.happened(f"Another worker is started, process {day.stack.start_worker().pid}.")
    day.follow(sale.number, "done")
    day.prove_once("POST", f"/sales/opportunities/{opportunity}/convertToSalesOrder")
    return Ending.released(sale, purchase)


def unknown_supplier(day: Day) -> Ending:
    day.office.make_vendor(NORDIC_IN_CONNECTWISE, "Nordic IT Supply Ltd")
    lines = [(DOCK, 2)]
    opportunity = day.office.make_opportunity("Northwind", "Warehouse", lines)
    sale = Sale(1206, NORTHWIND, lines, opportunity=opportunity)
    purchase = Purchase(8898, sale, NORDIC, lines)
    day.begin(
        "A supplier that ConnectWise knows under another name",
        f"Commerce calls the supplier {NORDIC.account}, ConnectWise {NORDIC_IN_CONNECTWISE}. The "
        "service does not guess: a person says it once, and every order that waits for it goes on.",
    )
    day.post(sale.approved(), purchase.approved(), purchase.receive())
    day.follow(sale.number, "held", "MAPPING_MISSING")
    day.service.map("vendor", str(NORDIC.id), NORDIC_IN_CONNECTWISE)
    day.happened(
        f"A person maps supplier {NORDIC.id} to {NORDIC_IN_CONNECTWISE} over the admin REST."
    )
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def person_converts(day: Day) -> Ending:
    lines = [(DOCK, 1)]
    opportunity = day.office.make_opportunity("Contoso", "Spare dock", lines)
    sale = Sale(1207, CONTOSO, lines, opportunity=opportunity)
    purchase = Purchase(8899, sale, SYNNEX, lines)
    day.begin(
        "Where a person makes the sales order",
        "With SALES_ORDER_CREATION = wait_for_person, somebody in sales converts the deal. Until "
        "then goods are not received in ConnectWise: it could never link them.",
    )
    day.service.change_setting("SALES_ORDER_CREATION", "wait_for_person")
    day.post(sale.approved(), purchase.approved(), purchase.receive())
    day.follow(sale.number, "waiting", "SO_MISSING")
    day.service.change_setting("SALES_ORDER_CREATION", "automatic")
    day.happened("The setting is changed back; an order under way keeps what it started with.")
    order = day.office.convert(opportunity)
    day.happened(
        f"A person converts opportunity {opportunity} in ConnectWise: sales order {order}."
    )
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def wrong_total(day: Day) -> Ending:
    sale = Sale(1208, CONTOSO, [(CABLE, 10)], misstated="10.00")
    day.begin(
        "An order that does not add up",
        "Commerce states a total that is 10.00 more than its lines. Only its ticket is "
        "made in ConnectWise until a person has corrected it.",
    )
    day.post(sale.approved())
    day.follow(sale.number, "held", "TOTAL_MISMATCH")
    return Ending(sale, "held", "TOTAL_MISMATCH", "but Commerce states", status=None)


def shared(day: Day) -> tuple[Ending, Ending]:
    opportunity = day.office.make_opportunity("Contoso", "Two orders, one deal", [(MONITOR, 3)])
    first = Sale(1218, CONTOSO, [(MONITOR, 3)], opportunity=opportunity)
    second = Sale(1219, CONTOSO, [(CABLE, 3)], opportunity=opportunity)
    monitors = Purchase(8922, first, INGRAM, [(MONITOR, 3)])
    cables = Purchase(8923, second, SYNNEX, [(CABLE, 3)])
    day.begin(
        "Two orders of one deal",
        "The deal was won with the first order. Whether the second goes on the same sales order or "
        "on one of its own nobody can tell but a person; once together, they are released together.",
    )
    day.post(first.approved())
    day.follow(first.number, "waiting", "LINE_NOT_ORDERED")
    day.post(second.approved())
    day.follow(second.number, "held", "OPPORTUNITY_SHARED")
    day.decide(second.number, "OPPORTUNITY_SHARED", "append", "one invoice for both")
    day.follow(second.number, "waiting", "LINE_NOT_ORDERED")
    day.post(monitors.approved(), monitors.receive())
    day.follow(first.number, "waiting", "SHARED_NOT_READY")
    day.post(cables.approved(), cables.receive())
    day.follow(first.number, "done")
    day.follow(second.number, "done")
    return Ending.released(first, monitors), Ending.released(second, cables, guest=True)


GROUPS: tuple[tuple[str, tuple[Story, ...]], ...] = (
    ("A usual day", (straight, two_suppliers, priced, mixed)),
    (
        "Messages that come late, twice, or to a dying worker",
        (receipt_first, twice_and_shuffled, killed),
    ),
    ("What only people know", (unknown_supplier, person_converts, shared, wrong_total)),
    *TURNS,
    ("The other ways to run it", WAYS),
)
