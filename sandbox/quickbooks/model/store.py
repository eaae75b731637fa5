"""Records of one company, and enough of their past to answer a read as of a moment ago.

Owns storage only: rows are dictionaries that are replaced and never changed in place. Must not
know any entity or rule.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Place = tuple[str, str]  # entity, id

REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Commit:
    moment: float
    before: dict[Place, Row | None]


class View:
    """The records at one moment."""

    def __init__(self, tables: dict[str, dict[str, Row]]) -> None:
        self._tables = tables

    def get(self, entity: str, record_id: str) -> Row | None:
        return self._tables.get(entity, {}).get(record_id)

    def rows(self, entity: str) -> Iterator[Row]:
        """Every record, by id."""
        table = self._tables.get(entity, {})
        return (table[key] for key in sorted(table, key=lambda each: (len(each), each)))


class Store(View):
    """The records now, and the only place that changes them."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Row]] = {}
        super().__init__(self.tables)
        self._sequences: dict[str, int] = {}
        self._commits: deque[Commit] = deque(maxlen=REMEMBERED)
        self._undo: dict[Place, Row | None] | None = None

    def new_id(self, sequence: str, first: int) -> str:
        """Ids rise and are never given twice, also after a refused write."""
        self._sequences[sequence] = max(self._sequences.get(sequence, 0) + 1, first)
        return str(self._sequences[sequence])

    def begin(self) -> None:
        if self._undo is not None:
            raise RuntimeError("a write is already open")
        self._undo = {}

    def put(self, entity: str, record_id: str, row: Row | None) -> None:
        if self._undo is None:
            raise RuntimeError("records change only inside a write")
        table = self.tables.setdefault(entity, {})
        self._undo.setdefault((entity, record_id), table.get(record_id))
        if row is None:
            table.pop(record_id, None)
        else:
            table[record_id] = row

    def rollback(self) -> None:
        undone, self._undo = self._undo or {}, None
        for (entity, record_id), row in undone.items():
            if row is None:
                self.tables[entity].pop(record_id, None)
            else:
                self.tables[entity][record_id] = row

    def commit(self, moment: float) -> dict[Place, Row | None]:
        """Ends the write; gives each touched record's state from before it."""
        before, self._undo = self._undo or {}, None
        if before:
            self._commits.append(Commit(moment, before))
        return before

    def as_of(self, moment: float) -> View:
        return self._undone([each for each in self._commits if each.moment > moment])

    def before_last_write(self) -> View:
        return self._undone(list(self._commits)[-1:])

    def _undone(self, commits: list[Commit]) -> View:
        if not commits:
            return self
        tables = {name: dict(rows) for name, rows in self.tables.items()}
        for commit in reversed(commits):
            for (entity, record_id), row in commit.before.items():
                if row is None:
                    tables[entity].pop(record_id, None)
                else:
                    tables[entity][record_id] = row
        return View(tables)
