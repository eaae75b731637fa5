"""The company's own paths: `/v3/company/{realm}/…`.

Owns which request does what, the replay of repeated request ids, and the envelopes. Must not know
a rule of the books.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.kit.wire import Reply, Request, json_reply
from sandbox.quickbooks.model import QuickBooks, errors
from sandbox.quickbooks.model.books import shown_row
from sandbox.quickbooks.model.store import View
from sandbox.quickbooks.model.tables import BY_PATH, ENTITIES, Entity

PATH = re.compile(r"^/v3/company/([^/]+)/([A-Za-z]+)(?:/([^/]+))?$")
JSON = "application/json;charset=UTF-8"
LONGEST_REQUEST_ID = 50
BATCH = 30
OPERATIONS = {"create": "", "update": "", "delete": "delete", "void": "void"}


class Routes:
    def __init__(self, books: QuickBooks) -> None:
        self.books = books
        self._replies: dict[str, tuple[float, Reply]] = {}

    def forget(self) -> None:
        self._replies.clear()

    def answer(self, request: Request, view: View) -> Reply:
        try:
            return self._answer(request, view)
        except errors.Fault as fault:
            return self._fault(fault)

    def _answer(self, request: Request, view: View) -> Reply:
        match = PATH.match(request.path)
        if match is None:
            raise errors.Fault(
                500, "Unsupported Operation", "There is no such resource", status=404
            )
        realm, resource, record_id = match.groups()
        if realm != self.books.realm:
            raise errors.Fault(
                3100,
                "ApplicationAuthorizationFailed",
                f"The app is not connected to the company {realm}",
                status=403,
                kind="AuthorizationFault",
            )
        if self.books.switches.subscription == "ended":
            raise errors.subscription_ended()
        resource = resource.lower()
        special: dict[tuple[str, str], Callable[[Request, View], Any]] = {
            ("GET", "query"): self._query,
            ("POST", "query"): self._query,
            ("GET", "cdc"): self._changes,
            ("GET", "preferences"): self._preferences,
        }
        found = special.get((request.method, resource))
        if found is not None and record_id is None:
            return self._reply(found(request, view))
        if request.method == "POST" and record_id is None:
            return self._repeatable(request, resource)
        spec = self._entity(resource)
        if request.method != "GET" or record_id is None or not spec.read_by_id:
            raise errors.no_operation(request.method, spec.name)
        return self._reply({spec.name: self.books.read(spec, record_id, view)})

    @staticmethod
    def _entity(resource: str) -> Entity:
        spec = BY_PATH.get(resource)
        if spec is None:
            raise errors.Fault(500, "Unsupported Operation", f"There is no {resource}", status=400)
        return spec

    # --- reading

    def _query(self, request: Request, view: View) -> dict[str, Any]:
        text = (
            request.body.decode(errors="replace")
            if request.method == "POST"
            else request.parameters.get("query", "")
        )
        return {"QueryResponse": self.books.ask(text, view)}

    def _changes(self, request: Request, view: View) -> dict[str, Any]:
        given = request.parameters.get("changedSince", "").replace(" ", "+")
        try:
            since = datetime.fromisoformat(given)
        except ValueError:
            raise errors.query_invalid(f"changedSince {given} is not a moment") from None
        since = since if since.tzinfo is not None else since.replace(tzinfo=UTC)
        names = [each.strip() for each in request.parameters.get("entities", "").split(",")]
        return {"CDCResponse": [{"QueryResponse": self.books.changes(names, since, view)}]}

    def _preferences(self, request: Request, view: View) -> dict[str, Any]:
        del request, view
        return {"Preferences": self.books.preferences()}

    # --- writing

    def _repeatable(self, request: Request, resource: str) -> Reply:
        """The same request id gets the same answer, whatever comes with it (accounting.md 2.2:
        what a reused id with another body does is not published)."""
        key = request.parameters.get("requestid", "")
        if len(key) > LONGEST_REQUEST_ID:
            raise errors.too_long("requestid", LONGEST_REQUEST_ID, len(key))
        now = self.books.world.moment()
        moment, reply = self._replies.get(key, (0.0, None))
        if key and reply is not None and now - moment <= self.books.switches.requestid_seconds:
            return reply
        try:
            reply = self._write(request, resource)
        except errors.Fault as fault:
            reply = self._fault(fault)
            if not self.books.switches.replay_refusals:
                return reply
        if key:
            self._replies[key] = (now, reply)
        return reply

    def _write(self, request: Request, resource: str) -> Reply:
        body = _parsed(request.body)
        if resource == "batch":
            return self._reply(self._batch(body))
        spec = self._entity(resource)
        include = tuple(request.parameters.get("include", "").split(","))
        operation = request.parameters.get("operation", "")
        return self._reply({spec.name: self.books.post(spec, body, operation, include)})

    def _batch(self, body: Any) -> dict[str, Any]:
        """Each item for itself: one that is refused leaves the others alone."""
        items = body.get("BatchItemRequest") if isinstance(body, Mapping) else None
        if not isinstance(items, list) or not items or not all(map(_is_object, items)):
            raise errors.missing("BatchItemRequest")
        if len(items) > BATCH:
            raise errors.business(f"A batch holds at most {BATCH} items.")
        return {"BatchItemResponse": [self._item(item) for item in items]}

    def _item(self, item: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {"bId": str(item.get("bId", ""))}
        try:
            if "Query" in item:
                asked = self.books.ask(str(item["Query"]), self.books.world.store)
                return answer | {"QueryResponse": asked}
            spec = next((ENTITIES[name] for name in item if name in ENTITIES), None)
            operation = OPERATIONS.get(str(item.get("operation")))
            if spec is None or operation is None:
                raise errors.unsupported("operation")
            include = tuple(str(item.get("optionsData", "")).split(","))
            return answer | {
                spec.name: shown_row(self.books.post(spec, item[spec.name], operation, include))
            }
        except errors.Fault as fault:
            return answer | {"Fault": fault.body()}

    # --- envelopes

    def _reply(self, body: dict[str, Any]) -> Reply:
        return json_reply(200, shown_row(body) | {"time": self.books.world.stamp()}, kind=JSON)

    def _fault(self, fault: errors.Fault) -> Reply:
        body = {"Fault": fault.body(), "time": self.books.world.stamp()}
        return json_reply(fault.status, body, kind=JSON)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError:
        raise errors.Fault(
            2010, "Request has invalid or unsupported property", "The body is not JSON"
        ) from None
