"""What the drift sweep compares and finds: an order's records as they should stand and as they do.

Owns the shapes `Reading` (what was read) and `Drift` (one difference), the ways out of each, and
what becomes of findings that are known already (H12, design.md DUPLICATE_REMOTE). What differs is
found in `drift_selling`, `drift_buying` and `drift_books`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.domain import psa
from app.domain.books import Document
from app.domain.codes import Code, Who
from app.domain.documents import Kind
from app.domain.gone import Forgotten
from app.domain.json_values import digest
from app.domain.order import OrderView
from app.domain.psa_tickets import Ticket
from app.domain.views import Page

CONNECTWISE = "connectwise"
LEDGER = "ledger"
COMMERCE = "commerce"
CATALOG_ITEM = "catalog_item"  # as its making is announced
CODES_OF_DRIFT = (
    Code.DRIFT_MISSING,
    Code.DRIFT_UNLINKED,
    Code.DRIFT_DIFFERENT,
    Code.DRIFT_INVOICED,
    Code.DRIFT_FOREIGN,
    Code.DUPLICATE_REMOTE,
)
Key = tuple[str, str]  # (step, subject), or (kind, key) of a reference


class Way(StrEnum):
    """What a person may do about a finding."""

    ADOPT = "adopt"  # what stands there is right
    FIX = "fix"  # the step that made it believes so no longer, and does it again
    IGNORE = "ignore"


class Standing(StrEnum):
    """How a finding stands. FIXING: asked for; the next comparison says whether it was mended."""

    OPEN = "open"
    FIXING = "fixing"
    ADOPTED = "adopted"
    IGNORED = "ignored"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase order of ours in ConnectWise, as it was read."""

    header: psa.PurchaseOrder
    lines: tuple[psa.PurchaseOrderLine, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one order's records.

    `gone`: references (kind, id) whose record does not exist. `products` stand where the order's
    products belong, `vendor_orders` are purchase orders of the same suppliers, `links` those of our
    products wherever they are (None: no permission for reports). `elsewhere`: headers of purchase
    orders that the links name and that are not the order's. `sales_orders` may be ours as well, by
    their mark or as one more conversion of the opportunity, `empty_orders` hold nothing; `invoices` are those of the order's
    sales order or ticket; `items` have the identifier of one that the order made. Documents and
    their twins go by (kind of reference, key).
    """

    gone: frozenset[tuple[str, str]] = frozenset()
    products: tuple[psa.Product, ...] | None = None
    tickets: tuple[Ticket, ...] = ()
    opportunities: tuple[psa.Opportunity, ...] = ()
    sales_orders: tuple[psa.SalesOrder, ...] = ()
    empty_orders: tuple[psa.SalesOrder, ...] = ()
    invoices: tuple[psa.Invoice, ...] = ()
    items: tuple[psa.CatalogItem, ...] = ()
    bought: Mapping[str, Bought] = field(default_factory=dict)
    vendor_orders: tuple[psa.PurchaseOrder, ...] = ()
    links: tuple[psa.DemandLink, ...] | None = ()
    elsewhere: tuple[psa.PurchaseOrder, ...] = ()
    documents: Mapping[Key, Document] = field(default_factory=dict)
    twins: Mapping[Key, tuple[Document, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """An order as the comparison sees it. `settled`: steps that are done and want nothing else:
    only of these is it known what should stand."""

    view: OrderView
    settled: frozenset[tuple[str, str]]
    reading: Reading


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `says` is what Commerce asks for and the service left there, `stands` what
    was read. `fix`: what is forgotten so that the step does it again, None where no step can."""

    code: Code
    system: str
    kind: str
    record: str
    step: str
    subject: str
    says: str
    stands: str
    sentence: str
    who: Who
    about: str = ""
    url: str | None = None
    fix: Forgotten | None = None

    @property
    def key(self) -> str:
        """What makes it the same finding in the next sweep."""
        return f"{self.code.value}/{self.system}/{self.kind}/{self.record}/{self.about}"

    @property
    def digest(self) -> str:
        """What a decision is about: something else that stands there asks anew."""
        return digest([self.says, self.stands])[:40]

    @property
    def ways(self) -> tuple[Way, ...]:
        fix = (Way.FIX,) if self.fix is not None else ()
        return (Way.ADOPT, *fix, Way.IGNORE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference as it is kept. `since` is when it was seen first, `seen_at` last. `order` None:
    a document of Commerce that never came in."""

    id: int
    order_id: int | None
    order: str | None
    drift: Drift
    standing: Standing
    since: datetime
    seen_at: datetime
    actor: str | None = None
    reason: str | None = None
    closed_at: datetime | None = None


def after(known: Standing, digest_then: str, drift: Drift) -> Standing:
    """How a finding stands that is found once more. What was decided holds for what stood then;
    a fix that did not help is open again."""
    if known in (Standing.ADOPTED, Standing.IGNORED) and digest_then == drift.digest:
        return known
    return Standing.OPEN


def rerun(*steps: tuple[str, str]) -> Forgotten:
    """The steps do what they want again; records that stand stay known."""
    return Forgotten(ledger=steps)


# The sweep's own memory ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InCommerce:
    """How far the sweep came in Commerce, whose calls are few: a round may take several sweeps.
    `after`: the order up to which this round came. `looked`: this sweep has read the lists for
    documents that never came in. `orders` were compared in this sweep, `left` were not, because
    the calls were spent or Commerce did not answer (`trouble`)."""

    after: int = 0
    looked: bool = False
    orders: int = 0
    left: int = 0
    trouble: str | None = None

    def next(self) -> InCommerce:
        """At the beginning of a sweep: on with the round, or a new one after one that was whole."""
        return InCommerce(after=self.after)

    def ended(self) -> InCommerce:
        """At the end of a sweep."""
        return self if self.left else replace(self, after=0)

    @classmethod
    def of(cls, state: Mapping[str, Any] | None) -> InCommerce:
        return cls(**_known(cls, state))

    def kept(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Where a sweep stands. `after`: the order up to which it came; None: none is under way."""

    started: datetime | None = None
    after: int | None = None
    orders: int = 0
    calls: int = 0
    unread: int = 0
    finished: datetime | None = None
    trouble: str | None = None
    commerce: InCommerce = InCommerce()

    @classmethod
    def of(
        cls, state: Mapping[str, Any] | None, commerce: Mapping[str, Any] | None = None
    ) -> Sweep:
        body = _known(cls, state)
        for name in ("started", "finished"):
            if body.get(name):
                body[name] = datetime.fromisoformat(body[name])
        return cls(**{**body, "commerce": InCommerce.of(commerce)})

    def kept(self) -> dict[str, Any]:
        return {
            "started": self.started.isoformat() if self.started else None,
            "after": self.after,
            "orders": self.orders,
            "calls": self.calls,
            "unread": self.unread,
            "finished": self.finished.isoformat() if self.finished else None,
            "trouble": self.trouble,
        }


def _known(cls: type, state: Mapping[str, Any] | None) -> dict[str, Any]:
    """What this release knows of a state that another one may have kept."""
    names = {one.name for one in fields(cls)}
    return {name: value for name, value in (state or {}).items() if name in names}


@dataclass(frozen=True, slots=True)
class SweepTurn:
    """Answer to asking for the turn. `token` None: another worker has it, or it is not time."""

    now: datetime
    due: datetime
    token: str | None = None
    sweep: Sweep = field(default_factory=Sweep)


@dataclass(frozen=True, slots=True)
class SweepView:
    """The sweep for a person. `next_at`: when a turn is due next."""

    sweep: Sweep
    next_at: datetime | None
    under_way: bool


class DriftStore(Protocol):
    """Where findings and the sweep are kept. Every method may raise StoreUnavailable."""

    async def take_sweep(
        self, tenant_id: int, worker: int, lease: float, first: float
    ) -> SweepTurn:
        """Take the turn for `lease` seconds, if it is due and nobody alive has it. The very first
        one is due in `first` seconds."""

    async def keep_sweep(
        self, tenant_id: int, token: str, sweep: Sweep, *, lease: float | None, rest: float = 0.0
    ) -> bool:
        """Keep how far it came; `lease` None gives the turn back, due in `rest` seconds. False:
        the turn was lost."""

    async def ask_sweep(self, tenant_id: int) -> None:
        """A sweep is due now; one under way goes on."""

    async def sweep(self, tenant_id: int) -> SweepView: ...

    async def to_compare(self, tenant_id: int, after: int, days: int, limit: int) -> list[int]:
        """Orders above an id, in its order, that are open or changed in the last days."""

    async def keep_findings(
        self, order_id: int, found: Sequence[Drift], *, commerce: bool = True
    ) -> int:
        """Keep what one comparison found: new ones are added, known ones stay the same finding,
        and what is found no more is closed, of Commerce only where it was read. How many are new."""

    async def keep_untold(self, tenant_id: int, found: Sequence[Drift]) -> int:
        """Keep what the lists of Commerce show and never came in, likewise."""

    async def documents_known(
        self, connection: str, kind: Kind, source_ids: Sequence[str]
    ) -> set[str]:
        """Which of these documents of Commerce came in."""

    async def findings(
        self,
        tenant_id: int,
        *,
        order_id: int | None,
        standing: Standing | None,
        code: Code | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Finding]:
        """Newest first. Raises ValueError for a cursor that cannot be read."""

    async def finding(self, tenant_id: int, finding_id: int) -> Finding | None: ...

    async def settle_finding(
        self, finding_id: int, standing: Standing, digest: str, actor: str, reason: str
    ) -> bool:
        """Say what a person decided, if what stands there is still what was decided about. Audited
        where no order is there to be journalled."""
