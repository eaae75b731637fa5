"""Documents in their orders: read, placed, moved and written, in the caller's transaction.

Owns where a document stands, whom it wakes and what is told of it, for every kind of store: what it
needs of the tables comes through `shelf.Shelf`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.domain.codes import Code
from app.domain.documents import Kind
from app.domain.records import JournalEntry
from app.store import declining, rows
from app.store.placing import Delivered, Doc, Key, OrderKey, fold, lock_keys
from app.store.shelf import Shelf
from app.store.texts import text_or_none


def _key_of(doc: Doc) -> OrderKey:
    named = doc.order_key
    assert named is not None  # noqa: S101 - invoices and purchase orders do, if only for stock
    return named


def _came(named: tuple[Key, Doc]) -> tuple[int, Key]:
    key, doc = named
    return min(doc.events, default=0), key


class Documents:
    """Places one group's documents. `woken` and `of_event` tell what it did."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.woken: set[int] = set()
        self.of_event: dict[int, set[int]] = {}
        self._docs: dict[Key, Doc] = {}
        self._by_quote: dict[tuple[int, str], set[int]] = {}
        self._declined: declining.Declined = {}
        self._journal: list[tuple[int, JournalEntry]] = []
        self._others: set[int] = set()
        self._named: Mapping[OrderKey, int] = {}

    async def place(self, delivered: Sequence[Delivered], others: Iterable[int]) -> set[int]:
        """Merge, place and write; the events that have to come again, of which nothing is kept.

        `others` are orders that the caller will wake too, locked here with all the rest.
        """
        postponed: set[int] = set()
        self._others = set(others)
        if not delivered and not self._others:
            return postponed
        keys = lock_keys(delivered)
        await self._shelf.lock(f"{c}/{k.value}/{s}" for c, k, s in keys)
        while True:
            kept = [one for one in delivered if one.event_id not in postponed]
            await self._read(lock_keys(kept))
            fold(kept, self._docs)
            # As they came in, so that the story does not depend on how rows are found.
            self._docs = dict(sorted(self._docs.items(), key=_came))
            self._declined = await declining.read(self._shelf, self._docs)
            orders = await self._orders()
            names, busy = await self._lock_orders(orders)
            again = {
                event_id
                for doc in self._moving(orders)
                if doc.order_id in busy
                for event_id in doc.events
            }
            if not again:
                break
            postponed |= again
        await self._settle_orders(orders, names)
        await self._write()
        return postponed

    # Reading --------------------------------------------------------------------------------

    async def _read(self, keys: Iterable[Key]) -> None:
        self._docs = {}
        wanted = sorted(keys)
        found = await self._shelf.documents(wanted) if wanted else ()
        for row in found:
            doc = Doc(
                row["connection_id"],
                row["tenant_id"],
                old=rows.stored(row),
                order_id=row["order_id"],
                was_in=row["order_id"],
                quote=row["quote"],
                purchase_order=row["purchase_order"],
            )
            self._docs[doc.connection_id, doc.kind, doc.source_id] = doc
        quotes = [(c, s) for c, kind, s in wanted if kind is Kind.QUOTE]
        self._by_quote = {}
        if quotes:
            for row in await self._shelf.by_quote(quotes):
                joined = self._by_quote.setdefault((row["connection_id"], row["quote"]), set())
                joined.add(row["order_id"])

    async def _orders(self) -> Mapping[OrderKey, int]:
        """Ids of the orders that the newest states name."""
        keys = (doc.order_key for doc in self._docs.values() if doc.changed)
        wanted = sorted({named for named in keys if named is not None})
        return await self._shelf.orders(wanted) if wanted else {}

    async def _lock_orders(self, orders: Mapping[OrderKey, int]) -> tuple[dict[int, str], set[int]]:
        """Names of the orders that this group touches, and those that a worker has."""
        ids = {*orders.values(), *self._others}
        ids.update(doc.order_id for doc in self._docs.values() if doc.order_id is not None)
        ids.update(*self._by_quote.values(), *self._declined.values())
        return await self._shelf.lock_orders(sorted(ids))

    def _moving(self, orders: Mapping[OrderKey, int]) -> list[Doc]:
        """Purchase orders and invoices that stood in an order and name another one now."""
        return [
            doc
            for doc in self._docs.values()
            if doc.kind in (Kind.PURCHASE_ORDER, Kind.SALES_INVOICE)
            and doc.changed
            and doc.told is not None
            and doc.order_id is not None
            and self._target(doc, orders) != doc.order_id
        ]

    @staticmethod
    def _target(doc: Doc, orders: Mapping[OrderKey, int]) -> int | None:
        named = doc.order_key
        return orders[named] if named is not None else None

    # Placing --------------------------------------------------------------------------------

    async def _settle_orders(self, orders: Mapping[OrderKey, int], names: dict[int, str]) -> None:
        self._named = orders
        for doc in self._moving(orders):
            move = self._move if doc.kind is Kind.PURCHASE_ORDER else self._move_invoice
            await move(doc, orders[_key_of(doc)], names)
        back: list[tuple[int, str]] = []
        for doc in self._docs.values():
            if not doc.changed or doc.told is None:
                continue
            doc.quote = doc.told.quote
            doc.purchase_order = doc.told.purchase_order
            if doc.kind is Kind.SALES_ORDER or doc.order_id is None:
                doc.order_id = self._target(doc, orders)
            elif doc.kind is Kind.PURCHASE_ORDER and doc.order_id == self._target(doc, orders):
                back.append((doc.order_id, doc.source_id))
        if back:
            await self._shelf.back(back)
        for doc in self._docs.values():
            if doc.kind is Kind.RECEIPT and doc.purchase_order is not None:
                self._follow(doc, doc.purchase_order)
        for doc in self._docs.values():
            self._tell(doc)

    async def _move(self, doc: Doc, target: int, names: dict[int, str]) -> None:
        """H3: a purchase order takes along what was done for it, unless its goods were received."""
        source = doc.order_id
        assert source is not None  # noqa: S101 - it stood in an order
        stays = await self._shelf.received(source, doc.source_id)
        for_stock = doc.told is not None and doc.told.order is None
        to = "no sales order" if for_stock else names[target]
        self.woken.add(source)
        if stays:
            body = {"order": to, "purchase_order": doc.source_id}
            if await self._shelf.keep_moved(source, doc.source_id, body):
                sentence = f"{doc.name} names {to} now, but stays here with what was done for it."
                self._note(source, Code.PURCHASE_ORDER_MOVED, sentence, doc)
            return
        sentence = f"{doc.name} moved from {names[source]} to {to}."
        for order_id in (source, target):
            self._note(order_id, Code.PURCHASE_ORDER_MOVED, sentence, doc)
        await self._shelf.move(source, doc.source_id, target)
        doc.order_id = target

    async def _move_invoice(self, doc: Doc, target: int, names: dict[int, str]) -> None:
        """C4: an invoice that is posted, or may be, stays with the order that posted it: the other
        one would post it a second time."""
        source = doc.order_id
        assert source is not None  # noqa: S101 - it stood in an order
        if not await self._shelf.posted(source, doc.source_id):
            doc.order_id = target
            return
        sentence = f"{doc.name} names {names[target]} now, but is posted for {names[source]}."
        entry = JournalEntry("INVOICE_STAYS", sentence, subject=f"invoice:{doc.source_id}")
        self._journal.extend((order_id, entry) for order_id in (source, target))

    def _note(self, order_id: int, code: Code, sentence: str, doc: Doc) -> None:
        entry = JournalEntry(code.value, sentence, subject=f"po:{doc.source_id}")
        self._journal.append((order_id, entry))

    def _follow(self, receipt: Doc, purchase_order: str) -> None:
        """A receipt stands where its purchase order stands."""
        leader = self._docs.get((receipt.connection_id, Kind.PURCHASE_ORDER, purchase_order))
        if leader is not None:
            receipt.order_id = leader.order_id
        elif receipt.told is not None:
            receipt.order_id = None  # its purchase order has not come in

    def _tell(self, doc: Doc) -> None:
        """Whom the document concerns: which events, which orders are woken and told."""
        if doc.kind is Kind.QUOTE:
            concerned = {doc.order_id} if doc.order_id is not None else set()
            concerned |= set(self._by_quote.get((doc.connection_id, doc.source_id), ()))
            concerned.update(
                other.order_id
                for other in self._docs.values()
                if other.kind is Kind.SALES_ORDER
                and other.quote == doc.source_id
                and other.connection_id == doc.connection_id
                and other.order_id is not None
            )
        else:
            concerned = {doc.order_id} if doc.order_id is not None else set()
        for event_id in doc.events:
            self.of_event.setdefault(event_id, set()).update(concerned)
        if doc.moved:
            left_and_joined = (doc.was_in, doc.order_id)
            self.woken.update(order for order in left_and_joined if order is not None)
        if doc.changed:
            self.woken |= concerned
            self.woken |= declining.beside(doc, self._docs, self._declined)
            self._journal.extend((order_id, doc.journal()) for order_id in sorted(concerned))

    def _names_its_order(self, doc: Doc) -> bool:
        if doc.kind in (Kind.SALES_ORDER, Kind.QUOTE):
            return doc.order_id is not None
        stock = doc.kind is Kind.PURCHASE_ORDER and doc.told is not None and doc.told.order is None
        return stock and doc.order_id == self._named.get(doc.order_key or (0, ""))

    # Writing --------------------------------------------------------------------------------

    async def _write(self) -> None:
        changed = [doc for _, doc in sorted(self._docs.items()) if doc.changed or doc.moved]
        if changed:
            await self._shelf.write(changed)
        named = [
            (doc.order_id, text_or_none(doc.names[0]), text_or_none(doc.names[1]))
            for doc in changed
            if doc.order_id is not None and doc.told is not None and doc.changed
            if self._names_its_order(doc)
        ]
        if named:
            await self._shelf.name(named)
        if self._journal:
            await self._shelf.journal(self._journal)
