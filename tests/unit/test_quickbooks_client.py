"""The client of QuickBooks one call at a time: addresses, tokens, envelopes, queries, failures."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.connectors.quickbooks.query import Where, equals, select
from app.domain.books import (
    ContactKind,
    DocumentKind,
    LedgerLine,
    NewContact,
    NewDocument,
    Status,
    Tokens,
)
from app.domain.errors import FailureKind as Kind
from app.domain.errors import RemoteFailure, StoreUnavailable
from app.domain.records import CallRecord
from tests.contract.vault import MemoryVault
from tests.unit.connectwise_stub import ManualClock
from tests.unit.quickbooks_stub import Refresher, asked, client_of, fault, router, sent, tokens

BILL = {"Id": "145", "SyncToken": "0", "TotalAmt": 10.5, "VendorRef": {"value": "56"}}
NEW = NewDocument(
    DocumentKind.BILL,
    "56",
    date(2026, 11, 19),
    "USD",
    (LedgerLine("Freight", Decimal(1), Decimal("10.50"), Decimal("10.50"), account_id="41"),),
    "dl:1:9",
)


async def failed(kind: Kind, call: Any) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await call
    assert caught.value.kind is kind
    return caught.value


# --- what is sent


async def test_a_write_carries_token_version_and_key() -> None:
    answers = router()
    route = answers.post("/bill").respond(json={"Bill": BILL, "time": "now"})
    bill = await client_of(answers).create_document(NEW, "intent-7")
    request = route.calls.last.request
    assert request.headers["Authorization"] == "Bearer access-1"
    assert request.headers["Accept"] == "application/json"
    assert asked(route.calls.last) == {"minorversion": "75", "requestid": "intent-7"}
    assert b'"Amount":10.5,' in request.content
    assert (bill.id, bill.total) == ("145", Decimal("10.5"))


async def test_a_key_that_is_too_long_is_never_sent() -> None:
    answers = router()
    route = answers.post("/bill").respond(json={"Bill": BILL})
    await failed(Kind.INVALID, client_of(answers).create_document(NEW, "k" * 51))
    assert not route.called


async def test_an_update_is_sparse_and_names_the_version_it_saw() -> None:
    answers = router()
    route = answers.post("/bill").respond(json={"Bill": BILL})
    await client_of(answers).update_document("145", "3", NEW, "k")
    body = sent(route.calls.last)
    assert (body["Id"], body["SyncToken"], body["sparse"]) == ("145", "3", True)
    assert len(body["Line"]) == 1


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        (DocumentKind.INVOICE, "void"),
        (DocumentKind.BILL, "delete"),
        (DocumentKind.PURCHASE_ORDER, "delete"),
    ],
)
async def test_only_an_invoice_is_voided(kind: DocumentKind, operation: str) -> None:
    answers = router()
    entity = {"invoice": "Invoice", "bill": "Bill", "purchase_order": "PurchaseOrder"}[kind.value]
    route = answers.post(f"/{entity.lower()}").respond(json={entity: {"Id": "1"}})
    await client_of(answers).remove_document(kind, "1", "4", "k")
    assert asked(route.calls.last)["operation"] == operation
    assert sent(route.calls.last) == {"Id": "1", "SyncToken": "4"}


def test_no_text_can_change_a_query() -> None:
    text = select("Vendor", equals("DisplayName", "O'Neill \\' OR Id > '0"))
    assert text == (
        "SELECT * FROM Vendor WHERE DisplayName = 'O\\'Neill \\\\\\' OR Id > \\'0' "
        "STARTPOSITION 1 MAXRESULTS 1000"
    )
    assert select("Item").startswith("SELECT *, Sku FROM Item ")
    assert Where("Active", ("true", "false"), "IN").text == "Active IN (true, false)"


async def test_a_contact_is_looked_for_whether_active_or_not() -> None:
    answers = router()
    route = answers.get("/query").respond(
        json={"QueryResponse": {"Vendor": [{"Id": "56", "DisplayName": "INGRAM", "Active": False}]}}
    )
    contact = await client_of(answers).find_contact(ContactKind.VENDOR, "Ingram")
    assert "AND Active IN (true, false)" in asked(route.calls.last)["query"]
    assert contact is not None
    assert not contact.active


async def test_a_list_is_read_page_by_page_and_a_record_counts_once() -> None:
    answers = router()
    first = [{"Id": str(number), "Name": "x"} for number in range(1000)]
    second = [{"Id": "999", "Name": "moved"}, {"Id": "1000", "Name": "y"}]
    route = answers.get("/query").mock(
        side_effect=[
            httpx.Response(200, json={"QueryResponse": {"Account": page}})
            for page in (first, second)
        ]
    )
    assert len(await client_of(answers).accounts()) == 1001
    assert "STARTPOSITION 1001" in asked(route.calls.last)["query"]


async def test_two_items_of_one_sku_are_for_a_person_unless_one_has_its_name() -> None:
    answers = router()
    items = [{"Id": "1", "Name": "old", "Sku": "C-1"}, {"Id": "2", "Name": "older", "Sku": "c-1"}]
    answers.get("/query").respond(json={"QueryResponse": {"Item": items}})
    await failed(Kind.REJECTED, client_of(answers).find_item("C-1"))
    items[1]["Name"] = "C-1"
    answers.get("/query").respond(json={"QueryResponse": {"Item": items}})
    found = await client_of(answers).find_item("C-1")
    assert found is not None
    assert found.id == "2"


async def test_a_closed_order_costs_no_write() -> None:
    answers = router()
    order = {"Id": "9", "SyncToken": "4", "POStatus": "Closed"}
    answers.get("/purchaseorder/9").respond(json={"PurchaseOrder": order})
    write = answers.post("/purchaseorder").respond(json={"PurchaseOrder": order})
    done = await client_of(answers).close_purchase_order("9", "1", "k")
    assert done.status is Status.CLOSED
    assert not write.called


async def test_an_order_that_changed_is_not_closed_over_the_change() -> None:
    answers = router()
    order = {"Id": "9", "SyncToken": "4", "POStatus": "Open", "VendorRef": {"value": "5"}}
    answers.get("/purchaseorder/9").respond(json={"PurchaseOrder": order})
    await failed(Kind.CONFLICT, client_of(answers).close_purchase_order("9", "1", "k"))


async def test_what_change_capture_cuts_off_is_asked_for_by_query() -> None:
    answers = router()
    told = [{"Id": str(number)} for number in range(1000)]
    answers.get("/cdc").respond(json={"CDCResponse": [{"QueryResponse": [{"Bill": told}]}]})
    more = [{"Id": "999", "TotalAmt": 1}, {"Id": "1000", "TotalAmt": 1}]
    route = answers.get("/query").respond(json={"QueryResponse": {"Bill": more}})
    since = datetime(2026, 11, 19, tzinfo=UTC)
    changes = await client_of(answers).changed_since([DocumentKind.BILL], since)
    assert len(changes) == 1001
    assert (
        "MetaData.LastUpdatedTime >= '2026-11-19T00:00:00+00:00'"
        in asked(route.calls.last)["query"]
    )


async def test_the_log_keeps_neither_tokens_nor_people() -> None:
    answers = router()
    answers.post("/vendor").respond(
        json={"Vendor": {"Id": "1", "GivenName": "Fay", "BillAddr": {"Line1": "1 Road"}}}
    )
    calls: list[CallRecord] = []
    new = NewContact(ContactKind.VENDOR, "Fay Ltd", "fay@example.com")
    await client_of(answers, on_call=calls.append).create_contact(new, "k")
    kept = f"{calls[0].request} {calls[0].response}"
    assert not [word for word in ("fay@", 'Fay"', "1 Road", "access-1") if word in kept]


# --- what an answer means

READ, WRITE = "read", "write"


@pytest.mark.parametrize(
    ("status", "body", "on_read", "on_write"),
    [
        (200, fault("10000"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
        (200, fault("6140"), Kind.EXISTS, Kind.EXISTS),
        (200, fault("6000") | {"Bill": BILL}, Kind.REJECTED, Kind.REJECTED),
        (400, fault("6140"), Kind.EXISTS, Kind.EXISTS),
        (400, fault("6240"), Kind.EXISTS, Kind.EXISTS),
        (400, fault("5010"), Kind.CONFLICT, Kind.CONFLICT),
        (400, fault("5020"), Kind.FORBIDDEN, Kind.FORBIDDEN),
        (400, fault("6000"), Kind.REJECTED, Kind.REJECTED),
        (400, fault("6070"), Kind.INVALID, Kind.INVALID),
        (400, fault("2500"), Kind.REJECTED, Kind.REJECTED),
        (400, fault("610"), Kind.GONE, Kind.REJECTED),
        (400, fault("2010"), Kind.INVALID, Kind.INVALID),
        (400, fault("4001"), Kind.INVALID, Kind.INVALID),
        (400, fault("77777"), Kind.REJECTED, Kind.REJECTED),
        (403, fault("6190"), Kind.UNAUTHENTICATED, Kind.UNAUTHENTICATED),
        (403, fault("003100"), Kind.UNAUTHENTICATED, Kind.UNAUTHENTICATED),
        (403, None, Kind.FORBIDDEN, Kind.FORBIDDEN),
        (404, None, Kind.GONE, Kind.REJECTED),
        (429, None, Kind.RATE_LIMITED, Kind.RATE_LIMITED),
        (500, fault("2010"), Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
        (503, None, Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
        (200, None, Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
        (200, {"Bill": {"SyncToken": "1"}}, Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
        (200, {"time": "now"}, Kind.TRANSIENT, Kind.OUTCOME_UNKNOWN),
    ],
)
async def test_each_answer_has_one_meaning_for_reads_and_one_for_writes(
    status: int, body: Any, on_read: Kind, on_write: Kind
) -> None:
    answers = router()
    given = httpx.Response(status, json=body) if body is not None else httpx.Response(status)
    answers.get("/bill/9").mock(return_value=given)
    answers.post("/bill").mock(return_value=given)
    await failed(on_read, client_of(answers).read_document(DocumentKind.BILL, "9"))
    await failed(on_write, client_of(answers).create_document(NEW, "k"))


async def test_an_update_of_a_record_that_went_says_gone() -> None:
    answers = router()
    answers.post("/bill").respond(400, json=fault("610"))
    await failed(Kind.GONE, client_of(answers).update_document("9", "0", NEW, "k"))


@pytest.mark.parametrize("code", ["6200", "6210", "6540"])
async def test_a_closed_period_freezes(code: str) -> None:
    answers = router()
    answers.post("/bill").respond(400, json=fault(code, "Account Period Closed"))
    refused = await failed(Kind.REJECTED, client_of(answers).create_document(NEW, "k"))
    assert refused.frozen
    assert refused.message == f"Account Period Closed (fault {code})"
    assert refused.endpoint == "POST /bill"


async def test_a_throttled_connection_rests_for_the_documented_minute() -> None:
    answers, clock = router(), ManualClock()
    route = answers.post("/bill").respond(429)
    client = client_of(answers, clock=clock)
    limited = await failed(Kind.RATE_LIMITED, client.create_document(NEW, "k"))
    assert limited.retry_after == 60
    await failed(Kind.RATE_LIMITED, client.create_document(NEW, "k"))
    assert route.call_count == 1
    clock.at += 60
    route.respond(json={"Bill": BILL})
    await client.create_document(NEW, "k")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("no route"), Kind.NOT_SENT),
        (httpx.ReadTimeout("late"), Kind.OUTCOME_UNKNOWN),
    ],
)
async def test_no_answer_to_a_write_is_either_unsent_or_in_doubt(
    error: httpx.HTTPError, kind: Kind
) -> None:
    answers = router()
    answers.post("/bill").mock(side_effect=error)
    await failed(kind, client_of(answers).create_document(NEW, "k"))


# --- tokens


GATEWAY = {"fault": {"error": [{"message": "AuthenticationFailed", "code": "3200"}]}}


async def test_a_refused_token_is_renewed_and_the_call_goes_again_once() -> None:
    answers, refresh = router(), Refresher()
    route = answers.post("/bill").mock(
        side_effect=[httpx.Response(401, json=GATEWAY), httpx.Response(200, json={"Bill": BILL})]
    )
    vault = MemoryVault(tokens())
    await client_of(answers, vault=vault, refresh=refresh).create_document(NEW, "k")
    assert [call.request.headers["Authorization"] for call in route.calls] == [
        "Bearer access-1",
        "Bearer access-2",
    ]
    assert refresh.asked == ["refresh-1"]
    assert vault.kept.access == "access-2"


async def test_a_token_that_is_refused_twice_ends_it() -> None:
    answers = router()
    route = answers.get("/bill/9").respond(401, json=GATEWAY)
    await failed(Kind.UNAUTHENTICATED, client_of(answers).read_document(DocumentKind.BILL, "9"))
    assert route.call_count == 2


async def test_what_another_process_fetched_is_used_instead_of_refreshing_again() -> None:
    answers, refresh = router(), Refresher()
    vault = MemoryVault(tokens())

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer access-1":
            vault.kept = tokens("theirs")
            return httpx.Response(401, json=GATEWAY)
        return httpx.Response(200, json={"Bill": BILL})

    route = answers.get("/bill/9").mock(side_effect=answer)
    await client_of(answers, vault=vault, refresh=refresh).read_document(DocumentKind.BILL, "9")
    assert route.calls.last.request.headers["Authorization"] == "Bearer access-theirs"
    assert refresh.asked == []


async def test_calls_side_by_side_ask_for_one_refresh() -> None:
    answers, refresh = router(), Refresher()
    answers.get("/query").respond(json={"QueryResponse": {}})
    vault = MemoryVault(tokens(seconds=30))  # within the margin: refreshed before its first use
    client = client_of(answers, vault=vault, refresh=refresh)
    await asyncio.gather(*(client.accounts() for _ in range(8)))
    assert len(refresh.asked) == 1
    assert vault.entered == 1


async def test_a_token_is_read_again_when_its_time_is_up() -> None:
    answers, refresh, clock = router(), Refresher(), ManualClock()
    answers.get("/query").respond(json={"QueryResponse": {}})
    vault = MemoryVault(tokens())
    client = client_of(answers, vault=vault, refresh=refresh, clock=clock)
    await client.accounts()
    vault.kept = tokens("later")
    await client.accounts()
    assert answers.calls.last.request.headers["Authorization"] == "Bearer access-1"
    clock.at += 3600
    await client.accounts()
    assert answers.calls.last.request.headers["Authorization"] == "Bearer access-later"
    assert refresh.asked == []


async def test_new_tokens_that_cannot_be_kept_are_not_used() -> None:
    answers, refresh = router(), Refresher()
    route = answers.get("/query").respond(json={"QueryResponse": {}})

    vault = MemoryVault(tokens(seconds=1))
    vault.full = True
    with pytest.raises(StoreUnavailable):
        await client_of(answers, vault=vault, refresh=refresh).accounts()
    assert refresh.asked == ["refresh-1"]
    assert not route.called


async def test_a_refresh_in_doubt_does_not_put_the_write_in_doubt() -> None:
    answers = router()
    route = answers.post("/bill").respond(json={"Bill": BILL})

    async def lost(old: Tokens, now: datetime) -> Tokens:
        raise RemoteFailure(Kind.OUTCOME_UNKNOWN, "no answer")

    client = client_of(answers, vault=MemoryVault(tokens(seconds=1)), refresh=lost)
    await failed(Kind.NOT_SENT, client.create_document(NEW, "k"))
    assert not route.called
