"""Every failure kind of `design.md`, section 2, as ConnectWise causes it."""

from __future__ import annotations

import httpx
import pytest

from app.connectors.connectwise import errors
from app.domain import psa
from app.domain.errors import FailureKind as Kind
from app.domain.errors import RemoteFailure
from tests.unit.connectwise_stub import client_of, router

EXISTS = {
    "code": "InvalidObject",
    "message": "callbackEntry object is invalid",
    "errors": [
        {
            "code": "ObjectExists",
            "message": "A matching callback entry already exists",
            "resource": "callbackEntry",
            "field": "objectId",
        }
    ],
}
CLOSED = {
    "code": "InvalidObject",
    "message": "productItem object is invalid",
    "errors": [
        {
            "code": "InvalidField",
            "message": "This opportunity is closed and cannot be edited",
            "field": "opportunity",
        }
    ],
}
NONE_ON_HAND = {"code": "InvalidObject", "message": "There are 0 items on hand", "errors": None}
TEN_ON_HAND = {"code": "InvalidObject", "message": "There are 10 items on hand"}

# status, headers, body -> what it means for a read, what for a write
ANSWERS = [
    (400, {}, {"code": "InvalidObject", "message": "no"}, Kind.REJECTED, Kind.REJECTED),
    (400, {}, EXISTS, Kind.EXISTS, Kind.EXISTS),
    (400, {}, NONE_ON_HAND, Kind.TRANSIENT, Kind.TRANSIENT),
    (400, {}, TEN_ON_HAND, Kind.REJECTED, Kind.REJECTED),
    (400, {}, CLOSED, Kind.REJECTED, Kind.REJECTED),
    (401, {}, {"code": "Unauthorized", "message": "x"}, Kind.UNAUTHENTICATED, Kind.UNAUTHENTICATED),
    (403, {}, {"code": "Forbidden", "message": "x"}, Kind.FORBIDDEN, Kind.FORBIDDEN),
    (404, {}, {"code": "NotFound", "message": "x"}, Kind.GONE, Kind.GONE),
    (405, {}, {"code": "ConnectWiseApi", "message": "x"}, Kind.REJECTED, Kind.REJECTED),
    (408, {}, None, Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    (409, {}, {"code": "Conflict", "message": "x"}, Kind.CONFLICT, Kind.CONFLICT),
    (415, {}, {"code": "x", "message": "x"}, Kind.REJECTED, Kind.REJECTED),
    (429, {}, {"message": "Too many requests."}, Kind.RATE_LIMITED, Kind.RATE_LIMITED),
    (429, {"Retry-After": "3"}, None, Kind.RATE_LIMITED, Kind.RATE_LIMITED),
    (500, {}, {"code": "x", "message": "x"}, Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    (502, {}, None, Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    (503, {}, None, Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    (503, {"Retry-After": "3"}, None, Kind.RATE_LIMITED, Kind.OUTCOME_UNKNOWN),
    (302, {"Location": "https://login.example"}, None, Kind.REJECTED, Kind.REJECTED),
]


def canned(status: int, headers: dict[str, str], body: object) -> httpx.Response:
    if body is None:
        return httpx.Response(status, headers=headers, text="<html>")
    return httpx.Response(status, headers=headers, json=body)


async def failure_of(call) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(("status", "headers", "body", "read", "write"), ANSWERS)
async def test_an_answer_is_classified_for_reads_and_for_writes(
    status, headers, body, read, write
) -> None:
    for kind, method in ((read, "get"), (write, "patch")):
        answers = router()
        answers.request(method, "/procurement/products/1").mock(
            return_value=canned(status, headers, body)
        )
        answers.get("/system/info").respond(json={"version": "v2025.1"})
        client = client_of(answers)
        call = (
            client.change_product(1, psa.ProductChange(xref="dl:1"))
            if method == "patch"
            else client._caller.get("/procurement/products/1", dict)
        )
        failure = await failure_of(call)
        assert failure.kind is kind
        assert failure.status == status
        assert failure.endpoint == f"{method.upper()} /procurement/products/{{id}}"


BROKEN = [
    (httpx.ConnectError("refused"), Kind.NOT_SENT, Kind.NOT_SENT),
    (httpx.ConnectTimeout("late"), Kind.NOT_SENT, Kind.NOT_SENT),
    (httpx.PoolTimeout("full"), Kind.NOT_SENT, Kind.NOT_SENT),
    (httpx.ReadTimeout("late"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    (httpx.WriteTimeout("late"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    (httpx.ReadError("reset"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    (httpx.WriteError("reset"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    (httpx.RemoteProtocolError("gone"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
]


@pytest.mark.parametrize(("error", "read", "write"), BROKEN)
async def test_a_call_without_an_answer_is_classified_for_reads_and_for_writes(
    error, read, write
) -> None:
    answers = router()
    answers.route().mock(side_effect=error)
    client = client_of(answers)
    assert (await failure_of(client.opportunity(88))).kind is read
    assert (await failure_of(client.create_invoice(1, 2, "r"))).kind is write


UNREADABLE = ["", "<html>", '{"id":', '{"name":"no id"}', '{"id":null}', '{"id":0}', "[1]", "NaN"]


@pytest.mark.parametrize("text", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_an_unknown_outcome_only_for_writes(text) -> None:
    answers = router()
    answers.get("/sales/opportunities/88").respond(text=text)
    answers.post("/finance/invoices").respond(201, text=text)
    client = client_of(answers)
    assert (await failure_of(client.opportunity(88))).kind is Kind.TRANSIENT
    assert (await failure_of(client.create_invoice(1, 2, "r"))).kind is Kind.OUTCOME_UNKNOWN


@pytest.mark.parametrize("text", ["{}", '"text"', "", "<html>"])
async def test_a_list_that_is_none_cannot_be_read(text) -> None:
    answers = router()
    answers.get("/procurement/products").respond(text=text)
    failure = await failure_of(client_of(answers).products([1]))
    assert failure.kind is Kind.TRANSIENT


async def test_a_report_without_its_columns_cannot_be_read() -> None:
    answers = router()
    answers.get("/system/reports/PurchaseOrderWithLineItems").respond(
        json={"column_definitions": [{"Other": {}}], "row_values": [[1]]}
    )
    failure = await failure_of(client_of(answers).demand_links([1]))
    assert failure.kind is Kind.TRANSIENT


async def test_a_huge_number_in_an_answer_does_no_harm() -> None:
    answers = router()
    answers.get("/sales/opportunities/88").respond(text='{"id":88,"x":1e999999999}')
    assert (await failure_of(client_of(answers).opportunity(88))).kind is Kind.TRANSIENT


@pytest.mark.parametrize(
    ("probe", "kind"),
    [
        (httpx.Response(200, json={"version": "x"}), Kind.REJECTED),
        (httpx.Response(403, json={}), Kind.REJECTED),
        (httpx.Response(401, json={}), Kind.UNAUTHENTICATED),
        (httpx.Response(404, json={}), Kind.UNAUTHENTICATED),
        (httpx.Response(500), Kind.TRANSIENT),
        (httpx.Response(429), Kind.RATE_LIMITED),
        (httpx.ReadTimeout("late"), Kind.TRANSIENT),
        (httpx.ConnectError("refused"), Kind.NOT_SENT),
    ],
)
async def test_a_404_on_a_list_asks_whether_the_credentials_hold(probe, kind) -> None:
    answers = router()
    answers.get("/procurement/products").respond(404, json={"message": "no such endpoint"})
    answers.get("/system/info").mock(side_effect=[probe])
    assert (await failure_of(client_of(answers).products([1]))).kind is kind


async def test_h10_a_pause_that_the_probe_asks_for_is_kept() -> None:
    answers = router()
    answers.get("/procurement/products").respond(404, json={"message": "no such endpoint"})
    probe = answers.get("/system/info").respond(429, headers={"Retry-After": "7"})
    client = client_of(answers)
    for _ in range(2):
        failure = await failure_of(client.products([1]))
        assert failure.kind is Kind.RATE_LIMITED
        assert failure.retry_after == pytest.approx(7, abs=0.5)
    assert probe.call_count == 1


async def test_a_404_on_a_record_with_wrong_credentials_is_not_taken_for_its_end() -> None:
    answers = router()
    answers.route().respond(404, json={"message": "x"})
    failure = await failure_of(client_of(answers).opportunity(88))
    assert failure.kind is Kind.UNAUTHENTICATED


async def test_the_probe_itself_says_that_the_credentials_are_wrong() -> None:
    answers = router()
    route = answers.get("/system/info").respond(404)
    assert (await failure_of(client_of(answers).info())).kind is Kind.UNAUTHENTICATED
    assert route.call_count == 1


async def test_a_closed_opportunity_is_marked_as_frozen() -> None:
    answers = router()
    answers.patch("/procurement/products/1").respond(400, json=CLOSED)
    failure = await failure_of(client_of(answers).change_product(1, psa.ProductChange(xref="dl:1")))
    assert failure.frozen
    assert failure.message == (
        "productItem object is invalid; This opportunity is closed and cannot be edited"
    )


async def test_a_missing_permission_is_named() -> None:
    answers = router()
    answers.get("/system/reports/PurchaseOrderWithLineItems").respond(
        403, json={"message": "You do not have access."}
    )
    failure = await failure_of(client_of(answers).demand_links([1]))
    assert failure.message == (
        "You do not have access. The role of the API member needs the permission "
        "System > API Reports."
    )
    assert failure.endpoint == "GET /system/reports/PurchaseOrderWithLineItems"


async def test_messages_carry_no_addresses_of_people_and_are_cut() -> None:
    answers = router()
    message = "pat@contoso.example is not known " + "x" * 2_000
    answers.get("/sales/opportunities/88").respond(400, json={"message": message})
    failure = await failure_of(client_of(answers).opportunity(88))
    assert failure.message.startswith("[removed] is not known")
    assert len(failure.message) <= 500


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "30"}, None, 30),
        ({"retry-after": "0"}, None, 0.1),
        ({"retry-after": "1.5"}, None, 1.5),
        ({"retry-after": "-5"}, None, 1.0),
        ({"retry-after": "nan"}, None, 1.0),
        ({"retry-after": "864000"}, None, 86_400),
        (
            {
                "retry-after": "Fri, 20 Nov 2026 14:00:30 GMT",
                "date": "Fri, 20 Nov 2026 14:00:00 GMT",
            },
            None,
            30,
        ),
        ({"retry-after": "Fri, 20 Nov 2026 14:00:30 GMT"}, None, None),
        ({"retry-after": "soon"}, None, None),
        ({}, {"message": "Too many requests. Please try again in 30 seconds."}, 30),
        ({}, {"message": "Too many requests."}, None),
        ({}, None, None),
    ],
)
def test_the_wait_that_an_answer_asks_for_is_read_and_clamped(headers, body, seconds) -> None:
    assert errors.retry_after(headers, body) == seconds
