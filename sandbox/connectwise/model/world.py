"""One simulated company: its state, its switches, and the only way to change either.

Owns transactions, stamps and change events. Clock and identifiers are injected: nothing here reads
the time, draws a random number, sleeps or opens a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.connectwise.model.resources import indexes_of
from sandbox.connectwise.model.store import Row, Store
from sandbox.connectwise.model.switches import Switches
from sandbox.connectwise.model.tables import RESOURCES

# Tables behind the scenes: no client sees their rows as records.
HIDDEN: dict[str, tuple[tuple[str, ...], int]] = {
    "link": (("line", "product"), 95001),
    "conversion": (("opportunity", "order"), 1),
    "assigned": (("serial", "product"), 1),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A record that a committed write touched. `action` is added, updated or deleted."""

    table: str
    record_id: int
    action: str
    before: Row | None
    after: Row | None
    member: str


class World:
    """The state of one company. Every method is synchronous and immediate."""

    def __init__(
        self, *, now: Callable[[], datetime], new_guid: Callable[[], str], api_member: str
    ) -> None:
        self.now = now
        self.new_guid = new_guid
        self.api_member = api_member
        self.switches = Switches()
        self.listeners: list[Callable[[list[Change]], None]] = []
        self.loses_links: Callable[[], bool] = lambda: False  # asked before demand is linked
        self.member = api_member
        self.touched: list[tuple[str, int, Row | None]] = []  # rows of the last write
        self._announced: dict[tuple[str, int], None] = {}
        self._silent: set[tuple[str, int]] = set()
        self._first_ids: dict[str, int] = {}
        self.store = Store()
        self.clear()

    def clear(self) -> None:
        """Empties every table. Ids go on rising, so none of before comes back as another record."""
        last = {name: table.next_id for name, table in self.store.tables.items()}
        self.store = Store()
        for name, resource in RESOURCES.items():
            if resource.home == name:
                self.store.add_table(name, indexes_of(name), resource.first_id)
        for name, (indexed, first_id) in HIDDEN.items():
            self.store.add_table(name, indexed, first_id)
        self._first_ids = last

    def keep_ids_rising(self) -> None:
        """After the first records are in place again: go on where the ids had stood."""
        for name, number in self._first_ids.items():
            table = self.store.own(name)
            table.next_id = max(table.next_id, number)

    # --- time

    def moment(self) -> float:
        return self.now().timestamp()

    def stamp(self) -> str:
        return self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # --- transactions

    @contextmanager
    def write(self, member: str | None = None, *, first: bool = False) -> Iterator[None]:
        """All or nothing. Listeners hear of the changes after the commit, one for each record.

        `first` is for the records a company starts with: they are older than any moment, so that
        the most lagging read shows them, and nobody hears of them.
        """
        self.store.begin()
        self.member = member or self.api_member
        self._announced = {}
        self._silent = set()
        try:
            yield
        except BaseException:
            self.store.rollback()
            raise
        before = self.store.commit(0.0 if first else self.moment())
        self.touched = [(name, number, self.store.get(name, number)) for name, number in before]
        changes = [
            Change(table, record_id, self._action(old, new), old, new, self.member)
            for (table, record_id), old in before.items()
            for new in (self.store.get(table, record_id),)
            if (old is not None or new is not None) and (table, record_id) not in self._silent
        ]
        for table, record_id in self._announced:
            row = self.store.get(table, record_id)
            if row is not None and (table, record_id) not in before:
                changes.append(Change(table, record_id, "updated", row, row, self.member))
        for listener in () if first else tuple(self.listeners):
            listener(changes)

    @staticmethod
    def _action(old: Row | None, new: Row | None) -> str:
        return "added" if old is None else "deleted" if new is None else "updated"

    def announce(self, table: str, record_id: int) -> None:
        """Counts a record as updated although its own fields did not change."""
        self._announced[(table, record_id)] = None

    def silence(self, table: str, record_id: int) -> None:
        """Keeps this write's change of a record from the listeners."""
        self._silent.add((table, record_id))

    # --- rows

    def insert(self, table: str, values: Mapping[str, Any], record_id: int | None = None) -> Row:
        number = self.store.new_id(table) if record_id is None else record_id
        stored = self.store.own(table)
        stored.next_id = max(stored.next_id, number + 1)
        stamp = self.stamp()
        row = dict(values)
        row["id"] = number
        row["_info"] = {
            "lastUpdated": stamp,
            "updatedBy": self.member,
            "dateEntered": stamp,
            "enteredBy": self.member,
        }
        self.store.put(table, number, row)
        return row

    def replace(self, table: str, row: Row) -> Row:
        """Stores a changed copy of a row and stamps it."""
        stored = dict(row)
        stored["_info"] = dict(row["_info"], lastUpdated=self.stamp(), updatedBy=self.member)
        self.store.put(table, row["id"], stored)
        return stored

    def change(self, table: str, record_id: int, **values: Any) -> Row:
        """Sets fields; a row that already holds them is left untouched."""
        row = self.store.get(table, record_id)
        if row is None:
            raise KeyError((table, record_id))
        if all(row.get(name) == value for name, value in values.items()):
            return row
        return self.replace(table, row | values)

    def delete(self, table: str, record_id: int) -> None:
        self.store.put(table, record_id, None)

    def get(self, table: str, record_id: int | None) -> Row | None:
        return self.store.get(table, record_id)

    def row(self, table: str, record_id: int) -> Row:
        """A row that must exist."""
        found = self.store.get(table, record_id)
        if found is None:
            raise KeyError((table, record_id))
        return found

    def find(self, table: str, name: str, value: Any) -> list[Row]:
        return self.store.find(table, name, (value,))

    def flagged(self, table: str, flag: str) -> Row | None:
        """The first active record that carries a flag, such as a list's default."""
        for row in self.store.rows(table):
            if row.get(flag) and not row.get("inactiveFlag") and not row.get("inactive"):
                return row
        return None
