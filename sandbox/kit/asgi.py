"""The one place where a simulator meets the network: ASGI in, a plain reply out.

Owns reading bodies, waiting, dropping connections and the lifespan. Plain ASGI: a framework's
layers would cost more than the simulators' own work.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from sandbox.kit.wire import Reply, Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
RESET = struct.pack("ii", 1, 0)


class Site(Protocol):
    """A simulator as the network sees it. Both methods are immediate."""

    def admit(self, request: Request) -> tuple[float, object]:
        """Seconds to wait before the request takes effect, and a note for `answer`."""
        ...

    def answer(self, request: Request, note: object) -> Reply:
        """Carries the request out."""
        ...


class Application:
    """Serves a site. `start` and `stop` run with the server's lifespan."""

    def __init__(
        self,
        site: Site,
        *,
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.site = site
        self._start = start
        self._stop = stop
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        request = Request(
            scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body
        )
        wait, note = self.site.admit(request)
        if wait > 0:
            await self._sleep(wait)
        reply = self.site.answer(request, note)
        if reply.drop:
            reset_connection(send)
            return
        sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
        if reply.status != 204:
            sent.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        await send({"type": "http.response.body", "body": reply.body})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def reset_connection(send: Send) -> None:
    """Resets the client's connection, so that it cannot tell what happened to its request.

    Under uvicorn the cycle behind `send` holds the transport. Anywhere else (a test's in-process
    client) the same is said by raising what such a client would see.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    # By what it can do: uvloop's transports are no asyncio.BaseTransport.
    abort = getattr(transport, "abort", None)
    if transport is None or abort is None:
        raise ConnectionResetError("the simulator dropped the connection")
    peer = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    abort()
