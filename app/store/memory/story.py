"""Journal and calls in memory: the rows that tell an order's story. Append only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.domain.records import CallRecord, JournalEntry
from app.domain.views import Audit
from app.store.memory.database import fixed, plain
from app.store.memory.tables import Tables
from app.store.story import cut
from app.store.texts import text, text_or_none


def tell(tables: Tables, entries: Iterable[tuple[int, JournalEntry]], now: datetime) -> None:
    """Add lines to orders' journals; an order that is not there has none."""
    for order_id, entry in entries:
        order = tables.orders.get(order_id)
        if order is None:
            continue
        tables.journal_event.add(
            tenant_id=order["tenant_id"],
            order_id=order_id,
            at=now,
            code=fixed(entry.code),
            sentence=text(entry.sentence),
            step=entry.step,
            subject=text_or_none(entry.subject),
            actor=text(entry.actor),
            data=plain(dict(entry.data)),
        )


def keep_calls(tables: Tables, order_id: int, calls: Iterable[CallRecord], now: datetime) -> None:
    order = tables.orders.get(order_id)
    assert order is not None  # noqa: S101 - its token was looked at
    for call in calls:
        tables.call.add(
            tenant_id=order["tenant_id"],
            order_id=order_id,
            at=now,
            system=call.system,
            method=call.method,
            path=text(call.path),
            query=text(call.query),
            status=call.status,
            milliseconds=call.milliseconds,
            request=cut(call.request),
            response=cut(call.response),
            failure=text_or_none(call.failure),
            step=call.step,
            subject=text_or_none(call.subject),
            purpose=call.purpose,
            sealed=call.sealed,
        )


def audit(tables: Tables, tenant_id: int, given: Audit, now: datetime) -> None:
    """Add an audit row to the caller's transaction."""
    tables.audit.add(
        tenant_id=tenant_id,
        at=now,
        actor=text(given.actor),
        action=given.action,
        target=text(given.target),
        data=plain(dict(given.data)),
    )
