"""What a merge needs of the tables: the port between the rules of merging and a kind of store.

Owns no rule. Every call belongs to the caller's transaction: it is kept with all the others, or none
is. `documents.py` and `events.py` are written against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from app.domain.records import JournalEntry, Merge
from app.store.placing import Doc, Key, OrderKey

Route: TypeAlias = tuple[int, int, str, str]  # event, tenant, kind, external id


class Shelf(Protocol):
    """The tables, inside one transaction. Sequences are given in the order of their ids."""

    # Locks and documents --------------------------------------------------------------------
    async def lock(self, names: Iterable[str]) -> None:
        """Keep others from these names to the end of the transaction."""

    async def documents(self, keys: Sequence[Key]) -> Sequence[Any]:
        """Rows of the documents, and of the receipts of every purchase order among them."""

    async def by_quote(self, quotes: Sequence[tuple[int, str]]) -> Sequence[Any]:
        """Rows (connection_id, quote, order_id) of the sales orders that name the quotes."""

    async def losing(self, tenants: Sequence[int]) -> Collection[int]:
        """The tenants for whom a declined quote counts (B1.4)."""

    async def declined(self, named: Sequence[tuple[int, str]]) -> Sequence[Any]:
        """Rows (tenant_id, opportunity, order_id) of the quotes with an order of their own that
        name the opportunities."""

    async def write(self, docs: Sequence[Doc]) -> None:
        """Keep the documents as they are now."""

    # Orders ---------------------------------------------------------------------------------
    async def orders(self, wanted: Sequence[OrderKey]) -> Mapping[OrderKey, int]:
        """Ids of the orders; unknown ones become placeholders."""

    async def lock_orders(self, ids: Sequence[int]) -> tuple[dict[int, str], set[int]]:
        """Lock the orders; their names, and those that a worker has."""

    async def name(self, named: Sequence[tuple[int, str | None, str | None]]) -> None:
        """Give orders their number, and their customer where one is told."""

    async def wake(self, orders: Mapping[int, str | None]) -> None:
        """Make orders due now (wake_seq + 1), in the trace of what wakes them; None: in the one
        that they follow already."""

    async def journal(self, entries: Sequence[tuple[int, JournalEntry]]) -> None: ...

    # A purchase order that moves (H3) -------------------------------------------------------
    async def received(self, order_id: int, purchase_order: str) -> bool:
        """Whether its goods were received, or sent to be received and not answered yet."""

    async def posted(self, order_id: int, invoice: str) -> bool:
        """Whether the order posted a sales invoice to the ledger, or may have."""

    async def keep_moved(self, order_id: int, purchase_order: str, body: Mapping[str, Any]) -> bool:
        """Note on the order that the purchase order names another one. False: noted before."""

    async def move(self, order_id: int, purchase_order: str, target: int) -> None:
        """Take what was done for a purchase order along to another order."""

    async def back(self, returned: Sequence[tuple[int, str]]) -> None:
        """Take the notes of `keep_moved` away: (order, purchase order)."""

    # Remote records that events name --------------------------------------------------------
    async def carriers(self, routes: Sequence[Route]) -> dict[int, set[int]]:
        """The orders that carry the records, by event."""

    async def make_stale(self, orders: Sequence[int]) -> None:
        """Somebody changed a record: what was read of the orders' records may be old."""

    async def note(self, routes: Sequence[Route]) -> None:
        """A ledger named the documents: each is read once for the last delivery that did."""

    async def settle(self, settled: Sequence[tuple[Merge, Sequence[int]]]) -> None:
        """Keep what became of events, with the orders that they concern."""
