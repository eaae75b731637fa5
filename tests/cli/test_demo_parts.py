"""The demo's own parts: its events are as the contract says, and its counting counts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from app.domain import events, json_values, money
from app.domain.documents import Kind, PurchaseOrder, SalesOrder, parse
from app.steps import STEPS
from app.sync import contract
from sandbox.demo import checks
from sandbox.demo.counting import Count, count
from sandbox.demo.ending import Ending
from sandbox.demo.events import Sale
from sandbox.demo.goods import BIG_MONITOR, CABLE, CONTOSO, DOCK, INGRAM, INSTALL, KIT, MONITOR
from sandbox.demo.holdings import MATRIX, Holding
from sandbox.demo.narrator import Narrator, Telling, told
from sandbox.demo.purchases import Purchase

SALE = Sale(
    1201,
    CONTOSO,
    [(MONITOR, 10), (DOCK, 3), (INSTALL, 1)],
    quote=501,
    options=[(MONITOR, 10, True), (BIG_MONITOR, 10, False)],
    opportunity=88,
    title="Desk refresh",
)


PRICED = Sale(
    1209,
    CONTOSO,
    [(KIT, 2), (CABLE, 5), (CABLE, 3)],
    delivery="30.00",
    surcharge="4.50",
    coupon="15.00",
    discounts={1: "10"},
    from_stock={3: 3},
)


def purchase() -> Purchase:
    return Purchase(8891, SALE, INGRAM, [(MONITOR, 10), (DOCK, 3)])


@pytest.mark.parametrize(
    "event",
    [
        SALE.won(),
        SALE.declined(),
        SALE.approved(),
        purchase().approved(),
        purchase().receive({MONITOR: 4}),
        purchase().receive(),
        purchase().corrected(MONITOR, 3),
        Sale(1203, CONTOSO, [(CABLE, 7)]).approved(),
        PRICED.approved(),
        PRICED.invoiced(),
        Purchase(8892, PRICED, INGRAM, [(KIT, 2)], freight="18.00").receive(),
    ],
    ids=lambda event: event["type"],
)
def test_events_are_as_the_contract_says(event: dict[str, Any]):
    received = json_values.loads(json.dumps(event))
    assert contract.violations(event["type"], received) is None
    assert events.read(received)


def test_the_order_adds_up_as_its_example_does():
    order = parse(Kind.SALES_ORDER, SALE.approved()["data"]["salesOrder"])
    assert isinstance(order, SalesOrder)
    assert str(order.total) == "4204.2"
    assert money.gap(order, "unit") == 0


def test_an_order_with_discount_surcharge_and_coupon_adds_up():
    order = parse(Kind.SALES_ORDER, PRICED.approved()["data"]["salesOrder"])
    assert isinstance(order, SalesOrder)
    assert str(order.total) == "449.97"
    assert money.gap(order, "unit") == 0
    assert str(PRICED.billed) == "407.70"
    assert [line.quantity_from_stock for line in order.lines] == [None, None, 3]


def test_serial_numbers_come_with_the_receipt_or_later_the_same():
    bought, late = purchase(), purchase()
    bought.receive()
    receipt = late.receive(with_serials=False)
    assert late.serials == {}
    late.told_again(receipt)
    assert late.serials == bought.serials
    assert {sku: len(told) for sku, told in late.serials.items()} == {
        "DELL-P2425H": 10,
        "DELL-WD22TB4": 3,
    }


def test_receipts_are_cumulative_and_complete_the_purchase_order():
    bought = purchase()
    first, rest = bought.receive({MONITOR: 4}), bought.receive()
    documents = [
        parse(Kind.PURCHASE_ORDER, event["data"]["purchaseOrder"]) for event in (first, rest)
    ]
    received = []
    for document in documents:
        assert isinstance(document, PurchaseOrder)
        received.append([line.quantity_received for line in document.lines])
    assert received == [[4, 0], [10, 3]]
    serials = [
        serial
        for event in (first, rest)
        for line in event["data"]["receipt"]["lines"]
        for serial in line["serialNumbers"]
    ]
    assert len(serials) == len(set(serials)) == 13
    assert documents[0].modified_date < documents[1].modified_date  # type: ignore[attr-defined]


def request(method: str, path: str, **query: str) -> dict[str, Any]:
    return {"method": method, "path": path, "query": query}


def call(method: str, path: str, purpose: str, query: str = "") -> dict[str, Any]:
    return {"method": method, "path": path, "query": query, "purpose": purpose}


def test_calls_are_counted_by_what_they_were_for():
    requests = [
        request("GET", "/sales/orders/statuses", page="1", pageSize="1000"),
        request("GET", "/procurement/catalog", conditions='identifier in ("FREIGHT")'),
        request("GET", "/procurement/products"),
        request("GET", "/procurement/products"),
        request("POST", "/procurement/purchasingDemands"),
        request("GET", "/finance/invoices/1"),
        request("PATCH", "/sales/orders/9"),
        request("ACT", "/_sandbox/act"),
        request("GET", "/v4_6_release//system/callbackkey/index.rails", id="1"),
    ]
    calls = [
        call("GET", "/sales/orders/statuses", "reference", "pageSize=1000&page=1"),
        call("GET", "/procurement/catalog", "step", "conditions=identifier+in+(%22FREIGHT%22)"),
        call("GET", "/procurement/products", "step"),
        call("GET", "/procurement/products", "poll"),
        call("POST", "/procurement/purchasingDemands", "step"),
    ]
    # The read of the invoice followed a callback; the write is nobody's.
    assert count(requests, calls) == Count(writes=1, reads=1, reference=2, polls=2, untold=1)


def step(name: str, subject: str, **records: str) -> dict[str, Any]:
    remote = [{"kind": kind, "id": number} for kind, number in records.items()]
    return {"step": name, "subject": subject, "remote": remote}


def test_steps_are_told_with_their_records():
    assert told(step("win_opportunity", "ON1", opportunity="88")) == "Opportunity 88 is won."
    received = step("receive_purchase_order", "PO1/1-1", purchase_order="7")
    assert told(received) == "Receipt PO1/1-1 is received in ConnectWise."
    completed = step("receive_purchase_order", "PO1", purchase_order="7")
    assert told(completed) == "PO1 is received in full and closed."
    linked = told(step("link_demand", "PO1", purchase_order="7"))
    assert linked == "PO1 is linked to the order's demand: read back and found so."


def test_where_tickets_are_invoiced_no_sales_order_is_spoken_of():
    products = told(step("create_products", "ON1", ticket="21", product="4"))
    assert products == "The products sold stand on ticket 21, each marked as this order's."
    released = told(step("release_invoice", "ON1", ticket="21"))
    assert released == "Ticket 21 is released: it may be invoiced."


def test_every_step_of_every_scenario_has_a_sentence_of_its_own():
    for name in STEPS:
        sentence = told(step(name, "PO1"))
        assert name.replace("_", " ") not in sentence.lower(), name


def test_a_table_in_groups_names_each_and_fits_a_hundred_columns(
    capsys: pytest.CaptureFixture[str],
):
    rows = [("ON1", "Contoso Ltd", "done", "accounting", "It is released for invoicing. " * 4)]
    headings = ("order", "customer", "state", "acts", "why")
    Narrator().grouped("The end", headings, [("A usual day", rows), ("Orders that change", rows)])
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 100
    named = [n for n, line in enumerate(lines) if "A usual day" in line or "change" in line]
    orders = [n for n, line in enumerate(lines) if "ON1" in line]
    assert len(named) == len(orders) == 2
    assert named[0] < orders[0] < named[1] < orders[1]


def test_a_step_done_anew_for_stock_or_without_a_link_is_told_so():
    shipped = step("ship_goods", "ON1", sales_order="5")
    assert told(shipped) == "Goods of sales order 5 are marked as shipped."
    more = told(shipped, Telling(again=True))
    assert more == "More goods of sales order 5 are marked as shipped."
    synced = step("sync_purchase_order", "PO1", purchase_order="7")
    stock = told(synced, Telling(stock=True))
    assert stock == "PO1 is made, as purchase order 7: no demand asks for it."
    assert told(synced, Telling(unlinked=True)) == "Lines that are linked to nothing stand on PO1."


SOLD = (
    ("1", "DELL-P2425H", 10, 239),
    ("2", "DELL-WD22TB4", 3, 319),
    ("3", "INSTALL-HALFDAY", 1, 450),
    ("delivery", "FREIGHT", 1, 25),
)
HEADER = {"id": 7, "poNumber": "PO10008891", "closedFlag": True}


def product(number: int, sold: tuple[str, str, int, int], **more: Any) -> dict[str, Any]:
    key, sku, quantity, price = sold
    return {
        "id": number,
        "integrationXRef": f"dl:default:{SALE.id}:{key}",
        "salesOrder": {"id": 5},
        "catalogItem": {"identifier": sku},
        "quantity": quantity,
        "price": price,
        **more,
    }


def line(number: int, sku: str, quantity: int, **more: Any) -> dict[str, Any]:
    serials = sorted(told_serials()[sku])
    return {
        "id": number,
        "product": {"identifier": sku},
        "quantity": quantity,
        "receivedQuantity": quantity,
        "serialNumbers": ",".join(serials),
        "salesOrder": [{"id": 5}],
        **more,
    }


def told_serials() -> dict[str, set[str]]:
    bought = purchase()
    bought.receive()
    return bought.serials


def books(**more: Any) -> checks.Books:
    empty = {
        "products": [product(*line) for line in enumerate(SOLD, start=1)],
        "sales_orders": [
            {"id": 5, "status": {"name": "Ready to invoice"}, "opportunity": {"id": 88}}
        ],
        "purchase_orders": [HEADER],
        "invoices": [],
        "catalog": [{"identifier": "FREIGHT"}],
        "opportunities": [{"id": 88, "status": {"name": "Won"}}],
        "lines": {7: [line(1, "DELL-P2425H", 10), line(2, "DELL-WD22TB4", 3)]},
        "shipped": {},
    }
    return checks.Books(**{**empty, **more})


def ending() -> Ending:
    bought = purchase()
    bought.receive()
    return Ending.released(SALE, bought)


STANDS = {
    SALE.number: {
        "state": "done",
        "answer": {"code": "RELEASED", "sentence": "Sales order 5 is released for invoicing."},
    }
}


def test_a_day_that_ended_well_shows_no_deviation():
    assert checks.deviations([ending()], STANDS, books()) == []


def test_what_a_supplier_sends_to_the_customer_has_to_be_shipped():
    bought = Purchase(8891, SALE, INGRAM, [(MONITOR, 10), (DOCK, 3)], drop_ship=True)
    bought.receive()
    sent = [Ending.released(SALE, bought)]
    assert "should have {'DELL-P2425H': 10" in checks.deviations(sent, STANDS, books())[0]
    assert checks.deviations(sent, STANDS, books(shipped={1: 10, 2: 3})) == []


def test_of_a_cancelled_order_nothing_is_sold():
    stands = {SALE.number: {"state": "cancelled", "answer": {"code": "CANCELLED", "sentence": ""}}}
    gone = Ending(SALE, "cancelled", "CANCELLED", "", status="Ready to invoice")
    left = books(purchase_orders=[], lines={})
    assert "and should sell {}" in checks.deviations([gone], stands, left)[0]
    for row in left.products:
        row["quantityCancelled"] = row["quantity"]
    assert checks.deviations([gone], stands, left) == []


def test_a_guest_stands_on_the_sales_order_of_another():
    alone = Ending.released(SALE, guest=True)
    found = checks.deviations([alone], STANDS, books(purchase_orders=[], lines={}))
    assert found == [
        "ConnectWise has 1 sales orders, and should have 0.",
        "ConnectWise has 1 opportunities, and should have 0.",
    ]


def test_an_expected_state_can_be_planted():
    (planted,) = checks.planted([ending()], {SALE.number: "waiting"})
    assert checks.deviations([planted], STANDS, books()) == [
        f"{SALE.number} is done, and should be waiting: Sales order 5 is released for invoicing."
    ]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"sales_orders": [*books().sales_orders, {"id": 6}]}, "2 sales orders"),
        ({"products": books().products * 2}, "has products twice: dl:default:1201:1"),
        ({"products": books().products[1:]}, "sells {'2': 3, '3': 1, 'delivery': 1}"),
        ({"products": [product(1, ("1", "DELL-P2425H", 9, 239)), *books().products[1:]]}, "'1': 9"),
        (
            {"products": [product(1, SOLD[0], quantityCancelled=10), *books().products[1:]]},
            "sells {'2': 3, '3': 1, 'delivery': 1}",
        ),
        (
            {"products": [product(1, ("1", "DELL-P2425H", 10, 238)), *books().products[1:]]},
            "bills 3812 in ConnectWise, and should bill 3822.00",
        ),
        ({"shipped": {2: 3}}, "has {'DELL-WD22TB4': 3} shipped, and should have {}"),
        ({"purchase_orders": books().purchase_orders * 2}, "stands 2 times"),
        ({"invoices": [{"id": 1}]}, "1 invoices"),
        ({"catalog": [{"identifier": "A"}, {"identifier": "A"}]}, "stand twice: A"),
        ({"opportunities": [{"id": 88, "status": {"name": "Open"}}]}, "is not won"),
        ({"lines": {7: [line(1, "DELL-P2425H", 10, salesOrder=[])]}}, "Lines [1] of PO10008891"),
        ({"lines": {7: [line(1, "DELL-P2425H", 10, receivedQuantity=0)]}}, "0 are received"),
        ({"lines": {7: [line(1, "DELL-P2425H", 10)]}}, "10 are ordered"),
        (
            {
                "lines": {
                    7: [
                        line(1, "DELL-P2425H", 10),
                        line(2, "DELL-WD22TB4", 3, serialNumbers="8891-302-001"),
                    ]
                }
            },
            "has the serial numbers",
        ),
        ({"purchase_orders": [{**HEADER, "freightCost": 5}]}, "a freight of 5"),
        ({"purchase_orders": [{**HEADER, "closedFlag": False}]}, "should be closed"),
    ],
)
def test_every_deviation_in_connectwise_is_told(more: dict[str, Any], says: str):
    assert says in " ".join(checks.deviations([ending()], STANDS, books(**more)))


def held(way: str, *kinds: str, **amounts: Decimal) -> Holding:
    ending = Ending(SALE, "done", "RELEASED", "", (purchase(),), way=way)
    found = Holding(ending, SALE)
    for name, amount in amounts.items():
        setattr(found, name, amount)
    for kind in kinds:
        found.hold(kind, 1, "http://x")
    return found


def test_g9_a_record_that_a_configuration_must_not_have_is_found() -> None:
    right = sorted(MATRIX["A"])
    assert not list(held("A", *right).faults())
    assert list(held("A", *right, "purchase order").faults()) == [
        "ON10001201 has a record of purchase order, which configuration A decides (G9)."
    ]
    assert list(held("A", *right[1:]).faults()) == [
        f"ON10001201 lacks a record of {right[0]}, which configuration A decides (G9)."
    ]


@pytest.mark.parametrize("amount", ["billed", "ordered", "invoiced", "owed"])
def test_an_amount_that_differs_by_a_cent_is_found(amount: str) -> None:
    mine = held("A", *MATRIX["A"])
    told = {
        "billed": SALE.billed,
        "invoiced": SALE.total,
        "ordered": mine.purchases[0].ordered,
        "owed": mine.purchases[0].owed,
    }[amount]
    assert not list(held("A", *MATRIX["A"], **{amount: told}).faults())
    (fault,) = held("A", *MATRIX["A"], **{amount: told + Decimal("0.01")}).faults()
    assert f"should be {told}" in fault
