"""The simulated site: every request from its arrival to its answer, as a pure function of state.

Owns the limits, faults, lagging reads and the log. Does no I/O: waiting and dropping connections
are said in what it returns and done by the ASGI layer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from sandbox.kit.faults import Fault as Ordered
from sandbox.kit.faults import Faults
from sandbox.kit.log import RequestLog
from sandbox.kit.wire import Reply, Request, json_reply
from sandbox.quickbooks.http.control import Control
from sandbox.quickbooks.http.oauth import Registration, SignIn
from sandbox.quickbooks.http.routes import JSON, Routes
from sandbox.quickbooks.model import QuickBooks
from sandbox.quickbooks.model.books import shown_row
from sandbox.quickbooks.model.store import View

WINDOWS = (("requests_per_second", 1.0), ("requests_per_minute", 60.0))


class Api:
    """One simulated company and the vendor's hosts before it."""

    def __init__(self, books: QuickBooks, registration: Registration) -> None:
        self.books = books
        self.registration = registration
        self.public_url = "http://127.0.0.1"
        self.sign_in = SignIn(books, registration, lambda: self.public_url)
        self.routes = Routes(books)
        self.log = RequestLog()
        self.faults = Faults(inner=("drop_link",))
        self.control = Control(self)
        self._recent: deque[float] = deque()

    def admit(self, request: Request) -> tuple[float, object]:
        """Seconds until the request takes effect, and the fault that will meet it."""
        if request.path.startswith("/_sandbox"):
            return 0.0, None
        fault = self.faults.take(request.method, request.path)
        wait = self.books.switches.latency_ms / 1000
        if fault is not None and fault.kind == "slow":
            wait += fault.seconds or 0.0
        return wait, fault

    def answer(self, request: Request, note: object) -> Reply:
        if request.path.startswith("/_sandbox"):
            return self.control.answer(request)
        fault = note if isinstance(note, Ordered) else None
        self.books.world.touched = []
        if fault is not None and fault.kind == "refuse":
            reply = Reply(0, drop=True)
        elif fault is not None and fault.kind == "status":
            reply = self._ordered(fault)
        else:
            reply = self._carried_out(request, fault)
        lost = fault is not None and fault.kind == "lose_reply"
        self.log.add(
            self.books.world.now(),
            request.method,
            request.path,
            request.parameters,
            request.body,
            0 if lost else reply.status,
            reply.body,
            fault=fault.kind if fault is not None else None,
            changed=self.touched(),
        )
        return Reply(0, drop=True) if lost else reply

    def touched(self) -> tuple[tuple[str, int, Any], ...]:
        """What the last write changed, as the log tells it."""
        return tuple(
            (entity, int(record_id), shown_row(row))
            for entity, record_id, row in self.books.world.touched
        )

    def _carried_out(self, request: Request, fault: Ordered | None) -> Reply:
        signed = self.sign_in.answer(request)
        if signed is not None:
            return signed
        if not self.sign_in.admits(request):
            return self._gateway(401, "AuthenticationFailed", "3200", "AUTHENTICATION")
        if self._too_many():
            return self._throttled()
        world = self.books.world
        kept = world.switches
        if self.faults.take_inner("drop_link", request.method, request.path) is not None:
            world.switches = replace(kept, drop_po_link=True)
        try:
            reply = self.routes.answer(request, self._view(request, fault))
        finally:
            world.switches = kept
        return replace(reply, headers=(*reply.headers, ("intuit_tid", world.new_guid())))

    def _view(self, request: Request, fault: Ordered | None) -> View:
        store = self.books.world.store
        if fault is None or fault.kind != "stale_read" or request.method != "GET":
            return store
        if fault.seconds is None:
            return store.before_last_write()
        return store.as_of(self.books.world.moment() - fault.seconds)

    # --- the gateway before the company

    def _too_many(self) -> bool:
        now = self.books.world.moment()
        while self._recent and self._recent[0] <= now - 60:
            self._recent.popleft()
        for name, seconds in WINDOWS:
            limit = getattr(self.books.switches, name)
            within = sum(1 for moment in self._recent if moment > now - seconds)
            if limit is not None and within >= limit:
                return True
        self._recent.append(now)
        return False

    def _throttled(self) -> Reply:
        """No Retry-After by default: none is documented, and none was seen (accounting.md 2.3)."""
        reply = self._gateway(429, "ThrottleExceeded", "3001", "SERVICE")
        after = self.books.switches.retry_after
        extra = (("retry-after", str(after)),) if after is not None else ()
        return replace(reply, headers=(*reply.headers, *extra))

    def _gateway(self, status: int, word: str, code: str, kind: str) -> Reply:
        """The gateway writes its faults with lower-case keys (accounting.md 2.9)."""
        error = {
            "message": f"message={word}; errorCode={int(code):06d}; statusCode={status}",
            "detail": word,
            "code": code,
        }
        body: dict[str, Any] = {"fault": {"error": [error], "type": kind}}
        if self.books.switches.gateway_keys == "upper":
            shown = {"Message": error["message"], "Detail": word, "code": code}
            body = {"Fault": {"Error": [shown], "type": kind}}
        return json_reply(status, body | {"time": self.books.world.stamp()}, kind=JSON)

    def _ordered(self, fault: Ordered) -> Reply:
        headers = tuple((name.lower(), value) for name, value in fault.headers.items())
        if fault.body is None and fault.status == 429:
            reply = self._throttled()
            return replace(reply, headers=(*reply.headers, *headers))
        body = fault.body
        if body is None:
            error = {
                "Message": "A fault was ordered",
                "Detail": "A fault was ordered",
                "code": "10000",
            }
            body = {"Fault": {"Error": [error], "type": "SystemFault"}}
        if isinstance(body, str):
            return Reply(fault.status, body.encode(), headers)
        return json_reply(fault.status, body, headers)

    def reset(self) -> None:
        self.books.reset()
        self.routes.forget()
        self.sign_in.reset()
        self.faults.clear()
        self.log.clear()
        self._recent.clear()
