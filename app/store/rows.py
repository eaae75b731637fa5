"""From rows to the values of the domain, in one place.

Owns the columns of an order and how moments, codes and JSON come back. Pure; talks to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.domain.codes import Code, State, Who
from app.domain.documents import Kind
from app.domain.grants import Company, Grant
from app.domain.ports import Paused
from app.domain.records import (
    CallRecord,
    Decision,
    Fact,
    InboxEvent,
    Intent,
    JournalEntry,
    LedgerRow,
    OrderRow,
    Other,
    Ref,
)
from app.domain.results import ReplayResult
from app.domain.versions import Stored
from app.domain.views import CallRow, JournalRow, MappingRow, Replay, ReplayItem, Unverified

# An order as OrderRow has it; `o` is orders, `c` its connection.
ORDER_COLUMNS = """
    o.id, o.tenant_id, c.name AS connection, o.source_id, o.number, o.customer, o.scenario,
    o.scenario_version, o.behaviour, o.state, o.code, o.sentence, o.who, o.since, o.next_look,
    o.choices, o.created_at, o.updated_at, o.due_at, o.wake_seq, o.held_by,
    o.trace
"""
# How an order is named, as OrderRow.name does.
ORDER_NAME = "coalesce(o.number, 'id:' || o.source_id)"
INTENT_COLUMNS = """
    i.id, i.order_id, i.step, i.subject, i.kind, i.key, i.evidence, i.committed_at, i.attempt,
    i.looked_at, i.outcome, i.outcome_at
"""


def moment(value: Any) -> datetime | None:
    """A moment from a column, or from JSON where it is text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _moment(value: Any) -> datetime:
    found = moment(value)
    assert found is not None  # noqa: S101 - the column is NOT NULL
    return found


def code(value: str | None) -> Code | None:
    """A code, None for one that only another version of the service knows."""
    return Code(value) if value is not None and value in Code.__members__ else None


def order(row: Any) -> OrderRow:
    return OrderRow(
        id=row["id"],
        tenant_id=row["tenant_id"],
        connection=row["connection"],
        source_id=row["source_id"],
        number=row["number"],
        customer=row["customer"],
        scenario=row["scenario"],
        scenario_version=row["scenario_version"],
        behaviour=row["behaviour"],
        state=State(row["state"]),
        code=code(row["code"]),
        sentence=row["sentence"],
        who=Who(row["who"]) if row["who"] is not None else None,
        since=row["since"],
        next_look=row["next_look"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        due_at=row["due_at"],
        wake_seq=row["wake_seq"],
        held_by=row["held_by"],
        choices=tuple(row["choices"]),
        trace=row["trace"],
    )


def stored(row: Any) -> Stored:
    return Stored(Kind(row["kind"]), row["source_id"], row["rank"], row["own"], row["extras"])


def ledger(row: Any) -> LedgerRow:
    return LedgerRow(
        step=row["step"],
        subject=row["subject"],
        state=State(row["state"]),
        want=row["want"],
        want_version=row["want_version"],
        applied_at=moment(row["applied_at"]),
        code=code(row["code"]),
        sentence=row["sentence"],
        who=Who(row["who"]) if row["who"] is not None else None,
        choices=tuple(row["choices"]),
        since=moment(row["since"]),
        attempts=row["attempts"],
        tries=row["tries"],
        started_at=moment(row["started_at"]),
        finished_at=moment(row["finished_at"]),
        retry_at=moment(row["retry_at"]),
        retry_wake=row["retry_wake"],
    )


def intent(row: Any, *, fresh: bool = False) -> Intent:
    return Intent(
        id=row["id"],
        order_id=row["order_id"],
        step=row["step"],
        subject=row["subject"],
        kind=row["kind"],
        key=row["key"],
        evidence=row["evidence"],
        committed_at=_moment(row["committed_at"]),
        attempt=row["attempt"],
        looked_at=moment(row["looked_at"]),
        outcome=row["outcome"],
        outcome_at=moment(row["outcome_at"]),
        fresh=fresh,
    )


def ref(row: Any) -> Ref:
    return Ref(row["kind"], row["key"], row["external_id"], row["data"], row["exclusive"])


def fact(row: Any) -> Fact:
    return Fact(row["kind"], row["key"], row["body"], _moment(row["seen_at"]))


def decision(row: Any) -> Decision | None:
    """None for a decision about a code that only another version of the service knows."""
    about = code(row["code"])
    if about is None:
        return None
    return Decision(
        row["step"],
        row["subject"],
        about,
        row["choice"],
        row["reason"],
        row["actor"],
        _moment(row["at"]),
        row["about"],
    )


def other(row: Any) -> Other:
    released = bool(row["released"])
    state = State(row["state"])
    return Other(row["name"], state, code(row["code"]), released, row["shares"])


# An inbox event as InboxEvent has it; `e` is inbox_event, `c` its connection.
EVENT_COLUMNS = f"""
    e.id, e.source, c.name AS connection, e.external_id, e.event_type, e.body, e.status, e.code,
    e.cause, e.received_at, e.merged_at, e.headers ->> 'traceparent' AS trace,
    ARRAY(
        SELECT {ORDER_NAME} FROM orders AS o WHERE o.id = ANY (e.order_ids) ORDER BY o.id
    ) AS orders
"""  # noqa: S608 - constant text


def event(row: Any) -> InboxEvent:
    return InboxEvent(
        id=row["id"],
        source=row["source"],
        connection=row["connection"],
        external_id=row["external_id"],
        event_type=row["event_type"],
        body=row["body"],
        status=row["status"],
        code=code(row["code"]),
        cause=row["cause"],
        received_at=row["received_at"],
        merged_at=row["merged_at"],
        orders=tuple(row["orders"]),
        trace=row["trace"],
    )


def journal(row: Any) -> JournalRow:
    entry = JournalEntry(
        row["code"], row["sentence"], row["step"], row["subject"], row["actor"], row["data"]
    )
    return JournalRow(row["id"], row["at"], entry)


def call(row: Any) -> CallRow:
    """A call of a list, which only says whether something is sealed of it."""
    return CallRow(row["id"], row["at"], _call(row), row["is_sealed"])


def whole_call(row: Any) -> CallRow:
    """A call that was asked for alone, with what is sealed of it."""
    sealed = row["sealed"]
    return CallRow(row["id"], row["at"], replace(_call(row), sealed=sealed), sealed is not None)


def _call(row: Any) -> CallRecord:
    return CallRecord(
        system=row["system"],
        method=row["method"],
        path=row["path"],
        query=row["query"],
        status=row["status"],
        milliseconds=row["milliseconds"],
        request=row["request"],
        response=row["response"],
        failure=row["failure"],
        step=row["step"],
        subject=row["subject"],
        purpose=row["purpose"],
    )


def unverified(row: Any) -> Unverified:
    return Unverified(
        id=row["id"],
        at=row["at"],
        source=row["source"],
        code=Code(row["code"]),
        cause=row["cause"],
        head=row["head"],
    )


def paused(row: Any) -> Paused:
    """A connection's pause. A code that an older version knew counts as a plain pause."""
    known = code(row["pause_code"]) or Code.CONNECTION_PAUSED
    return Paused(row["paused_until"], known, row["pause_sentence"] or "", row["paused_by"] or "")


def grant(row: Any) -> Grant:
    return Grant(
        company=Company(row["company_id"], row["company_name"]),
        access_until=row["access_until"],
        refresh_until=row["refresh_until"],
        grant_until=row["grant_until"],
        consented_at=row["consented_at"],
        consented_by=row["consented_by"],
        trouble=row["trouble"],
        over=row["over"],
    )


def mapping(row: Any) -> MappingRow:
    return MappingRow(
        id=row["id"],
        kind=row["kind"],
        commerce_key=row["commerce_key"],
        connectwise_key=row["connectwise_key"],
        updated_at=row["updated_at"],
        updated_by=row["updated_by"],
    )


def replay(row: Any, items: Sequence[Any]) -> Replay:
    return Replay(
        id=row["id"],
        tenant_id=row["tenant_id"],
        state=row["state"],
        reason=row["reason"],
        actor=row["actor"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        items=tuple(_replay_item(item) for item in items),
        from_step=row["from_step"],
        finished_at=row["finished_at"],
    )


def _replay_item(row: Any) -> ReplayItem:
    return ReplayItem(
        order_id=row["order_id"],
        order=row["order_name"],
        connection=row["connection"],
        wake_seq=row["wake_seq"],
        state=row["state"],
        steps=tuple(row["steps"]),
        sentence=row["sentence"],
        result=_result(row) if row["result_at"] is not None else None,
    )


def _result(row: Any) -> ReplayResult:
    told = row["result_state"], row["result_code"], row["result_sentence"], row["result_at"]
    return ReplayResult(*told)
