"""The one way out by HTTP: the httpx API over a small transport on aiohttp.

Owns connections, time and size limits, the line between "not sent" and "sent, answer unknown", and
on whose behalf calls are made. Must not know any vendor's paths, fields or errors.
"""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import httpx
from yarl import URL

from app.domain.records import CallRecord

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
