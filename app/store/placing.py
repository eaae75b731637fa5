"""Where merged documents belong: pure, before anything is written.

Owns the fold of delivered documents over the stored ones (by `versions.merge`) and which order a
document stands in. Talks to nobody: what it needs of the database is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

from app.domain.documents import Kind, QuoteStatus
from app.domain.records import QUOTE, STOCK, DocumentPlace, JournalEntry
from app.domain.versions import Stored, merge
from app.store.texts import key
from app.store.words import words_of

Key: TypeAlias = tuple[int, Kind, str]  # connection, kind, source id
OrderKey: TypeAlias = tuple[int, str]  # connection, source id

_LABELS: dict[Kind, tuple[str, tuple[str, ...]]] = {
    Kind.QUOTE: ("Quote", ("quoteNumber",)),
    Kind.SALES_ORDER: ("Sales order", ("orderNumber",)),
    Kind.PURCHASE_ORDER: ("Purchase order", ("orderNumber",)),
    Kind.RECEIPT: ("Receipt", ("packingSlip",)),
    Kind.SALES_INVOICE: ("Sales invoice", ("invoiceNumber",)),
}


@dataclass(slots=True)
class Doc:
    """A document of a group: as it was stored, as it is now, and what it says of its place.

    `order_id`, `quote` and `purchase_order` are the stored columns until the document is placed.
    """

    connection_id: int
    tenant_id: int
    old: Stored | None = None
    new: Stored | None = None
    order_id: int | None = None
    quote: str | None = None
    purchase_order: str | None = None
    told: DocumentPlace | None = None  # what the newest state says, None: nothing new
    events: set[int] = field(default_factory=set)
    was_in: int | None = None  # the order that it is stored in
    losing: bool = False  # a quote of a tenant for whom a declined one marks opportunities lost

    @property
    def stored(self) -> Stored:
        found = self.new or self.old
        assert found is not None  # noqa: S101 - a Doc is made for one of the two
        return found

    @property
    def kind(self) -> Kind:
        return self.stored.kind

    @property
    def source_id(self) -> str:
        return self.stored.source_id

    @property
    def changed(self) -> bool:
        return self.new is not None and self.new != self.old

    @property
    def moved(self) -> bool:
        return self.old is not None and self.order_id != self.was_in

    @property
    def order_key(self) -> OrderKey | None:
        """The order that the newest state names by itself; receipts and quotes name none. A
        purchase order without a sales order is an order of its own kind: one for stock (H4), and
        so is a declined quote where that counts (B1.4)."""
        if self.told is None:
            return None
        if self.kind is Kind.QUOTE:
            begins = self.declined and self.losing
            return (self.connection_id, key(f"{QUOTE}{self.source_id}")) if begins else None
        if self.told.order is None and self.kind is Kind.PURCHASE_ORDER:
            return (self.connection_id, key(f"{STOCK}{self.source_id}"))
        return (self.connection_id, self.told.order) if self.told.order is not None else None

    @property
    def customer(self) -> str | None:
        value = self.stored.body().get("customer")
        name = value.get("name") if isinstance(value, Mapping) else None
        return name if isinstance(name, str) else None

    @property
    def declined(self) -> bool:
        """Whether it is a quote that the customer declined."""
        return self.kind is Kind.QUOTE and self.stored.own.get("status") == QuoteStatus.DECLINED

    @property
    def opportunity(self) -> str | None:
        """The ConnectWise opportunity that a person chose in Commerce."""
        return _opportunity(self.stored)

    @property
    def opportunities(self) -> set[str]:
        """The one that it names, and the one that it named before."""
        found = {_opportunity(stored) for stored in (self.old, self.new) if stored is not None}
        return {opportunity for opportunity in found if opportunity is not None}

    @property
    def number(self) -> str | None:
        """What people call the document."""
        body: Mapping[str, Any] = self.stored.body()
        found = next((body[name] for name in _LABELS[self.kind][1] if body.get(name)), None)
        return None if found is None else str(found)

    @property
    def words(self) -> str | None:
        """What else it is found by."""
        return words_of(self.kind, self.stored.body(), self.number)

    @property
    def name(self) -> str:
        return f"{_LABELS[self.kind][0]} {self.number or self.source_id}"

    @property
    def names(self) -> tuple[str | None, str | None]:
        """Number and customer that the document gives its order. A purchase order for stock lends
        its number, and no customer; a declined quote lends both."""
        if self.kind is Kind.QUOTE:
            number = self.stored.body().get("quoteNumber")
            return (number if isinstance(number, str) else None), self.customer
        if self.kind is Kind.PURCHASE_ORDER:
            number = self.stored.body().get("orderNumber")
            return (number if isinstance(number, str) else None), None
        return (self.told.order_number if self.told is not None else None), self.customer

    def journal(self) -> JournalEntry:
        came = "came in" if self.old is None else "changed"
        return JournalEntry(
            "DOCUMENT_MERGED",
            f"{self.name} {came}.",
            data={
                "kind": self.kind.value,
                "id": self.source_id,
                "version": self.stored.version,
                "events": sorted(self.events),
            },
        )


@dataclass(frozen=True, slots=True)
class Delivered:
    """A document of an event, with the connection that it came over."""

    event_id: int
    tenant_id: int
    connection_id: int
    place: DocumentPlace

    @classmethod
    def of(cls, event_id: int, tenant_id: int, connection_id: int, place: DocumentPlace) -> Self:
        """With ids as the indexes can hold them."""
        fitting = replace(
            place,
            stored=replace(place.stored, source_id=key(place.stored.source_id)),
            order=_key_or_none(place.order),
            quote=_key_or_none(place.quote),
            purchase_order=_key_or_none(place.purchase_order),
        )
        return cls(event_id, tenant_id, connection_id, fitting)

    @property
    def key(self) -> Key:
        return (self.connection_id, self.place.kind, self.place.stored.source_id)


def _opportunity(stored: Stored) -> str | None:
    if stored.kind not in (Kind.QUOTE, Kind.SALES_ORDER):
        return None
    value = stored.body().get("connectwise")
    chosen = value.get("opportunityId") if isinstance(value, Mapping) else None
    return str(chosen) if isinstance(chosen, (int, str)) else None


def _key_or_none(value: str | None) -> str | None:
    return None if value is None else key(value)


def lock_keys(delivered: Iterable[Delivered]) -> set[Key]:
    """What is locked before anything is read: each document, the quote that a sales order names
    and the purchase order of a receipt, because they decide about each other's place."""
    keys: set[Key] = set()
    for one in delivered:
        keys.add(one.key)
        if one.place.quote is not None:
            keys.add((one.connection_id, Kind.QUOTE, one.place.quote))
        if one.place.purchase_order is not None:
            keys.add((one.connection_id, Kind.PURCHASE_ORDER, one.place.purchase_order))
    return keys


def fold(delivered: Iterable[Delivered], docs: dict[Key, Doc]) -> None:
    """Merge what was delivered into the documents. Neither order nor grouping matters."""
    for one in delivered:
        doc = docs.get(one.key)
        if doc is None:
            doc = docs[one.key] = Doc(one.connection_id, one.tenant_id)
        doc.events.add(one.event_id)
        doc.new = merge(doc.new or doc.old, one.place.stored)
        if doc.new.rank == one.place.stored.rank and (
            doc.old is None or doc.new.rank != doc.old.rank
        ):
            doc.told = one.place
