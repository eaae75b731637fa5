"""Reading a verified body: taken, kept unhandled, or rejected with its cause; then merged."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.examples import examples
from app.domain.codes import Code
from app.domain.documents import Kind
from app.domain.records import Delivery, InboxEvent
from app.sync import inbox

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def example(name: str) -> Any:
    return copy.deepcopy(examples()[name])


def read(body: bytes | Any) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return inbox.read_commerce("commerce", "msg_1", {"webhook-id": "msg_1"}, raw)


def event(body: Any, source: str = inbox.COMMERCE) -> InboxEvent:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return InboxEvent(7, source, "c", "msg_1", "", raw, "new", None, None, NOW)


@pytest.mark.parametrize("name", examples())
def test_every_published_example_is_taken_and_merged(name: str) -> None:
    delivery = read(example(name))
    assert (delivery.status, delivery.code, delivery.cause) == ("new", None, None)
    assert delivery.routing
    merge = inbox.plan(event(example(name)), NOW)
    assert merge.status == "merged"
    assert merge.documents


def test_the_routing_is_the_document_that_the_event_is_about() -> None:
    assert read(example("sales_order.approved")).routing == "sales_order:1201"
    assert read(example("purchase_order.receipted (part)")).routing == "purchase_order:8891"


def test_a_receipt_comes_with_its_purchase_order_and_its_cumulative_end() -> None:
    merge = inbox.plan(event(example("purchase_order.receipted (rest)")), NOW)
    order, receipt = merge.documents
    assert (order.kind, order.order) == (Kind.PURCHASE_ORDER, "1201")
    assert (receipt.kind, receipt.purchase_order) == (Kind.RECEIPT, "8891")
    assert receipt.stored.body()["lines"][0]["to"] == 10


def test_a_sales_order_is_placed_with_its_number_quote_and_customer() -> None:
    (place,) = inbox.plan(event(example("sales_order.approved")), NOW).documents
    assert (place.order, place.order_number) == ("1201", "ON10001201")
    assert (place.quote, place.customer) == ("501", "Contoso Ltd")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"\x00",
        b"{",
        b"{} {}",
        b'{"type": NaN}',
        b'{"type": Infinity}',
        b'{"type":"quote.won","type":"quote.won"}',
        b'{"type":"quote.won","data":{"n":1e999999999}}',
        b'{"n":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 200 + b"]" * 200,
        b'\xef\xbb\xbf{"type":"quote.won"}',
    ],
)
def test_what_is_not_strict_json_is_rejected_as_such(body: bytes) -> None:
    delivery = read(body)
    assert (delivery.status, delivery.code) == ("rejected", Code.BODY_NOT_JSON)
    assert delivery.cause
    assert delivery.body == body


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"{}", b'{"type":3}', b'{"type":""}'])
def test_json_that_is_no_event_is_rejected_as_not_valid(body: bytes) -> None:
    assert (read(body).status, read(body).code) == ("rejected", Code.BODY_NOT_VALID)


def _set(path: str, value: Any) -> Callable[[Any], None]:
    def change(body: Any) -> None:
        *parents, last = path.split("/")
        for name in parents:
            body = body[int(name)] if isinstance(body, list) else body[name]
        body[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_set("data/salesOrder/id", "1201"), "data/salesOrder/id"),
        (_set("data/salesOrder/id", -1), "data/salesOrder/id"),
        (_set("data/salesOrder/id", 2**63), "data/salesOrder/id"),
        (_set("data/salesOrder/orderNumber", ""), "data/salesOrder/orderNumber"),
        (_set("data/salesOrder/orderNumber", "ON\x001"), "data/salesOrder/orderNumber"),
        (_set("data/salesOrder/orderNumber", "ON\ud8001"), "data/salesOrder/orderNumber"),
        (_set("data/salesOrder/orderDate", "0001-01-01T00:00:00+14:00"), "orderDate"),
        (_set("data/salesOrder/lines", None), "data/salesOrder/lines"),
        (_set("data/salesOrder/lines/0/quantity", 1.5), "lines/0/quantity"),
        (_set("data/salesOrder/lines/0/quantity", -1), "lines/0/quantity"),
        (_set("data/salesOrder/lines/0/price", True), "lines/0/price"),
        (_set("data/salesOrder/lines/0/price", 10**30), "lines/0/price"),
        (_set("data/salesOrder/lines/0/quantityReceived", "many"), "data"),
        (_set("data/salesOrder", None), "data/salesOrder"),
        (_set("timestamp", 5), "timestamp"),
        (_set("data", []), "data"),
    ],
)
def test_a_body_that_breaks_the_contract_is_rejected_naming_the_field(
    change: Callable[[Any], None], named: str
) -> None:
    body = example("sales_order.approved")
    change(body)
    delivery = read(body)
    assert (delivery.status, delivery.code) == ("rejected", Code.BODY_NOT_VALID)
    assert named in (delivery.cause or "")


def test_a_receipt_of_another_purchase_order_is_rejected() -> None:
    body = example("purchase_order.receipted (part)")
    body["data"]["receipt"]["purchaseOrderID"] = 1
    assert "purchaseOrderID" in (read(body).cause or "")


@pytest.mark.parametrize("more", [{}, {"data": None}, {"timestamp": 5}])
def test_an_unlisted_type_is_kept_unhandled_whatever_else_it_holds(more: dict[str, Any]) -> None:
    delivery = read({"type": "shipment.sent", **more})
    assert (delivery.status, delivery.code) == ("unhandled", Code.TYPE_UNHANDLED)
    assert delivery.event_type == "shipment.sent"


def test_another_schema_version_is_kept_unhandled() -> None:
    delivery = read({**example("quote.won"), "schemaVersion": 2})
    assert delivery.status == "unhandled"
    assert "schemaVersion 2" in (delivery.cause or "")
    assert read({**example("quote.won"), "schemaVersion": 1}).status == "new"


def test_unknown_fields_with_characters_that_no_database_keeps_are_taken_and_cleaned() -> None:
    body = example("sales_order.approved")
    body["data"]["salesOrder"]["notes"] = "half \ud800 and nul \x00"
    body["data"]["salesOrder"]["ex\x00tra"] = ["\x00"]
    assert read(body).status == "new"
    (place,) = inbox.plan(event(body), NOW).documents
    kept = json.dumps(place.stored.own, ensure_ascii=False)
    assert "\x00" not in kept
    kept.encode()
    assert place.stored.own["notes"] == "half \ufffd and nul \ufffd"


def test_a_document_dated_more_than_a_day_ahead_is_deferred_until_a_day_before() -> None:
    body = example("sales_order.approved")
    ahead = NOW + timedelta(hours=24, seconds=1)
    body["data"]["salesOrder"]["lines"][0]["modifiedDate"] = ahead.isoformat()
    merge = inbox.plan(event(body), NOW)
    assert (merge.status, merge.code) == ("deferred", Code.DATE_AHEAD)
    assert merge.not_before == ahead - timedelta(hours=24)
    assert not merge.documents
    assert inbox.plan(event(body), ahead - timedelta(hours=24)).status == "merged"


@given(body=st.binary(max_size=200))
def test_no_body_makes_the_door_fail(body: bytes) -> None:
    assert read(body).status in ("new", "unhandled", "rejected")
    assert inbox.read_callback("connectwise", "id", {}, body).status != "merged"


@given(data=st.data())
def test_whatever_passes_the_door_can_be_merged(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(examples())))
    body = example(name)
    document: dict[str, Any] = next(iter(body["data"].values()))
    line = (document.get("lines") or document["sections"])[0]
    target = data.draw(st.sampled_from([document, line]))
    field = data.draw(st.one_of(st.sampled_from(sorted(target)), st.text(max_size=5)))
    target[field] = data.draw(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(st.characters(exclude_categories=()), max_size=5),
            st.lists(st.integers(), max_size=2),
            st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
            st.datetimes().map(datetime.isoformat),
        )
    )
    raw = json.dumps(body).encode()
    if read(raw).status == "new":
        assert inbox.plan(event(raw), NOW).status in ("merged", "deferred")


# --- ConnectWise callbacks ------------------------------------------------------------------------


def callback(**more: Any) -> bytes:
    return json.dumps({"Action": "updated", "ID": 88, "Type": "opportunity", **more}).encode()


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("opportunity", "opportunity"),
        ("PurchaseOrder", "purchase_order"),
        ("invoice", "invoice"),
        ("ticket", "ticket"),
    ],
)
def test_a_callback_wakes_by_the_record_it_names(type_: str, kind: str) -> None:
    body = callback(Type=type_)
    delivery = inbox.read_callback("connectwise", "m:1", {}, body)
    assert (delivery.status, delivery.routing) == ("new", f"{kind}:88")
    assert inbox.plan(event(body, inbox.CONNECTWISE), NOW).routes == ((kind, "88"),)


def test_a_callback_about_something_else_is_kept_unhandled_and_concerns_no_order() -> None:
    body = callback(Type="company")
    delivery = inbox.read_callback("connectwise", "m:1", {}, body)
    assert (delivery.status, delivery.event_type) == ("unhandled", "company.updated")
    assert inbox.plan(event(body, inbox.CONNECTWISE), NOW).status == "dropped"


@pytest.mark.parametrize("more", [{"ID": None}, {"ID": "88"}, {"ID": True}, {"Type": None}])
def test_a_callback_without_a_record_is_rejected(more: dict[str, Any]) -> None:
    delivery = inbox.read_callback("connectwise", "m:1", {}, callback(**more))
    assert (delivery.status, delivery.code) == ("rejected", Code.BODY_NOT_VALID)
