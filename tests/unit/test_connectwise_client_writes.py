"""The client's writes one at a time: patches and their proof, demand, and what is never sent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from app.domain import psa
from app.domain.errors import FailureKind, RemoteFailure
from tests.unit.connectwise_stub import ManualClock, asked, client_of, router, sent


async def refused_with(kind: FailureKind, call) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await call
    assert caught.value.kind is kind
    return caught.value


# --- patches --------------------------------------------------------------------------------------


async def test_a_patch_is_a_list_that_replaces_whole_references() -> None:
    answers = router()
    route = answers.patch("/sales/opportunities/88").respond(
        json={"id": 88, "status": {"id": 3, "name": "Won"}, "closedDate": "2026-11-20T00:00:00Z"}
    )
    closed = datetime(2026, 11, 20, 14, 11, 3, tzinfo=UTC)
    opportunity = await client_of(answers).set_opportunity_status(88, 3, closed)
    assert opportunity.status_id == 3
    assert sent(route.calls.last) == [
        {"op": "replace", "path": "status", "value": {"id": 3}},
        {"op": "replace", "path": "closedDate", "value": "2026-11-20T14:11:03Z"},
    ]


@pytest.mark.parametrize(
    "answer",
    [{"id": 88, "status": {"id": 1}}, {"id": 88}, {"id": 88, "status": None}, [], None],
)
async def test_a_patch_that_was_answered_200_and_did_nothing_is_rejected(answer) -> None:
    answers = router()
    answers.patch("/sales/opportunities/88").respond(json=answer)
    failure = await refused_with(
        FailureKind.REJECTED, client_of(answers).set_opportunity_status(88, 3, None)
    )
    assert "these fields do not hold what was asked for: status" in failure.message
    assert failure.endpoint == "PATCH /sales/opportunities/{id}"


async def test_a_patch_that_ends_in_other_line_breaks_and_cents_was_made() -> None:
    answers = router()
    answers.patch("/procurement/purchaseorders/7001").respond(
        text='{"id":7001,"internalNotes":"one two","freightCost":12.35,"poNumber":"PO1"}'
    )
    change = psa.PurchaseOrderChange(notes="one\ntwo", freight=Decimal("12.3456"), number="PO1")
    await client_of(answers).change_purchase_order(7001, change)


async def test_a_received_line_is_proven_by_its_quantity() -> None:
    answers = router()
    line = {
        "id": 5,
        "lineNumber": 1,
        "product": {"id": 9, "identifier": "X"},
        "quantity": 4,
        "receivedQuantity": 4,
        "receivedStatus": "FullyReceived",
        "serialNumbers": "S2, S1",
        "packingSlip": "PS-1",
        "dateReceived": "2026-11-20T00:00:00Z",
    }
    route = answers.patch("/procurement/purchaseorders/7001/lineitems/5").respond(json=line)
    receiving = psa.Receiving(
        quantity=Decimal(4),
        status="PartiallyReceiveCloneRest",
        received_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        packing_slip="PS-1",
        serial_numbers=("S1", "S2"),
    )
    received = await client_of(answers).receive_line(7001, 5, receiving)
    assert received.received == 4
    assert sent(route.calls.last) == [
        {"op": "replace", "path": "packingSlip", "value": "PS-1"},
        {"op": "replace", "path": "serialNumbers", "value": "S1,S2"},
        {"op": "replace", "path": "dateReceived", "value": "2026-11-20T09:00:00Z"},
        {"op": "replace", "path": "receivedQuantity", "value": 4},
        {"op": "replace", "path": "receivedStatus", "value": "PartiallyReceiveCloneRest"},
    ]


async def test_a_line_that_still_waits_was_not_received() -> None:
    answers = router()
    answers.patch("/procurement/purchaseorders/7001/lineitems/5").respond(
        json={"id": 5, "receivedQuantity": 4, "receivedStatus": "Waiting"}
    )
    receiving = psa.Receiving(quantity=Decimal(4), status="FullyReceived")
    failure = await refused_with(
        FailureKind.REJECTED, client_of(answers).receive_line(7001, 5, receiving)
    )
    assert "receivedStatus" in failure.message


async def test_shipping_is_changed_in_an_answer_that_is_a_list() -> None:
    answers = router()
    path = "/procurement/products/40001/pickingShippingDetails/2"
    rows = [{"id": 1, "shippedQuantity": 0}, {"id": 2, "shippedQuantity": 3}]
    route = answers.patch(path).respond(json=rows)
    shipped = psa.Shipping(quantity=Decimal(3), warehouse_id=1, bin_id=2)
    await client_of(answers).change_shipping(40001, 2, shipped)
    assert sent(route.calls.last) == [{"op": "replace", "path": "shippedQuantity", "value": 3}]


# --- writes that need two looks -------------------------------------------------------------------


async def test_demand_answers_with_its_purchase_order_or_without() -> None:
    answers = router()
    demand = [psa.Demand(40001, Decimal(2), Decimal("180.55"))]
    answers.post("/procurement/purchasingDemands").mock(
        side_effect=[
            httpx.Response(201, json={"vendor": {"id": 1}, "purchaseOrder": {"id": 7001}}),
            httpx.Response(201, json={"vendor": {"id": 1}}),
            httpx.Response(201),
        ]
    )
    client = client_of(answers)
    assert [await client.purchase_demand(1, 2, demand) for _ in range(3)] == [7001, None, None]


async def test_demand_is_added_to_a_purchase_order_by_its_whole_record() -> None:
    answers = router()
    stored = {
        "id": 7001,
        "poNumber": "PO1",
        "status": {"id": 1},
        "terms": {"id": 2},
        "vendorCompany": {"id": 3},
        "cancelReason": None,
        "_info": {"lastUpdated": "2026-11-20T09:00:00Z"},
    }
    answers.get("/procurement/purchaseorders/7001").respond(json=stored)
    route = answers.post("/procurement/purchasingDemands").respond(201, json={})
    demand = [psa.Demand(40001, Decimal(2), Decimal("10.5"))]
    await client_of(answers).purchase_demand(3, 4, demand, 7001)
    body = sent(route.calls.last)
    assert isinstance(body, dict)
    assert body["purchaseOrder"] == {
        "id": 7001,
        "poNumber": "PO1",
        "status": {"id": 1},
        "terms": {"id": 2},
        "vendorCompany": {"id": 3},
    }


async def test_a_report_is_read_by_its_column_names_and_paged() -> None:
    answers = router()
    columns: list[dict[str, object]] = [
        {"QUANTITY": {}},
        {"iv_product_recid": {}},
        {"Purchase_Detail_RecID": {}},
    ]
    columns.append({"Purchase_Header_RecID": {}})
    rows = [[1, 40001, 82001 + number, 7001] for number in range(1000)]
    route = answers.get("/system/reports/PurchaseOrderWithLineItems").mock(
        side_effect=[
            httpx.Response(200, json={"column_definitions": columns, "row_values": rows}),
            httpx.Response(
                200, json={"column_definitions": columns, "row_values": [[2, None, 9, 7002]]}
            ),
        ]
    )
    links = await client_of(answers).demand_links([40001])
    assert len(links) == 1000
    assert links[0] == psa.DemandLink(7001, 82001, 40001, Decimal(1))
    assert asked(route.calls[0])["conditions"] == "IV_Product_RecID in (40001)"
    assert "columns" in asked(route.calls[0])
    assert "fields" not in asked(route.calls[0])
    assert [asked(call)["page"] for call in route.calls] == ["1", "2"]


# --- refused before sending -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda client: client.create_callback("https://x", "ticket", "d" * 101),
            "description has 101 characters, ConnectWise takes 100.",
        ),
        (
            lambda client: client.change_purchase_order(
                1, psa.PurchaseOrderChange(number="n" * 51)
            ),
            "poNumber has 51 characters",
        ),
        (
            lambda client: client.receive_line(
                1, 2, psa.Receiving(Decimal("1.5"), "FullyReceived")
            ),
            "receivedQuantity must be a whole number",
        ),
        (
            lambda client: client.purchase_demand(
                1, 2, [psa.Demand(3, Decimal("0.5"), Decimal(1))]
            ),
            "quantity must be a whole number",
        ),
        (lambda client: client.purchase_demand(1, 2, []), "at least one product"),
        (lambda client: client.convert_to_sales_order(88, []), "at least one product"),
        (
            lambda client: client.change_product(1, psa.ProductChange(price=Decimal("NaN"))),
            "price is not a number",
        ),
        (lambda client: client.create_invoice(1, 2, " "), "reference is empty"),
        (
            lambda client: client.set_opportunity_status(1, 2, datetime(2026, 1, 1)),  # noqa: DTZ001
            "without a time zone",
        ),
    ],
)
async def test_what_connectwise_would_refuse_is_never_sent(call, says: str) -> None:
    answers = router()
    failure = await refused_with(FailureKind.INVALID, call(client_of(answers)))
    assert says in failure.message
    assert answers.calls.call_count == 0


# --- pausing --------------------------------------------------------------------------------------


async def test_after_429_nothing_is_sent_until_the_time_has_come() -> None:
    answers = router()
    route = answers.get("/sales/opportunities/88").mock(
        side_effect=[
            httpx.Response(429, headers={"Retry-After": "30"}, json={"message": "Too many"}),
            httpx.Response(200, json={"id": 88}),
        ]
    )
    clock = ManualClock()
    client = client_of(answers, clock)
    failure = await refused_with(FailureKind.RATE_LIMITED, client.opportunity(88))
    assert failure.retry_after == 30
    clock.at += 29
    again = await refused_with(FailureKind.RATE_LIMITED, client.opportunity(88))
    assert again.retry_after == 1
    assert route.call_count == 1
    clock.at += 1
    assert (await client.opportunity(88)).id == 88


async def test_a_write_that_met_503_with_a_time_is_in_doubt_and_pauses_all_the_same() -> None:
    answers = router()
    answers.post("/finance/invoices").respond(503, headers={"Retry-After": "7"})
    client = client_of(answers)
    failure = await refused_with(FailureKind.OUTCOME_UNKNOWN, client.create_invoice(1, 2, "r"))
    assert failure.retry_after == 7
    await refused_with(FailureKind.RATE_LIMITED, client.opportunity(88))
