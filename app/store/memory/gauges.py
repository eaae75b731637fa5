"""How the installation stands, as numbers, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from app.domain.retention import Kept
from app.store.memory.database import Part, is_paused
from app.store.memory.tables import Tables
from app.telemetry import metrics

Values = dict[str, list[tuple[tuple[str, ...], float]]]


class Gauges(Part):
    """The part of the store that tells how the installation stands."""

    async def gauges(self) -> Values:
        """By the name of the metric: its labels and its value."""
        tables = await self._db.read("gauges")
        now = self._db.now()
        new = [row["received_at"] for row in tables.inbox_event.find("status", "new")]
        hints = [row["received_at"] for row in tables.inbox_event.find("status", "hint")]
        return {
            metrics.ORDERS.name: _orders(tables),
            metrics.INBOX_AGE_SECONDS.name: [((), _age(new, now))],
            metrics.HINT_AGE_SECONDS.name: [((), _age(hints, now))],
            metrics.DUE_AGE_SECONDS.name: [((), _age(_due(tables, now), now))],
            metrics.WORKERS.name: [((), float(len(self._db.alive)))],
            metrics.PAUSED.name: _pauses(tables, now),
            metrics.DELIVERED_SECONDS.name: _delivered(tables, now),
            metrics.KEPT_OLDEST_SECONDS.name: _oldest(tables, now),
        }


def _oldest(tables: Tables, now: datetime) -> list[tuple[tuple[str, ...], float]]:
    """Of the rows that only grow; how large they are is nothing that memory can say."""
    return [
        ((kept.value,), _age([rows[0][moment]], now))
        for kept, rows, moment in (
            (Kept.JOURNAL, tables.journal_event.all(), "at"),
            (Kept.CALLS, tables.call.all(), "at"),
            (Kept.INBOX, tables.inbox_event.all(), "received_at"),
        )
        if rows
    ]


def _age(moments: Iterable[datetime], now: datetime) -> float:
    return (now - min(moments, default=now)).total_seconds()


def _due(tables: Tables, now: datetime) -> list[datetime]:
    """When the orders fell due that nobody has."""
    return [
        row["due_at"]
        for row in tables.orders.find("due", True)
        if row["due_at"] <= now and (row["lease_owner"] is None or row["lease_until"] <= now)
    ]


def _orders(tables: Tables) -> list[tuple[tuple[str, ...], float]]:
    stand = Counter(
        (row["state"], row["code"] or "", row["who"] or "")
        for row in tables.orders.all()
        if row["state"] not in ("done", "cancelled")
    )
    return [(labels, float(many)) for labels, many in sorted(stand.items())]


def _pauses(tables: Tables, now: datetime) -> list[tuple[tuple[str, ...], float]]:
    paused: dict[tuple[str, ...], float] = {}
    for row in tables.connection.all():
        by = "service" if row["paused_by"] in (None, "service") else "person"
        labels = (row["kind"], by)
        paused[labels] = max(paused.get(labels, 0.0), float(is_paused(row, now)))
    return sorted(paused.items())


def _delivered(tables: Tables, now: datetime) -> list[tuple[tuple[str, ...], float]]:
    last: dict[str, datetime] = {}
    for row in tables.inbox_event.all():
        last[row["source"]] = row["received_at"]
    return [((source,), _age([moment], now)) for source, moment in sorted(last.items())]
