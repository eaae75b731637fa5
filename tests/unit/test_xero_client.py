"""What the client of Xero sends, and how it reads what comes back, one call at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.connectors import wire_json
from app.connectors.xero import where
from app.domain import books
from app.domain.books import ContactKind, DocumentKind
from app.domain.errors import FailureKind as Kind
from app.domain.errors import RemoteFailure
from app.domain.records import CallRecord
from tests.unit.connectwise_stub import ManualClock
from tests.unit.xero_stub import client_of, router

CONTACT = "9d2a1f0c-0000-4000-8000-000000000001"
DOCUMENT = "9d2a1f0c-0000-4000-8000-000000000002"
NEW = books.NewContact(ContactKind.VENDOR, "Fabrikam")
MADE = {"ContactID": CONTACT, "Name": "Fabrikam", "UpdatedDateUTC": "/Date(1795082400000+0000)/"}


async def refused(work: Any) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await work
    return caught.value


async def test_every_call_names_tenant_token_and_json_and_a_write_its_key() -> None:
    answers = router()
    route = answers.put("/Contacts").respond(json={"Contacts": [MADE]})
    made = await client_of(answers).create_contact(NEW, "dl:1:c7")
    sent = route.calls.last.request
    assert sent.headers["xero-tenant-id"] == "t-1"
    assert sent.headers["authorization"] == "Bearer access-1"
    assert sent.headers["accept"] == "application/json"
    assert sent.headers["idempotency-key"] == "dl:1:c7"
    assert dict(sent.url.params) == {"summarizeErrors": "false"}
    assert wire_json.loads(sent.content) == {"Contacts": [{"Name": "Fabrikam"}]}
    assert made == books.Contact(CONTACT, ContactKind.VENDOR, "Fabrikam", "1795082400000")


async def test_neither_token_nor_secret_nor_a_contacts_name_reaches_the_log() -> None:
    calls: list[CallRecord] = []
    answers = router()
    answers.post("https://identity.xero.com/connect/token").respond(
        json={"access_token": "access-2", "refresh_token": "refresh-2", "expires_in": 1800}
    )
    answers.put("/Contacts").mock(
        side_effect=[httpx.Response(401), httpx.Response(200, json={"Contacts": [MADE]})]
    )
    await client_of(answers, on_call=calls.append).create_contact(NEW, "k")
    assert [(call.path, call.status) for call in calls] == [
        ("/Contacts", 401), ("/connect/token", 200), ("/Contacts", 200),
    ]  # fmt: skip
    for secret in ("access-", "refresh-1", "refresh-2", "app-secret", "Fabrikam"):
        assert secret not in repr(calls)
    assert [bytes(call.request.content) for call in answers.calls][1] == (
        b"grant_type=refresh_token&refresh_token=refresh-1"
    )


def element(**fields: Any) -> dict[str, Any]:
    return {"Contacts": [{"ContactID": "00000000-0000-0000-0000-000000000000", **fields}]}


def sentence(text: str, key: str = "Message") -> dict[str, Any]:
    return element(StatusAttributeString="ERROR", ValidationErrors=[{key: text}])


@pytest.mark.parametrize(
    ("body", "kind", "frozen"),
    [
        (sentence("Invoice # must be unique."), Kind.EXISTS, False),
        (
            sentence("The contact name X is already assigned to another contact."),
            Kind.EXISTS,
            False,
        ),
        (sentence("Item with Code 'A' already exists", "Description"), Kind.EXISTS, False),
        (sentence("Invoice not of valid status for modification"), Kind.REJECTED, True),
        (sentence("The date cannot be before the end of year lock date"), Kind.REJECTED, True),
        (sentence("Organisation is not subscribed to currency EUR"), Kind.FORBIDDEN, False),
        (sentence("Account code '9' is not a valid code"), Kind.REJECTED, False),
        (element(HasErrors=True), Kind.REJECTED, False),
        (element(HasValidationErrors=True), Kind.REJECTED, False),
    ],
)
async def test_a_success_may_hold_a_refusal(body: Any, kind: Kind, frozen: bool) -> None:
    answers = router()
    answers.put("/Contacts").respond(json=body)
    failure = await refused(client_of(answers).create_contact(NEW, "k"))
    assert (failure.kind, failure.frozen, failure.status) == (kind, frozen, 200)


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b'{"Contacts":[]}', b'{"Contacts":[{},{}]}', b'{"Contacts":[{}]}'],
)
async def test_a_success_that_cannot_be_read_leaves_a_write_in_doubt(answer: bytes) -> None:
    answers = router()
    answers.put("/Contacts").respond(content=answer)
    failure = await refused(client_of(answers).create_contact(NEW, "k"))
    assert failure.kind is Kind.OUTCOME_UNKNOWN


VALIDATION = {
    "ErrorNumber": 10,
    "Type": "ValidationException",
    "Message": "A validation exception occurred",
    "Elements": [{"ValidationErrors": [{"Message": "Order number must be unique."}]}],
}
NO_SCOPE = {"Title": "Unauthorized", "Status": 401, "Detail": "AuthorizationUnsuccessful"}
NO_TENANT = {"Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"}
OFFLINE = "The Organisation for this access token is offline"

# status, headers, body -> what it means for a read, what for a write, and the pause it asks for
ANSWERS: list[tuple[int, dict[str, str], Any, Kind, Kind, float | None]] = [
    (400, {}, VALIDATION, Kind.EXISTS, Kind.EXISTS, None),
    (400, {}, {"ErrorNumber": 17, "Message": "x"}, Kind.REJECTED, Kind.REJECTED, None),
    (400, {}, {"Detail": "is used with a different request"}, Kind.INVALID, Kind.INVALID, None),
    (401, {}, NO_SCOPE, Kind.FORBIDDEN, Kind.FORBIDDEN, None),
    (403, {}, NO_SCOPE, Kind.FORBIDDEN, Kind.FORBIDDEN, None),
    (403, {}, {"Title": "Forbidden"}, Kind.FORBIDDEN, Kind.FORBIDDEN, None),
    (403, {}, NO_TENANT, Kind.UNAUTHENTICATED, Kind.UNAUTHENTICATED, None),
    (404, {}, "not found", Kind.GONE, Kind.GONE, None),
    (408, {}, "", Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN, None),
    (412, {}, "", Kind.REJECTED, Kind.REJECTED, None),
    (429, {"Retry-After": "7"}, "", Kind.RATE_LIMITED, Kind.RATE_LIMITED, 7),
    (429, {"X-Rate-Limit-Problem": "Concurrent"}, "", Kind.RATE_LIMITED, Kind.RATE_LIMITED, 1),
    (429, {"X-Rate-Limit-Problem": "Daily limit"}, "", Kind.RATE_LIMITED, Kind.RATE_LIMITED, 900),
    (429, {"Retry-After": "40000"}, "", Kind.RATE_LIMITED, Kind.RATE_LIMITED, 40_000),
    (429, {"Retry-After": "soon"}, "", Kind.RATE_LIMITED, Kind.RATE_LIMITED, 5),
    (429, {}, "", Kind.RATE_LIMITED, Kind.RATE_LIMITED, 5),
    (500, {}, "", Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN, None),
    (503, {}, "", Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN, None),
    (503, {}, OFFLINE, Kind.RATE_LIMITED, Kind.OUTCOME_UNKNOWN, 300),
    (503, {"Retry-After": "9"}, "", Kind.RATE_LIMITED, Kind.OUTCOME_UNKNOWN, 9),
]


@pytest.mark.parametrize(("status", "headers", "body", "read", "write", "pause"), ANSWERS)
async def test_an_answer_has_a_kind(
    status: int, headers: dict[str, str], body: Any, read: Kind, write: Kind, pause: float | None
) -> None:
    content = wire_json.encode(body) if isinstance(body, dict) else body.encode()
    answers = router()
    answers.route().respond(status, headers=headers, content=content)
    clock = ManualClock()
    failure = await refused(client_of(answers, clock).read_document(DocumentKind.BILL, DOCUMENT))
    assert (failure.kind, failure.retry_after) == (read, pause)
    assert failure.endpoint == "GET /Invoices/{id}"
    client = client_of(answers, clock)
    failure = await refused(client._set_status(DocumentKind.BILL, DOCUMENT, "VOIDED", "k"))
    assert (failure.kind, failure.retry_after) == (write, pause)
    if pause is not None:
        count = len(answers.calls)
        again = await refused(client.accounts())
        assert (again.kind, again.retry_after, len(answers.calls)) == (
            Kind.RATE_LIMITED,
            pause,
            count,
        )
        clock.at += pause
        await refused(client.accounts())
        assert len(answers.calls) == count + 1


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (httpx.ConnectError("no"), Kind.NOT_SENT, Kind.NOT_SENT),
        (httpx.ReadTimeout("late"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
        (httpx.RemoteProtocolError("cut"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    ],
)
async def test_no_answer_has_a_kind(error: Exception, read: Kind, write: Kind) -> None:
    answers = router()
    answers.route().mock(side_effect=error)
    client = client_of(answers)
    assert (await refused(client.accounts())).kind is read
    assert (await refused(client.create_contact(NEW, "k"))).kind is write


async def test_a_fault_of_xeros_own_names_its_correlation_id() -> None:
    answers = router()
    answers.get("/Accounts").respond(500, headers={"Xero-Correlation-Id": "abc-1"})
    assert "abc-1" in (await refused(client_of(answers).accounts())).message


async def test_a_collection_that_is_not_there_is_not_a_record_that_is_gone() -> None:
    answers = router()
    answers.get("/Accounts").respond(404)
    assert (await refused(client_of(answers).accounts())).kind is Kind.REJECTED


LINE = books.LedgerLine("x", Decimal(1), Decimal(1), Decimal(1), account_id="300")
BILL = books.NewDocument(
    DocumentKind.BILL, CONTACT, date(2026, 11, 19), "USD", (LINE,), "dl:1:r1",
    link="https://dl.example/1",
)  # fmt: skip


@pytest.mark.parametrize(
    "work",
    [
        lambda c: c.create_contact(books.NewContact(ContactKind.VENDOR, " "), "k"),
        lambda c: c.create_contact(books.NewContact(ContactKind.VENDOR, "x" * 256), "k"),
        lambda c: c.create_contact(NEW, ""),
        lambda c: c.create_contact(NEW, "k" * 129),
        lambda c: c.create_item(books.NewItem("x" * 31, "x"), "k"),
        lambda c: c.create_document(_with(lines=()), "k"),
        lambda c: c.create_document(_with(kind=DocumentKind.ESTIMATE), "k"),
        lambda c: c.create_document(_with(from_estimate="e"), "k"),
        lambda c: c.create_document(_with(link="https://xero.example/1"), "k"),
        lambda c: c.create_document(_with(number="x" * 256), "k"),
        lambda c: c.create_document(_with(lines=(_line(account_id=None),)), "k"),
        lambda c: c.create_document(_with(lines=(_line(description=""),)), "k"),
        lambda c: c.create_document(_with(lines=(_line(amount=Decimal("0.005")),)), "k"),
        lambda c: c.read_document(DocumentKind.BILL, "../Contacts"),
        lambda c: c.read_contact(ContactKind.VENDOR, 'x" OR'),
        lambda c: c.find_documents(DocumentKind.BILL, "x", date(2026, 1, 1)),
    ],
)
async def test_what_xero_would_not_take_is_never_sent(work: Any) -> None:
    answers = router()
    assert (await refused(work(client_of(answers)))).kind is Kind.INVALID
    assert not answers.calls


def _with(**changes: Any) -> books.NewDocument:
    return replace(BILL, **changes)


def _line(**changes: Any) -> books.LedgerLine:
    return replace(LINE, **changes)


async def test_what_changed_is_asked_for_in_seconds_and_by_list() -> None:
    answers = router()
    route = answers.get("/Invoices").respond(json={"Invoices": []})
    moment = datetime(2026, 11, 19, 9, 59, 59, 999_999, tzinfo=UTC)
    await client_of(answers).changed_since([DocumentKind.BILL, DocumentKind.INVOICE], moment)
    (call,) = route.calls
    assert call.request.headers["if-modified-since"] == "2026-11-19T09:59:59"


@pytest.mark.parametrize("text", ['a"b', "a\\b", "Söhne", "", "x" * 101, "a\nb"])
def test_no_text_that_might_end_a_quotation_enters_an_expression(text: str) -> None:
    assert not where.is_safe(text)
    with pytest.raises(where.Unsafe):
        where.says("Name", text)


async def test_a_number_that_may_not_stand_in_a_query_widens_it() -> None:
    answers = router()
    route = answers.get("/Invoices").respond(json={"Invoices": []})
    on = date(2026, 11, 19)
    for number in (None, "S-1", 'S"1'):
        await client_of(answers).find_documents(DocumentKind.BILL, CONTACT, on, number)
    asked = [call.request.url.params["where"] for call in route.calls]
    start = f'Type=="ACCPAY" AND Contact.ContactID==guid("{CONTACT}") AND Status!="DELETED"'
    assert asked == [
        f"{start} AND Date==DateTime(2026,11,19)",
        f'{start} AND (Date==DateTime(2026,11,19) OR InvoiceNumber=="S-1")',
        start,
    ]
