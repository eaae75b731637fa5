"""The simulated site: every request from its arrival to its answer, as a pure function of state.

Owns the order of the checks (token, tenant, limits, scope, key), faults, lagging reads and the log.
Does no I/O: waiting and dropping connections are said in what it returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.kit.faults import Fault, Faults
from sandbox.kit.log import RequestLog
from sandbox.kit.wire import Reply, Request, json_reply
from sandbox.xero.http.calls import Call, Result
from sandbox.xero.http.control import Control
from sandbox.xero.http.identity import Identity
from sandbox.xero.http.keys import Keys
from sandbox.xero.http.limits import Limits, TooMany, refused
from sandbox.xero.http.resources import RESOURCES, allowed
from sandbox.xero.http.routes import carry_out, find
from sandbox.xero.http.tokens import Access, Credentials, Grants
from sandbox.xero.model.books import Books, Change
from sandbox.xero.model.errors import Refusal, gateway, offline
from sandbox.xero.model.seed import plant
from sandbox.xero.model.show import SHOWN, Asked
from sandbox.xero.model.store import Store, View
from sandbox.xero.model.values import ms_moment, to_json

ROOT = "/api.xro/2.0"
ENVELOPE = {"Status": "OK", "ProviderName": "Demandlink"}


@dataclass(frozen=True, slots=True)
class Admission:
    """What `admit` found: the fault that will meet the request, and whether it counts as one in
    flight, or is one too many."""

    fault: Fault | None
    counted: bool
    too_many: bool = False


class Api:
    """One simulated Xero with one organisation."""

    def __init__(self, books: Books, credentials: Credentials) -> None:
        self.books = books
        self.credentials = credentials
        self.grants = Grants(credentials, books.new_guid)
        self.log = RequestLog()
        self.faults = Faults()
        self.keys = Keys()
        self.limits = Limits()
        self.identity = Identity(self.grants, books.now, lambda: self.books.switches)
        self.control = Control(self)
        self.first: dict[str, list[Any]] = {}
        self.plant()

    def plant(self) -> None:
        plant(self.books, self.credentials.tenant_id, self.credentials.organisation)
        self.first = {
            resource.table: [
                self.shown(resource.table, row) for row in self.books.store.rows(resource.table)
            ]
            for resource in RESOURCES.values()
        }

    def reset(self, *, keep_grants: bool) -> None:
        self.books.clear()
        self.faults.clear()
        self.keys.clear()
        self.log.clear()
        in_flight = self.limits.in_flight
        self.limits = Limits()
        self.limits.in_flight = in_flight
        if not keep_grants:
            self.grants.clear()
        self.plant()

    def shown(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        return SHOWN[table](Asked(self.books, self.books.store, places=4), row)

    # --- the two halves of a request

    def admit(self, request: Request) -> tuple[float, object]:
        """Seconds until the request takes effect, and what will meet it."""
        if request.path.startswith("/_sandbox"):
            return 0.0, None
        fault = self.faults.take(request.method, api_path(request.path))
        switches = self.books.switches
        wait = switches.latency_ms / 1000
        if fault is not None and fault.kind == "slow":
            wait += fault.seconds or 0.0
        if not request.path.startswith(ROOT):
            return wait, Admission(fault, counted=False)
        if not self.limits.enter(switches):
            return 0.0, Admission(fault, counted=False, too_many=True)
        return wait, Admission(fault, counted=True)

    def answer(self, request: Request, note: object) -> Reply:
        if request.path.startswith("/_sandbox"):
            return self.control.answer(request)
        admitted = note if isinstance(note, Admission) else Admission(None, counted=False)
        fault = admitted.fault
        self.books.touched = []
        access: Access | None = None
        try:
            if fault is not None and fault.kind == "refuse":
                reply = Reply(0, drop=True)
            elif fault is not None and fault.kind == "status":
                reply = _ordered(fault)
            elif request.path.startswith(ROOT):
                reply, access = self._api(request, admitted)
            else:
                reply = self.identity.answer(request) or Reply(404)
        finally:
            if admitted.counted:
                self.limits.leave()
        lost = fault is not None and fault.kind == "lose_reply"
        self._note(request, reply, fault, access, lost=lost)
        return Reply(0, drop=True) if lost else reply

    def _note(
        self,
        request: Request,
        reply: Reply,
        fault: Fault | None,
        access: Access | None,
        *,
        lost: bool,
    ) -> None:
        app = access.app if access is not None else ""
        kind = dict(reply.headers).get("content-type", "")
        self.log.add(
            self.books.now(),
            request.method,
            api_path(request.path),
            request.parameters,
            request.body,
            0 if lost else reply.status,
            reply.body,
            app,
            fault.kind if fault is not None else None,
            is_json=kind == "application/json" and (fault is None or fault.kind != "status"),
            client=app,
            changed=self.changed(self.books.touched),
        )

    def changed(self, changes: list[Change]) -> tuple[tuple[str, str, Any], ...]:
        """The records that a write touched, as they stand after it."""
        return tuple(
            (
                one.table,
                one.record_id,
                None if one.after is None else self.shown(one.table, one.after),
            )
            for one in changes
            if one.table in SHOWN
        )

    # --- the accounting API

    def _api(self, request: Request, admitted: Admission) -> tuple[Reply, Access | None]:
        access: Access | None = None
        try:
            access = self.identity.who(request)
            reply = self._let_in(request, access, admitted)
        except Refusal as refusal:
            reply = _told(refusal)
        except TooMany as limit:
            reply = Reply(429, b"", refused(limit, self.books.switches))
        now, switches = self.books.now().timestamp(), self.books.switches
        left = () if access is None else self.limits.headers(now, switches)
        correlation = ("xero-correlation-id", self.books.new_guid())
        return Reply(reply.status, reply.body, (*reply.headers, *left, correlation)), access

    def _let_in(self, request: Request, access: Access, admitted: Admission) -> Reply:
        books, now = self.books, self.books.now().timestamp()
        if not self.grants.reaches(access, request.headers.get("xero-tenant-id", "")):
            raise gateway(403, "Forbidden", "AuthenticationUnsuccessful", books.new_guid())
        if books.switches.offline:
            raise offline()
        if admitted.too_many:
            raise TooMany("concurrent", None)
        self.limits.take(now, books.switches)
        kept = self.keys.find(access.app, request, now)
        if kept is not None:
            return kept
        try:
            reply = self._carried_out(request, access, admitted.fault)
        except Refusal as refusal:
            reply = _told(refusal)
        self.keys.keep(access.app, request, reply, now)
        return reply

    def _carried_out(self, request: Request, access: Access, fault: Fault | None) -> Reply:
        resource, parts = find(api_path(request.path))
        reads = request.method in {"GET", "HEAD"}
        attachment = len(parts) > 1 and parts[1] == "Attachments"
        if not access.everything and not allowed(
            resource, access.scopes, reads=reads, attachment=attachment
        ):
            status = self.books.switches.missing_scope_status
            title = "Unauthorized" if status == 401 else "Forbidden"
            raise gateway(status, title, "AuthorizationUnsuccessful", self.books.new_guid())
        view = self._view(fault) if reads else self.books.store
        return self._replied(carry_out(Call(self.books, view, request, access, resource, parts)))

    def _view(self, fault: Fault | None) -> View | Store:
        if fault is not None and fault.kind == "stale_read":
            if fault.seconds is None:
                return self.books.store.before_last_write()
            return self.books.view(fault.seconds)
        return self.books.view()

    def _replied(self, result: Result) -> Reply:
        if result.raw is not None:
            return Reply(200, result.raw, (("content-type", result.kind),))
        if result.body is None:
            return Reply(result.status)
        head = {"Id": self.books.new_guid(), **ENVELOPE, "DateTimeUTC": ms_moment(self.books.now())}
        if result.bare:
            head = {}
        return Reply(
            result.status, to_json(head | result.body), (("content-type", "application/json"),)
        )


def api_path(path: str) -> str:
    """A path from the accounting API's root on; any other path as it is."""
    return path.removeprefix(ROOT)


def _told(refusal: Refusal) -> Reply:
    if isinstance(refusal.body, str):
        return Reply(
            refusal.status,
            refusal.body.encode(),
            (("content-type", "text/plain"), *refusal.headers),
        )
    named = (("content-type", "application/json"), *refusal.headers)
    return Reply(refusal.status, to_json(refusal.body), named)


def _ordered(fault: Fault) -> Reply:
    """A fault's own answer. A bare 429 says which limit and for how long, as Xero's does."""
    headers = tuple((name.lower(), value) for name, value in fault.headers.items())
    if fault.body is None:
        if fault.status == 429 and not headers:
            headers = (("x-rate-limit-problem", "minute"), ("retry-after", "30"))
        return Reply(fault.status, b"", headers)
    if isinstance(fault.body, str):
        return Reply(fault.status, fault.body.encode(), headers)
    return json_reply(fault.status, fault.body, headers)
