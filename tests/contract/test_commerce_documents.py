"""What the API says is what an event says (G8): the same state is one document, by either way.

The client reads the simulated API; the events are those that are told of the same acts.
"""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

import pytest

from app.connectors import wire_json
from app.connectors.commerce.client import Access, CommerceClient
from app.domain.commerce import Listing
from app.domain.documents import Kind
from app.domain.json_values import dumps, loads
from app.domain.versions import incoming, merge
from app.sync import contract
from tests.sandbox.commerce.desk import START, Desk
from tests.unit.connectwise_stub import ManualClock

EVENTS = {
    Kind.QUOTE: ("quote.won", "quote"),
    Kind.SALES_ORDER: ("sales_order.updated", "salesOrder"),
    Kind.PURCHASE_ORDER: ("purchase_order.updated", "purchaseOrder"),
}


def client_of(desk: Desk, hours: int = 0) -> CommerceClient:
    zone = timezone(timedelta(hours=hours))
    access = Access("https://commerce.example", desk.api.api_key, zone)
    return CommerceClient(access, clock=ManualClock(), transport=desk.transport())


async def polled(desk: Desk, kind: Kind, number: Any, hours: int = 0) -> Any:
    client = client_of(desk, hours)
    body = await client.document(kind, str(number))
    await client.aclose()
    return loads(wire_json.dumps(body))


def one_change(kind: Kind, told: Any, seen: Any) -> None:
    """Whichever comes second changes nothing: no version is merged twice."""
    event, poll = (incoming(kind, "1", loads(dumps(body))) for body in (told, seen))
    assert event.rank == poll.rank
    assert merge(event, poll) == event
    assert merge(poll, event) == poll


def keeps_the_contract(kind: Kind, body: Any) -> None:
    type_, name = EVENTS[kind]
    event = {"type": type_, "timestamp": "2026-11-19T10:00:00Z", "data": {name: body}}
    assert contract.violations(type_, loads(wire_json.dumps(event))) is None


@pytest.mark.parametrize("hours", [0, 10, -5])
async def test_g8_a_quote_and_its_order_are_the_same_by_event_and_by_poll(hours: int) -> None:
    desk = Desk()
    desk.control("settings", {"utc_offset_hours": hours}, "PUT")
    won, placed = desk.quoted_order()
    quote, order = won["data"]["quote"], placed["data"]["salesOrder"]
    desk.shop.beyond.clear()
    for kind, told in ((Kind.QUOTE, quote), (Kind.SALES_ORDER, order)):
        seen = await polled(desk, kind, told["id"], hours)
        keeps_the_contract(kind, seen)
        one_change(kind, told, seen)
    assert [line["isSelected"] for line in quote["sections"][0]["lines"]] == [True, True, False]


async def test_g8_a_purchase_order_with_costs_and_serials_is_the_same_both_ways() -> None:
    desk = Desk()
    _, placed = desk.quoted_order()
    number = desk.issued(placed["data"]["salesOrder"]["id"])["data"]["purchaseOrder"]["id"]
    desk.act("add_cost", id=number, description="Freight", amount=19.9)
    lines = desk.shop.of("purchaseorderline", "purchaseOrderID", number)
    for event in (
        desk.act("receive_goods", id=number, quantities={lines[0]["id"]: 4})[0],
        desk.act("receive_goods", id=number)[0],
    ):
        told = event["data"]["purchaseOrder"]
    assert (told["status"], told["costs"][0]["amount"]) == (2, 19.9)
    seen = await polled(desk, Kind.PURCHASE_ORDER, number)
    keeps_the_contract(Kind.PURCHASE_ORDER, seen)
    one_change(Kind.PURCHASE_ORDER, told, seen)


@pytest.mark.parametrize("bumps", [True, False])
async def test_g8_a_change_of_a_part_is_found_whether_or_not_the_whole_shows_it(
    bumps: bool,
) -> None:
    desk = Desk()
    _, placed = desk.quoted_order()
    number = desk.issued(placed["data"]["salesOrder"]["id"])["data"]["purchaseOrder"]["id"]
    desk.control("settings", {"line_bumps_header": bumps}, "PUT")
    desk.pass_time(3600)
    before = desk.clock
    line = desk.shop.of("purchaseorderline", "purchaseOrderID", number)[0]["id"]
    desk.act("receive_goods", id=number, quantities={line: 1})
    client = client_of(desk)
    found = {listing: await client.changed(listing, before) for listing in Listing}
    await client.aclose()
    assert [one.document for one in found[Listing.PURCHASE_ORDER_LINES]] == [str(number)]
    assert len(found[Listing.PURCHASE_ORDERS]) == bumps
    assert found[Listing.SALES_ORDERS] == []


async def test_a_list_longer_than_a_page_is_read_to_its_end() -> None:
    desk = Desk()
    for _ in range(3):
        lines = [{"productID": 301, "quantity": 1}] * 90
        desk.act("place_order", customerID=77, lines=lines)
    client = client_of(desk)
    changes = await client.changed(Listing.SALES_ORDER_LINES, START)
    order = await client.document(Kind.SALES_ORDER, "1")
    await client.aclose()
    assert (len(changes), len(order["lines"])) == (270, 90)
    pages = [e["query"]["page"] for e in desk.log() if "modifiedAfter" in e["query"]]
    assert pages == ["1", "2", "3"]
    assert json.loads(wire_json.dumps(order["lines"][0]["quantity"])) == 1
