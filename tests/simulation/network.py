"""The network between the connectors and the simulated systems, in process.

Owns the way of one exchange: delays, refusals, lost and late replies. It stands in for
`AiohttpTransport`, below everything that a connector does; the simulated system answers by the same
function that serves it over HTTP.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import httpx

from app.connectors.transport import READS, calling
from sandbox.kit.faults import Fault
from sandbox.kit.wire import Reply, Request
from tests.simulation.chaos import Chaos
from tests.simulation.loop import HOST, outside

TOO_MANY = 429
LONGEST = 0.02  # usual one way, in seconds


class Watch(Protocol):
    """Who looks on: what is seen to be wrong ends the run there."""

    def tell(self, kind: str, what: str) -> None: ...

    def wrong(self, why: str) -> None: ...

    def sends(self, where: str) -> int:
        """The service sends a write; its number."""
        ...

    def wrote(self, number: int, where: str, *, done: bool) -> None:
        """It was carried out, or refused."""
        ...


class Site(Protocol):
    def answer(self, request: Request, note: object) -> Reply: ...


@dataclass
class Way:
    """How one exchange goes. `before` and `after` are seconds around what the request does."""

    before: float
    after: float
    note: Fault | None = None
    refused: bool = False
    lost: bool = False
    instead: int | None = None  # this status is answered, although the request was carried out


def _fault(kind: str, **more: Any) -> Fault:
    given: dict[str, Any] = {
        "method": None, "pattern": None, "times": 1, "status": 500, "body": None,
        "headers": {}, "seconds": None,
    }  # fmt: skip
    return Fault(kind=kind, **{**given, **more})


@lru_cache(maxsize=256)
def _headers(named: tuple[tuple[str, str], ...]) -> httpx.Headers:
    """Encoded once: most answers come with the same."""
    return httpx.Headers(named)


class Network(httpx.AsyncBaseTransport):
    """One host's way to one system. `total` bounds an exchange, as the real transport does."""

    def __init__(
        self,
        name: str,
        site: Site,
        chaos: Chaos,
        *,
        total: float,
        lag: float,
        watch: Watch,
    ) -> None:
        self._name = name
        self._site = site
        self._chaos = chaos
        self._total = total
        self._lag = lag
        self._watch = watch
        self._quiet_until: dict[str, float] = {}  # by host

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        write = request.method not in READS
        asked = Request(
            request.method,
            request.url.path,
            request.url.query.decode("ascii"),
            {name.lower().decode(): value.decode() for name, value in request.headers.raw},
            request.content,
        )
        where = f"{asked.method} {asked.path}"
        host_asked = request.url.host
        loop = asyncio.get_running_loop()
        if loop.time() < self._quiet_until.get(host_asked, 0.0):
            self._watch.wrong(f"H10: {where} was asked in a pause that {self._name} had asked for")
        surely = write and self._chaos.after_stall()
        way = self._slow_way() if surely else self._way(where, write=write)
        if way.refused:
            await asyncio.sleep(way.before)
            raise httpx.ConnectError("simulated: refused", request=request)
        answered: asyncio.Future[Reply | None] = loop.create_future()
        # Whatever becomes of who asked: what has left is carried out.
        number = self._watch.sends(where) if write else None
        loop.call_later(
            way.before, self._carry_out, asked, way, answered, number, context=outside()
        )
        if write and way.after == self._total:
            self._chaos.sent_slowly(where, surely=surely)
        bound = calling.get()
        if write and bound is not None and bound.sent is not None:
            await bound.sent()
        try:
            async with asyncio.timeout(self._total):
                reply = await answered
        except TimeoutError as late:
            raise httpx.ReadTimeout("simulated: no answer in time", request=request) from late
        host = HOST.get()
        if host is not None:
            await self._chaos.ends(host, f"answer to {where}")
        if reply is None:
            raise httpx.ReadError("simulated: the connection was reset", request=request)
        headers = _headers(reply.headers)
        wait = headers.get("retry-after") if reply.status == TOO_MANY else None
        if wait is not None:
            self._quiet_until[host_asked] = loop.time() + float(wait)
        return httpx.Response(reply.status, headers=headers, content=reply.body, request=request)

    def _slow_way(self) -> Way:
        """Beyond the timeout, and carried out only towards its end."""
        return Way(self._chaos.chance.uniform(0.6, 1.0) * self._total, self._total)

    def _way(self, where: str, *, write: bool) -> Way:
        chaos, chance = self._chaos, self._chaos.chance
        way = Way(chance.uniform(0.001, LONGEST), chance.uniform(0.001, LONGEST))
        if chaos.comes("refused", where):
            way.refused = True
        elif chaos.comes("slow", where):
            way.before = chance.uniform(0.0, self._total)
            way.after = self._total
        elif chaos.comes("lost", where):
            way.lost = True
        elif chaos.comes("limit", where):
            wait = {"retry-after": str(chance.randint(1, 20))}
            way.note = _fault("status", status=429, headers=wait)
        elif chaos.comes("error", where):
            if chance.random() < 0.5:
                way.note = _fault("status", status=chance.choice((500, 502, 503)))
            else:
                way.instead = chance.choice((500, 502, 504))
        elif not write and chaos.comes("stale", where):
            way.note = _fault("stale_read", seconds=chance.uniform(0.0, self._lag))
        return way

    def _carry_out(
        self,
        asked: Request,
        way: Way,
        answered: asyncio.Future[Reply | None],
        number: int | None,
    ) -> None:
        reply: Reply | None = self._site.answer(asked, way.note)
        assert reply is not None
        shown = f"{self._name} {asked.method} {asked.path} {asked.query} {reply.status}"
        self._watch.tell("wire", shown)
        if number is not None:
            self._watch.wrote(number, f"{asked.method} {asked.path}", done=reply.status < 300)
        if way.instead is not None:
            reply = Reply(way.instead, b"{}", (("content-type", "application/json"),))
        if way.lost or reply.drop:
            reply = None
        asyncio.get_running_loop().call_later(way.after, _hear, answered, reply, context=outside())


def _hear(answered: asyncio.Future[Reply | None], reply: Reply | None) -> None:
    if not answered.done():
        answered.set_result(reply)
