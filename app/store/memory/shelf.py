"""Merging in memory: the tables behind `shelf.Shelf`, inside one transaction.

Owns what a purchase order takes along when it moves to another order. Nothing here waits, so the
whole merge happens before anybody else runs; its locks are empty for that reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.domain.documents import Kind
from app.domain.facts import KEPT_FACTS, LEDGER_HINT
from app.domain.records import (
    JournalEntry,
    Merge,
)
from app.store.memory.database import fixed, order_name, plain, wake
from app.store.memory.story import tell
from app.store.memory.tables import Row, Tables
from app.store.placing import Doc, Key, OrderKey
from app.store.shelf import Route
from app.store.texts import key, text_or_none

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what was read is old
_OF_A_PURCHASE_ORDER = ("po", "receipt", "gap", "surplus", "bill")
_RECEIVING = ("receive_purchase_order", "post_bill")
_MOVED = "purchase_order_moved"


class MemoryShelf:
    """Implements shelf.Shelf."""

    def __init__(self, tables: Tables, now: datetime) -> None:
        self._tables = tables
        self._now = now

    async def lock(self, names: Iterable[str]) -> None:
        """Nobody else runs."""

    async def documents(self, keys: Sequence[Key]) -> Sequence[Any]:
        found: dict[Any, Row] = {}
        for connection, kind, source in keys:
            row = self._tables.document.get((connection, kind.value, source))
            if row is not None:
                found[connection, kind.value, source] = row
        for connection, kind, source in keys:
            if kind is Kind.PURCHASE_ORDER:
                for row in self._tables.document.find("purchase_order", (connection, source)):
                    if row["kind"] == Kind.RECEIPT.value:
                        found[connection, row["kind"], row["source_id"]] = row
        return list(found.values())

    async def by_quote(self, quotes: Sequence[tuple[int, str]]) -> Sequence[Any]:
        return [
            row
            for quote in quotes
            for row in self._tables.document.find("quote", quote)
            if row["kind"] == Kind.SALES_ORDER.value
        ]

    async def losing(self, tenants: Sequence[int]) -> Collection[int]:
        found = ((one, self._tables.setting.get((one, "lost_on_decline"))) for one in tenants)
        return {one for one, row in found if row is not None and row["value"] in (True, "true")}

    async def declined(self, named: Sequence[tuple[int, str]]) -> Sequence[Any]:
        return [
            row
            for one in named
            for row in self._tables.document.find("opportunity", one)
            if row["kind"] == Kind.QUOTE.value and row["order_id"] is not None
        ]

    async def write(self, docs: Sequence[Doc]) -> None:
        for doc in docs:
            place = (doc.connection_id, doc.kind.value, doc.source_id)
            known = self._tables.document.get(place)
            row = {
                "id": known["id"] if known is not None else self._tables.document.next_id(),
                "tenant_id": doc.tenant_id,
                "connection_id": doc.connection_id,
                "kind": doc.kind.value,
                "source_id": doc.source_id,
                "order_id": doc.order_id,
                "quote": doc.quote,
                "purchase_order": doc.purchase_order,
                "opportunity": text_or_none(doc.opportunity),
                "rank": plain(doc.stored.rank),
                "own": plain(doc.stored.own),
                "extras": plain(doc.stored.extras),
                "number": key(doc.number) if doc.number is not None else None,
                "words": doc.words,
            }
            self._tables.document.put(place, row)

    # Orders ---------------------------------------------------------------------------------

    async def orders(self, wanted: Sequence[OrderKey]) -> Mapping[OrderKey, int]:
        return {named: self._order(*named) for named in wanted}

    def _order(self, connection_id: int, source_id: str) -> int:
        found = self._tables.orders.find("source", (connection_id, source_id))
        number: int = found[0]["id"] if found else self._placeholder(connection_id, source_id)
        return number

    def _placeholder(self, connection_id: int, source_id: str) -> int:
        connection = self._tables.connection.get(connection_id)
        assert connection is not None  # noqa: S101 - a delivery came over it
        nothing = dict.fromkeys(
            (
                *("number", "customer", "scenario", "scenario_version", "scenario_hash", "code"),
                *("sentence", "who", "since", "next_look", "held_by", "due_at", "lease_owner"),
                *("lease_token", "lease_until", "trace", "stale_at", "stood_as", "stood_since"),
                *("stood_until", "acted_at"),
            )
        )
        row = self._tables.orders.add(
            **nothing,
            tenant_id=connection["tenant_id"],
            connection_id=connection_id,
            source_id=source_id,
            behaviour={},
            state="running",
            choices=(),
            created_at=self._now,
            updated_at=self._now,
            wake_seq=0,
            claims_without_progress=0,
        )
        number: int = row["id"]
        return number

    async def lock_orders(self, ids: Sequence[int]) -> tuple[dict[int, str], set[int]]:
        found = [row for row in map(self._tables.orders.get, ids) if row is not None]
        busy = {row["id"] for row in found if row["lease_token"] is not None}
        return {row["id"]: order_name(row) for row in found}, busy

    async def name(self, named: Sequence[tuple[int, str | None, str | None]]) -> None:
        for order_id, number, customer in named:
            known = self._tables.orders.get(order_id)
            assert known is not None  # noqa: S101 - a document stands in it
            told = customer if customer is not None else known["customer"]
            self._tables.orders.change(order_id, number=number, customer=told)

    async def wake(self, orders: Mapping[int, str | None]) -> None:
        wake(self._tables, orders, self._now)
        for order_id, trace in orders.items():
            if trace is not None and self._tables.orders.get(order_id) is not None:
                self._tables.orders.change(order_id, trace=trace)

    async def journal(self, entries: Sequence[tuple[int, JournalEntry]]) -> None:
        tell(self._tables, entries, self._now)

    # A purchase order that moves ------------------------------------------------------------

    async def received(self, order_id: int, purchase_order: str) -> bool:
        applied = self._tables.applied.find("order", order_id)
        announced = self._tables.intent.find("order", order_id)
        told = [row for row in applied if row["want"] is not None] + announced
        return any(
            row["step"] in _RECEIVING and _about(row["subject"], purchase_order) for row in told
        )

    async def posted(self, order_id: int, invoice: str) -> bool:
        applied = self._tables.applied.find("order", order_id)
        announced = self._tables.intent.find("order", order_id)
        told = [row for row in applied if row["want"] is not None] + announced
        about = ("post_invoice", f"invoice:{invoice}")
        return any((row["step"], row["subject"]) == about for row in told)

    async def keep_moved(self, order_id: int, purchase_order: str, body: Mapping[str, Any]) -> bool:
        place = (order_id, _MOVED, purchase_order)
        known = self._tables.fact.get(place)
        if known is not None and known["body"] == plain(dict(body)):
            return False
        keep_fact(self._tables, order_id, _MOVED, purchase_order, body, self._now)
        return True

    async def move(self, order_id: int, purchase_order: str, target: int) -> None:
        tables = self._tables
        for row in tables.applied.find("order", order_id):
            if _about(row["subject"], purchase_order):
                tables.applied.remove((order_id, row["step"], row["subject"]))
                moved = {**row, "order_id": target, "retry_at": None, "retry_wake": None}
                tables.applied.put((target, row["step"], row["subject"]), moved)
        for row in tables.intent.find("order", order_id):
            if _about(row["subject"], purchase_order):
                named = (target, row["step"], row["subject"], row["kind"], row["key"])
                for known in tables.intent.find("named", named):
                    tables.intent.remove(known["id"])
                tables.intent.change(row["id"], order_id=target)
        for row in tables.fact.find("order", order_id):
            if _keyed(row, purchase_order):
                tables.fact.remove((order_id, row["kind"], row["key"]))
                tables.fact.put((target, row["kind"], row["key"]), {**row, "order_id": target})
        for row in tables.order_ref.find("order", order_id):
            if _keyed(row, purchase_order):
                tables.order_ref.remove((order_id, row["kind"], row["key"]))
                tables.order_ref.put((target, row["kind"], row["key"]), {**row, "order_id": target})
                (record,) = tables.external_ref.find("id", row["ref_id"])
                if record["order_id"] == order_id:
                    tables.external_ref.change(record_key(record), order_id=target)

    async def back(self, returned: Sequence[tuple[int, str]]) -> None:
        for order_id, purchase_order in returned:
            self._tables.fact.remove((order_id, _MOVED, purchase_order))

    # Remote records that events name --------------------------------------------------------

    async def carriers(self, routes: Sequence[Route]) -> dict[int, set[int]]:
        carriers: dict[int, set[int]] = {}
        for event_id, tenant_id, kind, external_id in routes:
            for order_id in self._carrying(tenant_id, kind, external_id):
                carriers.setdefault(event_id, set()).add(order_id)
        return carriers

    def _carrying(self, tenant_id: int, kind: str, external_id: str) -> list[int]:
        record = self._tables.external_ref.get((tenant_id, kind, key(external_id)))
        if record is None:
            return []
        return [row["order_id"] for row in self._tables.order_ref.find("ref", record["id"])]

    async def make_stale(self, orders: Sequence[int]) -> None:
        for order_id in orders:
            self._tables.orders.change(order_id, stale_at=self._now)
            for row in self._tables.fact.find("order", order_id):
                if row["kind"] not in KEPT_FACTS:
                    self._tables.fact.change((order_id, row["kind"], row["key"]), seen_at=EPOCH)

    async def note(self, routes: Sequence[Route]) -> None:
        last: dict[tuple[int, str], int] = {}
        for event_id, tenant_id, kind, external_id in routes:
            for order_id in self._carrying(tenant_id, kind, external_id):
                named = (order_id, f"{kind}/{key(external_id)}")
                last[named] = max(event_id, last.get(named, event_id))
        for (order_id, about), event_id in last.items():
            body = {"event": event_id}
            keep_fact(self._tables, order_id, LEDGER_HINT, about, body, self._now)

    async def settle(self, settled: Sequence[tuple[Merge, Sequence[int]]]) -> None:
        for merge, orders in settled:
            self._tables.inbox_event.change(
                merge.event_id,
                status=fixed(merge.status),
                code=merge.code.value if merge.code is not None else None,
                cause=text_or_none(merge.cause),
                not_before=merge.not_before,
                merged_at=self._now if merge.status == "merged" else None,
                order_ids=tuple(orders),
            )


def keep_fact(
    tables: Tables, order_id: int, kind: str, about: str, body: Mapping[str, Any], at: datetime
) -> None:
    """Keep something read in a remote system, in place of what was read before."""
    row = {"order_id": order_id, "kind": kind, "key": about, "body": plain(dict(body))}
    tables.fact.put((order_id, kind, about), {**row, "seen_at": at})


def record_key(record: Row) -> tuple[int, str, str]:
    """The key of a row of `external_ref`."""
    return record["tenant_id"], record["kind"], record["external_id"]


def _about(subject: str, purchase_order: str) -> bool:
    """Whether a subject is the purchase order's: po:881, receipt:881:R-1, gap:881:…, surplus:881."""
    parts = subject.split(":")
    return parts[0] in _OF_A_PURCHASE_ORDER and parts[1:2] == [purchase_order]


def _keyed(row: Row, purchase_order: str) -> bool:
    """References and facts of its records carry the bare id as their key."""
    bare = row["kind"].startswith("purchase_order") and row["key"].split(":")[0] == purchase_order
    return bare or _about(row["key"], purchase_order)
