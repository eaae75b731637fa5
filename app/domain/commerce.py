"""Commerce's own API as the service reads it: the lists that are polled, and whole documents.

Owns the port `Commerce` and the port `Polls`, the memory of the poll. Must not know paths, fields
or tables. The API is read-only (commerce.md, section 0), so nothing here can be in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.domain.documents import Kind
from app.domain.records import Delivery
from app.domain.versions import Stored


class Listing(StrEnum):
    """The lists that say what changed (commerce.md 1.1). Lines and costs have lists of their own,
    because nothing says that their change also changes the header (1.5)."""

    QUOTES = "quote"
    SALES_ORDERS = "salesorder"
    SALES_ORDER_LINES = "salesorderline"
    PURCHASE_ORDERS = "purchaseorder"
    PURCHASE_ORDER_LINES = "purchaseorderline"
    PURCHASE_ORDER_COSTS = "purchaseordercost"

    @property
    def kind(self) -> Kind:
        """The kind of document that its records are part of."""
        return _KINDS[self]


_KINDS = {
    Listing.QUOTES: Kind.QUOTE,
    Listing.SALES_ORDERS: Kind.SALES_ORDER,
    Listing.SALES_ORDER_LINES: Kind.SALES_ORDER,
    Listing.PURCHASE_ORDERS: Kind.PURCHASE_ORDER,
    Listing.PURCHASE_ORDER_LINES: Kind.PURCHASE_ORDER,
    Listing.PURCHASE_ORDER_COSTS: Kind.PURCHASE_ORDER,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A record of a list, and the document that it is part of. `modified` is the vendor's own
    time: it is compared only with other such times."""

    record: str
    document: str
    modified: datetime


class BudgetSpent(Exception):
    """The calls of the last 24 hours are used up; nothing was sent."""


class Commerce(Protocol):
    """Commerce's API. Every method may raise RemoteFailure and BudgetSpent.

    Documents are the bodies of the events (`commerce-events.schema.json`), as far as the API
    carries their fields; whether one keeps the contract is judged at the door, as for any other.
    GONE: the record that was named does not exist.
    """

    async def changed(self, listing: Listing, after: datetime) -> list[Change]:
        """The list's records that changed after the moment, all pages, in no order."""

    async def document(self, kind: Kind, source_id: str) -> Mapping[str, Any]:
        """A quote, sales order or purchase order with its parts and parties."""

    async def headers(self, kind: Kind, after: datetime) -> list[Mapping[str, Any]]:
        """Documents of a kind that changed after the moment, without their parts and parties."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Answer to asking for the poll's turn. `token` None: another worker has it, or it is not
    time; `due` says when to ask again. `state` is what the last turn kept."""

    now: datetime
    due: datetime
    token: str | None = None
    state: Mapping[str, Any] | None = None


class Polls(Protocol):
    """The poll's memory: one row a connection. Every method may raise StoreUnavailable."""

    async def take_turn(self, connection: str, worker: int, lease: float) -> Turn:
        """Take the turn for `lease` seconds, if it is due and nobody alive has it. Raises
        KeyError for an unknown connection."""

    async def keep_turn(
        self,
        connection: str,
        token: str,
        state: Mapping[str, Any],
        deliveries: Sequence[Delivery],
        *,
        lease: float | None,
        rest: float = 0.0,
    ) -> bool:
        """Keep state and deliveries in one transaction; deliveries count once, as at the door.

        `lease` None gives the turn back, due again in `rest` seconds. False: the turn was lost,
        and nothing was written.
        """

    async def merged(self, connection: str, kind: Kind, source_id: str) -> Stored | None:
        """A document as it is merged, None for one that never came in."""

    async def kept_state(self, connection: str) -> Mapping[str, Any] | None:
        """What the last turn kept; None: nothing was ever polled."""

    async def merged_receipts(self, connection: str, purchase_order: str) -> list[Stored]:
        """The receipts of a purchase order as they are merged."""
