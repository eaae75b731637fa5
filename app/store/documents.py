"""Documents in their orders: read, placed, moved and written, in the caller's transaction.

Owns `document` and what a purchase order takes along when it moves to another order. Locks come
in one order everywhere: documents and quotes by advisory lock, then opportunities by another, then
orders by id, then rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.domain.codes import Code
from app.domain.documents import Kind
from app.domain.records import JournalEntry
from app.store import declining, rows
from app.store.database import Session, as_json, text_or_none
from app.store.database import key as index_key
from app.store.declining import lock
from app.store.placing import Delivered, Doc, Key, OrderKey, fold, lock_keys
from app.store.story import JOURNAL, columns, journal_columns

_READ = """
SELECT d.* FROM unnest($1::bigint[], $2::text[], $3::text[]) AS t (connection_id, kind, source_id)
JOIN document AS d USING (connection_id, kind, source_id)
"""
_RECEIPTS = """
SELECT d.* FROM unnest($1::bigint[], $2::text[]) AS t (connection_id, purchase_order)
JOIN document AS d USING (connection_id, purchase_order) WHERE d.kind = 'receipt'
"""
_BY_QUOTE = """
SELECT d.connection_id, d.quote, d.order_id
FROM unnest($1::bigint[], $2::text[]) AS t (connection_id, quote)
JOIN document AS d USING (connection_id, quote) WHERE d.kind = 'sales_order'
"""
_PLACEHOLDERS = """
INSERT INTO orders (tenant_id, connection_id, source_id)
SELECT c.tenant_id, t.connection_id, t.source_id
FROM unnest($1::bigint[], $2::text[]) AS t (connection_id, source_id)
JOIN connection AS c ON c.id = t.connection_id
ORDER BY t.connection_id, t.source_id
ON CONFLICT (connection_id, source_id) DO NOTHING
"""
_ORDERS = """
SELECT o.id, o.connection_id, o.source_id
FROM unnest($1::bigint[], $2::text[]) AS t (connection_id, source_id)
JOIN orders AS o USING (connection_id, source_id)
"""
_LOCK_ORDERS = f"""
SELECT o.id, o.lease_token, {rows.ORDER_NAME} AS name FROM orders AS o
WHERE o.id = ANY ($1::bigint[]) ORDER BY o.id FOR NO KEY UPDATE
"""  # noqa: S608 - constant text

_WRITE = """
INSERT INTO document AS d (
    tenant_id, connection_id, kind, source_id, order_id, quote, purchase_order, opportunity,
    version, rank, own, extras, number
)
SELECT tenant_id, connection_id, kind, source_id, order_id, quote, purchase_order, opportunity,
    version, rank::json, own::json, extras::json, number
FROM unnest(
    $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[]
) AS t (
    tenant_id, connection_id, kind, source_id, order_id, quote, purchase_order, opportunity,
    version, rank, own, extras, number
)
ON CONFLICT (connection_id, kind, source_id) DO UPDATE SET
    order_id = EXCLUDED.order_id, quote = EXCLUDED.quote,
    purchase_order = EXCLUDED.purchase_order, opportunity = EXCLUDED.opportunity,
    version = EXCLUDED.version, rank = EXCLUDED.rank, own = EXCLUDED.own,
    extras = EXCLUDED.extras, number = EXCLUDED.number, updated_at = now()
"""
_NAME = """
UPDATE orders AS o SET number = t.number, customer = coalesce(t.customer, o.customer)
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS t (id, number, customer)
WHERE o.id = t.id
"""

# Rows of a purchase order: subjects po:881, receipt:881:R-1, gap:881:…, surplus:881; references and facts of
# its records carry the bare id as their key.
_SUBJECT = """
split_part({0}, ':', 1) IN ('po', 'receipt', 'gap', 'surplus') AND split_part({0}, ':', 2) = $2
"""
_KEYED = f"""
(({_SUBJECT.format("key")}) OR (kind LIKE 'purchase\\_order%' AND split_part(key, ':', 1) = $2))
"""
_MOVE = tuple(
    statement.format(subject=_SUBJECT.format("subject"), keyed=_KEYED)
    for statement in (
        """UPDATE applied SET order_id = $3, retry_at = NULL, retry_wake = NULL
        WHERE order_id = $1 AND {subject}""",
        "UPDATE intent SET order_id = $3 WHERE order_id = $1 AND {subject}",
        "UPDATE fact SET order_id = $3 WHERE order_id = $1 AND {keyed}",
        """WITH moved AS (
            UPDATE order_ref SET order_id = $3 WHERE order_id = $1 AND {keyed} RETURNING ref_id
        )
        UPDATE external_ref AS e SET order_id = $3 FROM moved
        WHERE e.id = moved.ref_id AND e.order_id = $1""",
    )
)
# Received, or sent to be received and not answered yet.
_RECEIVED = f"""
SELECT EXISTS (
    SELECT FROM applied WHERE order_id = $1 AND step IN ('receive_purchase_order', 'post_bill')
    AND want IS NOT NULL AND {_SUBJECT.format("subject")}
) OR EXISTS (
    SELECT FROM intent WHERE order_id = $1 AND step IN ('receive_purchase_order', 'post_bill')
    AND {_SUBJECT.format("subject")}
)
"""  # noqa: S608 - constant text
_MOVED_FACT = """
INSERT INTO fact (tenant_id, order_id, kind, key, body, seen_at)
SELECT tenant_id, id, 'purchase_order_moved', $2, $3::text::json, now() FROM orders WHERE id = $1
ON CONFLICT (order_id, kind, key) DO UPDATE SET body = EXCLUDED.body, seen_at = EXCLUDED.seen_at
WHERE fact.body::text <> EXCLUDED.body::text
RETURNING key
"""
_BACK = """
DELETE FROM fact AS f USING unnest($1::bigint[], $2::text[]) AS t (order_id, key)
WHERE f.order_id = t.order_id AND f.kind = 'purchase_order_moved' AND f.key = t.key
"""


def _key_of(doc: Doc) -> OrderKey:
    named = doc.order_key
    assert named is not None  # noqa: S101 - every purchase order names one, if only for stock
    return named


class Documents:
    """Places one group's documents. `woken` and `of_event` tell what it did."""

    def __init__(self, session: Session) -> None:
        self._session = session
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
        await lock(self._session, (f"{c}/{k.value}/{s}" for c, k, s in keys))
        while True:
            kept = [one for one in delivered if one.event_id not in postponed]
            await self._read(lock_keys(kept))
            fold(kept, self._docs)
            self._declined = await declining.read(self._session, self._docs)
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
        given = [(connection, kind.value, source) for connection, kind, source in wanted]
        found = list(await self._session.fetch(_READ, *columns(given))) if given else []
        purchase_orders = [(c, s) for c, kind, s in wanted if kind is Kind.PURCHASE_ORDER]
        if purchase_orders:
            found += await self._session.fetch(_RECEIPTS, *columns(purchase_orders))
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
            for row in await self._session.fetch(_BY_QUOTE, *columns(quotes)):
                joined = self._by_quote.setdefault((row["connection_id"], row["quote"]), set())
                joined.add(row["order_id"])

    async def _orders(self) -> dict[OrderKey, int]:
        """Ids of the orders that the newest states name; unknown ones become placeholders."""
        keys = (doc.order_key for doc in self._docs.values() if doc.changed)
        wanted = sorted({named for named in keys if named is not None})
        if not wanted:
            return {}
        found = await self._session.fetch(_ORDERS, *columns(wanted))
        if len(found) < len(wanted):
            await self._session.execute(_PLACEHOLDERS, *columns(wanted))
            found = await self._session.fetch(_ORDERS, *columns(wanted))
        return {(row["connection_id"], row["source_id"]): row["id"] for row in found}

    async def _lock_orders(self, orders: Mapping[OrderKey, int]) -> tuple[dict[int, str], set[int]]:
        """Names of the orders that this group touches, and those that a worker has."""
        ids = {*orders.values(), *self._others}
        ids.update(doc.order_id for doc in self._docs.values() if doc.order_id is not None)
        ids.update(*self._by_quote.values(), *self._declined.values())
        found = await self._session.fetch(_LOCK_ORDERS, sorted(ids))
        busy = {row["id"] for row in found if row["lease_token"] is not None}
        return {row["id"]: row["name"] for row in found}, busy

    def _moving(self, orders: Mapping[OrderKey, int]) -> list[Doc]:
        """Purchase orders that stood in an order and name another one now."""
        return [
            doc
            for doc in self._docs.values()
            if doc.kind is Kind.PURCHASE_ORDER
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
            await self._move(doc, orders[_key_of(doc)], names)
        back: list[tuple[int, str]] = []
        for doc in self._docs.values():
            if not doc.changed or doc.told is None:
                continue
            doc.quote = doc.told.quote
            doc.purchase_order = doc.told.purchase_order
            if doc.kind in (Kind.SALES_ORDER, Kind.SALES_INVOICE) or doc.order_id is None:
                doc.order_id = self._target(doc, orders)
            elif doc.kind is Kind.PURCHASE_ORDER and doc.order_id == self._target(doc, orders):
                back.append((doc.order_id, doc.source_id))
        if back:
            await self._session.execute(_BACK, *columns(back))
        for doc in self._docs.values():
            if doc.kind is Kind.RECEIPT and doc.purchase_order is not None:
                self._follow(doc, doc.purchase_order)
        for doc in self._docs.values():
            self._tell(doc)

    async def _move(self, doc: Doc, target: int, names: dict[int, str]) -> None:
        """H3: a purchase order takes along what was done for it, unless its goods were received."""
        source = doc.order_id
        assert source is not None  # noqa: S101 - it stood in an order
        stays = await self._session.fetchval(_RECEIVED, source, doc.source_id)
        for_stock = doc.told is not None and doc.told.order is None
        to = "no sales order" if for_stock else names[target]
        self.woken.add(source)
        if stays:
            body = as_json({"order": to, "purchase_order": doc.source_id})
            if await self._session.fetchval(_MOVED_FACT, source, doc.source_id, body):
                sentence = f"{doc.name} names {to} now, but stays here with what was done for it."
                self._note(source, Code.PURCHASE_ORDER_MOVED, sentence, doc)
            return
        sentence = f"{doc.name} moved from {names[source]} to {to}."
        for order_id in (source, target):
            self._note(order_id, Code.PURCHASE_ORDER_MOVED, sentence, doc)
        for statement in _MOVE:
            await self._session.execute(statement, source, doc.source_id, target)
        doc.order_id = target

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
        written = [
            (
                doc.tenant_id,
                doc.connection_id,
                doc.kind.value,
                doc.source_id,
                doc.order_id,
                doc.quote,
                doc.purchase_order,
                text_or_none(doc.opportunity),
                doc.stored.version,
                as_json(doc.stored.rank),
                as_json(doc.stored.own),
                as_json(doc.stored.extras),
                index_key(doc.number) if doc.number is not None else None,
            )
            for doc in changed
        ]
        if written:
            await self._session.execute(_WRITE, *columns(written))
        named = [
            (doc.order_id, *(text_or_none(name) for name in doc.names))
            for doc in changed
            if doc.told is not None and doc.changed and self._names_its_order(doc)
        ]
        if named:
            await self._session.execute(_NAME, *columns(named))
        if self._journal:
            await self._session.execute(JOURNAL, *journal_columns(self._journal))
