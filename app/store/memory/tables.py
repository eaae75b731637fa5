"""Tables in memory: rows by key, found by what the indexes say, and taken back with their transaction.

Owns atomicity and the order of everything that is handed out. A row is a dict by the names of the
columns that `app/store/tables` gives them; it is never changed in place, so what was read stays as
it was. Knows no rule of the service.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Value: TypeAlias = Hashable | None
Index: TypeAlias = Callable[[Row], Value]
_Undo: TypeAlias = "list[tuple[Table, Any, Row | None]]"


class NotUnique(Exception):
    """A row that a unique rule forbids, named as the database names it."""


class Table:
    """Rows by key. An index gives the rows that have a value; None is in no index."""

    def __init__(self, undo: _Undo, **indexes: Index) -> None:
        self._undo = undo
        self._rows: dict[Any, Row] = {}
        self._last = 0
        self._indexes: list[tuple[Index, dict[Value, dict[Any, None]]]] = []
        self._by_name: dict[str, dict[Value, dict[Any, None]]] = {}
        for name, index in indexes.items():
            found: dict[Value, dict[Any, None]] = {}
            self._indexes.append((index, found))
            self._by_name[name] = found

    def __len__(self) -> int:
        return len(self._rows)

    def next_id(self) -> int:
        """Ids are counted, and like a sequence never given back."""
        self._last += 1
        return self._last

    def get(self, key: Any) -> Row | None:
        return self._rows.get(key)

    def all(self) -> list[Row]:
        """Every row, in the order of the keys."""
        return [self._rows[key] for key in sorted(self._rows)]

    def items(self) -> list[tuple[Any, Row]]:
        """Every row with its key, in the order in which the keys came up."""
        return list(self._rows.items())

    def find(self, index: str, value: Hashable) -> list[Row]:
        """The rows that have this value, in the order of their keys."""
        keys = self._by_name[index].get(value)
        return [self._rows[key] for key in sorted(keys)] if keys else []

    def values(self, index: str) -> list[Any]:
        """The values that some row has, in the order in which they came up."""
        return list(self._by_name[index])

    def put(self, key: Any, row: Row) -> Row:
        """Keep a row in place of the one with its key."""
        self._undo.append((self, key, self._rows.get(key)))
        self.restore(key, row)
        return row

    def add(self, **columns: Any) -> Row:
        """Keep a new row under the next id."""
        number = self.next_id()
        return self.put(number, {"id": number, **columns})

    def change(self, key: Any, **columns: Any) -> Row:
        """Give a row that stands other values."""
        return self.put(key, {**self._rows[key], **columns})

    def remove(self, key: Any) -> bool:
        """False: there was none."""
        old = self._rows.get(key)
        if old is None:
            return False
        self._undo.append((self, key, old))
        self.restore(key, None)
        return True

    def restore(self, key: Any, row: Row | None) -> None:
        """Have a row stand as it is given, without a trace for the transaction."""
        old = self._rows.get(key)
        for index, found in self._indexes:
            before = index(old) if old is not None else None
            after = index(row) if row is not None else None
            if before == after:
                continue
            if before is not None:
                keys = found[before]
                del keys[key]
                if not keys:
                    del found[before]
            if after is not None:
                found.setdefault(after, {})[key] = None
        if row is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = row


def _of_order(row: Row) -> Value:
    order_id: int | None = row["order_id"]
    return order_id


class Tables:
    """All tables, and the one transaction that may be open. Indexes follow those of PostgreSQL."""

    def __init__(self) -> None:
        undo: _Undo = []
        self._undo = undo
        self._open = False
        # Set up
        self.tenant = Table(undo)
        self.connection = Table(undo, system=lambda row: (row["tenant_id"], row["kind"]))
        self.setting = Table(undo, tenant=lambda row: row["tenant_id"])
        self.mapping = Table(
            undo,
            tenant=lambda row: row["tenant_id"],
            named=lambda row: (row["tenant_id"], row["kind"], row["commerce_key"]),
        )
        self.scenario_body = Table(
            undo, version=lambda row: (row["tenant_id"], row["name"], row["version"])
        )
        self.api_key = Table(undo, digest=lambda row: row["digest"])
        self.audit = Table(undo)
        self.idempotency_key = Table(undo)
        self.ledger_grant = Table(undo)
        self.sign_in = Table(undo)
        # Inbox and documents
        self.inbox_event = Table(undo, status=lambda row: row["status"])
        self.inbox_seen = Table(undo)
        self.inbox_unverified = Table(undo)
        self.document = Table(
            undo,
            order=_of_order,
            quote=lambda row: row["quote"] and (row["connection_id"], row["quote"]),
            purchase_order=lambda row: (
                row["purchase_order"] and (row["connection_id"], row["purchase_order"])
            ),
            opportunity=lambda row: row["opportunity"] and (row["tenant_id"], row["opportunity"]),
        )
        # Orders and work
        self.orders = Table(
            undo,
            source=lambda row: (row["connection_id"], row["source_id"]),
            due=lambda row: row["due_at"] is not None or None,
            lease=lambda row: row["lease_token"],
        )
        self.worker = Table(undo)
        self.restoration = Table(undo)
        self.step_run = Table(
            undo,
            order=_of_order,
            running=lambda row: row["order_id"] if row["state"] == "running" else None,
        )
        self.applied = Table(undo, order=_of_order)
        self.intent = Table(
            undo,
            order=_of_order,
            named=lambda row: (
                row["order_id"],
                row["step"],
                row["subject"],
                row["kind"],
                row["key"],
            ),
            shared_open=lambda row: (
                (row["tenant_id"], row["kind"], row["key"])
                if row["shared"] and row["outcome"] is None
                else None
            ),
            also=lambda row: (
                (row["tenant_id"], row["kind"], row["evidence"]["also"])
                if row["shared"] and row["outcome"] is None and row["evidence"].get("also")
                else None
            ),
        )
        self.external_ref = Table(undo, id=lambda row: row["id"])
        self.order_ref = Table(undo, order=_of_order, ref=lambda row: row["ref_id"])
        self.fact = Table(undo, order=_of_order)
        self.decision = Table(undo, order=_of_order)
        self.remote_claim = Table(undo, order=_of_order)
        self.claim_waiter = Table(
            undo, claim=lambda row: (row["tenant_id"], row["kind"], row["key"])
        )
        self.journal_event = Table(undo, order=_of_order)
        self.call = Table(undo, order=_of_order)
        # Operating
        self.reference_cache = Table(undo)
        self.commerce_poll = Table(undo)
        self.probe_turn = Table(undo)
        self.probe_record = Table(undo)
        self.replay = Table(undo)
        self.replay_item = Table(
            undo,
            replay=lambda row: row["replay_id"],
            open=lambda row: row["order_id"] if row["result_state"] == "running" else None,
        )

    def rows(self) -> dict[str, dict[Any, Row]]:
        """Every row by its key, by the name of its table."""
        named = vars(self).items()
        return {name: dict(table.items()) for name, table in named if isinstance(table, Table)}

    def transaction(self) -> Transaction:
        """All of what is written inside, or nothing. Nothing inside may let others run, so that
        no two are ever open: that is what stands for locks here."""
        return Transaction(self)

    def begin(self) -> None:
        if self._open:
            raise RuntimeError("a transaction of the store in memory was left while it was open")
        self._open = True

    def end(self, *, stands: bool) -> None:
        """Keep what was written since the beginning, or take it back."""
        if not stands:
            for table, key, row in reversed(self._undo):
                table.restore(key, row)
        self._undo.clear()
        self._open = False


class Transaction:
    """The life of one: taken back where its block raises."""

    __slots__ = ("_tables",)

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __enter__(self) -> None:
        self._tables.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tables.end(stands=kind is None)
