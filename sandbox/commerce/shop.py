"""The state of one simulated shop: rows of every table, and when each was made and changed.

Owns ids, dates and what a change of a part does to its whole. Pure: the clock is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.commerce.switches import Switches
from sandbox.commerce.tables import EMPTY, STAMPS, TABLES
from sandbox.kit.wire import Unusable

Row = dict[str, Any]
TICK = timedelta(milliseconds=1)


class Shop:
    """Rows by table and id. `beyond` keeps, by document, what the API does not carry."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stamp: datetime | None = None
        self.switches = Switches()
        self.rows: dict[str, dict[int, Row]] = {name: {} for name in TABLES}
        self.beyond: dict[tuple[str, int], Row] = {}
        self.next_ids = dict.fromkeys(TABLES, 1)

    def now(self) -> datetime:
        """As fine as the dates on the wire, so that an event and the API say the same."""
        now = self._now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def stamp(self) -> datetime:
        """Now, later than every stamp before, so that no two changes look like one."""
        now = self.now()
        if self._stamp is not None and now <= self._stamp:
            now = self._stamp + TICK
        self._stamp = now
        return now

    # Reading -------------------------------------------------------------------------------------

    def get(self, table: str, number: Any) -> Row:
        """Raises Unusable."""
        row = self.rows[table].get(number) if isinstance(number, int) else None
        if row is None:
            raise Unusable(f"there is no {table} {number}")
        return row

    def of(self, table: str, field: str, number: int) -> list[Row]:
        """The parts of something, in the order of their numbers."""
        found = [row for row in self.rows[table].values() if row.get(field) == number]
        return sorted(found, key=lambda row: (row.get("lineNumber", 0), row["id"]))

    # Changing ------------------------------------------------------------------------------------

    def next_id(self, table: str) -> int:
        return max(self.next_ids[table], max(self.rows[table], default=0) + 1)

    def save(self, table: str, given: Mapping[str, Any]) -> Row:
        """Make a row or change the one with this id. Fields that the table does not have are left
        out. What stays the same keeps its date; what a part changes, its whole shows too, unless
        a switch says otherwise. Raises Unusable for an id that belongs to something else."""
        shape = TABLES[table]
        number = given.get("id") or self.next_id(table)
        before = self.rows[table].get(number)
        if before is None:
            row = self._empty(table, number)
        elif (
            shape.parent
            and given.get(shape.parent[0], before[shape.parent[0]]) != (before[shape.parent[0]])
        ):
            raise Unusable(f"{table} {number} is part of another {shape.parent[1]}")
        else:
            row = dict(before)
        row.update(
            {
                name: value
                for name, value in given.items()
                if name in shape.fields and name not in STAMPS and value is not None
            }
        )
        if row == before:
            return before
        row["id"] = number
        self.next_ids[table] = max(self.next_ids[table], number + 1)
        if "modifiedDate" in shape.fields:
            row["modifiedDate"] = self.stamp()
        self.rows[table][number] = row
        self._touch_parent(table, row)
        return row

    def remove(self, table: str, number: int) -> None:
        """Without a trace: the API has no tombstones, and the whole may show nothing."""
        row = self.rows[table].pop(number)
        self._touch_parent(table, row)

    def keep_only(self, table: str, field: str, number: int, kept: Iterable[int]) -> None:
        for row in self.of(table, field, number):
            if row["id"] not in set(kept):
                self.remove(table, row["id"])

    def _touch_parent(self, table: str, row: Row) -> None:
        parent = TABLES[table].parent
        if parent is None or not self.switches.line_bumps_header:
            return
        whole = self.rows[parent[1]].get(row[parent[0]])
        if whole is None:
            return
        if "modifiedDate" in TABLES[parent[1]].fields:
            whole["modifiedDate"] = self.stamp()
        self._touch_parent(parent[1], whole)

    def _empty(self, table: str, number: int) -> Row:
        row: Row = {}
        for name, type_ in TABLES[table].fields.items():
            if type_.endswith("?"):
                row[name] = None
            elif type_ == "d":
                row[name] = self.stamp()
            else:
                row[name] = EMPTY[type_]
        return {**row, "id": number}
