"""The doctor's probe: what it makes in ConnectWise to prove that it may, and takes away again.

Owns the kinds of records, what recognises each as the probe's own, and the ports. What no request
of the vendor's takes back (receiving, shipping, a status of an opportunity, an invoice) is no kind
here (docs/decisions/0051).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.domain import psa, psa_tickets
from app.domain.ports import ConnectWise
from app.domain.views import Audit

MARK = "DL-PROBE-"  # and a part of the probe's token; what a person may see in ConnectWise
MARK_LENGTH = 12


class Made(StrEnum):
    """What a probe makes, in this order; it is taken away in the other."""

    CATALOG_ITEM = "catalog_item"
    TICKET = "ticket"
    SALES_ORDER = "sales_order"
    PRODUCT = "product"
    PURCHASE_ORDER = "purchase_order"

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


def mark_of(token: str) -> str:
    """The text by which the records of one probe are recognised."""
    return MARK + "".join(sign for sign in token.upper() if sign.isalnum())[:MARK_LENGTH]


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """A record that was announced and is not known to be gone. `external_id` None: it is not known
    whether it was made. `data` holds where it is looked for."""

    id: int
    token: str
    kind: Made
    mark: str
    external_id: int | None
    data: Mapping[str, Any]
    actor: str
    announced_at: datetime


@dataclass(frozen=True, slots=True)
class Ground:
    """What a probe stands on: whose records, and the set-up records that the steps would use.

    `hosts`: on which of ticket and sales order a product is put. `buys`: whether demand is to be
    raised and linked. None of the ids: nothing was chosen, or it is not needed.
    """

    company: psa.Company
    hosts: tuple[Made, ...]
    product_host: Made | None
    buys: bool
    vendor: psa.Company | None = None
    ids: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seat:
    """A member, and whether it has a location and a business unit. `api`: it is an API member."""

    id: int
    identifier: str
    api: bool
    location: str
    business_unit: str


@dataclass(frozen=True, slots=True)
class ProcurementSettings:
    """How ConnectWise's procurement works, as its Procurement settings say (connectwise.md 3.7).

    `first_number` is the starting number of purchase orders, `prefix` and `suffix` stand around it.
    `tax`: purchase orders are taxed. `negative_stock`: more may be picked than is on hand.
    `cost_updates`: what is paid becomes the cost of the catalog item.
    """

    auto_pick: bool
    auto_close_line: bool
    auto_close_order: bool
    auto_approve: bool
    negative_stock: bool
    cost_updates: bool
    tax: bool
    first_number: int
    prefix: str = ""
    suffix: str = ""


class Probed(ConnectWise, Protocol):
    """What only the doctor asks of ConnectWise. Every method may raise RemoteFailure."""

    async def create_quiet_ticket(self, new: psa_tickets.NewTicket) -> psa_tickets.Ticket:
        """A ticket of whose making nobody is notified (processNotifications, skipCallback)."""

    async def create_unbilled_product(self, new: psa.NewProduct) -> psa.Product:
        """A product that no invoice takes (billableOption DoNotBill)."""

    async def remove(self, kind: Made, record_id: int) -> None:
        """Delete a record for good. GONE when it is not there."""

    async def status_notifications(self, status_id: int) -> int:
        """How many notifications a purchase order's status sends."""

    async def seats(self) -> list[Seat]:
        """The active members."""

    async def procurement_settings(self) -> ProcurementSettings | None:
        """None: ConnectWise lists none."""

    async def callback_owners(self, url: str) -> list[int]:
        """The members who registered callbacks to this address: the keys' own."""


class ProbeStore(Protocol):
    """What a probe announced, so that a crash leaves nothing unexplained. Every method may raise
    StoreUnavailable."""

    async def begin_probe(self, tenant_id: int, token: str, seconds: float, audit: Audit) -> bool:
        """Take the tenant's only turn for so long. False: another probe has it."""

    async def end_probe(self, tenant_id: int, token: str) -> None:
        """Give the turn back. A turn that was lost is no error."""

    async def announce_probe(
        self,
        tenant_id: int,
        token: str,
        seconds: float,
        record: tuple[Made, str, Mapping[str, Any]],
        actor: str,
    ) -> int | None:
        """Keep a record (kind, mark, data) before it is made, and prolong the turn; its id here.
        None, and nothing is kept: the turn was lost."""

    async def probe_made(self, record_id: int, external_id: int) -> None: ...

    async def probe_gone(self, record_id: int) -> None:
        """It was taken away, or never made."""

    async def probe_records(self, tenant_id: int) -> Sequence[ProbeRecord]:
        """Those that are not known to be gone, in the order of their announcement."""

    async def probe_under_way(self, tenant_id: int) -> bool: ...
