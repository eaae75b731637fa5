"""A remote system as its vendor's client calls it: paused or not, in its turn, and recorded.

Owns what is asked before a call leaves (pause, place, budget) and the call log. Must not know any
vendor's paths, fields or errors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

import httpx

from app.connectors.pacing import Pacing
from app.connectors.recording import body_text, masked
from app.connectors.sealing import Seal, seal_call
from app.connectors.transport import READS, Calling, Headers, calling
from app.domain.budgets import AtOnceNow, Budget
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Clock
from app.domain.records import CallRecord
from app.telemetry import metrics, tracing

ADDRESSES = 1024  # so many of those called last are kept as httpx reads them
PLACE_SECONDS = 1.0  # until it is tried again where no call under way ended in time
LONGEST_COUNT = 10  # digits of a number of calls
# How much of a budget may be spent before calls that no order makes leave the rest to orders. What
# a person asks for is not among them.
LEAVE_ROOM = {"drift": 0.5, "hint": 0.8, "poll": 0.8}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of any status, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@lru_cache(maxsize=ADDRESSES)
def _url(address: str) -> httpx.URL:
    """An address read once: polls, set-ups and look-ups ask the same ones again and again. What
    cannot be read raises each time."""
    return httpx.URL(address)


@dataclass(slots=True)
class _Turn:
    """A call's turn: the seconds that it stood in line, and what its answer says is left."""

    waited: float
    left: int | None = None


def _count(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() and len(said) < LONGEST_COUNT else None


@dataclass(slots=True)
class Remote:
    """One remote system: sends a request, records it, and gives its answer of any status.

    Raises httpx.HTTPError when there is no answer, and RemoteFailure RATE_LIMITED without calling
    while the connection is paused, and where its budget, or what the system stands at once, has no
    room soon. Classifying everything else is the vendor's client's part.
    """

    system: str
    base_url: str
    headers: Mapping[str, str]
    clock: Clock
    transport: httpx.AsyncBaseTransport
    pacing: Pacing
    on_call: Callable[[CallRecord], None] | None = None
    # Paths whose records are people, so that the log keeps none of their names.
    people: tuple[str, ...] = ()
    budget: Budget | None = None  # None: calls are not counted
    # The header in which the system says what is left of its longest window; empty: it does not.
    says_left: str = ""
    # Keeps the personal values of recorded calls beside them, sealed; None: they are lost.
    seal: Seal | None = None
    _encoded: tuple[Headers, httpx.Headers] | None = field(default=None, init=False, repr=False)

    async def aclose(self) -> None:
        await self.transport.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`path` and `query` are encoded already; `query` is without its question mark. `headers`
        are this call's own; a body is JSON unless they say otherwise."""
        endpoint, bound = f"{method} {path}", calling.get()
        if self.pacing.of_others is not None and (bound is None or bound.record is None):
            # Made for no order, so nobody has looked for a pause before it.
            self._refuse_within(await self.pacing.of_others(), endpoint)
        self._refuse_within(self.pacing.remaining(), endpoint)
        address = f"{self.base_url}{path}{'?' if query else ''}{query}"
        sent = self._own_headers()
        if body is not None and "Content-Type" not in sent:
            sent["Content-Type"] = "application/json"
        sent.update(headers)
        told = {"http__request__method": method, "url__path": path}
        with tracing.span(f"{self.system} {method}", "client", **told):
            return await self._send(method, path, query, body, address, sent)

    def _own_headers(self) -> httpx.Headers:
        """A copy of those of every call, encoded once for as long as they are the same."""
        if self._encoded is None or self._encoded[0] is not self.headers:
            self._encoded = self.headers, httpx.Headers(self.headers)
        return self._encoded[1].copy()

    def _refuse_within(self, pause: float, endpoint: str) -> None:
        if pause > 0:
            raise RemoteFailure(
                FailureKind.RATE_LIMITED,
                f"{self.system} asked for a pause of {pause:.0f} more seconds",
                endpoint=endpoint,
                retry_after=pause,
            )

    async def _send(
        self,
        method: str,
        path: str,
        query: str,
        body: bytes | None,
        address: str,
        sent: httpx.Headers,
    ) -> Answer:
        async with self._turn(f"{method} {path}") as turn:
            # Another call may have been told to wait meanwhile.
            self._refuse_within(self.pacing.remaining(), f"{method} {path}")
            bound, at = calling.get(), self.pacing.at_once.round
            if method not in READS and bound is not None and bound.may_write is not None:
                bound.may_write()
            started = self.clock.monotonic()
            try:
                # By no client of httpx: its defaults, cookies, redirects and hooks, of which none
                # is wanted here, cost half of a call.
                request = httpx.Request(
                    method,
                    _url(address),
                    content=body,
                    headers=sent,
                    extensions={"waited": turn.waited},
                )
                response = await self.transport.handle_async_request(request)
                await response.aread()
            except (httpx.HTTPError, httpx.InvalidURL) as failure:
                self._heard(
                    at, started, None, timed_out=isinstance(failure, httpx.TimeoutException)
                )
                self._note(method, path, query, body, started, failure=failure)
                raise
            self._heard(at, started, response.status_code)
            turn.left = _count(response.headers.get(self.says_left, "")) if self.says_left else None
        self._note(method, path, query, body, started, response=response)
        self.pacing.answered(response.headers.get("date"))
        return Answer(response.status_code, response.headers, response.content)

    def _heard(
        self, at: int, started: float, status: int | None, *, timed_out: bool = False
    ) -> None:
        seconds = self.clock.monotonic() - started
        self.pacing.heard(at, status, seconds, timed_out=timed_out)

    @asynccontextmanager
    async def _turn(self, endpoint: str) -> AsyncIterator[_Turn]:
        """A place among the calls under way and one in the budget."""
        begun, at_once = self.clock.monotonic(), self.pacing.at_once
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(at_once.calls.place(at_once.patience))
            except TimeoutError as late:
                raise RemoteFailure(
                    FailureKind.RATE_LIMITED,
                    f"{self.system} is given no more than {at_once.limit} calls at once now, and "
                    "none of them ended in time.",
                    endpoint=endpoint,
                    retry_after=PLACE_SECONDS,
                ) from late
            if self.budget is not None:
                token = await self._counted(self.budget, endpoint)
                turn = _Turn(self.clock.monotonic() - begun)
                stack.push_async_callback(self._give_back, self.budget, token, turn)
                yield turn
            else:
                yield _Turn(self.clock.monotonic() - begun)

    async def _give_back(self, budget: Budget, token: str, turn: _Turn) -> None:
        at_once = self.pacing.at_once
        await budget.give_back(token, AtOnceNow(at_once.limit, at_once.most), turn.left)

    async def _counted(self, budget: Budget, endpoint: str) -> str:
        begun, bound = self.clock.monotonic(), calling.get()
        alone = bound is not None and bound.record is None
        part = LEAVE_ROOM.get(bound.purpose, 1.0) if bound is not None and alone else 1.0
        kept = "" if part == 1.0 else " but for what is kept for orders"
        while (turn := await budget.take(part)).token is None:
            waited = self.clock.monotonic() - begun
            if waited + turn.wait > budget.patience:
                raise RemoteFailure(
                    FailureKind.RATE_LIMITED,
                    f"{self.system} may be called again in {turn.wait:.0f} seconds: the calls that "
                    f"it allows are used up{kept}.",
                    endpoint=endpoint,
                    retry_after=turn.wait,
                )
            await self.clock.sleep(turn.wait)
        return turn.token

    def _note(
        self,
        method: str,
        path: str,
        query: str,
        body: bytes | None,
        started: float,
        response: httpx.Response | None = None,
        failure: Exception | None = None,
    ) -> None:
        seconds = self.clock.monotonic() - started
        status = response.status_code if response is not None else None
        metrics.CALLS.labels(self.system, method, metrics.answer_class(status)).inc()
        metrics.CALL_SECONDS.labels(self.system).observe(seconds)
        tracing.answered(status)
        bound = calling.get() or Calling()
        if self.on_call is None and bound.record is None:
            return
        people = path.startswith(self.people) if self.people else False
        call = CallRecord(
            system=self.system,
            method=method,
            path=path,
            query=unquote(query),
            status=status,
            milliseconds=round(seconds * 1000, 3),
            request=body_text(body or b"", people=people),
            response=body_text(response.content, people=people) if response is not None else None,
            failure=masked(f"{type(failure).__name__}: {failure}") if failure else None,
            step=bound.step,
            subject=bound.subject,
            purpose=bound.purpose,
            sealed=self._sealed(body, response, people=people) if self.seal is not None else None,
        )
        if self.on_call is not None:
            self.on_call(call)
        if bound.record is not None:
            bound.record(call)

    def _sealed(
        self, body: bytes | None, response: httpx.Response | None, *, people: bool
    ) -> bytes | None:
        answered = response.content if response is not None else None
        return seal_call(self.seal, body or b"", answered, people=people) if self.seal else None
