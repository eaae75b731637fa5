"""Whatever comes to a door for webhooks is answered as contracts/http.md says, and nothing is lost.

Requests go straight into the ASGI application, below what any HTTP client would refuse to send; the
store is the real one.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.examples import examples
from app.connectors.connectwise import callbacks
from app.connectors.connectwise.caller import Access
from app.main import create_app
from app.store.postgres import PostgresStore
from app.sync import inbox
from app.sync.callbacks import checker
from app.system import SystemClock
from tests.api.doors import TOKEN, TestParts, code_of, signed
from tests.fuzz import mutations

BASE = "https://api-na.example.com/v4_6_release/apis/3.0"
KEY = "a-signing-key"
KEY_URL = f"{BASE}/system/callbackkey/index.rails?companyName=acme&id=1"
MAX = 1024 * 1024
_ids = count()
Headers = list[tuple[bytes, bytes]]

CALLBACK = {
    "Action": "updated",
    "ID": 88,
    "Type": "opportunity",
    "MessageId": "m-1",
    "Entity": json.dumps({"id": 88, "_info": {"lastUpdated": "2026-11-20T14:11:03Z"}}),
    "Metadata": {"key_url": KEY_URL},
    "CompanyId": "acme",
}
XERO = {
    "events": [
        {
            "resourceUrl": "https://api.xero.com/api.xro/2.0/Invoices/1",
            "resourceId": "717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
            "tenantId": "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",
            "tenantType": "ORGANISATION",
            "eventCategory": "INVOICE",
            "eventType": "UPDATE",
            "eventDateUtc": "2026-11-20T14:11:03.000",
        }
    ],
    "firstEventSequence": 1,
    "lastEventSequence": 1,
    "entropy": "S0m3r4nd0mt3xt",
}
QUICKBOOKS = [
    {
        "specversion": "1.0",
        "id": "88cd52aa-33b6-4351-9aa4-47572edbd068",
        "type": "qbo.bill.updated.v1",
        "time": "2026-11-20T14:11:03Z",
        "intuitentityid": "1234",
        "intuitaccountid": "310687",
        "data": {},
    }
]
QUICKBOOKS_BEFORE = {
    "eventNotifications": [
        {
            "realmId": "310687",
            "dataChangeEvent": {
                "entities": [
                    {
                        "name": "Bill",
                        "id": "1234",
                        "operation": "Update",
                        "lastUpdated": "2026-11-20T14:11:03.000Z",
                    }
                ]
            },
        }
    ]
}


@dataclass
class Doors:
    """The application, and its store to look into."""

    app: Any
    parts: TestParts
    store: PostgresStore

    async def post(
        self, path: str, body: bytes, headers: Headers, chunks: int = 1, method: str = "POST"
    ) -> httpx.Response:
        """What the application answers; whatever it raises is raised here."""
        size = max(1, -(-len(body) // chunks))
        parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        sent: list[Any] = []

        async def receive() -> Any:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode("utf-8", "surrogatepass"),
            "query_string": b"", "root_path": "", "headers": headers,
            "client": ("127.0.0.1", 1), "server": ("service", 80), "state": {},
        }  # fmt: skip
        await self.app(scope, receive, send)
        started = sent[0]
        answered = b"".join(one.get("body", b"") for one in sent[1:])
        return httpx.Response(started["status"], headers=started["headers"], content=answered)

    async def event(self, event_id: int) -> Any:
        return await self.store.event(1, event_id)

    async def settled(self) -> list[Any]:
        """What merging made of everything new: nothing that passed the door may fail now."""
        while await self.store.merge(inbox.plan, 200):
            pass
        page = await self.store.events(1, None, "rejected", None, 200)
        return [one for one in page.items if "could not be merged" in (one.cause or "")]


async def key_server(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"signing_key": KEY})


@pytest.fixture
async def doors(database_url: str) -> AsyncIterator[Doors]:
    store = await PostgresStore.open(database_url)
    for system in ("quickbooks", "xero"):
        await store.ensure_connection(1, system, "default")
    verifier = callbacks.CallbackVerifier(
        Access(BASE, "acme", "public", "private", "client"),
        clock=SystemClock(),
        transport=httpx.MockTransport(key_server),
    )
    parts = TestParts(store, store, check_callback=checker(verifier))
    app = create_app(parts)
    yield Doors(app, parts, store)
    await app.state.background.drain()
    await verifier.aclose()
    await store.close()


def listed(headers: dict[str, str]) -> Headers:
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]


def told(answer: httpx.Response) -> str:
    """The code of a refusal, which is a whole problem; empty for success."""
    assert answer.status_code < 500, answer.text
    return "" if answer.is_success else code_of(answer)


def by_name(name: str) -> Any:
    return examples()[name]


EVENTS = st.sampled_from(sorted(examples())).map(by_name).flatmap(mutations.wire)


@mutations.examples(30)
@given(body=EVENTS, chunks=st.sampled_from((1, 3, 50)))
async def test_a_signed_commerce_body_is_taken_or_kept_as_rejected_with_its_id_unburnt(
    doors: Doors, body: bytes, chunks: int
) -> None:
    name = f"msg_{next(_ids)}"
    answer = await doors.post("/webhooks/commerce", body, listed(signed(body, name)), chunks)
    code = told(answer)
    assert answer.status_code in {202, 422}, answer.text
    if code:
        kept = await doors.event(answer.json()["event_id"])
        assert (kept.status, kept.code, kept.body) == ("rejected", code, body)
        assert kept.cause
        good = json.dumps(by_name("quote.won")).encode()
        again = await doors.post("/webhooks/commerce", good, listed(signed(good, name)))
        assert (again.status_code, again.json()["duplicate"]) == (202, False)
    else:
        kept = await doors.event(answer.json()["event_id"])
        assert (kept.status, kept.body) in {("new", body), ("unhandled", body)}
    assert await doors.settled() == []


ODD_HEADER = st.sampled_from(
    (b"", b" ", b"v1,", b"v2,abc", b"\xff\xfe", b"0", b"-1", b"9" * 40, b"1e5", b"nan", b"a" * 300,
     b"v1,!!!!", b"v1," + b"A" * 5000, b"\xc3\xa9", b"1764000000.5", b"  1764000000 ")
)  # fmt: skip
NAMES = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
EXTRA: Headers = [
    (b"content-encoding", b"gzip"), (b"content-encoding", b"br, deflate"),
    (b"content-type", b"text/html; charset=utf-7"), (b"content-type", b"\xff"),
    (b"content-type", b"multipart/form-data"), (b"content-length", b"-5"),
    (b"content-length", b"99999999999999999999999999"), (b"content-length", b"\xb2"),
    (b"transfer-encoding", b"chunked"), (b"expect", b"100-continue"), (b"user-agent", b"\x00\xff"),
    (b"user-agent", b"x" * 5000), (b"authorization", b"Bearer \xff"), (b"traceparent", b"00-zz"),
    (b"x-correlation-id", b"\xff\r\ninjected: yes"), (b"x-request-id", b"\x00" * 10),
    (b"host", b"\xff"), (b"cookie", b"\xff=\x00"), (b"accept", b"nothing/at-all"),
]  # fmt: skip


@st.composite
def headers(draw: st.DrawFn, right: Headers, names: tuple[bytes, ...]) -> Headers:
    """Right headers with some left out, changed, doubled, or joined by others."""
    given = list(right)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(names))
        act = draw(st.sampled_from(("drop", "change", "double", "double before", "none")))
        if act in {"drop", "change"}:
            given = [pair for pair in given if pair[0] != name]
        if act in {"change", "double"}:
            given.append((name, draw(ODD_HEADER)))
        if act == "double before":
            given.insert(0, (name, draw(ODD_HEADER)))
    return given + draw(st.lists(st.sampled_from(EXTRA), max_size=3))


@pytest.mark.breadth
@mutations.examples(60)
@given(data=st.data())
async def test_odd_headers_are_refused_or_do_not_matter(doors: Doors, data: st.DataObject) -> None:
    body = json.dumps(by_name("quote.won")).encode()
    right = listed(signed(body, f"msg_{next(_ids)}"))
    given_headers = data.draw(headers(right, NAMES))
    answer = await doors.post("/webhooks/commerce", body, given_headers)
    assert answer.status_code in {202, 401, 413}, answer.text
    code = told(answer)
    if answer.status_code == 401:
        assert code in {"SIGNATURE_REFUSED", "TIMESTAMP_OUTSIDE_WINDOW"}


def callback_headers(body: bytes) -> Headers:
    return [(b"x-content-signature", callbacks.signature(KEY, body).encode())]


@pytest.mark.breadth
@mutations.examples(60)
@given(body=mutations.wire(CALLBACK), chunks=st.sampled_from((1, 7)))
async def test_a_signed_callback_is_taken_kept_as_rejected_or_not_connectwises(
    doors: Doors, body: bytes, chunks: int
) -> None:
    path = f"/webhooks/connectwise/{TOKEN}"
    answer = await doors.post(path, body, callback_headers(body), chunks)
    code = told(answer)
    assert answer.status_code in {202, 401, 422}, answer.text
    if answer.status_code != 401:
        kept = await doors.event(answer.json()["event_id"])
        assert kept.body == body
        assert (kept.status == "rejected") == bool(code)
    assert await doors.settled() == []


@pytest.mark.breadth
@mutations.examples(40)
@given(data=st.data())
async def test_a_callback_with_odd_headers_or_token_is_refused_or_taken(
    doors: Doors, data: st.DataObject
) -> None:
    body = json.dumps(CALLBACK).encode()
    given_headers = data.draw(headers(callback_headers(body), (b"x-content-signature",)))
    token = data.draw(st.sampled_from((TOKEN, TOKEN.upper(), "é", "\ud800", "x" * 5000, "%00")))
    answer = await doors.post(f"/webhooks/connectwise/{token}", body, given_headers)
    told(answer)
    assert answer.status_code in {202, 401, 413}, answer.text


def ledger_signature(key: str, body: bytes) -> bytes:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest())


LEDGERS = st.sampled_from(
    (
        ("/webhooks/xero", "webhook-key", b"x-xero-signature", XERO),
        ("/webhooks/quickbooks", "verifier", b"intuit-signature", QUICKBOOKS),
        ("/webhooks/quickbooks", "older", b"intuit-signature", QUICKBOOKS_BEFORE),
    )
)


@mutations.examples(30)
@given(data=st.data(), ledger=LEDGERS)
async def test_a_signed_notice_of_a_ledger_is_answered_200_and_kept(
    doors: Doors, data: st.DataObject, ledger: Any
) -> None:
    path, key, name, source = ledger
    body = data.draw(mutations.wire(source))
    before = await rows(doors)
    answer = await doors.post(path, body, [(name, ledger_signature(key, body))], 2)
    assert (answer.status_code, answer.content) == (200, b"")
    kept = [one for one in await rows(doors) if one.id not in {old.id for old in before}]
    assert all(one.cause for one in kept if one.status == "rejected")
    assert await doors.settled() == []


async def rows(doors: Doors) -> list[Any]:
    page = await doors.store.events(1, None, None, None, 200)
    return list(page.items)


@pytest.mark.breadth
@mutations.examples(40)
@given(data=st.data(), ledger=LEDGERS)
async def test_a_notice_with_odd_headers_is_refused_or_taken(
    doors: Doors, data: st.DataObject, ledger: Any
) -> None:
    path, key, name, source = ledger
    body = json.dumps(source).encode()
    right = [(name, ledger_signature(key, body))]
    answer = await doors.post(path, body, data.draw(headers(right, (name,))))
    assert answer.status_code in {200, 401, 413}
    assert answer.content == b""


@pytest.mark.breadth
@pytest.mark.parametrize("size", [MAX, MAX + 1, 4 * MAX])
async def test_the_largest_bodies_at_every_door(doors: Doors, size: int) -> None:
    body = b" " * size
    for path, given_headers in (
        ("/webhooks/commerce", listed(signed(body, f"msg_{next(_ids)}"))),
        (f"/webhooks/connectwise/{TOKEN}", callback_headers(body)),
        ("/webhooks/xero", [(b"x-xero-signature", ledger_signature("webhook-key", body))]),
        ("/webhooks/quickbooks", [(b"intuit-signature", ledger_signature("verifier", body))]),
    ):
        answer = await doors.post(path, body, given_headers, 40)
        assert (answer.status_code == 413) == (size > MAX), path
        assert answer.status_code < 500


@pytest.mark.parametrize(
    ("body", "path", "key", "name"),
    [
        ({"events": [{**XERO["events"][0], "eventCategory": "\ud800"}]}, "xero", "webhook-key", b"x-xero-signature"),  # type: ignore[index]
        ([{**QUICKBOOKS[0], "id": "\ud800\x00" * 400}], "quickbooks", "verifier", b"intuit-signature"),
    ],
)  # fmt: skip
async def test_half_characters_in_a_notice_are_no_fault_of_ours(
    doors: Doors, body: Any, path: str, key: str, name: bytes
) -> None:
    content = json.dumps(body).encode()
    answer = await doors.post(
        f"/webhooks/{path}", content, [(name, ledger_signature(key, content))]
    )
    assert answer.status_code == 200
    assert len(await rows(doors)) == 1


@pytest.mark.breadth
async def test_a_notice_of_thousands_of_records_is_kept_whole(doors: Doors) -> None:
    """What does not fit into the vendor's patience is asked for again, and counts once."""
    event = XERO["events"][0]  # type: ignore[index]
    body = json.dumps({"events": [{**event, "resourceId": str(n)} for n in range(3000)]}).encode()
    signature = ledger_signature("webhook-key", body)
    for _ in range(20):
        answer = await doors.post("/webhooks/xero", body, [(b"x-xero-signature", signature)])
        if answer.status_code == 200:
            break
        assert answer.status_code == 503
    assert answer.status_code == 200
    assert await doors.settled() == []


TEXTS = sorted(
    {
        (name, path)
        for name, event in examples().items()
        for path in mutations.places(event["data"])
        if isinstance(mutations.at(event["data"], path), str) and not str(path[-1]).endswith("Date")
    },
    key=str,
)


@pytest.mark.breadth
async def test_every_text_of_every_event_may_be_longer_than_an_index_takes(doors: Doors) -> None:
    for name, path in TEXTS:
        event = copy.deepcopy(by_name(name))
        mutations.put(event["data"], path, f"{mutations.LONG}{path}")
        body = json.dumps(event).encode()
        headers = listed(signed(body, f"msg_{next(_ids)}"))
        answer = await doors.post("/webhooks/commerce", body, headers)
        assert answer.status_code in {202, 422}, (name, path, answer.text)
        assert await doors.settled() == [], (name, path)
