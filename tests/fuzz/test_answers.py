"""Whatever a vendor answers, a port gives a value or one of the failure kinds, with a sentence.

Answers of the simulated vendors are changed below the connectors. Real sockets carry what httpx
itself would refuse: wrong encodings, broken chunks, endless headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connectwise import errors as connectwise_errors
from app.connectors.quickbooks import oauth as quickbooks_oauth
from app.connectors.transport import AiohttpTransport, Calling, calling
from app.connectors.xero import oauth as xero_oauth
from app.domain.errors import RemoteFailure
from app.domain.records import CallRecord
from tests.fuzz import mutations, sites
from tests.fuzz.sites import SECRET, Site, parsed, with_secrets

STATUSES = st.sampled_from(
    (200, 200, 200, 201, 204, 206, 301, 302, 304, 307, 400, 401, 402, 403, 404, 408, 409, 412, 418,
     422, 429, 429, 500, 501, 502, 503, 503, 504, 599)
)  # fmt: skip
HEADERS: dict[str, st.SearchStrategy[str]] = {
    "retry-after": st.sampled_from(
        ("", "-1", "0", "nan", "inf", "1e400", "9" * 400, "soon", "Wed, 21 Oct 2015 07:28:00 GMT",
         "Wed, 99 Foo 99999 99:99:99 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "²", "1_000",
         "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +99999999999")
    ),
    "date": st.sampled_from(
        ("", "yesterday", "Mon, 01 Jan 0001 00:00:00 GMT", ("Mon, 01 Jan 99999999999999999999 00:00:00"
         " GMT"), "Wed, 21 Oct 2015 07:28:00 -0000")
    ),
    "content-type": st.sampled_from(("", "text/html", "application/json; charset=utf-7", "é")),
    "link": st.sampled_from(('<http://elsewhere/>; rel="next"', "<>", "é")),
    "location": st.sampled_from(("http://elsewhere/", "", "//")),
    "x-rate-limit-problem": st.sampled_from(("day", "", "é")),
}  # fmt: skip
REFUSALS: tuple[Any, ...] = (
    {"code": "InvalidObject", "message": "no", "errors": [{"code": "c", "message": "m", "field": "f"}]},
    {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "6140"}], "type": "ValidationFault"}},
    {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred",
     "Elements": [{"ValidationErrors": [{"Message": "Number must be unique"}]}]},
    {"error": "invalid_grant", "error_description": "d"},
    {"Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired"},
)  # fmt: skip


@st.composite
def changes(draw: st.DrawFn) -> Callable[[httpx.Response], httpx.Response]:
    """Something done to an answer. Made of a seed, because the answer is not known yet."""
    status = draw(STATUSES)
    given_headers = {
        name: draw(HEADERS[name])
        for name in draw(st.sets(st.sampled_from(sorted(HEADERS)), max_size=3))
    }
    refusal = draw(st.sampled_from(REFUSALS))
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 - no secret

    def change(answer: httpx.Response) -> httpx.Response:
        source = parsed(answer.content) if status < 300 else refusal
        body = mutations.wire_by(chance.choice, with_secrets(source))
        headers = [
            (name.encode(), value.encode("latin-1", "replace"))
            for name, value in given_headers.items()
        ]
        kept = answer.status_code if status == 200 and answer.is_success else status
        return httpx.Response(kept, headers=headers, content=body, request=answer.request)

    return change


async def outcome(site: Site, call: sites.Call) -> RemoteFailure | None:
    """The failure that a port raised, None for a value; anything else is raised here."""
    told: list[CallRecord] = []
    token = calling.set(Calling("step", "order", "step", told.append, None))
    try:
        await call(site)
        failure = None
    except RemoteFailure as raised:
        failure = raised
    finally:
        calling.reset(token)
    for record in (*told, *site.records):
        assert SECRET not in f"{record.request}{record.response}{record.failure}"
    return failure


@pytest.mark.breadth
@pytest.mark.parametrize("vendor", sites.SITES)
async def test_every_call_of_the_table_is_answered_well_where_nothing_is_changed(
    vendor: str,
) -> None:
    make, calls = sites.SITES[vendor]
    for name, call in calls.items():
        failure = await outcome(await make(), call)
        assert failure is None, f"{name}: {failure}"


def check(vendor: str) -> None:
    make, calls = sites.SITES[vendor]

    @mutations.examples(25)
    @given(
        name=st.sampled_from(sorted(calls)), change=changes(), skip=st.sampled_from((0, 0, 0, 1, 2))
    )
    def whatever(name: str, change: Any, skip: int) -> None:
        async def play() -> None:
            site = await make()
            site.way.change, site.way.skip = change, skip
            failure = await outcome(site, calls[name])
            if failure is not None:
                assert failure.message.strip()
                assert len(failure.message) < 700
                assert failure.retry_after is None or 0 <= failure.retry_after <= 86_400

        asyncio.run(play())

    whatever()


@pytest.mark.parametrize("vendor", sites.SITES)
def test_an_odd_answer_is_a_value_or_a_failure_of_its_kind(vendor: str) -> None:
    check(vendor)


TOKENS = {
    "access_token": "a", "refresh_token": "r", "token_type": "bearer", "expires_in": 3600,
    "x_refresh_token_expires_in": 8726400, "x_refresh_token_hard_expires_in": 157680000,
}  # fmt: skip


@mutations.examples(60)
@given(body=mutations.wire(TOKENS), status=STATUSES)
def test_an_odd_answer_to_a_sign_in_is_tokens_or_a_failure(body: bytes, status: int) -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    if status == 200:
        with contextlib.suppress(RemoteFailure):
            assert quickbooks_oauth.tokens_of(body, now).access
    else:
        assert quickbooks_oauth.refused(status, body).message
    with contextlib.suppress(RemoteFailure):
        assert xero_oauth.tokens(status, {}, body, now).access


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
RAW: dict[str, bytes] = {
    "gzip that is none": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\ngarbage",
    "deflate that is none": HEAD + b"Content-Encoding: deflate\r\nContent-Length: 7\r\n\r\ngarbage",
    "an unknown encoding": HEAD + b"Content-Encoding: odd\r\nContent-Length: 2\r\n\r\n{}",
    "a shorter body than announced": HEAD + b"Content-Length: 100\r\n\r\n{}",
    "broken chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "no end of chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "no http": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "an endless header": HEAD + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n{}",
    "a header of other bytes": HEAD + b"X-\xff\xfe: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
    "a status of letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "a status beyond": b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
    "nothing": b"",
    "only a part of the head": b"HTTP/1.1 200 OK\r\nContent-",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n",
    "a cookie of odd form": HEAD + b"Set-Cookie: =;;;\xff\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("what", RAW)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_no_http_client_likes_is_a_failure_or_an_answer(what: str, method: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(RAW[what])
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = AiohttpTransport(total=5)
    try:
        request = httpx.Request(method, f"http://127.0.0.1:{port}/", content=b"{}")
        with contextlib.suppress(httpx.HTTPError):
            answer = await transport.handle_async_request(request)
            assert 100 <= answer.status_code <= 999
    finally:
        await transport.aclose()
        server.close()
        await server.wait_closed()


def again_and_again(of: dict[str, Any], envelope: Callable[[Any], Any]) -> Any:
    """A full page of the same records, whatever was asked for."""
    rows = [{**of, "Id": str(n), "id": n, "InvoiceID": str(n)} for n in range(1, 1001)]

    def change(answer: httpx.Response) -> httpx.Response:
        return httpx.Response(200, json=envelope(rows), request=answer.request)

    return change


async def test_a_quickbooks_that_does_not_page_is_asked_no_more_than_twice() -> None:
    site = await sites.quickbooks()
    site.way.change = again_and_again(
        {"Name": "x"}, lambda rows: {"QueryResponse": {"Account": rows}}
    )
    assert len(await site.client.accounts()) == 1000
    assert site.way.calls == 2


async def test_a_report_of_connectwise_that_does_not_page_is_asked_no_more_than_twice() -> None:
    site = await sites.connectwise()
    names = ("Purchase_Header_RecID", "Purchase_Detail_RecID", "IV_Product_RecID", "Quantity")
    columns: list[Any] = [{name: {}} for name in names]
    site.way.change = again_and_again(
        {}, lambda rows: {"column_definitions": columns, "row_values": [[1, n, 3, 4] for n in range(1000)]}
    )  # fmt: skip
    assert len(await site.client.demand_links([3])) == 1000
    assert site.way.calls == 2


def test_a_pause_until_a_date_that_is_none_is_a_pause_without_a_length() -> None:
    said = {"retry-after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "date": "today"}
    assert connectwise_errors.retry_after(said) is None
