"""The ports through which everything impure enters: store, ConnectWise, clock, ids, chance, wake.

Owns the promises between the core and its surroundings. An implementer may raise only what a
docstring here names. The in-memory and the PostgreSQL store are proven by one suite against
`Store`; the real clock, ids and chance live in `app/system.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.domain import psa, psa_posting, psa_tickets
from app.domain.codes import Code
from app.domain.hints import Hint
from app.domain.records import (
    Accepted,
    CallRecord,
    Claim,
    Delivery,
    InboxEvent,
    Intent,
    Merge,
    Release,
    Snapshot,
    WriteSet,
)


class Clock(Protocol):
    """Durations only. Moments come from the store (`Store.now`, `Snapshot.now`), so that all
    hosts of one installation share one clock."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    async def sleep(self, seconds: float) -> None:
        """Wait. Never called while an order's lease waits for a remote read lag."""


class Ids(Protocol):
    def token(self) -> str:
        """A new unguessable token, at most 36 characters."""


class Chance(Protocol):
    def random(self) -> float:
        """A number in [0, 1), for jitter."""


class Checkpoints(Protocol):
    """Named points of the exactly-once protocol, where tests stop a worker.

    Points: `intent_committed`, `sent`, `replied`, `outcome_committed`. `sent` is reached by
    the connector's transport after the request left and before the answer is read.
    """

    async def reached(self, point: str, step: str, subject: str) -> None:
        """Does nothing in production. May raise or never return in tests."""


class Wake(Protocol):
    async def wake(self) -> None:
        """Tell the workers that something is due. Best effort: the sweep finds it anyway.
        Must not raise when the queue is away."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is alive: it holds a session lock as long as its process lives."""

    id: int
    alive: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class SharedClaim:
    """Answer to a claim on a shared record.

    `owned` False: another order has it, look again at `until`. `inherited`: open intents of
    other orders for the same record, whose outcome has to be looked up before anything is made.
    `wake_seq`: of the order, when it took the record.
    """

    owned: bool
    until: datetime | None = None
    inherited: tuple[Intent, ...] = ()
    wake_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """Answer to a commit. `held` False: the token was lost and nothing was written.
    `released` False although a release was asked: new documents came in, go round again."""

    held: bool
    released: bool = False
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    """A connection that may not be called. `by` is "service" or a person's key name."""

    until: datetime | None
    code: Code
    sentence: str
    by: str


class Store(Protocol):
    """The only place that keeps state. Every method may raise StoreUnavailable.

    All moments are the store's own clock in UTC. Methods with a token write nothing and say so
    when the token is no longer the order's.
    """

    async def now(self) -> datetime: ...

    # Intake -------------------------------------------------------------------------------
    async def accept(self, delivery: Delivery) -> Accepted:
        """Keep a verified delivery and count it once by (connection, external id).

        Returns only after the commit, which concurrent calls may share. A known id with the same
        body hash: duplicate. With another: kept as rejected ID_REUSED and `reused`, except for
        ConnectWise callbacks, whose ids are never refused. Rejected deliveries (status
        "rejected") are kept without burning their id. Raises KeyError for an unknown connection.
        """

    async def note_unverified(self, source: str, code: Code, cause: str, head: bytes) -> None:
        """Keep a refused, unverified request in a small capped ring, truncated."""

    # Merging ------------------------------------------------------------------------------
    async def merge(self, plan: Callable[[InboxEvent, datetime], Merge], limit: int) -> int:
        """Merge up to `limit` new inbox events in one transaction; the number merged.

        `plan` is pure. Documents are merged by `versions.merge`; a document that names an
        unknown order makes a placeholder; a quote or sales order takes a lock on its quote id;
        orders are locked in id order and woken (wake_seq + 1, due now) when one of their
        documents changed. A group that fails is tried again one event at a time, and an event
        that fails alone is kept as rejected with its cause.
        """

    async def hints(self, limit: int, each: int, busy: Sequence[int] = ()) -> list[Hint]:
        """Callbacks about records that no order is known to carry, to be looked at remotely.
        Each is handed to one caller at a time for at least a minute. `busy` has the tenant of each
        that the caller reads already: the tenants take turns, and none gets more than `each`."""

    async def touch(self, tenant_id: int, routes: Sequence[tuple[str, str]]) -> int:
        """Wake the orders that carry these records (kind, external id), and count what was read
        of them as old. Returns how many there are."""

    async def settle_hint(self, event_id: int, routes: Sequence[tuple[str, str]]) -> int:
        """Wake the orders that carry one of the records (kind, external id); how many."""

    # Orders -------------------------------------------------------------------------------
    def join(self) -> AbstractAsyncContextManager[Worker]:
        """Be alive: a session lock on a connection of its own. Losing it makes `alive()` False."""

    async def claim(self, worker: Worker, limit: int, lease: float) -> list[Claim]:
        """Take due orders that nobody alive holds, for `lease` seconds.

        Counts claims_without_progress: above 2 the order is claimed alone, at 5 it is parked
        POISON. A dead worker's running step is closed in the same transaction; a fact keeps when.
        """

    async def next_due(self) -> datetime | None:
        """When the next order or deferred event is due, None for nothing waiting."""

    async def load(self, claim: Claim) -> Snapshot:
        """The order in one database snapshot. Raises LeaseLost."""

    async def peek(self, order_id: int) -> Snapshot:
        """The order as it stands, without a lease (explain, plan). Raises KeyError."""

    async def begin(
        self,
        claim: Claim,
        *,
        step: str,
        subject: str,
        kind: str,
        key: str,
        evidence: Mapping[str, Any],
        shared: bool = False,
        calls: Sequence[CallRecord] = (),
    ) -> Intent:
        """Announce a write before it is sent. Committed on return. Raises LeaseLost.

        A known intent of the same (order, step, subject, kind, key) is returned as it is, with
        `fresh` False; its outcome, if any, is the memory of what was done. `shared` marks
        intents that other orders may inherit through `claim_shared` by (kind, key), or by the
        kind and what the evidence calls `also`, where the record goes by a second name.
        """

    async def announce_again(self, claim: Claim, intent_id: int) -> Intent:
        """After two fruitless look-ups: the write will be sent again. Raises LeaseLost."""

    async def claim_shared(
        self, claim: Claim, kind: str, key: str, lease: float | None
    ) -> SharedClaim:
        """Take a shared record for this order, for `lease` seconds (None: until it is dropped).
        Raises LeaseLost."""

    async def marked_lost(self, tenant_id: int, opportunity: int) -> tuple[str, datetime] | None:
        """The declined quote for which the service announced last that it marks an opportunity
        lost, with when that was settled, else announced; None: it never did (B1.4)."""

    async def commit(self, writes: WriteSet, release: Release | None = None) -> Committed:
        """Write a round's outcome. Concurrent commits of several orders may share a transaction;
        a lost token or a refused write set drops only its own rows. With `release` the lease is given back, if
        `wake_seq` is still the order's; the answer is kept either way. Dropping a claim wakes
        the orders that wait for it. Resets claims_without_progress. `run_finished` closes the
        running step, or the one that the same write set starts. Raises RecordTaken."""

    async def drop(self, claim: Claim, seconds: float, *, waited: bool = False) -> None:
        """Give an order back unworked, due in `seconds`; claims_without_progress stays as it is, but
        where it only `waited` for a place the claim is not counted. A lost token is not an error."""

    async def heartbeat(self, worker: Worker, tokens: Sequence[str], lease: float) -> set[str]:
        """Prolong leases; the tokens that still hold."""

    async def wake(self, order_ids: Sequence[int]) -> None:
        """Make orders due now (wake_seq + 1)."""

    # Connections and what is known of the remote set-up ------------------------------------
    async def pause(self, tenant_id: int, system: str, paused: Paused) -> None: ...

    async def paused(self, tenant_id: int, system: str) -> Paused | None: ...

    async def take_probe(self, tenant_id: int, system: str, seconds: float) -> bool:
        """Whether the system is paused as sick and nobody has asked it for so long: the caller does."""

    async def recover(self, tenant_id: int, system: str) -> bool:
        """End the pause of a sick system and wake who waits for it. False: there is none."""

    async def resumed(self, tenant_id: int, system: str) -> int:
        """How often people ended a pause of the system's connections."""

    async def recall(self, tenant_id: int, kind: str, key: str) -> Mapping[str, Any] | None:
        """A remembered reference record (company, vendor, status list), None when expired."""

    async def remember(
        self, tenant_id: int, kind: str, key: str, body: Mapping[str, Any], seconds: float
    ) -> None: ...


class ConnectWise(Protocol):
    """ConnectWise PSA in the service's own terms. Every method may raise RemoteFailure.

    Ids are ConnectWise's. Lists are complete (all pages). No free text of a document ever
    reaches a condition: what is not safe is fetched as a superset and compared by the caller.
    """

    @property
    def timeout(self) -> float:
        """Seconds after which a call counts as unanswered."""

    async def info(self) -> psa.SystemInfo:
        """Version and kind of the installation. UNAUTHENTICATED when the credentials are wrong."""

    async def set_up(self, kind: psa.Setup) -> list[psa.SetupRecord]:
        """The active set-up records of a kind."""

    async def company(self, identifier: str) -> psa.Company | None: ...
    async def company_by_id(self, company_id: int) -> psa.Company | None: ...
    async def contacts(self, company_id: int) -> list[psa.Contact]: ...
    async def members(self) -> list[psa.Member]: ...

    async def opportunity(self, opportunity_id: int) -> psa.Opportunity: ...
    async def opportunities_of(self, company_id: int) -> list[psa.Opportunity]:
        """The company's opportunities, newest first, at most 100."""

    async def forecast(self, opportunity_id: int) -> list[psa.ForecastLine]: ...
    async def opportunity_products(self, opportunity_id: int) -> list[psa.Product]: ...
    async def sales_order_products(self, sales_order_id: int) -> list[psa.Product]: ...
    async def ticket_products(self, ticket_id: int) -> list[psa.Product]: ...
    async def ticket(self, ticket_id: int) -> psa_tickets.Ticket: ...
    async def tickets_of_company(
        self, company_id: int, *, only_open: bool = False
    ) -> list[psa_tickets.Ticket]:
        """The company's service tickets, newest first, at most 100."""

    async def ticket_statuses(self, board_id: int) -> list[psa.SetupRecord]:
        """The active statuses of a board."""

    async def ticket_notes(self, ticket_id: int) -> list[str]:
        """The texts of its notes."""

    async def products(self, ids: Sequence[int]) -> list[psa.Product]: ...
    async def marked_products(self, run: str) -> list[psa.Product]:
        """The newest hundred at most whose mark holds this run of text somewhere, a superset."""

    async def sales_order(self, sales_order_id: int) -> psa.SalesOrder: ...
    async def sales_orders_of_opportunity(self, opportunity_id: int) -> list[psa.SalesOrder]: ...
    async def sales_orders_of_company(self, company_id: int) -> list[psa.SalesOrder]:
        """The company's sales orders, newest first, at most 100."""

    async def catalog_items(
        self, identifiers: Sequence[str], part_numbers: Sequence[str] = ()
    ) -> list[psa.CatalogItem]:
        """The items with exactly these identifiers, and those with exactly these manufacturer
        part numbers (either may hold any character), in any case."""

    async def purchase_order(self, purchase_order_id: int) -> psa.PurchaseOrder: ...
    async def purchase_orders_above(
        self, vendor_id: int, purchase_order_id: int
    ) -> list[psa.PurchaseOrder]: ...
    async def purchase_order_lines(self, purchase_order_id: int) -> list[psa.PurchaseOrderLine]: ...
    async def demand_links(self, product_ids: Sequence[int]) -> list[psa.DemandLink]:
        """From the report PurchaseOrderWithLineItems. FORBIDDEN without API Reports."""

    async def purchase_order_links(self, purchase_order_id: int) -> list[psa.DemandLink]:
        """All of one purchase order, whoever's products they are. From the same report."""

    async def shipping_details(self, product_id: int) -> list[psa.ShippingDetail]: ...
    async def invoice(self, invoice_id: int) -> psa.Invoice: ...
    async def invoices_since(self, moment: datetime) -> list[psa.Invoice]:
        """Invoices that changed at or after the moment. One that was deleted shows in no list."""

    async def standing_invoices(self, ids: Sequence[int]) -> set[int]:
        """Which of these invoices stand."""

    async def posting_companies(self, ids: Sequence[int]) -> list[psa_posting.PostingCompany]:
        """Those that stand, deleted ones left out."""

    async def companies_of_account(self, account: str) -> list[psa_posting.PostingCompany]:
        """The companies with this Account, compared without regard to case."""

    async def gl_entries(self, invoice_id: int) -> list[psa_posting.GlEntry]: ...
    async def callbacks(self) -> list[psa.Callback]: ...

    # Writes. A timeout, a reset or a 5xx after sending is OUTCOME_UNKNOWN.
    async def create_catalog_item(self, new: psa.NewCatalogItem) -> int: ...
    async def create_opportunity(self, new: psa.NewOpportunity) -> int: ...
    async def create_product(self, new: psa.NewProduct) -> psa.Product: ...
    async def change_product(self, product_id: int, change: psa.ProductChange) -> psa.Product: ...
    async def change_forecast(
        self, opportunity_id: int, forecast_id: int, included: bool
    ) -> None: ...
    async def set_opportunity_status(
        self, opportunity_id: int, status_id: int, closed_at: datetime | None
    ) -> psa.Opportunity: ...
    async def convert_to_sales_order(
        self, opportunity_id: int, product_ids: Sequence[int]
    ) -> psa.SalesOrder: ...
    async def create_sales_order(self, new: psa.NewSalesOrder) -> psa.SalesOrder: ...
    async def change_sales_order(
        self, sales_order_id: int, change: psa.SalesOrderChange
    ) -> psa.SalesOrder: ...
    async def purchase_demand(
        self,
        vendor_id: int,
        warehouse_id: int,
        demand: Sequence[psa.Demand],
        purchase_order_id: int | None = None,
    ) -> int | None:
        """Make (or extend) a purchase order from demand; its id, None if the answer has none."""

    async def create_purchase_order(self, new: psa.NewPurchaseOrder) -> psa.PurchaseOrder: ...
    async def change_purchase_order(
        self, purchase_order_id: int, change: psa.PurchaseOrderChange
    ) -> psa.PurchaseOrder: ...
    async def add_purchase_order_line(
        self, purchase_order_id: int, new: psa.NewPurchaseOrderLine
    ) -> psa.PurchaseOrderLine: ...
    async def change_purchase_order_line(
        self, purchase_order_id: int, line_id: int, change: psa.PurchaseOrderLineChange
    ) -> psa.PurchaseOrderLine: ...
    async def receive_line(
        self, purchase_order_id: int, line_id: int, receiving: psa.Receiving
    ) -> psa.PurchaseOrderLine: ...
    async def add_shipping(self, product_id: int, shipping: psa.Shipping) -> None: ...
    async def change_shipping(
        self, product_id: int, detail_id: int, shipped: psa.Shipping
    ) -> None: ...
    async def create_invoice(
        self,
        applied_to: int,
        company_id: int,
        reference: str,
        status_id: int | None = None,
        *,
        ticket: bool = False,
    ) -> int:
        """A standard invoice of the sales order, or of the ticket. Which products it takes is
        ConnectWise's own."""

    async def invoices_of_sales_order(self, sales_order_id: int) -> list[psa.Invoice]: ...
    async def invoices_of_ticket(self, ticket_id: int) -> list[psa.Invoice]: ...
    async def create_ticket(self, new: psa_tickets.NewTicket) -> psa_tickets.Ticket: ...
    async def set_ticket_status(self, ticket_id: int, status_id: int) -> psa_tickets.Ticket: ...
    async def add_ticket_note(self, ticket_id: int, text: str) -> int:
        """A note that only the desk reads."""

    async def create_callback(self, url: str, type_: str, description: str) -> int: ...
    async def enable_callback(self, callback_id: int, url: str) -> None: ...
