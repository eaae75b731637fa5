"""A simulated Commerce inside the test's process, under a clock of its own: no sockets, no time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from sandbox.commerce.app import API_KEY, create_app
from sandbox.commerce.webhooks import signed
from sandbox.kit.wire import Reply, Request

START = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
Json = dict[str, Any]


class Desk:
    """One simulator, its people, and somebody who reads its API."""

    def __init__(self) -> None:
        self.clock = START
        self.posted: list[tuple[str, bytes, dict[str, str]]] = []
        self.statuses: list[int] = []  # answers to posts, 202 when there are none left
        self.slept: list[float] = []
        self.spawned: list[Coroutine[Any, Any, None]] = []
        numbers = itertools.count(1)
        self.app = create_app(
            now=lambda: self.clock, new_id=lambda: str(next(numbers)), sleep=self._sleep
        )
        self.api, self.shop = self.app.api, self.app.shop
        self.app.webhooks._post = self._post
        self.app.webhooks._spawn = self.spawned.append
        self.pass_time(1)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.posted.append((url, body, headers))
        return self.statuses.pop(0) if self.statuses else 202

    def pass_time(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    async def deliver(self) -> None:
        for work in self.spawned:
            await work
        self.spawned.clear()

    # Requests ------------------------------------------------------------------------------------

    def send(
        self,
        path: str,
        *,
        method: str = "GET",
        key: str | None = API_KEY,
        body: Any = None,
        **query: Any,
    ) -> Reply:
        sent = httpx.QueryParams(query)
        headers = {"apikey": key} if key is not None else {}
        content = b"" if body is None else json.dumps(body).encode()
        request = Request(method, path, str(sent), headers, content)
        _, note = self.api.admit(request)
        return self.api.answer(request, note)

    def get(self, path: str, **query: Any) -> Any:
        reply = self.send(path, **query)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        reply = self.send(f"/_sandbox/{path}", method=method, body=body)
        assert reply.status == 200, reply.body
        return json.loads(reply.body) if reply.body else None

    def act(self, act: str, **given: Any) -> list[Json]:
        """What a person does, a second after whatever came before."""
        self.pass_time(1)
        return list(self.control("act", {"act": act, **given}))

    def log(self) -> list[Json]:
        reply = self.send("/_sandbox/requests")
        return [json.loads(line) for line in reply.body.splitlines()]

    def transport(self) -> httpx.MockTransport:
        """For a client of the API."""

        def handle(request: httpx.Request) -> httpx.Response:
            asked = Request(
                request.method,
                request.url.path,
                request.url.query.decode(),
                {name.lower(): value for name, value in request.headers.items()},
                request.content,
            )
            _, note = self.api.admit(asked)
            reply = self.api.answer(asked, note)
            if reply.drop:
                raise httpx.ReadError("dropped", request=request)
            return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)

        return httpx.MockTransport(handle)

    # Stories -------------------------------------------------------------------------------------

    def quoted_order(self) -> tuple[Json, Json]:
        """A quote of which one option is left out, and the order that its acceptance places."""
        lines = [
            {"productID": 301, "quantity": 10},
            {"productID": 302, "quantity": 3},
            {"productID": 304, "quantity": 2, "optional": True},
        ]
        self.act("draft_quote", id=501, customerID=77, lines=lines)
        section = self.shop.of("quotesection", "quoteID", 501)[0]["id"]
        option = self.shop.of("quoteline", "quoteSectionID", section)[2]["id"]
        won, placed = self.act("accept_quote", id=501, deselect=[option])
        return won, placed

    def issued(self, order: int) -> Json:
        lines = [{"productID": 301, "quantity": 10}, {"productID": 302, "quantity": 3}]
        (event,) = self.act("issue_purchase_order", supplierID=9, salesOrderID=order, lines=lines)
        return event


def verified(headers: dict[str, str], body: bytes, secret: str) -> bool:
    again = signed(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    return again["webhook-signature"] == headers["webhook-signature"]
