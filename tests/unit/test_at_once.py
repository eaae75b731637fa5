"""As many calls at once as a system stands (H10, decision 0049): the rule, and over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from app.connectors.at_once import AtOnce, Line
from app.connectors.pacing import Pacing
from app.connectors.remote import Remote
from app.connectors.transport import AiohttpTransport
from app.domain.errors import FailureKind, RemoteFailure
from app.system import SystemClock
from tests.unit.http_server import Served, http, read_request, serving

ORDERS = 24  # that a worker drives side by side


async def taken(line: Line, stack: contextlib.AsyncExitStack, many: int) -> None:
    for _ in range(many):
        await stack.enter_async_context(line.place())


async def test_h10_who_gives_up_while_another_leaves_ends_as_given_up() -> None:
    line = Line(lambda: 1)
    holder = contextlib.AsyncExitStack()
    await taken(line, holder, 1)

    async def waits() -> None:
        async with line.place():
            raise AssertionError("it has given up")

    waiting = asyncio.create_task(waits())
    await asyncio.sleep(0)
    waiting.cancel()
    await holder.aclose()  # before the one that gave up runs again
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert line.taken == 0


# The rule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "seconds", "timed_out"),
    [
        (429, 0.1, False),
        (503, 0.1, False),
        (502, 0.1, False),
        (504, 0.1, False),
        (None, 20.0, True),
    ],
)
def test_h10_strain_halves_the_limit_once_for_all_that_was_under_way(
    status: int | None, seconds: float, timed_out: bool
) -> None:
    at_once = AtOnce(32, timeout=20.0)
    sent = at_once.round
    for _ in range(30):
        at_once.heard(sent, status, seconds, timed_out=timed_out)
    assert at_once.limit == 16
    for _ in range(10):
        at_once.heard(at_once.round, status, seconds, timed_out=timed_out)
    assert at_once.limit == 1


def test_h10_an_answer_that_nearly_came_too_late_is_strain_as_well() -> None:
    at_once = AtOnce(32, timeout=20.0)
    at_once.heard(at_once.round, 200, 9.0, timed_out=False)
    assert at_once.limit == 32
    at_once.heard(at_once.round, 200, 11.0, timed_out=False)
    assert at_once.limit == 16


@pytest.mark.parametrize("status", [500, None])
def test_h10_a_fault_that_says_nothing_of_strain_changes_nothing(status: int | None) -> None:
    at_once = AtOnce(8)
    at_once.heard(at_once.round, status, 0.1, timed_out=False)
    assert at_once.limit == 8


async def test_h10_the_limit_grows_slowly_and_only_while_it_is_used() -> None:
    at_once = AtOnce(8)
    at_once.heard(at_once.round, 429, 0.1, timed_out=False)
    for _ in range(100):
        at_once.heard(at_once.round, 200, 0.1, timed_out=False)
    assert at_once.limit == 4  # nobody asked for more
    async with contextlib.AsyncExitStack() as stack:
        await taken(at_once.calls, stack, 4)
        for _ in range(4 * 3):
            at_once.heard(at_once.round, 200, 0.1, timed_out=False)
        assert at_once.limit == 4
        for _ in range(8):
            at_once.heard(at_once.round, 404, 0.1, timed_out=False)
        assert at_once.limit == 5
        for _ in range(1000):
            if not at_once.calls.full:
                await taken(at_once.calls, stack, 1)
            at_once.heard(at_once.round, 200, 0.1, timed_out=False)
        assert at_once.limit == 8


async def test_h10_the_last_place_to_where_strain_showed_is_tried_seldom() -> None:
    at_once = AtOnce(32)
    for _ in range(3):
        at_once.heard(at_once.round, 429, 0.1, timed_out=False)
    assert at_once.limit == 4  # eight was too much

    async def good(until: int) -> int:
        for answers in range(10_000):
            if at_once.limit == until:
                return answers
            while not at_once.calls.full:
                await taken(at_once.calls, stack, 1)
            at_once.heard(at_once.round, 200, 0.1, timed_out=False)
        raise AssertionError

    async with contextlib.AsyncExitStack() as stack:
        assert await good(7) < 4 * (5 + 6 + 7)
        assert await good(8) > 4 * 7 * 9
        assert await good(9) < 4 * 10  # it was not too much this time: on as before
        assert await good(10) < 4 * 11


async def test_places_go_to_who_came_first_and_one_that_gave_up_loses_none() -> None:
    limit = 1
    line, came = Line(lambda: limit), list[str]()

    async def work(name: str) -> None:
        async with line.place():
            came.append(name)
            await asyncio.sleep(0)

    async with line.place() as waited:
        assert not waited
        tasks = [asyncio.create_task(work(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[0].cancel()
        with pytest.raises(TimeoutError):
            async with line.place(0.01):
                pass
        # Freed and cancelled in one breath: the place must not be lost with who gave up.
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert came == ["c"]
    assert line.taken == 0
    limit = 2
    async with line.place(), line.place() as second:
        assert not second


# Over real sockets ------------------------------------------------------------------------------


@dataclass
class Peer:
    """Lets so many in at once; what is one too many is refused, or makes all of them slow."""

    stands: int
    seconds: float = 0.02
    refuses: bool = True
    inside: int = 0
    most: int = 0
    refused: int = 0
    answered: int = 0

    async def __call__(
        self, served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while await read_request(served, reader):
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                too_many = self.inside > self.stands
                if too_many and self.refuses:
                    self.refused += 1
                    writer.write(http("429 Too Many Requests"))
                else:
                    await asyncio.sleep(self.seconds * (10 if too_many else 1))
                    self.answered += 1
                    writer.write(http("200 OK"))
            finally:
                self.inside -= 1
            await writer.drain()


@contextlib.asynccontextmanager
async def calling(peer: Peer, at_once: AtOnce, total: float = 2.0) -> AsyncIterator[Remote]:
    clock = SystemClock()
    async with serving(peer) as served:
        remote = Remote(
            "vendor", served.url, {}, clock, AiohttpTransport(total=total), Pacing(clock, at_once)
        )
        try:
            yield remote
        finally:
            await remote.aclose()


async def work(remote: Remote, calls: int) -> None:
    """Orders side by side, as the engine drives them: each has its place before its calls."""

    async def order() -> None:
        done = 0
        while done < calls:
            async with remote.pacing.at_once.attempts.place():
                try:
                    done += (await remote.call("GET", "/things")).status == 200
                except (httpx.HTTPError, RemoteFailure):
                    continue

    await asyncio.gather(*(order() for _ in range(ORDERS)))


async def test_h10_a_peer_that_lets_five_in_is_soon_called_by_about_five() -> None:
    peer, at_once = Peer(stands=5), AtOnce(ORDERS)
    async with calling(peer, at_once) as remote:
        await work(remote, 6)
        settled = peer.refused
        await work(remote, 6)
    later = peer.refused - settled
    assert peer.answered == ORDERS * 12
    assert at_once.limit <= 6
    assert later < 20  # of 144: an overshoot by one place now and then
    unbound = Peer(stands=5)
    async with calling(unbound, AtOnce(10_000)) as remote:  # as if it were not adapted
        remote.pacing.at_once.heard = lambda *_, **__: None  # type: ignore[method-assign]
        await work(remote, 6)
    assert unbound.refused > 10 * later


async def test_h10_a_peer_that_becomes_slow_is_called_less_and_more_again_when_it_is_well() -> None:
    peer, at_once = Peer(stands=6, refuses=False, seconds=0.05), AtOnce(ORDERS, timeout=0.4)
    async with calling(peer, at_once, total=0.4) as remote:
        await work(remote, 2)
        assert at_once.limit <= 12
        peer.stands, peer.seconds = 10_000, 0.002
        for _ in range(20):  # an answer may come late by this machine's own fault
            await work(remote, 80)
            if at_once.limit == ORDERS:
                break
    assert at_once.limit == ORDERS


async def test_h10_a_call_that_finds_no_place_in_time_is_not_made() -> None:
    peer, at_once = Peer(stands=9, seconds=0.3), AtOnce(1, timeout=0.4)
    async with calling(peer, at_once) as remote:
        first = asyncio.create_task(remote.call("POST", "/things", body=b"{}"))
        await asyncio.sleep(0.05)
        with pytest.raises(RemoteFailure) as caught:
            await remote.call("POST", "/things", body=b"{}")
        await first
    assert (caught.value.kind, caught.value.status) == (FailureKind.RATE_LIMITED, None)
    assert caught.value.retry_after == 1.0
    assert peer.answered == 1


async def test_h10_a_pause_that_began_while_a_call_stood_in_line_holds_for_it() -> None:
    peer = Peer(stands=9, seconds=0.1)
    async with calling(peer, AtOnce(1, timeout=4.0)) as remote:
        first = asyncio.create_task(remote.call("GET", "/things"))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(remote.call("GET", "/things"))
        await asyncio.sleep(0.02)
        remote.pacing.pause(30)
        assert (await first).status == 200
        with pytest.raises(RemoteFailure) as caught:
            await second
    assert caught.value.kind is FailureKind.RATE_LIMITED
    assert peer.answered == 1
