"""The stories of the other ways to run it: A, B2, C and D, beside the B1 of the rest of the day.

Each is a customer's that is bound to a scenario, on the same service at the same time (H8).
"""

from __future__ import annotations

from sandbox.demo.day import Day
from sandbox.demo.ending import Ending, Story
from sandbox.demo.events import Sale
from sandbox.demo.goods import CABLE, DOCK, INGRAM, INSTALL, KEYBOARD, MONITOR, SYNNEX, Party
from sandbox.demo.purchases import Purchase

TAILSPIN = Party(81, "TAILSPIN", "Tailspin Toys", "toni.park@tailspin.example")
FABRIKAM = Party(82, "FABRIKAM", "Fabrikam Inc", "frida.berg@fabrikam.example")
ADATUM = Party(83, "ADATUM", "A. Datum Corp", "adam.datum@adatum.example")
LITWARE = Party(84, "LITWARE", "Litware Inc", "lina.ware@litware.example")


def invoicing(day: Day) -> Ending:
    sale = Sale(1240, TAILSPIN, [(MONITOR, 4), (INSTALL, 1)])
    purchase = Purchase(8960, sale, INGRAM, [(MONITOR, 4)], freight="14.50", taxed=True)
    day.begin(
        "A: ConnectWise invoices, Commerce buys",
        "Tailspin's order is sold in ConnectWise and invoiced there; what is bought never shows in "
        "ConnectWise, and no demand stays open that its purchasers would order again. The receipt "
        "is a bill in Xero, with freight and tax.",
    )
    day.bind(TAILSPIN, "connectwise-invoicing")
    day.post(sale.approved(), purchase.approved())
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED")
    day.post(purchase.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase, way="A")


def tickets(day: Day) -> Ending:
    sale = Sale(1241, FABRIKAM, [(DOCK, 2), (CABLE, 3)])
    purchase = Purchase(8961, sale, SYNNEX, [(DOCK, 2), (CABLE, 3)], freight="9.00")
    day.begin(
        "B2: ConnectWise buys and invoices, from tickets",
        "Fabrikam's products stand on a ticket, whose demand the purchase order is linked to. There "
        "is no sales order: the ticket is what is invoiced.",
    )
    day.bind(FABRIKAM, "connectwise-procurement-ticket")
    day.post(sale.approved(), purchase.approved())
    day.follow(sale.number, "waiting", "GOODS_NOT_RECEIVED")
    day.post(purchase.receive())
    day.follow(sale.number, "done")
    return Ending.released(sale, purchase, way="B2")


def commerce_invoices(day: Day) -> Ending:
    sale = Sale(1242, ADATUM, [(MONITOR, 2), (INSTALL, 1)], coupon="10.00")
    purchase = Purchase(8962, sale, INGRAM, [(MONITOR, 2)], freight="7.25", taxed=True)
    day.begin(
        "C: Commerce buys and invoices",
        "A. Datum's order leaves a ticket for advice and a won deal in ConnectWise, and no product. "
        "Xero gets the bill of each receipt, and Commerce's invoice as a draft.",
    )
    day.bind(ADATUM, "commerce-invoicing")
    day.post(sale.approved(), purchase.approved(), purchase.receive())
    day.follow(sale.number, "waiting", "SALES_INVOICE_MISSING")
    day.post(sale.invoiced())
    day.follow(sale.number, "done")
    said = "stands in the ledger as a draft: it is approved there."
    return Ending(sale, "done", "RELEASED", said, (purchase,), status=None, way="C")


def suggested(day: Day) -> Ending:
    sale = Sale(1243, LITWARE, [(KEYBOARD, 6)])
    purchase = Purchase(8963, sale, SYNNEX, [(KEYBOARD, 6)])
    day.begin(
        "D: ConnectWise buys and invoices, Commerce suggests",
        "Commerce's purchase order for Litware is a note to the purchasing officer on the order's "
        "ticket: supplier, SKU, cost and quantity. Nothing else is written of it, nor of a receipt.",
    )
    day.bind(LITWARE, "connectwise-managed")
    day.post(sale.approved(), purchase.approved())
    day.follow(sale.number, "done")
    day.post(purchase.receive())
    return Ending.released(sale, purchase, way="D")


WAYS: tuple[Story, ...] = (invoicing, tickets, commerce_invoices, suggested)
