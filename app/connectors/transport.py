"""The one HTTP wrapper: the httpx API over a small transport on aiohttp, with calls recorded.

Owns connections, time and size limits, the line between "not sent" and "sent, answer unknown", and
the call log. Must not know any vendor's paths, fields or errors.
"""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import aiohttp
import httpx
from yarl import URL

from app.connectors.pacing import Pacing
from app.connectors.recording import body_text, masked
from app.domain.budgets import Budget
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Clock
from app.domain.records import CallRecord
from app.telemetry import metrics, tracing

# httpx logs every address at INFO, conditions and all; the call log says it better.
logging.getLogger("httpx").setLevel(logging.WARNING)

MAX_ANSWER = 32 * 1024 * 1024
CONNECT_SECONDS = 5.0
# Shorter than what any usual server keeps an idle connection open, because a write that meets a
# closing connection has an unknown outcome and costs a look-up.
KEEP_ALIVE_SECONDS = 4.0
CONNECTIONS = 64
Headers = Mapping[str, str]
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# httpx says what the body is after aiohttp unpacked it. Cookies are not kept: each call carries
# its own credentials, and a sticky session would tie calls together.
DROPPED = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie"})


@dataclass(frozen=True, slots=True)
class Calling:
    """On whose behalf calls are made. The engine binds it around a step.

    `record` takes every call made; `sent` is awaited when a write has left and its answer has not
    been read (the checkpoint `sent`). Reads never reach `sent`: nothing is in doubt after them.
    `may_write` is called just before a write leaves, and raises where it may not any more.
    """

    step: str | None = None
    subject: str | None = None
    purpose: str = "step"
    record: Callable[[CallRecord], None] | None = None
    sent: Callable[[], Awaitable[None]] | None = None
    may_write: Callable[[], None] | None = None


calling: ContextVar[Calling | None] = ContextVar("calling", default=None)


def not_sent(error: httpx.HTTPError | httpx.InvalidURL) -> bool:
    """Whether the request certainly never left: name, connect, certificate, full pool."""
    return isinstance(
        error,
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.PoolTimeout
        | httpx.UnsupportedProtocol
        | httpx.InvalidURL,
    )


@dataclass(slots=True)
class _Exchange:
    """One request's way: `connected` from the moment that bytes may have left."""

    write: bool
    sent: Callable[[], Awaitable[None]] | None
    connected: bool = False


_exchange: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


class _Connector(aiohttp.TCPConnector):
    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> aiohttp.connector.Connection:
        exchange = _exchange.get()
        if exchange is not None and exchange.connected and exchange.write:
            # aiohttp sends a PUT or DELETE again on a dropped connection. A write is never
            # repeated here: the first one may have been carried out.
            raise aiohttp.ServerDisconnectedError
        connection = await super().connect(req, traces, timeout)
        if exchange is not None:
            exchange.connected = True
        return connection


class _Response(aiohttp.ClientResponse):
    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        exchange = _exchange.get()
        if exchange is not None and exchange.sent is not None and exchange.write:
            if self._writer is not None:
                await self._writer
            await exchange.sent()
        return await super().start(connection)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """httpx's transport interface over aiohttp's connection pool.

    `total` seconds bound a whole exchange, connecting included. Redirects are never followed,
    the environment's proxies never used. Raises httpx's own exceptions.
    """

    def __init__(
        self,
        *,
        total: float,
        connect: float = CONNECT_SECONDS,
        ca_file: Path | None = None,
        max_answer: int = MAX_ANSWER,
        connections: int = CONNECTIONS,
    ) -> None:
        self._total = total
        # Without the ceiling aiohttp rounds timeouts above 5 seconds up to whole ones.
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            connect=min(connect, total),
            sock_connect=min(connect, total),
            ceil_threshold=math.inf,
        )
        self._ca_file = ca_file
        self._max_answer = max_answer
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        """A session belongs to the running loop, so it is made at the first request."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=_Connector(
                    limit=self._connections,
                    keepalive_timeout=KEEP_ALIVE_SECONDS,
                    ssl=True if self._ca_file is None else trust(self._ca_file),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                response_class=_Response,
                skip_auto_headers=("User-Agent", "Content-Type", "Accept"),
            )
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme not in {"http", "https"} or not request.url.host:
            raise httpx.UnsupportedProtocol(
                f"{request.url.scheme or 'no scheme'} is not an address that can be called"
            )
        bound = calling.get()
        exchange = _Exchange(
            write=request.method not in READS, sent=bound.sent if bound is not None else None
        )
        token = _exchange.set(exchange)
        try:
            # What a call stood in line counts too: a lease is checked for one timeout in all.
            async with asyncio.timeout(self._total - request.extensions.get("waited", 0.0)):
                return await self._exchange(request, await request.aread())
        except TimeoutError as cause:
            late = httpx.ReadTimeout if exchange.connected else httpx.ConnectTimeout
            raise late(f"no answer within {self._total:g} seconds", request=request) from cause
        except (aiohttp.ClientError, OSError) as cause:
            raise _translated(cause, exchange, request) from cause
        finally:
            _exchange.reset(token)

    async def _exchange(self, request: httpx.Request, content: bytes) -> httpx.Response:
        headers = [(name, value) for name, value in request.headers.items() if name not in SKIPPED]
        async with self._open().request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=headers,
            data=content or None,
            allow_redirects=False,
        ) as answer:
            body = await self._body(answer, request)
            kept = [pair for pair in answer.raw_headers if pair[0].decode().lower() not in DROPPED]
            return httpx.Response(answer.status, headers=kept, content=body, request=request)

    async def _body(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in answer.content.iter_any():
            size += len(part)
            if size > self._max_answer:
                answer.close()
                raise httpx.RemoteProtocolError(
                    f"the answer is larger than {self._max_answer} bytes", request=request
                )
            parts.append(part)
        return b"".join(parts)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


# aiohttp writes these itself.
SKIPPED = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def _translated(
    cause: aiohttp.ClientError | OSError, exchange: _Exchange, request: httpx.Request
) -> httpx.HTTPError:
    """The httpx exception for an aiohttp one; `not_sent` holds for those before the connection."""
    text = str(cause) or type(cause).__name__
    if isinstance(cause, aiohttp.InvalidURL):
        return httpx.UnsupportedProtocol(text, request=request)
    if not exchange.connected:
        return httpx.ConnectError(text, request=request)
    if isinstance(cause, aiohttp.ServerDisconnectedError | aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError(text, request=request)
    return httpx.ReadError(text, request=request)


def trust(ca_file: Path) -> ssl.SSLContext:
    """The system's certificate authorities, and those of `ca_file` besides."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_file)
    return context


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of any status, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Remote:
    """One remote system: sends a request, records it, and gives its answer of any status.

    Raises httpx.HTTPError when there is no answer, and RemoteFailure RATE_LIMITED without calling
    while the connection is paused, and where its budget has no room soon. Classifying everything else is the vendor's client's part.
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
        remaining = self.pacing.remaining()
        if remaining > 0:
            raise RemoteFailure(
                FailureKind.RATE_LIMITED,
                f"{self.system} asked for a pause of {remaining:.0f} more seconds",
                endpoint=f"{method} {path}",
                retry_after=remaining,
            )
        address = f"{self.base_url}{path}{'?' if query else ''}{query}"
        sent = dict(self.headers)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        sent |= headers or {}
        told = {"http__request__method": method, "url__path": path}
        with tracing.span(f"{self.system} {method}", "client", **told):
            return await self._send(method, path, query, body, address, sent)

    async def _send(
        self, method: str, path: str, query: str, body: bytes | None, address: str, sent: Headers
    ) -> Answer:
        async with self._turn(f"{method} {path}") as waited:
            bound = calling.get()
            if method not in READS and bound is not None and bound.may_write is not None:
                bound.may_write()
            started = self.clock.monotonic()
            try:
                # By no client of httpx: its defaults, cookies, redirects and hooks, of which none
                # is wanted here, cost half of a call.
                request = httpx.Request(
                    method, address, content=body, headers=sent, extensions={"waited": waited}
                )
                response = await self.transport.handle_async_request(request)
                await response.aread()
            except (httpx.HTTPError, httpx.InvalidURL) as failure:
                self._note(method, path, query, body, started, failure=failure)
                raise
        self._note(method, path, query, body, started, response=response)
        self.pacing.answered(response.headers.get("date"))
        return Answer(response.status_code, response.headers, response.content)

    @asynccontextmanager
    async def _turn(self, endpoint: str) -> AsyncIterator[float]:
        """A place in the budget for one call, with the seconds that it stood in line."""
        if self.budget is None:
            yield 0.0
            return
        begun = self.clock.monotonic()
        while (turn := await self.budget.take()).token is None:
            waited = self.clock.monotonic() - begun
            if waited + turn.wait > self.budget.patience:
                raise RemoteFailure(
                    FailureKind.RATE_LIMITED,
                    f"{self.system} may be called again in {turn.wait:.0f} seconds: the calls that "
                    "it allows are used up.",
                    endpoint=endpoint,
                    retry_after=turn.wait,
                )
            await self.clock.sleep(turn.wait)
        try:
            yield self.clock.monotonic() - begun
        finally:
            await self.budget.give_back(turn.token)

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
        )
        if self.on_call is not None:
            self.on_call(call)
        if bound.record is not None:
            bound.record(call)
