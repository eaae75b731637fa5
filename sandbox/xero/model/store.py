"""Rows by table and identifier, and enough of their past to answer a read as of a moment ago.

Owns storage only: rows are dictionaries that are replaced and never changed in place, so a view of
the past shares them. Must not know any record.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

Row = dict[str, Any]
PAST = 2_000
"""How many changes a view can reach back."""


def key_of(value: Any) -> Any:
    """Text is compared without case."""
    return value.casefold() if isinstance(value, str) else value


class View(Protocol):
    """The state at one moment."""

    def get(self, table: str, record_id: str | None) -> Row | None:
        """The row, or None."""
        ...

    def rows(self, table: str) -> Iterator[Row]:
        """Every row, the oldest first."""
        ...

    def find(self, table: str, field: str, value: Any) -> list[Row]:
        """The rows whose indexed field holds the value, the oldest first."""
        ...


class Store:
    """The state now. It is its own view."""

    def __init__(self, tables: dict[str, tuple[str, ...]]) -> None:
        """`tables` names each table and its indexed fields."""
        self._tables: dict[str, dict[str, Row]] = {name: {} for name in tables}
        self._indexes: dict[tuple[str, str], dict[Any, dict[str, None]]] = {
            (name, field): {} for name, fields in tables.items() for field in fields
        }
        self._by_table = tables
        self._past: deque[tuple[float, int, str, str, Row | None]] = deque(maxlen=PAST)
        self._undo: list[tuple[str, str, Row | None]] = []
        self._writes = 0

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self._tables)

    def get(self, table: str, record_id: str | None) -> Row | None:
        return None if record_id is None else self._tables[table].get(record_id)

    def rows(self, table: str) -> Iterator[Row]:
        return iter(list(self._tables[table].values()))

    def find(self, table: str, field: str, value: Any) -> list[Row]:
        rows = self._tables[table]
        return [rows[key] for key in self._indexes[table, field].get(key_of(value), ())]

    def put(self, table: str, record_id: str, row: Row | None) -> None:
        """Replaces a row, or removes it with None. Within begin and commit only."""
        old = self._tables[table].get(record_id)
        self._undo.append((table, record_id, old))
        self._set(table, record_id, row)

    def _set(self, table: str, record_id: str, row: Row | None) -> None:
        old = self._tables[table].get(record_id)
        for field in self._by_table[table]:
            index = self._indexes[table, field]
            before = None if old is None else key_of(old.get(field))
            after = None if row is None else key_of(row.get(field))
            if before is not None and before != after:
                index.get(before, {}).pop(record_id, None)
            if after is not None:
                index.setdefault(after, {})[record_id] = None
        if row is None:
            self._tables[table].pop(record_id, None)
        else:
            self._tables[table][record_id] = row

    def begin(self) -> None:
        self._undo = []

    def mark(self) -> int:
        """A point within a write to which `back_to` returns."""
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        while len(self._undo) > mark:
            self._set(*self._undo.pop())

    def commit(self, moment: float) -> dict[tuple[str, str], Row | None]:
        """Keeps what was written; each record touched, with its row from before."""
        before: dict[tuple[str, str], Row | None] = {}
        self._writes += 1
        for table, record_id, old in self._undo:
            before.setdefault((table, record_id), old)
        for (table, record_id), old in before.items():
            self._past.append((moment, self._writes, table, record_id, old))
        self._undo = []
        return before

    def as_of(self, moment: float) -> View:
        """The state as it stood at that moment."""
        return Past(self, [(t, k, row) for at, _, t, k, row in self._past if at > moment])

    def before_last_write(self) -> View:
        last = self._writes
        return Past(self, [(t, k, row) for _, n, t, k, row in self._past if n == last])


class Past:
    """The state now with what changed since taken back."""

    def __init__(self, store: Store, changed: list[tuple[str, str, Row | None]]) -> None:
        self._store = store
        self._old: dict[str, dict[str, Row | None]] = {}
        for table, record_id, row in changed:
            self._old.setdefault(table, {}).setdefault(record_id, row)

    def get(self, table: str, record_id: str | None) -> Row | None:
        old = self._old.get(table, {})
        if record_id in old:
            return old[record_id]
        return self._store.get(table, record_id)

    def rows(self, table: str) -> Iterator[Row]:
        old = dict(self._old.get(table, {}))
        for record_id, row in list(self._store._tables[table].items()):  # noqa: SLF001 - its own view
            found = old.pop(record_id, row)
            if found is not None:
                yield found
        yield from (row for row in old.values() if row is not None)

    def find(self, table: str, field: str, value: Any) -> list[Row]:
        wanted = key_of(value)
        return [row for row in self.rows(table) if key_of(row.get(field)) == wanted]
