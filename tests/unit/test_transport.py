"""The transport over real sockets: what counts as sent, what as unknown, and every limit."""

from __future__ import annotations

import asyncio
import gzip
import socket

import httpx
import pytest

from app.connectors.pacing import Pacing
from app.connectors.remote import Remote
from app.connectors.transport import AiohttpTransport, Calling, calling, not_sent
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.records import CallRecord
from tests.unit.http_server import Served, always, http, read_request, serving


class ManualClock:
    """A clock that moves only when it is told."""

    def __init__(self) -> None:
        self.at = 100.0

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


def remote_for(url: str, transport: httpx.AsyncBaseTransport, **more: object) -> Remote:
    clock = ManualClock()
    return Remote(
        system="vendor",
        base_url=url,
        headers={"Authorization": "Basic c2VjcmV0", "Accept-Encoding": "gzip"},
        clock=clock,
        transport=transport,
        pacing=Pacing(clock),
        **more,  # type: ignore[arg-type]
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def silent(
    served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await read_request(served, reader)
    await asyncio.sleep(30)


async def hangs_up(
    served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await read_request(served, reader)
    writer.transport.abort()


async def hangs_up_within_the_body(
    served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await read_request(served, reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.transport.abort()


async def failure_of(url: str, method: str = "POST", total: float = 5.0) -> httpx.HTTPError:
    remote = remote_for(url, AiohttpTransport(total=total, connect=min(1.0, total)))
    try:
        with pytest.raises(httpx.HTTPError) as caught:
            await remote.call(method, "/things", body=b"{}" if method == "POST" else None)
    finally:
        await remote.aclose()
    return caught.value


async def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    failure = await failure_of(f"http://127.0.0.1:{free_port()}")
    assert isinstance(failure, httpx.ConnectError)
    assert not_sent(failure)


async def test_an_unknown_name_means_that_nothing_was_sent() -> None:
    failure = await failure_of("http://no-such-host.invalid")
    assert not_sent(failure)


async def test_an_address_that_is_none_means_that_nothing_was_sent() -> None:
    failure = await failure_of("ftp://127.0.0.1")
    assert not_sent(failure)


async def test_a_connection_that_is_not_accepted_in_time_means_that_nothing_was_sent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:  # the queue of the listener is full now
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        failure = await failure_of(f"http://127.0.0.1:{listener.getsockname()[1]}", total=0.3)
        for filler in fillers:
            filler.close()
    assert isinstance(failure, httpx.ConnectTimeout)
    assert not_sent(failure)


async def test_a_full_pool_means_that_nothing_was_sent() -> None:
    async with serving(silent) as served:
        transport = AiohttpTransport(total=0.5, connect=0.2, connections=1)
        remote = remote_for(served.url, transport)
        first = asyncio.create_task(remote.call("POST", "/things", body=b"{}"))
        while not served.heads:
            await asyncio.sleep(0.01)
        with pytest.raises(httpx.ConnectTimeout) as caught:
            await remote.call("POST", "/things", body=b"{}")
        with pytest.raises(httpx.ReadTimeout):
            await first
        await remote.aclose()
    assert not_sent(caught.value)


async def test_no_answer_in_time_leaves_the_outcome_unknown() -> None:
    async with serving(silent) as served:
        failure = await failure_of(served.url, total=0.3)
    assert isinstance(failure, httpx.ReadTimeout)
    assert not not_sent(failure)
    assert served.bodies == [b"{}"]


@pytest.mark.parametrize("behaviour", [hangs_up, hangs_up_within_the_body])
async def test_a_connection_lost_after_sending_leaves_the_outcome_unknown(behaviour) -> None:
    async with serving(behaviour) as served:
        failure = await failure_of(served.url)
    assert not not_sent(failure)
    assert len(served.heads) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_a_write_is_never_sent_twice(method: str) -> None:
    async with serving(hangs_up) as served:
        failure = await failure_of(served.url, method=method)
    assert not not_sent(failure)
    assert len(served.heads) == 1


async def test_a_write_on_a_connection_that_the_server_has_closed_is_never_sent_twice() -> None:
    async def one_answer_each(
        served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(served, reader)
        writer.write(http("200 OK"))
        await writer.drain()
        await read_request(served, reader)  # the second request arrives and dies
        writer.transport.abort()

    async with serving(one_answer_each) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        await remote.call("POST", "/things", body=b"1")
        with pytest.raises(httpx.HTTPError) as caught:
            await remote.call("POST", "/things", body=b"2")
        await remote.aclose()
    assert not not_sent(caught.value)
    assert served.bodies == [b"1", b"2"]


async def test_a_read_survives_a_connection_that_was_closed_meanwhile() -> None:
    async def closes_after_one(
        served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(served, reader)
        writer.write(http("200 OK", b'{"n":1}'))
        await writer.drain()
        if served.connections == 1:
            await read_request(served, reader)
            writer.transport.abort()

    async with serving(closes_after_one) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        await remote.call("GET", "/things")
        answer = await remote.call("GET", "/things")
        await remote.aclose()
    assert answer.body == b'{"n":1}'


async def test_connections_are_kept_and_cookies_are_not() -> None:
    async with serving(always(http("200 OK", b"{}", "Set-Cookie: session=1"))) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        for _ in range(3):
            await remote.call("GET", "/things")
        await remote.aclose()
    assert served.connections == 1
    assert "cookie" not in "".join(served.heads).lower()


async def test_a_redirect_is_given_back_and_not_followed() -> None:
    moved = http("302 Found", b"", "Location: http://127.0.0.1:1/elsewhere")
    async with serving(always(moved)) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        answer = await remote.call("GET", "/things")
        await remote.aclose()
    assert answer.status == 302
    assert len(served.heads) == 1


async def test_the_size_limit_counts_what_is_unpacked() -> None:
    packed = gzip.compress(b"0" * 1_000_000)
    assert len(packed) < 10_000
    async with serving(always(http("200 OK", packed, "Content-Encoding: gzip"))) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5, max_answer=10_000))
        with pytest.raises(httpx.RemoteProtocolError, match="larger than 10000 bytes"):
            await remote.call("GET", "/things")
        await remote.aclose()


async def test_a_packed_answer_is_unpacked_once() -> None:
    packed = gzip.compress(b'{"id": 1}')
    async with serving(always(http("200 OK", packed, "Content-Encoding: gzip"))) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        answer = await remote.call("GET", "/things")
        await remote.aclose()
    assert answer.body == b'{"id": 1}'


async def test_the_query_arrives_as_it_was_encoded() -> None:
    async with serving(always(http("200 OK"))) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        await remote.call(
            "GET", "/things", query="conditions=a%20like%20%22%2Ax%2A%22&fields=a,b/c"
        )
        await remote.aclose()
    assert served.heads[0].splitlines()[0] == (
        "GET /things?conditions=a%20like%20%22%2Ax%2A%22&fields=a,b/c HTTP/1.1"
    )


async def test_a_call_may_have_headers_of_its_own_and_a_body_that_is_not_json() -> None:
    async with serving(always(http("200 OK"))) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        await remote.call("PUT", "/a", body=b"{}", headers={"Idempotency-Key": "k-1"})
        form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer t"}
        await remote.call("POST", "/b", body=b"a=1", headers=form)
        await remote.call("GET", "/c")
        await remote.aclose()
    first, second, third = (head.lower() for head in served.heads)
    assert "idempotency-key: k-1" in first
    assert "content-type: application/json" in first
    assert "content-type: application/x-www-form-urlencoded" in second
    assert second.count("authorization:") == 1
    assert "authorization: bearer t" in second
    assert "content-type" not in third
    assert "authorization: basic" in third


class Stop(BaseException):
    """A worker's sudden end."""


async def test_the_sent_hook_is_reached_after_the_request_left_and_before_its_answer() -> None:
    arrived: list[bytes] = []
    records: list[CallRecord] = []

    async with serving(silent) as served:

        async def sent() -> None:
            while not served.bodies:
                await asyncio.sleep(0.01)
            arrived.extend(served.bodies)
            raise Stop

        remote = remote_for(served.url, AiohttpTransport(total=5))
        token = calling.set(Calling("step", "subject", record=records.append, sent=sent))
        with pytest.raises(Stop):
            await remote.call("POST", "/things", body=b'{"n":1}')
        calling.reset(token)
        await remote.aclose()
    assert arrived == [b'{"n":1}']
    assert records == []


async def test_reads_do_not_reach_the_sent_hook() -> None:
    async def sent() -> None:
        raise Stop

    async with serving(always(http("200 OK"))) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        token = calling.set(Calling(sent=sent))
        await remote.call("GET", "/things")
        calling.reset(token)
        await remote.aclose()


async def test_every_call_is_recorded_without_secrets_and_personal_data() -> None:
    records: list[CallRecord] = []
    seen: list[CallRecord] = []
    answer = b'{"id":1,"email":"pat@contoso.example","contact":{"id":5,"name":"Pat Doe"}}'
    async with serving(always(http("200 OK", answer))) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5), on_call=seen.append)
        token = calling.set(Calling("win", "PO 1", "poll", record=records.append))
        await remote.call("POST", "/things", query="conditions=id%3D1", body=b'{"token":"t"}')
        calling.reset(token)
        await remote.aclose()
    (call,) = records
    assert seen == records
    assert (call.system, call.method, call.path, call.query) == (
        "vendor",
        "POST",
        "/things",
        "conditions=id=1",
    )
    assert (call.step, call.subject, call.purpose, call.status) == ("win", "PO 1", "poll", 200)
    assert call.request == '{"token":"[removed]"}'
    assert call.response == '{"id":1,"email":"[removed]","contact":{"id":5,"name":"[removed]"}}'


async def test_a_failed_call_is_recorded_with_its_cause() -> None:
    records: list[CallRecord] = []
    remote = remote_for(f"http://127.0.0.1:{free_port()}", AiohttpTransport(total=2))
    token = calling.set(Calling(record=records.append))
    with pytest.raises(httpx.ConnectError):
        await remote.call("GET", "/things")
    calling.reset(token)
    await remote.aclose()
    assert records[0].status is None
    assert (records[0].failure or "").startswith("ConnectError: ")


async def test_a_paused_connection_is_not_called() -> None:
    async with serving(always(http("200 OK"))) as served:
        remote = remote_for(served.url, AiohttpTransport(total=5))
        remote.pacing.pause(30)
        with pytest.raises(RemoteFailure) as caught:
            await remote.call("GET", "/things")
        assert served.heads == []
        await remote.clock.sleep(31)
        assert (await remote.call("GET", "/things")).status == 200
        await remote.aclose()
    assert caught.value.kind is FailureKind.RATE_LIMITED
    assert caught.value.retry_after == 30


async def test_a_longer_pause_is_not_shortened_by_a_shorter_one() -> None:
    pacing = Pacing(ManualClock())
    pacing.pause(30)
    pacing.pause(5)
    assert pacing.remaining() == 30


def test_h10_a_resume_ends_only_a_pause_that_is_surely_older_than_it() -> None:
    clock = ManualClock()
    pacing = Pacing(clock)
    pacing.pause(3600)
    begun = clock.at
    clock.at += 1
    assert not pacing.hear(4, begun)  # asked before it was asked for: says nothing
    assert not pacing.hear(5, clock.at)  # may count a resume of before the pause
    assert not pacing.hear(5, clock.at)
    assert pacing.remaining() == 3599
    assert pacing.hear(6, clock.at)
    assert pacing.remaining() == 0


def test_h10_a_resume_does_not_end_what_the_vendor_asked_for_after_it() -> None:
    clock = ManualClock()
    pacing = Pacing(clock)
    pacing.pause(10)
    clock.at += 1
    assert not pacing.hear(0, clock.at)
    asked = clock.at  # the store is asked, somebody resumes, a call is sent and answered 429 ...
    clock.at += 1
    pacing.pause(20)
    assert not pacing.hear(1, asked)  # ... and only then its answer comes
    clock.at += 1
    assert not pacing.hear(1, clock.at)
    assert pacing.remaining() == 19
