"""H12: the table of what differs, compared without any system: order, what was done, what stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.domain import drift_books, drift_buying, drift_selling, psa
from app.domain.books import Document, DocumentKind, Status
from app.domain.codes import Code
from app.domain.drift import Bought, Compared, Drift, Reading, Standing, Sweep, Way, after
from app.domain.order import OrderView
from app.domain.psa_tickets import Ticket
from app.domain.records import ORDER, Decision, Ref
from tests.builders import NOW, applied, intent, issued, ordered, view

SOLD, TICKET, PRODUCT, PO = 41, 21, 501, 7001
LINE = {"key": "1", "sku": "SKU-301", "title": "Product 301", "quantity": 10, "price": "100.0000"}
SHARE = {"po_line": 1, "product": 301, "line": "1", "quantity": 10, "cost": 80}
SYNCED = {"order": "1201", "purchase_order": 8891, "number": "PO10008891", "shares": [SHARE]}
LINKED = {"order": "1201", "purchase_order": 8891, "shares": [SHARE]}
RECEIVED = {"purchase_order": 8891, "lines": [{"line": 1, "to": 4}]}
BILL = {"subject": "receipt:8891:R1", "purchase_order": 8891, "freight": "5", "costs": [],
        "lines": [{"amount": "320.00", "tax": "32.00"}]}  # fmt: skip
REFS = (
    Ref("sales_order", "", str(SOLD)),
    Ref("ticket", "", str(TICKET)),
    Ref("opportunity", "", "88"),
    Ref("product", "1", str(PRODUCT), {"catalog_item": 9}),
    Ref("purchase_order", "8891", str(PO)),
    Ref("bill", "receipt:8891:R1", "b1", {}),
    Ref("invoice", "ON10001201/1", "900", {}),
)
LEDGER = (
    applied("create_products", ORDER, {"lines": [LINE]}),
    applied("create_sales_order", ORDER, {"customer_reference": "x"}),
    applied("sync_purchase_order", "po:8891", SYNCED),
    applied("link_demand", "po:8891", LINKED),
    applied("receive_purchase_order", "receipt:8891:R1", RECEIVED),
    applied("post_bill", "receipt:8891:R1", BILL),
)


# A catalog item that the order made, as it is remembered.
MADE = intent(
    "create_products", ORDER, "catalog_item", "sku-301",
    outcome={"id": 9, "identifier": "SKU-301"},
)  # fmt: skip
OPENED = intent("create_products", ORDER, "opportunity", outcome={"id": 88})


def order(**more: Any) -> OrderView:
    given = {"refs": REFS, "ledger": LEDGER, "intents": (MADE,), **more}
    return view(ordered(), issued(), **given)


def young() -> list[tuple[Reading, OrderView]]:
    """Records that are gone before anything rests on them, so that they can be made anew: the
    opportunity that the service made, the sales order, and the purchase order."""

    def gone(kind: str, number: int) -> Reading:
        lost = frozenset({(kind, str(number))})
        return reading(gone=lost, products=None, tickets=(), bought={}, links=())

    opened = order(refs=(REFS[2],), ledger=LEDGER[:1], intents=(MADE, OPENED))
    sold_to = order(refs=REFS[:1], ledger=LEDGER[:2], intents=())
    ordered_then = order(refs=(REFS[0], REFS[4]), ledger=LEDGER[:3], intents=())
    return [
        (gone("opportunity", 88), opened),
        (gone("sales_order", SOLD), sold_to),
        (gone("purchase_order", PO), ordered_then),
    ]


def product(**more: Any) -> psa.Product:
    values: dict[str, Any] = {
        "id": PRODUCT, "catalog_item_id": 9, "sku": "SKU-301", "quantity": Decimal(10),
        "price": Decimal(100), "cost": Decimal(80), "xref": "dl:commerce:1201:1",
    }  # fmt: skip
    return psa.Product(**{**values, **more})


def line(**more: Any) -> psa.PurchaseOrderLine:
    values: dict[str, Any] = {
        "id": 1, "line_number": 1, "catalog_item_id": 9, "sku": "SKU-301", "quantity": Decimal(10),
        "received": Decimal(4), "received_status": None, "closed": False, "cancelled": False,
        "unit_cost": Decimal(80), "sales_order_ids": (SOLD,),
    }  # fmt: skip
    return psa.PurchaseOrderLine(**{**values, **more})


def header(**more: Any) -> psa.PurchaseOrder:
    values: dict[str, Any] = {
        "id": PO, "number": "PO10008891", "vendor_id": 3, "status_id": 1, "closed": False,
    }  # fmt: skip
    return psa.PurchaseOrder(**{**values, **more})


def document(**more: Any) -> Document:
    values: dict[str, Any] = {
        "kind": DocumentKind.BILL, "id": "b1", "version": "1", "status": Status.OPEN,
        "contact_id": "v", "currency": "USD", "total": Decimal("357.00"), "tax": Decimal("32.00"),
        "marker": "dl:commerce:1201:bill:x", "on": date(2026, 11, 19),
    }  # fmt: skip
    return Document(**{**values, **more})


def ticket(number: int, xref: str = "dl:commerce:1201:ticket", **more: Any) -> Ticket:
    return Ticket(number, "s", 1, 1, 1, "New", closed=False, xref=xref, **more)


def sold(number: int) -> psa.SalesOrder:
    return psa.SalesOrder(number, 1, 88, 1, bill_shipped=None)


def invoice(number: int, reference: str = "ON10001201/1") -> psa.Invoice:
    return psa.Invoice(number, str(number), "Standard", reference=reference)


def item(number: int, identifier: str = "SKU-301") -> psa.CatalogItem:
    return psa.CatalogItem(number, identifier)


def deal(number: int, notes: str = "[demandlink opportunity commerce/1201/]") -> psa.Opportunity:
    return psa.Opportunity(number, "Desk refresh", 1, 3, notes=notes)


LINK = psa.DemandLink(PO, 1, PRODUCT, Decimal(10))
BILL_KEY = ("bill", "receipt:8891:R1")


def reading(**more: Any) -> Reading:
    values: dict[str, Any] = {
        "products": (product(),),
        "tickets": (ticket(TICKET),),
        "bought": {"8891": Bought(header(), (line(),))},
        "links": (LINK,),
        "documents": {BILL_KEY: document()},
    }
    return Reading(**{**values, **more})


def found(read: Reading, about: OrderView | None = None) -> list[Drift]:
    one_view = about or order()
    settled = frozenset(one_view.ledger)
    one = Compared(one_view, settled, read)
    return [*drift_selling.found(one), *drift_buying.found(one), *drift_books.found(one)]


def bought(*lines: psa.PurchaseOrderLine, **more: Any) -> dict[str, Any]:
    return {"bought": {"8891": Bought(header(**more), lines or (line(),))}}


def test_h12_what_stands_as_it_was_left_is_no_drift() -> None:
    assert found(reading()) == []
    without_reports = reading(links=None)
    assert found(without_reports) == []


# Each: what stands otherwise, and what of it is found: code, kind of record, says, stands.
TABLE: list[tuple[str, dict[str, Any], list[tuple[Any, ...]]]] = [
    ("the sales order is gone", {"gone": frozenset({("sales_order", str(SOLD))}), "products": None},
     [(Code.DRIFT_MISSING, "sales_order", "stands as sales order 41", "gone")]),
    ("the ticket is gone", {"gone": frozenset({("ticket", str(TICKET))})},
     [(Code.DRIFT_MISSING, "ticket", "stands as ticket 21", "gone")]),
    ("a product is gone", {"products": ()},
     [(Code.DRIFT_MISSING, "product", "10 at 100.00", "gone")]),
    ("all of a product is cancelled", {"products": (product(cancelled=Decimal(10)),)},
     [(Code.DRIFT_MISSING, "product", "10 at 100.00", "gone")]),
    ("a product lost its mark", {"products": (product(xref=None),)}, []),
    ("a price by a cent", {"products": (product(price=Decimal("99.99")),)},
     [(Code.DRIFT_DIFFERENT, "product", "10 at 100.00", "10 at 99.99")]),
    ("a price by less than a cent", {"products": (product(price=Decimal("100.0001")),)}, []),
    ("a quantity", {"products": (product(quantity=Decimal(11), cancelled=Decimal(2)),)},
     [(Code.DRIFT_DIFFERENT, "product", "10 at 100.00", "9 at 100.00")]),
    ("a product twice", {"products": (product(), product(id=502))},
     [(Code.DUPLICATE_REMOTE, "product", "one product, 501", "also product 502")]),
    ("the first of two is not ours", {"products": (product(id=400), product())},
     [(Code.DUPLICATE_REMOTE, "product", "one product, 501", "also product 400")]),
    ("a product of another connection", {"products": (product(), product(id=502, xref="dl:other:1201:1"))},
     []),
    ("a product of somebody", {"products": (product(), product(id=502, xref=None))}, []),
    ("invoiced too early", {"products": (product(invoice_id=77),)},
     [(Code.DRIFT_INVOICED, "invoice", "6 still to come", "on invoice 77")]),
    ("a ticket twice", {"tickets": (ticket(TICKET), ticket(22))},
     [(Code.DUPLICATE_REMOTE, "ticket", "one ticket, 21", "also ticket 22")]),
    ("a second ticket that was merged", {"tickets": (ticket(TICKET), ticket(22, merged_into=21))}, []),
    ("the ticket after a closed one", {"tickets": (ticket(TICKET), ticket(22, "dl:commerce:1201:ticket-2"))},
     []),
    ("a ticket of another connection", {"tickets": (ticket(TICKET), ticket(22, "dl:other:1201:ticket"))}, []),
    ("a sales order twice", {"sales_orders": (sold(SOLD), sold(42))},
     [(Code.DUPLICATE_REMOTE, "sales_order", "one sales order, 41", "also sales order 42")]),
    ("a catalog item twice", {"items": (item(9), item(10))},
     [(Code.DUPLICATE_REMOTE, "catalog_item", "one catalog item, 9", "also catalog item 10")]),
    ("a catalog item after ours was deleted", {"items": (item(10),)}, []),
    ("a catalog item of another name", {"items": (item(9), item(10, "SKU-302"))}, []),
    ("an opportunity twice", {"opportunities": (deal(88), deal(89), deal(90, "of somebody"))},
     [(Code.DUPLICATE_REMOTE, "opportunity", "one opportunity, 88", "also opportunity 89")]),
    ("a sales order of the opportunity that holds nothing", {"empty_orders": (sold(43),)},
     [(Code.DRIFT_FOREIGN, "sales_order", "one sales order, 41", "also sales order 43, which is empty")]),
    ("an invoice twice", {"invoices": (invoice(900), invoice(901), invoice(902, "of somebody"))},
     [(Code.DUPLICATE_REMOTE, "invoice", "one invoice, 900", "also invoice 901")]),
    ("an invoice of the same reference after ours was deleted", {"invoices": (invoice(901),)}, []),
    ("the purchase order is gone", {"gone": frozenset({("purchase_order", str(PO))}), "bought": {}, "links": ()},
     [(Code.DRIFT_MISSING, "purchase_order", "stands for PO10008891", "gone")]),
    ("its number", bought(number="BY HAND"),
     [(Code.DRIFT_DIFFERENT, "purchase_order", "PO10008891", "BY HAND")]),
    ("its number, cut", bought(number="PO1000"), []),
    ("more received", bought(line(received=Decimal(7))),
     [(Code.DRIFT_DIFFERENT, "purchase_order", "4 received", "7 received")]),
    ("received in parts", bought(line(quantity=Decimal(4)),
                                 line(id=2, quantity=Decimal(6), received=Decimal(0))), []),
    ("a cost by a cent", bought(line(unit_cost=Decimal("80.01"))),
     [(Code.DRIFT_DIFFERENT, "purchase_order", "80.00 each", "80.01 each")]),
    ("more ordered", bought(line(quantity=Decimal(12))),
     [(Code.DRIFT_DIFFERENT, "purchase_order", "10 ordered", "12 ordered")]),
    ("a foreign line", bought(line(), line(id=2, catalog_item_id=8, sku="OTHER", received=Decimal(0))),
     [(Code.DRIFT_FOREIGN, "purchase_order", "not ordered", "10 ordered")]),
    ("a link is lost", {"links": ()},
     [(Code.DRIFT_UNLINKED, "purchase_order", "10 linked", "0 linked")]),
    ("a part of a link is lost", {"links": (replace(LINK, quantity=Decimal(6)),)},
     [(Code.DRIFT_UNLINKED, "purchase_order", "10 linked", "6 linked")]),
    ("a link is lost, by the line alone", {"links": None, **bought(line(sales_order_ids=()))},
     [(Code.DRIFT_UNLINKED, "purchase_order", "10 linked", "0 linked")]),
    ("a purchase order twice, by its mark",
     {"vendor_orders": (header(notes="[demandlink purchase order commerce/1201/8891]"),
                        header(id=7002, number="x", notes="[demandlink purchase order commerce/1201/8891]"))},
     [(Code.DUPLICATE_REMOTE, "purchase_order", "one purchase order, 7001", "also purchase order 7002")]),
    ("one of another connection",
     {"vendor_orders": (header(id=7002, number="x", notes="[demandlink purchase order other/1201/8891]"),)}, []),
    ("a purchase order twice, by its number", {"vendor_orders": (header(id=7002),)},
     [(Code.DUPLICATE_REMOTE, "purchase_order", "one purchase order, 7001", "also purchase order 7002")]),
    ("bought twice from the demand",
     {"links": (LINK, replace(LINK, purchase_order_id=7002, line_id=5)), "elsewhere": (header(id=7002, number=""),)},
     [(Code.DUPLICATE_REMOTE, "purchase_order", "one purchase order, 7001", "also purchase order 7002")]),
    ("bought by somebody else",
     {"links": (replace(LINK, quantity=Decimal(10)), replace(LINK, purchase_order_id=7002, quantity=Decimal(0))),
      "elsewhere": (header(id=7002, number="BY HAND"),)},
     [(Code.DRIFT_FOREIGN, "purchase_order", "ordered for this order", "ordered on 7002 (BY HAND)")]),
    ("a bill by a cent", {"documents": {BILL_KEY: document(total=Decimal("357.01"))}},
     [(Code.DRIFT_DIFFERENT, "bill", "325.00 USD", "325.01 USD")]),
    ("a bill whose tax is reckoned otherwise",
     {"documents": {BILL_KEY: document(total=Decimal("358.00"), tax=Decimal("33.00"))}}, []),
    ("a bill with its tax as a line", {"documents": {BILL_KEY: document(tax=Decimal(0))}}, []),
    ("a paid bill", {"documents": {BILL_KEY: document(status=Status.PAID, paid=Decimal(357))}}, []),
    ("a voided bill", {"documents": {BILL_KEY: document(status=Status.VOIDED)}},
     [(Code.DRIFT_MISSING, "bill", "325.00", "voided")]),
    ("a deleted bill", {"documents": {}, "gone": frozenset({("bill", "b1")})},
     [(Code.DRIFT_MISSING, "bill", "325.00", "deleted")]),
    ("a bill twice", {"twins": {BILL_KEY: (document(id="b2"),)}},
     [(Code.DUPLICATE_REMOTE, "bill", "one bill, b1", "also bill b2")]),
    ("a voided twin", {"twins": {BILL_KEY: (document(id="b2", status=Status.VOIDED),)}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("more", "wanted"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_h12_each_difference_is_named(more: dict[str, Any], wanted: list[tuple[Any, ...]]) -> None:
    drifts = found(reading(**more))
    assert [(one.code, one.kind, one.says, one.stands) for one in drifts] == wanted
    assert all(one.sentence and one.step and one.subject for one in drifts)
    assert len({one.key for one in drifts}) == len(drifts)


def test_h12_what_nothing_rests_on_yet_can_be_made_anew() -> None:
    drifts = [drift for case in young() for drift in found(*case)]
    assert [one.kind for one in drifts] == ["opportunity", "sales_order", "purchase_order"]
    assert all(one.code is Code.DRIFT_MISSING and Way.FIX in one.ways for one in drifts)


def codes(drifts: Iterable[Drift]) -> list[Code]:
    return [one.code for one in drifts]


def test_h12_what_a_person_let_go_unlinked_is_no_lost_link() -> None:
    def decided(choice: str) -> OrderView:
        made = Decision("link_demand", "po:8891", Code.DEMAND_NOT_LINKED, choice, "why", "ann", NOW)
        return order(decisions=[made])

    unlinked = reading(links=())
    assert codes(found(unlinked, decided("accept_unlinked"))) == []
    assert codes(found(unlinked, decided("link_again"))) == [Code.DRIFT_UNLINKED]


def test_h12_a_purchase_order_that_was_closed_for_another_is_no_duplicate() -> None:
    marker = "[demandlink purchase order commerce/1201/8891]"
    assert found(reading(vendor_orders=(header(id=7002, notes=marker, closed=True),))) == []


def test_h12_only_what_is_done_is_compared() -> None:
    """A change under way is no drift: nobody knows yet what stands."""
    one = Compared(order(), frozenset(), reading(products=(), links=(), **bought(number="x")))
    assert not [*drift_selling.found(one), *drift_buying.found(one), *drift_books.found(one)]


def test_h12_no_way_offers_what_no_step_can_do() -> None:
    ways = {row[0]: [drift.ways for drift in found(reading(**row[1]))] for row in TABLE if row[2]}
    only = [(Way.ADOPT, Way.IGNORE)]
    assert ways["a product twice"] == ways["a bill twice"] == ways["more received"] == only
    assert ways["a bill by a cent"] == only  # C4: what a person changed is theirs
    every = [(Way.ADOPT, Way.FIX, Way.IGNORE)]
    assert ways["a price by a cent"] == ways["a link is lost"] == ways["a deleted bill"] == every
    # Goods were received on it: it is not made again.
    assert ways["the purchase order is gone"] == only


def test_h12_a_decision_holds_for_what_stood_then() -> None:
    (then,) = found(reading(products=(product(price=Decimal(90)),)))
    (now,) = found(reading(products=(product(price=Decimal(80)),)))
    assert then.key == now.key
    for decided in (Standing.ADOPTED, Standing.IGNORED):
        assert after(decided, then.digest, then) is decided
        assert after(decided, then.digest, now) is Standing.OPEN
    assert after(Standing.FIXING, then.digest, then) is Standing.OPEN  # it did not help


def test_h12_a_sweep_goes_on_where_it_stopped() -> None:
    assert Sweep.of(None) == Sweep()
    stopped = Sweep(started=order().now, after=17, orders=3, calls=40, trouble="spent")
    assert Sweep.of(stopped.kept()) == stopped
