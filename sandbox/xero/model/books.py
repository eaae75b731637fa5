"""One organisation's books: its state, its switches, and the only way to change either.

Owns transactions, stamps and change events. Clock and identifiers are injected: nothing here reads
the time, draws a random number, sleeps or opens a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sandbox.xero.model.store import Row, Store, View
from sandbox.xero.model.switches import Switches

TABLES: dict[str, tuple[str, ...]] = {
    "organisation": (),
    "account": ("Code",),
    "taxRate": ("TaxType",),
    "currency": ("Code",),
    "tracking": ("Name",),
    "contact": ("Name", "ContactNumber"),
    "item": ("Code",),
    "invoice": ("InvoiceNumber", "ContactID"),
    "creditNote": ("CreditNoteNumber", "ContactID"),
    "purchaseOrder": ("PurchaseOrderNumber", "ContactID"),
    "payment": ("DocumentID",),
    "allocation": ("CreditNoteID", "InvoiceID"),
    "history": ("DocumentID",),
    "attachment": ("DocumentID",),
    "counter": (),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A record that a committed write touched."""

    table: str
    record_id: str
    before: Row | None
    after: Row | None


class Books:
    """The state of one organisation. Every method is synchronous and immediate."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        new_guid: Callable[[], str],
        base_currency: str = "USD",
    ) -> None:
        self.now = now
        self.new_guid = new_guid
        self.base_currency = base_currency
        self.switches = Switches()
        self.app = ""
        self.user = ""
        self.listeners: list[Callable[[list[Change]], None]] = []
        self.touched: list[Change] = []
        self.store = Store(TABLES)

    def clear(self) -> None:
        self.store = Store(TABLES)
        self.switches = Switches()
        self.touched = []

    # --- time

    def moment(self) -> datetime:
        """Now, in the milliseconds that stamps are kept in."""
        now = self.now().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def today(self) -> date:
        return self.moment().date()

    def view(self, seconds_ago: float | None = None) -> View:
        """The state that reads see."""
        lag = self.switches.read_lag_ms / 1000 if seconds_ago is None else seconds_ago
        return self.store.as_of(self.now().timestamp() - lag) if lag else self.store

    # --- transactions

    @contextmanager
    def write(self, app: str, user: str, *, first: bool = False) -> Iterator[None]:
        """All or nothing. Listeners hear of the changes after the commit.

        `first` is for the records an organisation starts with: they are older than any moment,
        and nobody hears of them.
        """
        self.store.begin()
        self.app, self.user = app, user
        try:
            yield
        except BaseException:
            self.store.back_to(0)
            raise
        before = self.store.commit(0.0 if first else self.now().timestamp())
        changes = [
            Change(table, record_id, old, self.store.get(table, record_id))
            for (table, record_id), old in before.items()
        ]
        if not first:
            self.touched = changes
            for listener in self.listeners:
                listener(changes)

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of a write that may fail without the rest."""
        mark = self.store.mark()
        try:
            yield
        except BaseException:
            self.store.back_to(mark)
            raise

    # --- rows

    def get(self, table: str, record_id: Any) -> Row | None:
        return self.store.get(table, record_id if isinstance(record_id, str) else None)

    def put(self, table: str, record_id: str, row: Mapping[str, Any]) -> Row:
        """Stores a record with its stamp."""
        stamped = dict(row) | {"UpdatedDateUTC": self.moment()}
        self.store.put(table, record_id, stamped)
        return stamped

    def change(self, table: str, record_id: str, **values: Any) -> Row:
        row = self.store.get(table, record_id)
        if row is None:
            raise KeyError(record_id)
        return self.put(table, record_id, row | values)

    def next_number(self, name: str, prefix: str, taken: Callable[[str], bool]) -> str:
        """The next of the organisation's own numbers that is free."""
        row = self.store.get("counter", name) or {"next": 1}
        number = int(row["next"])
        while taken(f"{prefix}{number:04d}"):
            number += 1
        self.store.put("counter", name, {"next": number + 1})
        return f"{prefix}{number:04d}"

    def note(self, document_id: str, changes: str, details: str) -> Row:
        """A line in a record's history."""
        key = self.new_guid()
        return self.put(
            "history",
            key,
            {
                "DocumentID": document_id,
                "Changes": changes,
                "Details": details,
                "User": self.user,
                "DateUTC": self.moment(),
            },
        )
