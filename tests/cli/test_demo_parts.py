"""The demo's own parts: its events are as the contract says, and its counting counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain import events, json_values, money
from app.domain.documents import Kind, PurchaseOrder, SalesOrder, parse
from app.sync import contract
from sandbox.demo import checks
from sandbox.demo.counting import Count, count
from sandbox.demo.ending import Ending
from sandbox.demo.events import Purchase, Sale
from sandbox.demo.goods import BIG_MONITOR, CABLE, CONTOSO, DOCK, INGRAM, INSTALL, MONITOR
from sandbox.demo.narrator import told

SALE = Sale(
    1201,
    CONTOSO,
    [(MONITOR, 10), (DOCK, 3), (INSTALL, 1)],
    quote=501,
    options=[(MONITOR, 10, True), (BIG_MONITOR, 10, False)],
    opportunity=88,
    title="Desk refresh",
)


def purchase() -> Purchase:
    return Purchase(8891, SALE, INGRAM, [(MONITOR, 10), (DOCK, 3)])


@pytest.mark.parametrize(
    "event",
    [
        SALE.won(),
        SALE.approved(),
        purchase().approved(),
        purchase().receive({MONITOR: 4}),
        purchase().receive(),
        Sale(1203, CONTOSO, [(CABLE, 7)]).approved(),
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
    assert linked == "PO1 is linked to the demand of the sales order: read back and found so."


def books(**more: Any) -> checks.Books:
    marks = [f"dl:default:{SALE.id}:{key}" for key in ("1", "2", "3", "delivery")]
    empty = {
        "products": [{"integrationXRef": mark, "salesOrder": {"id": 5}} for mark in marks],
        "sales_orders": [
            {"id": 5, "status": {"name": "Ready to invoice"}, "opportunity": {"id": 88}}
        ],
        "purchase_orders": [{"id": 7, "poNumber": "PO10008891", "closedFlag": True}],
        "invoices": [],
        "catalog": [{"identifier": "FREIGHT"}],
        "opportunities": [{"id": 88, "status": {"name": "Won"}}],
        "lines": {
            7: [{"id": 1, "quantity": 13, "receivedQuantity": 13, "salesOrder": [{"id": 5}]}]
        },
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


def test_an_expected_state_can_be_planted():
    (planted,) = checks.planted([ending()], {SALE.number: "waiting"})
    assert checks.deviations([planted], STANDS, books()) == [
        f"{SALE.number} is done, and should be waiting: Sales order 5 is released for invoicing."
    ]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"sales_orders": [*books().sales_orders, {"id": 6}]}, "2 sales orders"),
        ({"products": books().products * 2}, "has the products"),
        ({"products": books().products[1:]}, "has the products"),
        ({"purchase_orders": books().purchase_orders * 2}, "stands 2 times"),
        ({"invoices": [{"id": 1}]}, "1 invoices"),
        ({"catalog": [{"identifier": "A"}, {"identifier": "A"}]}, "stand twice: A"),
        ({"opportunities": [{"id": 88, "status": {"name": "Open"}}]}, "is not won"),
        ({"lines": {7: [{"id": 1, "quantity": 13, "receivedQuantity": 13}]}}, "not linked"),
        (
            {"lines": {7: [{"id": 1, "quantity": 13, "salesOrder": [{"id": 5}]}]}},
            "0 are received",
        ),
    ],
)
def test_every_deviation_in_connectwise_is_told(more: dict[str, Any], says: str):
    assert says in " ".join(checks.deviations([ending()], STANDS, books(**more)))
