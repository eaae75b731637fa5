"""From a verified delivery to an inbox row, and from an inbox row to what it merges or wakes.

Owns the two pure readings of a body: `read_commerce` and `read_callback` at the door, `plan` when
the row is merged. Must not know how rows are kept. A body is refused here with its cause, or it
can be merged: nothing that passes the door may fail a group of others later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.domain import documents, events, json_values, posted, traces
from app.domain.codes import Code
from app.domain.grants import LEDGERS
from app.domain.records import Delivery, DocumentPlace, InboxEvent, Merge
from app.sync import contract

COMMERCE = "commerce"
CONNECTWISE = "connectwise"
DATE_AHEAD = timedelta(hours=24)  # design.md, section 3: a later date is held, not merged
SCHEMA_VERSION = 1
# Callback types that concern an order, as the kind under which orders keep the record's id.
CALLBACK_KINDS: dict[str, str] = {
    "opportunity": "opportunity",
    "purchaseorder": "purchase_order",
    "invoice": "invoice",
    "ticket": "ticket",
}
_MAX_TYPE = 100
_KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp")
_BAD_CHARACTERS = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


@dataclass(frozen=True, slots=True)
class CallbackCheck:
    """What the check of a callback's signature found. `id` is what the callback counts once by;
    `refused` and `unreachable` say why there is none: for good, or until the key can be had.
    """

    id: str = ""
    refused: str | None = None
    unreachable: str | None = None


class _Refused(ValueError):
    """A verified body that cannot be taken, with the code and the cause that are kept."""

    def __init__(self, code: Code, cause: str, event_type: str = "") -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause
        self.event_type = event_type


def clean(value: Any) -> Any:
    """JSON that PostgreSQL can keep: U+0000 and half characters become U+FFFD.

    Only fields that nobody reads can hold them: in all others the contract refuses U+0000.
    """
    if isinstance(value, str):
        return (
            value if value.isascii() and "\x00" not in value else value.translate(_BAD_CHARACTERS)
        )
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


# --- at the door ----------------------------------------------------------------------------------


def read_commerce(
    connection: str, webhook_id: str, headers: Mapping[str, str], body: bytes
) -> Delivery:
    """A verified Commerce delivery: new, unhandled (an unlisted type) or rejected with a cause.

    Never raises for anything that a body may hold.
    """

    def delivery(event_type: str, **more: Any) -> Delivery:
        return Delivery(
            source=COMMERCE,
            connection=connection,
            external_id=webhook_id,
            event_type=event_type,
            body=body,
            headers=kept_headers(headers, f"{COMMERCE}:{connection}:{webhook_id}", body),
            **{"routing": None, **more},
        )

    try:
        event_type, parsed = _envelope(body)
        if not events.known(event_type):
            cause = f"events of type {event_type} are not handled"
            return delivery(event_type, status="unhandled", code=Code.TYPE_UNHANDLED, cause=cause)
        version = parsed.get("schemaVersion", SCHEMA_VERSION)
        routing = _routing(event_type, parsed)
        # Another version may mean something else by the same names: kept and shown, not guessed.
        if version != SCHEMA_VERSION:
            cause = f"schemaVersion {version} is not known, only {SCHEMA_VERSION}"
            return delivery(event_type, status="unhandled", code=Code.TYPE_UNHANDLED, cause=cause)
    except _Refused as refused:
        return delivery(
            refused.event_type, status="rejected", code=refused.code, cause=refused.cause
        )
    return delivery(event_type, routing=routing)


def read_callback(
    connection: str, external_id: str, headers: Mapping[str, str], body: bytes
) -> Delivery:
    """A verified ConnectWise callback: new, unhandled or rejected. Its id is the caller's."""

    def delivery(event_type: str, **more: Any) -> Delivery:
        return Delivery(
            source=CONNECTWISE,
            connection=connection,
            external_id=external_id,
            event_type=event_type,
            body=body,
            headers=kept_headers(headers, f"{CONNECTWISE}:{connection}:{external_id}", body),
            **{"routing": None, **more},
        )

    try:
        type_, action, record = _callback(body)
    except _Refused as refused:
        return delivery(
            refused.event_type, status="rejected", code=refused.code, cause=refused.cause
        )
    event_type = f"{type_}.{action}"[:_MAX_TYPE]
    kind = CALLBACK_KINDS.get(type_)
    if kind is None:
        cause = f"callbacks of type {type_} are not handled"
        return delivery(event_type, status="unhandled", code=Code.TYPE_UNHANDLED, cause=cause)
    return delivery(event_type, routing=f"{kind}:{record}")


def read_notice(event: InboxEvent) -> Delivery:
    """A kept notice of a ledger, read again: new, or rejected when it was not readable at the door."""
    read = Delivery(
        source=event.source,
        connection=event.connection,
        external_id=event.external_id,
        event_type=event.event_type,
        body=event.body,
        headers={},
        routing=None,
    )
    try:
        entity, record = _notice(event.body)
    except _Refused as refused:
        return replace(read, status="rejected", code=refused.code, cause=refused.cause)
    return replace(read, routing=clean(f"{entity}:{record}"[: 2 * _MAX_TYPE]))


def kept_headers(headers: Mapping[str, str], identity: str, body: bytes) -> dict[str, str]:
    """The headers that a row keeps, never one that carries a secret, and the delivery's own trace
    context in place of its sender's. `identity`: what the delivery counts once by."""
    kept = {name: clean(headers[name])[:300] for name in _KEPT_HEADERS if name in headers}
    kept[traces.HEADER] = traces.of_delivery(identity, body, headers.get(traces.HEADER))
    return kept


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json_values.loads(body)
    except json_values.NotJson as cause:
        raise _Refused(Code.BODY_NOT_JSON, f"the body cannot be read as JSON: {cause}") from cause
    if not isinstance(parsed, dict):
        raise _Refused(Code.BODY_NOT_VALID, "body: must be object")
    return parsed


def _envelope(body: bytes) -> tuple[str, dict[str, Any]]:
    parsed = _object(body)
    event_type = parsed.get("type")
    if not isinstance(event_type, str) or not event_type:
        raise _Refused(Code.BODY_NOT_VALID, "type: must be a text that is not empty")
    return clean(event_type[:_MAX_TYPE]), parsed


def _routing(event_type: str, parsed: dict[str, Any]) -> str:
    wrong = contract.violations(event_type, parsed)
    if wrong is not None:
        raise _Refused(Code.BODY_NOT_VALID, wrong, event_type)
    try:
        _, carried = events.read(parsed)
    except events.NotValid as cause:
        raise _Refused(Code.BODY_NOT_VALID, str(cause), event_type) from cause
    except (ArithmeticError, TypeError, ValueError) as cause:
        # A value that the contract leaves open and that no document can hold. Its text may show
        # the value, so only its kind is told.
        told = f"data: a value cannot be read ({type(cause).__name__})"
        raise _Refused(Code.BODY_NOT_VALID, told, event_type) from cause
    first = carried[0].stored
    return f"{first.kind}:{first.source_id}"


def _notice(body: bytes) -> tuple[str, str]:
    """Entity and record of one notice, as `ledger_events` keeps it."""
    parsed = _object(body)
    entity, record = parsed.get("entity"), parsed.get("record")
    if not isinstance(entity, str) or not isinstance(record, str) or not record:
        raise _Refused(Code.BODY_NOT_VALID, "the body is not the notice of one record")
    return entity, record


def _callback(body: bytes) -> tuple[str, str, int]:
    parsed = _object(body)
    type_, action, record = parsed.get("Type"), parsed.get("Action"), parsed.get("ID")
    if not isinstance(type_, str) or not type_:
        raise _Refused(Code.BODY_NOT_VALID, "Type: must be a text that is not empty")
    told = action.lower() if isinstance(action, str) else "changed"
    if isinstance(record, bool) or not isinstance(record, int) or not 0 < record < 2**63:
        raise _Refused(Code.BODY_NOT_VALID, "ID: must be a positive integer", type_.lower())
    return clean(type_.lower()[:_MAX_TYPE]), clean(told), record


# --- when the row is merged -----------------------------------------------------------------------


def plan(event: InboxEvent, now: datetime) -> Merge:
    """What an inbox event does. Pure; `now` is the store's clock.

    Raises only for a body that passed an older door: the store keeps it as rejected.
    """
    if event.source == CONNECTWISE:
        return _plan_callback(event)
    if event.source in LEDGERS:
        return _plan_notice(event)
    return _plan_commerce(event, now)


def _plan_callback(event: InboxEvent) -> Merge:
    type_, _, record = _callback(event.body)
    kind = CALLBACK_KINDS.get(type_)
    if kind is None:
        return Merge(
            event.id, status="dropped", cause=f"callbacks of type {type_} concern no order"
        )
    return Merge(event.id, routes=((kind, str(record)),))


def _plan_notice(event: InboxEvent) -> Merge:
    entity, record = _notice(event.body)
    routes = posted.routes(entity, record)
    if not routes:
        cause = f"a change of a record of type {entity} concerns no order"
        return Merge(event.id, status="dropped", cause=clean(cause))
    return Merge(event.id, routes=routes, of_ledger=True)


def _plan_commerce(event: InboxEvent, now: datetime) -> Merge:
    event_type, parsed = _envelope(event.body)
    if not events.known(event_type):
        cause = f"events of type {event_type} are not handled"
        return Merge(event.id, status="unhandled", code=Code.TYPE_UNHANDLED, cause=cause)
    _, carried = events.read(clean(parsed))
    newest = max(part.newest for part in carried if part.newest is not None)
    if newest > now + DATE_AHEAD:
        return Merge(
            event.id,
            status="deferred",
            code=Code.DATE_AHEAD,
            cause=f"dated {newest.isoformat()}, more than 24 hours ahead",
            not_before=newest - DATE_AHEAD,
        )
    return Merge(event.id, documents=tuple(_place(part) for part in carried))


def _place(carried: events.Carried) -> DocumentPlace:
    stored = carried.stored
    return DocumentPlace(
        stored=stored,
        kind=stored.kind,
        order=carried.order,
        order_number=carried.order_number,
        quote=carried.quote,
        purchase_order=carried.purchase_order,
        customer=_customer(stored.body()),
    )


def _customer(body: Mapping[str, Any]) -> str | None:
    customer = body.get("customer")
    if not isinstance(customer, dict):
        return None
    return documents.Customer.model_validate(customer).name
