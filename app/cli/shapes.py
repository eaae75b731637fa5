"""Views as JSON, under the names that the admin REST gives them (`contracts/http.md`).

Owns nothing but the shape: a test holds it against the REST models, which the command line may
not import because they bring the web framework's side along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from app.domain import traces
from app.domain.alerts import AlertRow
from app.domain.budgets import Spent
from app.domain.codes import State, Who
from app.domain.costs import Cost
from app.domain.course import Course
from app.domain.drift import Finding, SweepView
from app.domain.grants import LEDGERS, advice
from app.domain.psa_tickets import Ticket
from app.domain.readiness import Checked
from app.domain.reasons import CODES
from app.domain.records import Answer, InboxEvent, OrderRow
from app.domain.upkeep import KeyRow
from app.domain.views import ConnectionRow, JournalRow, MappingRow, Replay
from app.sync.doctor import Checkup
from app.sync.foresight import WhatIf
from app.sync.operations import Story
from app.sync.progress import ItemProgress, Progress
from app.sync.replays import BESIDE
from app.sync.setup import SettingView, key_shown

Json = dict[str, Any]


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, as JSON carries it."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value is not None else None


def plain(value: Any) -> Any:
    """A view as JSON values: moments as text, enumerations as their value."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def summary(row: OrderRow) -> Json:
    """An order of a list, with the answer as the worker left it."""
    return {
        "number": row.name,
        "connection": row.connection,
        "customer": row.customer,
        "scenario": _scenario(row),
        "state": row.state,
        "answer": {
            "code": row.code,
            "sentence": row.sentence or "",
            "who": row.who or Who.NOBODY,
            "since": moment(row.since),
            "next_look": row.next_look or "",
        },
        "updated_at": moment(row.updated_at),
        "url": _address(row),
    }


def order(story: Story, told: Sequence[JournalRow]) -> Json:
    """An explained order. Like REST's, with the newest lines of its journal in it."""
    row, explained = story.order, story.explained
    return {
        "number": row.name,
        "customer": row.customer,
        "scenario": _scenario(row),
        "state": explained.answer.state,
        "answer": answer(explained.answer),
        "steps": [plain(asdict(step)) for step in explained.steps],
        "lines": [plain(asdict(line)) for line in explained.lines],
        "flags": [plain(asdict(flag)) for flag in explained.flags],
        "readiness": readiness(explained.readiness) if explained.readiness else None,
        "journal_url": f"{_address(row)}/journal",
        "trace_id": traces.trace_id(row.trace),
        "drift_url": f"/admin/drift?number={quote(row.name, safe=':')}",
        "journal": [journal(entry) for entry in told],
    }


def finding(one: Finding) -> Json:
    """A difference between the systems, with what may be done about it."""
    drift = one.drift
    return {
        "id": one.id,
        "order": one.order,
        "code": drift.code,
        "standing": one.standing,
        "system": drift.system,
        "kind": drift.kind,
        "record": drift.record,
        "url": drift.url,
        "step": drift.step,
        "subject": drift.subject,
        "says": drift.says,
        "stands": drift.stands,
        "sentence": drift.sentence,
        "who": drift.who,
        "since": moment(one.since),
        "seen_at": moment(one.seen_at),
        "ways": list(drift.ways),
        "actor": one.actor,
        "reason": one.reason,
        "closed_at": moment(one.closed_at),
    }


def sweep(view: SweepView) -> Json:
    return {
        "under_way": view.under_way,
        "started": moment(view.sweep.started),
        "finished": moment(view.sweep.finished),
        "next_at": moment(view.next_at),
        "orders": view.sweep.orders,
        "unread": view.sweep.unread,
        "calls": view.sweep.calls,
        "trouble": view.sweep.trouble,
        "commerce": {
            "orders": view.sweep.commerce.orders,
            "left": view.sweep.commerce.left,
            "trouble": view.sweep.commerce.trouble,
        },
    }


def readiness(checked: Checked) -> Json:
    return {
        "tool": checked.tool,
        "checked_at": moment(checked.checked_at),
        "sentence": checked.sentence,
        "defects": len(checked.defects),
    }


def answer(given: Answer) -> Json:
    shape: Json = {
        "code": given.code,
        "sentence": given.sentence,
        "who": given.who,
        "since": moment(given.since),
        "next_look": given.next_look,
    }
    if given.state in (State.HELD, State.PARKED):
        shape["choices"] = list(given.choices)
    return shape


def _scenario(row: OrderRow) -> Json | None:
    if row.scenario is None:
        return None
    return {"name": row.scenario, "version": row.scenario_version or 1}


def _address(row: OrderRow) -> str:
    return f"/admin/orders/{quote(row.name, safe=':')}"


def journal(row: JournalRow) -> Json:
    entry = row.entry
    return {
        "id": row.id,
        "at": moment(row.at),
        "actor": entry.actor,
        "code": entry.code,
        "sentence": entry.sentence,
        "step": entry.step,
        "subject": entry.subject,
        "data": plain(dict(entry.data)),
    }


def event(row: InboxEvent) -> Json:
    return {
        "id": row.id,
        "source": row.source,
        "connection": row.connection,
        "external_id": row.external_id,
        "type": row.event_type or None,
        "status": row.status,
        "code": row.code,
        "cause": row.cause,
        "remedy": CODES[row.code].remedy if row.code is not None else None,
        "received_at": moment(row.received_at),
        "merged_at": moment(row.merged_at),
        "trace_id": traces.trace_id(row.trace),
        "orders": list(row.orders),
    }


def mapping(row: MappingRow) -> Json:
    return {
        "kind": row.kind,
        "commerce_key": key_shown(row.kind, row.commerce_key),
        "connectwise_key": row.connectwise_key,
        "id": row.id,
        "updated_at": moment(row.updated_at),
        "updated_by": row.updated_by,
    }


def ticket(row: Ticket) -> Json:
    return {"id": row.id, "summary": row.summary, "board": row.board, "status": row.status}


def connection(row: ConnectionRow) -> Json:
    paused, grant, once = row.paused, row.grant, row.use.at_once
    return {
        "id": row.id,
        "name": row.name,
        "system": row.system,
        "state": "paused" if paused else "open",
        "paused_until": moment(paused.until) if paused else None,
        "code": paused.code if paused else None,
        "sentence": paused.sentence if paused else None,
        "paused_by": paused.by if paused else None,
        "company": grant.company.name if grant else None,
        "signed_in_by": grant.consented_by if grant else None,
        "signed_in_until": moment(grant.until) if grant else None,
        "sign_in": advice(row.system, grant) if row.system in LEDGERS else None,
        "calls": [_limit(one) for one in row.use.spent],
        "at_once": {"limit": once.limit, "most": once.most} if once is not None else None,
        "circuit": row.circuit,
        "read_at": moment(row.use.read_at),
        "trouble": row.use.trouble or None,
    }


def _limit(one: Spent) -> Json:
    return {"seconds": one.seconds, "used": one.used, "limit": one.limit, "left": one.left}


def key(row: KeyRow) -> Json:
    return {
        "name": row.name,
        "scopes": sorted(row.scopes),
        "created_at": moment(row.created_at),
        "revoked_at": moment(row.revoked_at),
    }


def setting(view: SettingView) -> Json:
    shown = "from environment" if view.read_only else f"from {view.source}"
    return {
        "name": view.name,
        "value": view.value,
        "source": view.source,
        "shown": shown,
        "group": view.group,
        "description": view.description,
        "read_only": view.read_only,
        "secret": view.secret,
        "environment": view.environment,
        "default": view.default,
        "options": list(view.options),
    }


def replay_summary(row: Replay) -> Json:
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.reason,
        "actor": row.actor,
        "from_step": row.from_step,
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
        "finished_at": moment(row.finished_at),
        "url": f"/admin/replays/{row.id}",
    }


def replay(progress: Progress) -> Json:
    items = [_item(item) for item in progress.items]
    return {
        **replay_summary(progress.replay),
        "orders": len(items),
        "settled": progress.settled,
        "results": [
            {"state": state, "code": code, "orders": n} for state, code, n in progress.results
        ],
        "calls": progress.calls,
        "costs": [_cost(cost) for cost in progress.costs],
        "beside": BESIDE,
        "items": items,
    }


def _cost(cost: Cost) -> Json:
    return {
        "system": cost.system,
        "calls": cost.calls,
        "limits": [_limit(one) for one in cost.limits],
        "seconds": cost.seconds,
        "sufficient": cost.short is None,
        "sentence": cost.sentence,
    }


def _item(now: ItemProgress) -> Json:
    item = now.item
    steps = [plain(dict(step)) for step in item.steps]
    return {
        "order": item.order,
        "connection": item.connection,
        "state": item.state,
        "sentence": item.sentence,
        "calls": sum(int(step["calls"]) for step in steps),
        "steps": steps,
        "settled": now.settled,
        "result": plain(asdict(now.result)) if now.result is not None else None,
        "now": plain(asdict(now.now)) if now.now is not None else None,
    }


def needs(row: OrderRow, course: Course) -> Json:
    """What would make an order invoiceable."""
    return {
        "order": row.name,
        "invoiceable": course.reached and not course.needs,
        "sufficient": course.reached,
        "needs": [plain(asdict(need)) for need in course.needs],
    }


def what_if(found: WhatIf) -> Json:
    """What another configuration would write, for the orders that would go another way."""
    different = [one for one in found.differences if one.differs]
    return {
        "orders": len(found.differences),
        "more": found.more,
        "different": len(different),
        "writes": {
            step: {"here": here, "there": there} for step, (here, there) in found.writes().items()
        },
        "items": [
            {
                "order": one.order.name,
                "here_scenario": one.here_scenario,
                "there_scenario": one.there_scenario,
                "here": _writes(one.here),
                "there": _writes(one.there),
                "here_answer": answer(one.here_answer),
                "there_answer": answer(one.there_answer),
                "refused": one.refused,
            }
            for one in different
        ],
    }


def _writes(writes: Sequence[tuple[str, str, str]]) -> list[Json]:
    return [{"step": step, "subject": subject, "write": told} for step, subject, told in writes]


def checkup(found: Checkup) -> Json:
    """What the doctor found."""
    return {
        "outcome": found.outcome,
        "scenarios": list(found.scenarios),
        "at": moment(found.at),
        "findings": [plain(asdict(one)) for one in found.findings],
    }


def alert(row: AlertRow) -> Json:
    one = row.alert
    return {
        "id": row.id,
        "order": one.order,
        "subject": one.subject,
        "code": one.code,
        "sentence": one.sentence,
        "who": one.who,
        "since": moment(one.since),
        "state": row.state,
        "sent_at": moment(row.sent_at),
        "attempts": row.attempts,
        "trouble": row.trouble,
    }
