"""Stories in which something turns: orders change, goods come otherwise than ordered, people err.

Owns their script, in groups. Each is short, and shows one way out that a person has.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.demo.day import Day
from sandbox.demo.ending import Ending, Stock, Story
from sandbox.demo.events import Sale
from sandbox.demo.goods import (
    CABLE,
    CONTOSO,
    DOCK,
    INGRAM,
    INSTALL,
    KEYBOARD,
    KIT,
    MONITOR,
    NORTHWIND,
    SYNNEX,
)
from sandbox.demo.purchases import Purchase


def changed_and_sourced_anew(day: Day) -> Ending:
    sale = Sale(1211, NORTHWIND, [(CABLE, 10)])
    first = Purchase(8911, sale, INGRAM, [(CABLE, 10)])
    day.begin(
        "The customer wants more, and the supplier cannot deliver",
        "Ten cables become twelve while they are on order; then the purchase order is cancelled "
        "and another supplier takes over. Nothing was received yet, so all of it is just done.",
    )
    day.post(sale.approved(), first.approved())
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED")
    sale, changed = sale.changed([(CABLE, 12)])
    second = Purchase(8912, sale, SYNNEX, [(CABLE, 12)])
    day.post(changed, first.cancelled(), second.approved(), second.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, second)


def chosen_anew(day: Day) -> Ending:
    lines = [(MONITOR, 4), (DOCK, 4)]
    # The last line is the salesperson's own, and no business of the quote.
    opportunity = day.office.make_opportunity("Northwind", "Training room", [*lines, (INSTALL, 1)])
    options = [(MONITOR, 4, True), (DOCK, 4, True)]
    sale = Sale(
        1220,
        NORTHWIND,
        lines,
        quote=520,
        options=options,
        opportunity=opportunity,
        title="Training",
    )
    day.begin(
        "The customer chooses again, after the sales order was made",
        "Northwind takes monitors and docks, then accepts the quote anew without the docks. Only "
        "what was chosen last is sold; what a salesperson had put on the deal is left alone.",
    )
    day.post(sale.won(), sale.approved())
    day.follow(sale.number, "waiting", "LINE_NOT_ORDERED")
    day.read_journal(sale.number, "Left alone")
    sale, changed = sale.changed([(MONITOR, 4)], [(MONITOR, 4, True), (DOCK, 4, False)])
    purchase = Purchase(8924, sale, INGRAM, [(MONITOR, 4)])
    day.post(sale.won(), changed, purchase.approved(), purchase.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def one_line_more(day: Day) -> Ending:
    sale = Sale(1221, CONTOSO, [(CABLE, 5)])
    cables = Purchase(8925, sale, INGRAM, [(CABLE, 5)])
    day.begin(
        "One line more after the release",
        "Nothing is invoiced yet, so the release is taken back until the kit is there too.",
    )
    day.post(sale.approved(), cables.approved(), cables.receive())
    day.follow(sale.number, "done")
    sale, changed = sale.changed([(CABLE, 5), (KIT, 1)])
    kit = Purchase(8926, sale, SYNNEX, [(KIT, 1)])
    day.post(changed)
    day.follow(sale.number, "waiting", "LINE_NOT_ORDERED")
    day.read_journal(sale.number, "Waiting for goods again")
    day.post(kit.approved(), kit.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, cables, kit)


def changed_too_late(day: Day) -> Ending:
    sale = Sale(1212, CONTOSO, [(CABLE, 6)])
    purchase = Purchase(8913, sale, INGRAM, [(CABLE, 6)])
    day.begin(
        "A change after the goods came",
        "What is received is frozen: ConnectWise would lose the link. The difference is shown, and "
        "a person says what becomes of it.",
    )
    day.post(sale.approved(), purchase.approved(), purchase.receive())
    day.follow(sale.number, "done")
    _, changed = sale.changed([(CABLE, 5)])
    day.post(changed)
    day.follow(sale.number, "held", "CHANGED_AFTER_FREEZE", says="6 to 5")
    day.decide(
        sale.number, "CHANGED_AFTER_FREEZE", "keep_connectwise", "the sixth cable stays a gift"
    )
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def cancelled(day: Day) -> Ending:
    sale = Sale(1213, NORTHWIND, [(CABLE, 3)])
    day.begin(
        "An order cancelled after its sales order was made",
        "ConnectWise has records of it, so the service asks. Here it takes its products back.",
    )
    day.post(sale.approved())
    day.follow(sale.number, "waiting", "LINE_NOT_ORDERED")
    day.post(sale.cancelled())
    day.follow(sale.number, "held", "CANCELLED_AFTER_START")
    day.decide(
        sale.number, "CANCELLED_AFTER_START", "cancel_products", "the customer changed their mind"
    )
    day.follow(sale.number, "cancelled")
    return Ending(sale, "cancelled", "CANCELLED", "", status="Waiting for goods")


def accepted_late(day: Day) -> Ending:
    lines = [(DOCK, 2)]
    opportunity = day.office.make_opportunity("Contoso", "Two docks", lines)
    sale = Sale(1225, CONTOSO, lines, quote=525, opportunity=opportunity, title="Two docks")
    purchase = Purchase(8930, sale, INGRAM, lines)
    day.begin(
        "A quote that is declined, and accepted a week later",
        "With LOST_ON_DECLINE = true a declined quote marks its deal lost, if no other quote or "
        "order of the deal speaks against it. What the service marked lost, a late order reopens.",
    )
    day.service.change_setting("LOST_ON_DECLINE", "true")
    day.post(sale.declined())
    day.follow(sale.quote_number, "done", "OPPORTUNITY_MARKED_LOST")
    day.service.change_setting("LOST_ON_DECLINE", "false")
    day.post(sale.won(), sale.approved(), purchase.approved(), purchase.receive())
    day.follow(sale.number, "done")
    day.read_journal(sale.number, "reopened")
    return Ending.released(sale, purchase)


def too_many(day: Day) -> Ending:
    sale = Sale(1214, CONTOSO, [(CABLE, 10)])
    purchase = Purchase(8914, sale, SYNNEX, [(CABLE, 10)])
    day.begin(
        "More came than was ordered",
        "Twelve cables for ten. A person decides: ten are received, two go back.",
    )
    day.post(sale.approved(), purchase.approved(), purchase.receive({CABLE: 12}))
    day.follow(sale.number, "held", "RECEIPT_ABOVE_ORDER")
    day.decide(sale.number, "RECEIPT_ABOVE_ORDER", "receive_ordered", "two go back to the supplier")
    purchase.arrived[CABLE.id] = 10
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def counted_again(day: Day) -> Ending:
    sale = Sale(1222, NORTHWIND, [(CABLE, 8)])
    purchase = Purchase(8927, sale, INGRAM, [(CABLE, 8)])
    day.begin(
        "Fewer came than was said",
        "Five are received in ConnectWise when Commerce corrects them to four. The service takes "
        "nothing back by itself: a person decides that the five were right.",
    )
    day.post(sale.approved(), purchase.approved(), purchase.receive({CABLE: 5}))
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED", says="3 of 8")
    day.post(purchase.corrected(CABLE, 4))
    day.follow(sale.number, "held", "RECEIPT_REDUCED")
    day.decide(sale.number, "RECEIPT_REDUCED", "keep_connectwise", "the fifth was behind the box")
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED")
    day.post(purchase.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def rest_without_link(day: Day) -> Ending:
    sale = Sale(1223, CONTOSO, [(CABLE, 10)])
    purchase = Purchase(8928, sale, SYNNEX, [(CABLE, 10)])
    day.begin(
        "ConnectWise loses the link of what is still to come",
        "It splits a line that is received in part, and does not say whether the rest keeps its "
        "link. Here it does not. Received so, the rest would go to stock: it is held instead.",
    )
    day.office.behave(clone_keeps_link=False)
    day.post(sale.approved(), purchase.approved(), purchase.receive({CABLE: 4}))
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED", says="6 of 10")
    day.post(purchase.receive())
    day.follow(sale.number, "held", "DEMAND_NOT_LINKED")
    day.decide(sale.number, "DEMAND_NOT_LINKED", "link_again", "the demand is still open")
    day.follow(sale.number, "done")
    day.office.behave(clone_keeps_link=True)
    return Ending.released(sale, purchase)


def late_serials(day: Day) -> Ending:
    sale = Sale(1215, NORTHWIND, [(DOCK, 2)])
    purchase = Purchase(8915, sale, SYNNEX, [(DOCK, 2)])
    receipt = purchase.receive(with_serials=False)
    day.begin(
        "Serial numbers that come late",
        "Docks are serialized in ConnectWise; the receipt has no numbers yet. It waits for them.",
    )
    day.post(sale.approved(), purchase.approved(), receipt)
    day.follow(sale.number, "held", "SERIALS_INCOMPLETE")
    day.post(purchase.told_again(receipt))
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def for_stock(day: Day) -> Ending:
    purchase = Purchase(8916, None, INGRAM, [(KEYBOARD, 50)])
    day.begin(
        "A purchase order for stock",
        "No customer waits for these keyboards: the purchase order stands in ConnectWise with lines "
        "that are linked to nothing, is received, and closed.",
    )
    day.post(purchase.approved(), purchase.receive())
    day.follow(purchase.number, "done")
    return Ending(Stock(purchase), "done", "STOCK_RECEIVED", "", (purchase,), None)


def drop_shipped(day: Day) -> Ending:
    sale = Sale(1216, CONTOSO, [(CABLE, 4), (INSTALL, 1)], recurring=(INSTALL,))
    purchase = Purchase(8917, sale, SYNNEX, [(CABLE, 4)], drop_ship=True)
    day.begin(
        "Only shipped goods are invoiced, and the supplier ships",
        "With INVOICE_POLICY = shipped_only, what the supplier sends straight to Contoso counts as "
        "shipped with its receipt. The monthly service on the order is left for the agreement.",
    )
    day.service.change_setting("INVOICE_POLICY", "shipped_only")
    day.post(sale.approved(), purchase.approved(), purchase.receive({CABLE: 1}))
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED")
    day.service.change_setting("INVOICE_POLICY", "all_goods")
    day.post(purchase.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


def paid_in_advance(day: Day) -> Ending:
    lines = [(MONITOR, 2)]
    opportunity = day.office.make_opportunity("Northwind", "A new colleague", lines)
    sale = Sale(1224, NORTHWIND, lines, opportunity=opportunity)
    purchase = Purchase(8929, sale, INGRAM, lines)
    day.begin(
        "A down payment is no invoice too early",
        "It carries none of the goods, so linking and receiving go on.",
    )
    day.post(sale.approved())
    day.follow(sale.number, "waiting", "LINE_NOT_ORDERED")
    invoice = day.office.take_down_payment(day.office.sales_order_of(opportunity), "200.00")
    day.happened(f"A person bills 200.00 in advance: invoice {day.office.called(invoice)}.")
    day.post(purchase.approved(), purchase.receive())
    day.follow(sale.number, "done")
    return replace(Ending.released(sale, purchase), invoices=1)


def invoiced_too_early(day: Day) -> Ending:
    lines = [(MONITOR, 2)]
    opportunity = day.office.make_opportunity("Contoso", "Two more desks", lines)
    sale = Sale(1217, CONTOSO, lines, opportunity=opportunity, delivery="0")
    purchase = Purchase(8918, sale, INGRAM, lines)
    day.begin(
        "Somebody invoices before the goods are there",
        "ConnectWise allows it, and would never link a purchase order to them again. The service "
        "sees it before it links, says so, and goes on when the invoice is removed.",
    )
    day.post(sale.approved())
    day.follow(sale.number, "waiting", "LINE_NOT_ORDERED")
    invoice = day.office.invoice(day.office.sales_order_of(opportunity))
    named = day.office.called(invoice)
    day.happened(f"A person makes invoice {named} of the sales order in ConnectWise.")
    day.post(purchase.approved(), purchase.receive())
    day.follow(sale.number, "held", "INVOICED_TOO_EARLY")
    day.office.remove_invoice(invoice)
    day.happened(f"Accounting removes invoice {named}.")
    day.decide(sale.number, "INVOICED_TOO_EARLY", "look_again", "the invoice is removed")
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase)


TURNS: tuple[tuple[str, tuple[Story, ...]], ...] = (
    (
        "Orders that change",
        (
            *(changed_and_sourced_anew, chosen_anew, one_line_more, changed_too_late),
            *(cancelled, accepted_late),
        ),
    ),
    (
        "Goods that come otherwise than ordered",
        (too_many, counted_again, rest_without_link, late_serials, for_stock),
    ),
    ("Shipping and invoices", (drop_shipped, paid_in_advance, invoiced_too_early)),
)
