"""One simulated company: its records, its switches, and the only way to change either.

Owns writes, ids, versions and change events. Clock and identifiers are injected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sandbox.quickbooks.model import errors
from sandbox.quickbooks.model.store import Row, Store
from sandbox.quickbooks.model.switches import Switches
from sandbox.quickbooks.model.tables import ENTITIES

PACIFIC = timezone(timedelta(hours=-8))  # the vendor's stamps carry an offset, and not UTC's
TOMBSTONES = 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """A record that a committed write touched. `operation` is Create, Update, Delete or Void."""

    entity: str
    record_id: str
    operation: str
    moment: datetime


class World:
    """The state of one company. Every method is synchronous and immediate."""

    def __init__(self, *, now: Callable[[], datetime], new_guid: Callable[[], str]) -> None:
        self.now = now
        self.new_guid = new_guid
        self.switches = Switches()
        self.store = Store()
        self.listeners: list[Callable[[list[Change]], None]] = []
        self.deleted: list[Change] = []
        self.touched: list[tuple[str, str, Row | None]] = []
        self._voided: set[tuple[str, str]] = set()

    def clear(self) -> None:
        """Empties every table. Ids go on rising, so none of before comes back as another record."""
        for table in self.store.tables.values():
            table.clear()
        self.switches = Switches()
        self.deleted.clear()

    # --- time

    def moment(self) -> float:
        return self.now().timestamp()

    def stamp(self) -> str:
        return self.now().astimezone(PACIFIC).isoformat(timespec="seconds")

    def today(self) -> str:
        return self.now().astimezone(PACIFIC).date().isoformat()

    # --- writes

    @contextmanager
    def write(self, *, first: bool = False) -> Iterator[None]:
        """All or nothing. Listeners hear of the changes after the commit, one for each record.
        `first` is for the records a company starts with: nobody hears of them."""
        self.store.begin()
        self._voided = set()
        try:
            yield
        except BaseException:
            self.store.rollback()
            raise
        before = self.store.commit(0.0 if first else self.moment())
        self.touched = [(name, number, self.store.get(name, number)) for name, number in before]
        changes = [
            Change(name, number, operation, self.now())
            for (name, number), old in before.items()
            for operation in [self._operation(name, number, old)]
            if operation
        ]
        self.deleted.extend(each for each in changes if each.operation == "Delete")
        del self.deleted[:-TOMBSTONES]
        for listener in () if first else tuple(self.listeners):
            listener(changes)

    def _operation(self, entity: str, record_id: str, old: Row | None) -> str:
        new = self.store.get(entity, record_id)
        if (entity, record_id) in self._voided:
            return "Void"
        if old is None:
            return "Create" if new is not None else ""
        return "Update" if new is not None else "Delete"

    def count_as_void(self, entity: str, record_id: str) -> None:
        self._voided.add((entity, record_id))

    # --- records

    def insert(self, entity: str, values: Mapping[str, Any]) -> Row:
        spec = ENTITIES[entity]
        number = self.store.new_id(spec.sequence, spec.first_id)
        stamp = self.stamp()
        row = dict(values) | {
            "Id": number,
            "SyncToken": "0",
            "domain": "QBO",
            "sparse": False,
            "MetaData": {"CreateTime": stamp, "LastUpdatedTime": stamp},
        }
        self.store.put(entity, number, row)
        return row

    def replace(self, entity: str, row: Row) -> Row:
        """Stores a changed copy of a record under its next version."""
        stored = dict(row) | {
            "SyncToken": str(int(row["SyncToken"]) + 1),
            "MetaData": row["MetaData"] | {"LastUpdatedTime": self.stamp()},
        }
        self.store.put(entity, row["Id"], stored)
        return stored

    def change(self, entity: str, record_id: str, **values: Any) -> Row:
        """Sets fields; a record that already holds them keeps its version."""
        row = self.row(entity, record_id)
        changed = {
            name: value
            for name, value in values.items()
            if row.get(name) != value and (name in row or value not in ([], None))
        }
        return self.replace(entity, row | changed) if changed else row

    def delete(self, entity: str, record_id: str) -> None:
        self.store.put(entity, record_id, None)

    def get(self, entity: str, record_id: str | None) -> Row | None:
        return None if record_id is None else self.store.get(entity, record_id)

    def row(self, entity: str, record_id: str) -> Row:
        """A record that must exist, or the vendor's 610."""
        found = self.store.get(entity, record_id)
        if found is None:
            raise errors.not_found(f"{entity} {record_id}")
        return found

    def rows(self, entity: str) -> list[Row]:
        return list(self.store.rows(entity))

    def referred(self, entity: str, reference: Mapping[str, str], name: str) -> Row:
        """The record that a reference names; 2500 when there is none, 610 when it is inactive."""
        found = self.get(entity, reference["value"])
        if found is None:
            raise errors.bad_reference(ENTITIES[entity].label, reference["value"], name)
        if found.get("Active") is False:
            raise errors.not_found(f"{name} {reference['value']}")
        return found


def named(row: Row) -> dict[str, str]:
    """A reference to a record, with the name that the vendor shows beside its id."""
    return {"value": row["Id"], "name": str(row.get("DisplayName") or row.get("Name") or "")}
