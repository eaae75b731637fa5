"""What can be seen of an order, a line each: without ids, tokens and moments, which are a store's own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.domain.facts import INTERRUPTED, LEDGER_HINT
from app.domain.records import (
    JournalEntry,
    Snapshot,
)
from app.domain.views import JournalRow


def entries(rows: Iterable[JournalRow]) -> Iterable[JournalEntry]:
    return (row.entry for row in rows)


def told_of(one: Any) -> Any:
    named = (one.step, one.subject, one.kind, one.key)
    return *named, str(one.evidence), one.attempt, one.looked_at is not None, str(one.outcome)


def _when(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else "now" if moment <= now else "later"


def lines_of(one: Snapshot) -> list[str]:
    order = one.order
    due = _when(order.due_at, one.now)
    lines = [
        f"order: {order.number} {order.customer} due {due} {order.wake_seq} {order.held_by}",
        f"answer: {order.state} {order.code} {order.sentence} {order.who} {order.choices}",
        f"pin: {order.scenario} {order.scenario_version} {order.behaviour}",
        f"config: {sorted(one.settings.items())} {sorted(one.mappings.items())}",
        f"paused: {sorted((system, p.by, p.why) for system, p in one.paused.items())}",
        f"shared: {sorted(one.shared.items())}",
    ]
    lines += [f"document: {stored}" for stored in one.documents]
    for row in one.ledger:
        again = _when(row.retry_at, one.now)
        stands = f"{row.state} {row.code} {row.want} {row.sentence} {row.tries}"
        lines.append(f"ledger: {row.step} {row.subject} {stands} {again} {row.retry_wake}")
    lines += sorted(f"intent: {told_of(row)}" for row in one.intents)
    lines += [f"ref: {row}" for row in one.refs]
    for fact in one.facts:
        # A hint names the event's id, an interruption its moment.
        body = None if fact.kind in (LEDGER_HINT, INTERRUPTED) else fact.body
        lines.append(f"fact: {fact.kind} {fact.key} {fact.seen_at.year} {body}")
    lines += [f"decision: {row.step} {row.subject} {row.choice}" for row in one.decisions]
    lines += sorted(f"other: {row}" for row in one.others)
    return lines + sorted(f"sibling: {row.kind} {row.source_id}" for row in one.siblings)
