"""The client of Commerce's API, one call at a time, over canned answers (commerce.md 1.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from app.connectors.commerce.client import REMEMBERED_SECONDS, Access, CommerceClient
from app.connectors.transport import Calling, calling
from app.domain.commerce import BudgetSpent, Change, Listing
from app.domain.documents import Kind
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.records import CallRecord
from tests.unit.connectwise_stub import ManualClock

BASE = "https://api.kaseyaquotemanager.com"
AFTER = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "id": 1201,
    "orderNumber": "ON10001201",
    "customerID": 77,
    "status": 2,
    "ownerEmployeeID": None,
    "orderDate": "2026-11-19T10:02:00",
    "modifiedDate": "2026-11-19T10:02:05.123",
}
LINE: dict[str, Any] = {
    "id": 1,
    "salesOrderID": 1201,
    "productID": 301,
    "lineNumber": 1,
    "price": 239.1,
    "quantity": 2,
    "title": "Monitor",
    "taxRate": None,
    "modifiedDate": "2026-11-19T10:02:05.123",
}


@pytest.fixture
def answers() -> respx.MockRouter:
    return respx.MockRouter(base_url=BASE, assert_all_called=False)


def client_of(
    answers: respx.MockRouter,
    *,
    clock: ManualClock | None = None,
    hours: int = 0,
    before: Callable[[], Awaitable[None]] | None = None,
) -> CommerceClient:
    more: dict[str, Any] = {"before": before} if before else {}
    return CommerceClient(
        Access(f"{BASE}/", "the-key", timezone(timedelta(hours=hours))),
        clock=clock or ManualClock(),
        transport=httpx.MockTransport(answers.async_handler),
        **more,
    )


def whole_order(answers: respx.MockRouter, **header: Any) -> respx.Route:
    """An order with a line, its product and its customer, whose route is given back."""
    answers.get("/v1/salesorder/1201").respond(json={**ORDER, **header})
    answers.get("/v1/salesorderline").respond(json=[LINE])
    product = {"id": 301, "productNumber": "P", "type": 0, "title": "Monitor", "brandID": 3}
    answers.get("/v1/product/301").respond(json=product)
    customer = {"id": 77, "name": "Contoso", "taxNumber": None}
    return answers.get("/v1/customer/77").respond(json=customer)


async def test_the_key_is_a_header_and_never_part_of_an_address(answers: respx.MockRouter) -> None:
    route = answers.get("/v1/quote").respond(json=[])
    assert await client_of(answers).changed(Listing.QUOTES, AFTER) == []
    request = route.calls.last.request
    assert request.headers["apiKey"] == "the-key"
    assert str(request.url) == (
        f"{BASE}/v1/quote?modifiedAfter=2026-11-19T10%3A00%3A00&page=1&pageSize=100"
    )
    assert "the-key" not in repr(Access(BASE, "the-key"))


async def test_dates_without_an_offset_are_of_the_zone_that_is_set(
    answers: respx.MockRouter,
) -> None:
    line = {"id": 7, "salesOrderID": 1201, "modifiedDate": "2026-11-19T20:30:00"}
    route = answers.get("/v1/salesorderline").respond(json=[line])
    found = await client_of(answers, hours=10).changed(Listing.SALES_ORDER_LINES, AFTER)
    assert found == [Change("7", "1201", datetime(2026, 11, 19, 10, 30, tzinfo=UTC))]
    assert route.calls.last.request.url.params["modifiedAfter"] == "2026-11-19T20:00:00"
    whole_order(answers)
    order = await client_of(answers, hours=10).document(Kind.SALES_ORDER, "1201")
    assert order["modifiedDate"] == "2026-11-19T00:02:05.123000Z"


async def test_a_whole_order_has_its_parts_and_parties_with_exact_numbers(
    answers: respx.MockRouter,
) -> None:
    whole_order(answers)
    order = await client_of(answers).document(Kind.SALES_ORDER, "1201")
    assert order["lines"][0]["price"] == Decimal("239.1")
    assert order["customer"] == {"id": 77, "name": "Contoso"}
    assert order["products"] == [{"id": 301, "productNumber": "P", "type": 0, "title": "Monitor"}]
    assert "ownerEmail" not in order


async def test_parties_and_products_are_asked_for_once_an_hour(answers: respx.MockRouter) -> None:
    customer = whole_order(answers)
    clock = ManualClock()
    client = client_of(answers, clock=clock)
    for _ in range(3):
        await client.document(Kind.SALES_ORDER, "1201")
    assert customer.call_count == 1
    clock.at += REMEMBERED_SECONDS
    await client.document(Kind.SALES_ORDER, "1201")
    assert customer.call_count == 2


async def test_a_party_that_is_gone_is_left_out_and_a_document_that_is_gone_says_so(
    answers: respx.MockRouter,
) -> None:
    whole_order(answers)
    answers.get("/v1/customer/77").respond(400)
    order = await client_of(answers).document(Kind.SALES_ORDER, "1201")
    assert "customer" not in order
    answers.get("/v1/salesorder/1201").respond(400)
    with pytest.raises(RemoteFailure) as failed:
        await client_of(answers).document(Kind.SALES_ORDER, "1201")
    assert failed.value.kind is FailureKind.GONE
    assert failed.value.endpoint == "GET /v1/salesorder/{id}"


async def test_a_filter_that_the_api_ignores_brings_no_strangers_in(
    answers: respx.MockRouter,
) -> None:
    whole_order(answers)
    stranger = {**LINE, "id": 2, "salesOrderID": 999, "productID": 999}
    answers.get("/v1/salesorderline").respond(json=[LINE, stranger])
    order = await client_of(answers).document(Kind.SALES_ORDER, "1201")
    assert [line["id"] for line in order["lines"]] == [1]


async def test_pages_are_read_until_one_is_not_full(answers: respx.MockRouter) -> None:
    def rows(first: int, count: int) -> list[dict[str, Any]]:
        return [
            {"id": n, "modifiedDate": "2026-11-19T10:00:00"} for n in range(first, first + count)
        ]

    # The second page begins a record early: something was removed while it was read.
    pages = [rows(1, 100), rows(100, 100), rows(200, 3)]
    route = answers.get("/v1/quote").mock(
        side_effect=[httpx.Response(200, json=page) for page in pages]
    )
    found = await client_of(answers).changed(Listing.QUOTES, AFTER)
    assert [int(one.record) for one in found] == list(range(1, 203))
    assert [call.request.url.params["page"] for call in route.calls] == ["1", "2", "3"]


async def test_a_server_that_does_not_page_is_not_asked_for_ever(answers: respx.MockRouter) -> None:
    rows = [{"id": n, "modifiedDate": "2026-11-19T10:00:00"} for n in range(1, 101)]
    route = answers.get("/v1/quote").respond(json=rows)
    assert len(await client_of(answers).changed(Listing.QUOTES, AFTER)) == 100
    assert route.call_count == 2


@pytest.mark.parametrize(
    ("path", "answer", "kind", "after"),
    [
        ("/v1/quote", httpx.Response(401), FailureKind.UNAUTHENTICATED, None),
        ("/v1/quote", httpx.Response(403), FailureKind.FORBIDDEN, None),
        ("/v1/quote", httpx.Response(429), FailureKind.RATE_LIMITED, None),
        (
            "/v1/quote",
            httpx.Response(429, headers={"Retry-After": "7"}),
            FailureKind.RATE_LIMITED,
            7,
        ),
        ("/v1/quote", httpx.Response(503), FailureKind.TRANSIENT, None),
        (
            "/v1/quote",
            httpx.Response(503, headers={"Retry-After": "9"}),
            FailureKind.RATE_LIMITED,
            9,
        ),
        ("/v1/quote", httpx.Response(400), FailureKind.REJECTED, None),
        ("/v1/quote", httpx.Response(404), FailureKind.REJECTED, None),
        ("/v1/quote", httpx.Response(302), FailureKind.REJECTED, None),
        ("/v1/quote", httpx.Response(200, text="<html>"), FailureKind.TRANSIENT, None),
        ("/v1/quote", httpx.Response(200, json={"a": 1}), FailureKind.TRANSIENT, None),
        ("/v1/quote", httpx.Response(200, json=[{"id": 1}]), FailureKind.TRANSIENT, None),
        ("/v1/quote", httpx.Response(200, json=[{"id": "x"}]), FailureKind.TRANSIENT, None),
    ],
)
async def test_answers_have_kinds(
    answers: respx.MockRouter,
    path: str,
    answer: httpx.Response,
    kind: FailureKind,
    after: float | None,
) -> None:
    answers.get(path).mock(return_value=answer)
    with pytest.raises(RemoteFailure) as failed:
        await client_of(answers).changed(Listing.QUOTES, AFTER)
    assert (failed.value.kind, failed.value.retry_after) == (kind, after)
    assert failed.value.status == answer.status_code
    assert "the-key" not in failed.value.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("no route"), FailureKind.NOT_SENT),
        (httpx.ReadTimeout("late"), FailureKind.TRANSIENT),
    ],
)
async def test_no_answer_has_a_kind_and_no_status(
    answers: respx.MockRouter, error: httpx.HTTPError, kind: FailureKind
) -> None:
    answers.get("/v1/quote").mock(side_effect=error)
    with pytest.raises(RemoteFailure) as failed:
        await client_of(answers).changed(Listing.QUOTES, AFTER)
    assert (failed.value.kind, failed.value.status) == (kind, None)


async def test_a_record_of_another_shape_is_named_and_not_a_crash(
    answers: respx.MockRouter,
) -> None:
    whole_order(answers)
    answers.get("/v1/salesorderline").respond(json=[{**LINE, "serialNumbers": ["A"]}])
    with pytest.raises(RemoteFailure) as failed:
        await client_of(answers).document(Kind.SALES_ORDER, "1201")
    assert (failed.value.kind, failed.value.status) == (FailureKind.TRANSIENT, 200)


async def test_every_call_is_counted_before_it_is_made(answers: respx.MockRouter) -> None:
    whole_order(answers)
    left = [None, None]

    async def before() -> None:
        if not left:
            raise BudgetSpent
        left.pop()

    client = client_of(answers, before=before)
    with pytest.raises(BudgetSpent):
        await client.document(Kind.SALES_ORDER, "1201")
    assert len(answers.calls) == 2
    left.extend([None] * 3)  # header and lines again; the customer after them
    with pytest.raises(BudgetSpent):
        await client.document(Kind.SALES_ORDER, "1201")
    left.extend([None] * 3)  # what was learned stays learned, so it comes to an end
    assert (await client.document(Kind.SALES_ORDER, "1201"))["id"] == 1201


async def test_calls_are_recorded_without_personal_data(answers: respx.MockRouter) -> None:
    whole_order(answers, contactEmail="dana.lee@contoso.example", contactFirstName="Dana")
    calls: list[CallRecord] = []
    token = calling.set(Calling(record=calls.append))
    try:
        order = await client_of(answers).document(Kind.SALES_ORDER, "1201")
    finally:
        calling.reset(token)
    assert order["contact"] == {"firstName": "Dana", "email": "dana.lee@contoso.example"}
    assert {call.purpose for call in calls} == {"poll"}
    assert not any("dana" in str(call.response).lower() for call in calls)


async def test_headers_are_documents_as_their_list_shows_them(answers: respx.MockRouter) -> None:
    route = answers.get("/v1/salesorder").respond(json=[{**ORDER, "ipAddress": "203.0.113.9"}])
    (header,) = await client_of(answers, hours=10).headers(Kind.SALES_ORDER, AFTER)
    assert route.calls.last.request.url.params["modifiedAfter"] == "2026-11-19T20:00:00"
    assert header == {
        "id": 1201, "orderNumber": "ON10001201", "customerID": 77, "status": 2,
        "orderDate": "2026-11-19T00:02:00Z", "modifiedDate": "2026-11-19T00:02:05.123000Z",
    }  # fmt: skip
    answers.get("/v1/quote").respond(json=[{"id": 5, "serialNumbers": 7, "createdDate": "x"}])
    (quote,) = await client_of(answers).headers(Kind.QUOTE, AFTER)
    assert quote == {"id": 5, "createdDate": "x"}
