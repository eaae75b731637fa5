"""Rows, their indexes, and enough of their past to answer a read as of a moment ago.

Owns storage only: rows are dictionaries that are replaced and never changed in place, so a view of
the past shares them. Must not know any resource or rule.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

Row = dict[str, Any]

PAST_SECONDS = 300.0
"""How far back a view can reach. An older moment is answered from the oldest version kept."""


def index_key(value: Any) -> Any:
    """Text is compared without case, as the vendor's database does."""
    return value.casefold() if isinstance(value, str) else value


@dataclass(slots=True)
class Table:
    name: str
    indexed: tuple[str, ...]
    next_id: int
    rows: dict[int, Row] = field(default_factory=dict)
    past: dict[int, list[tuple[int, Row | None]]] = field(default_factory=dict)
    indexes: dict[str, dict[Any, dict[int, None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.indexes = {name: {} for name in self.indexed}

    def copy(self) -> Table:
        other = Table(self.name, self.indexed, self.next_id, dict(self.rows))
        other.past = {key: list(versions) for key, versions in self.past.items()}
        other.indexes = {
            name: {value: dict(ids) for value, ids in index.items()}
            for name, index in self.indexes.items()
        }
        return other

    def put(self, record_id: int, row: Row | None) -> None:
        """Replaces a row, or removes it with None, and keeps the indexes."""
        old = self.rows.get(record_id)
        for name, index in self.indexes.items():
            before = index_key(old.get(name)) if old is not None else None
            after = index_key(row.get(name)) if row is not None else None
            if before == after and (old is None) == (row is None):
                continue
            if old is not None and before in index:
                index[before].pop(record_id, None)
                if not index[before]:
                    del index[before]
            if row is not None:
                index.setdefault(after, {})[record_id] = None
        if row is None:
            self.rows.pop(record_id, None)
        else:
            self.rows[record_id] = row


class View(Protocol):
    """The state at one moment."""

    def get(self, table: str, record_id: int | None) -> Row | None:
        """The row, or None."""
        ...

    def rows(self, table: str) -> Iterator[Row]:
        """Every row, by id."""
        ...

    def find(self, table: str, name: str, values: Iterable[Any]) -> list[Row]:
        """The rows whose indexed field holds one of the values, by id."""
        ...


class Store:
    """The state now. It is its own view."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.sequence = 0
        self._moments: list[float] = []
        self._moment_sequences: list[int] = []
        self._changed: deque[tuple[int, str, int]] = deque()
        self._undo: list[tuple[Table, int, Row | None]] | None = None
        self._shared: set[str] = set()  # tables that another store has too

    def copy(self) -> Store:
        """The same rows in a store of its own. They are shared, as they never change in place, and
        so is each table until one of the two writes in it."""
        other = Store()
        other.sequence, other._changed = self.sequence, deque(self._changed)
        other._moments = list(self._moments)
        other._moment_sequences = list(self._moment_sequences)
        other.tables = dict(self.tables)
        other._shared = set(self.tables)
        self._shared = set(self.tables)
        return other

    def own(self, name: str) -> Table:
        """The table, to be written in."""
        if name in self._shared:
            self._shared.discard(name)
            self.tables[name] = self.tables[name].copy()
        return self.tables[name]

    def add_table(self, name: str, indexed: tuple[str, ...], first_id: int) -> None:
        self.tables[name] = Table(name, indexed, first_id)

    def new_id(self, table: str) -> int:
        """Ids rise and are never given twice, also after a refused write."""
        found = self.own(table)
        found.next_id += 1
        return found.next_id - 1

    # --- reading

    def get(self, table: str, record_id: int | None) -> Row | None:
        return None if record_id is None else self.tables[table].rows.get(record_id)

    def rows(self, table: str) -> Iterator[Row]:
        rows = self.tables[table].rows
        return (rows[key] for key in sorted(rows))

    def all_rows(self) -> dict[str, list[Row]]:
        """Every table's rows as they are now. Rows are never changed in place."""
        return {name: list(self.rows(name)) for name in self.tables}

    def find(self, table: str, name: str, values: Iterable[Any]) -> list[Row]:
        found = self.tables[table]
        ids: set[int] = set()
        for value in values:
            ids.update(found.indexes[name].get(index_key(value), ()))
        return [found.rows[key] for key in sorted(ids)]

    def as_of(self, moment: float) -> View:
        """The state as it stood at that moment."""
        place = bisect_right(self._moments, moment)
        if place == len(self._moments):
            return self
        return Past(self, self._moment_sequences[place - 1] if place else 0)

    def before_last_write(self) -> View:
        return Past(self, self.sequence - 1) if self.sequence > 1 else self

    # --- writing

    def begin(self) -> None:
        if self._undo is not None:
            raise RuntimeError("a write is already open")
        self._undo = []

    def put(self, table: str, record_id: int, row: Row | None) -> None:
        if self._undo is None:
            raise RuntimeError("rows change only inside a write")
        found = self.own(table)
        self._undo.append((found, record_id, found.rows.get(record_id)))
        found.put(record_id, row)

    def rollback(self) -> None:
        for table, record_id, row in reversed(self._undo or []):
            table.put(record_id, row)
        self._undo = None

    def commit(self, moment: float) -> dict[tuple[str, int], Row | None]:
        """Ends the write; gives each touched row's state from before it."""
        before: dict[tuple[str, int], Row | None] = {}
        for table, record_id, row in self._undo or []:
            before.setdefault((table.name, record_id), row)
        self._undo = None
        if not before:
            return before
        self.sequence += 1
        for (name, record_id), old in before.items():
            table = self.tables[name]
            versions = table.past.setdefault(record_id, [])
            if not versions and old is not None:
                versions.append((0, old))
            versions.append((self.sequence, table.rows.get(record_id)))
            self._changed.append((self.sequence, name, record_id))
        if self._moments:
            moment = max(moment, self._moments[-1])
        self._moments.append(moment)
        self._moment_sequences.append(self.sequence)
        if len(self._moments) % 256 == 0:
            self._forget(moment - PAST_SECONDS)
        return before

    def _forget(self, moment: float) -> None:
        """Drops versions that no view can reach any more."""
        place = bisect_right(self._moments, moment)
        if place == 0:
            return
        oldest = self._moment_sequences[place - 1]
        del self._moments[: place - 1], self._moment_sequences[: place - 1]
        while self._changed and self._changed[0][0] <= oldest:
            _, name, record_id = self._changed.popleft()
            table = self.own(name)
            versions = table.past.get(record_id)
            if versions is None:
                continue
            while len(versions) > 1 and versions[1][0] <= oldest:
                versions.pop(0)
            if len(versions) == 1:
                del table.past[record_id]

    def changed_since(self, sequence: int, table: str) -> set[int]:
        ids: set[int] = set()
        for number, name, record_id in reversed(self._changed):
            if number <= sequence:
                break
            if name == table:
                ids.add(record_id)
        return ids


class Past:
    """The state after the write with this sequence number."""

    def __init__(self, store: Store, sequence: int) -> None:
        self._store = store
        self._sequence = sequence

    def get(self, table: str, record_id: int | None) -> Row | None:
        if record_id is None:
            return None
        found = self._store.tables[table]
        versions = found.past.get(record_id)
        if versions is None:
            return found.rows.get(record_id)
        for number, row in reversed(versions):
            if number <= self._sequence:
                return row
        return None

    def rows(self, table: str) -> Iterator[Row]:
        found = self._store.tables[table]
        ids = set(found.rows) | self._store.changed_since(self._sequence, table)
        return self._visible(table, ids)

    def find(self, table: str, name: str, values: Iterable[Any]) -> list[Row]:
        wanted = {index_key(value) for value in values}
        found = self._store.tables[table]
        ids = self._store.changed_since(self._sequence, table)
        for value in wanted:
            ids.update(found.indexes[name].get(value, ()))
        return [row for row in self._visible(table, ids) if index_key(row.get(name)) in wanted]

    def _visible(self, table: str, ids: Iterable[int]) -> Iterator[Row]:
        for record_id in sorted(ids):
            row = self.get(table, record_id)
            if row is not None:
                yield row
