"""An order as `decide` sees it: typed documents, ledger, references, facts and settings.

Owns the lookups that gates and steps share. Built from a Snapshot, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property
from typing import Any

from app.domain import money
from app.domain.choices import LOOK_AGAIN
from app.domain.codes import Code, State
from app.domain.documents import (
    Kind,
    PurchaseOrder,
    Quote,
    Receipt,
    SalesInvoice,
    SalesOrder,
    SalesOrderLine,
)
from app.domain.json_values import digest
from app.domain.records import (
    ORDER,
    Decision,
    Fact,
    Intent,
    LedgerRow,
    OrderRow,
    Other,
    Ref,
    Snapshot,
)
from app.domain.typed import typed

STOP_DEMAND = "stop_demand"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Behaviour settings as pinned on the order (`contracts/http.md`)."""

    purchase_order_timing: str = "on_receipt"
    sales_order_creation: str = "automatic"
    opportunity_missing: str = "create"
    demand_linking: str = "demand_creates_po"
    po_numbering: str = "commerce"
    invoice_policy: str = "all_goods"
    invoice_action: str = "mark_ready"
    invoice_from: str = "opportunity"
    invoice_lock: str = "none"
    raise_ticket: str = "always"
    closed_ticket: str = "new_ticket"
    ticket_type: str = ""
    ticket_summary: str = "Sales order {number}: {customer}"
    mark_shipped: str = "drop_ship_only"
    partial_receipt: str = "clone_rest"
    stock_purchase_orders: str = "sync_unlinked"
    lost_on_decline: str = "false"
    rounding_limit: Decimal = Decimal("0.05")
    invoice_status: str = "draft"
    invoice_numbering: str = "ledger"
    invoice_number_prefix: str = ""
    draft_as_estimate: str = "false"
    bill_per: str = "receipt"


@dataclass(frozen=True, slots=True)
class Live:
    """Settings that are read live."""

    read_lag: timedelta
    hold_deadline: timedelta
    quote_wait: timedelta
    receipt_gap: timedelta
    poll: timedelta
    tax_basis: str
    call_timeout: timedelta
    papers_come: bool = True  # events are delivered, and bring the papers of receipts
    zone: tzinfo = UTC  # Commerce's, in which a moment has its day


def named(kind: str, number: object) -> str:
    """A record as a sentence names it. One that does not stand yet has no id, and what is only played
    through (`course.py`) one below 0."""
    stands = number is not None and not str(number).startswith("-")
    return f"{kind} {number}" if stands else f"the new {kind}"


@dataclass(frozen=True)
class OrderView:
    """Everything that a decision may rest on. `now` is the store's clock."""

    row: OrderRow
    sales_order: SalesOrder | None
    quote: Quote | None
    purchase_orders: tuple[PurchaseOrder, ...]
    receipts: tuple[Receipt, ...]
    ledger: Mapping[tuple[str, str], LedgerRow]
    refs: Mapping[tuple[str, str], Ref]
    facts: Mapping[tuple[str, str], Fact]
    behaviour: Behaviour
    live: Live
    names: Mapping[str, str]
    mappings: Mapping[tuple[str, str], str]
    shared: Mapping[tuple[str, str], tuple[str, ...]]
    now: datetime
    outcomes: Mapping[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    in_doubt: frozenset[tuple[str, str]] = frozenset()  # (step, subject): sent, not answered
    doubts: frozenset[tuple[str, str, str]] = frozenset()  # the same with the intent's key
    decisions: Mapping[tuple[Code, str], Decision] = field(default_factory=dict)
    unanswered: tuple[Intent, ...] = ()  # announced writes without an outcome
    every_decision: tuple[Decision, ...] = ()  # the overruled ones too, the oldest first
    others: tuple[Other, ...] = ()  # orders on the same sales order (D-13)
    # Of a declined quote (B1.4): the other quotes of its opportunity, and the sales orders that
    # name the opportunity or one of its quotes.
    other_quotes: tuple[Quote, ...] = ()
    placed: tuple[SalesOrder, ...] = ()
    sales_invoices: tuple[SalesInvoice, ...] = ()
    steps: frozenset[str] = frozenset()  # of the order's scenario

    @property
    def stock(self) -> bool:
        """Whether this is a purchase order for stock, without a sales order (H4)."""
        return self.row.stock

    @property
    def of_quote(self) -> bool:
        """Whether this is a declined quote, without an order (B1.4)."""
        return self.row.of_quote

    @property
    def opportunity_id(self) -> int | None:
        """The opportunity that Commerce names: on the order, else on its quote. None once one was
        made for the order (D-13), or a person said so: what Commerce names is another's."""
        if ("create_products", "order", "") in self.outcomes or self._opportunity_of_its_own:
            return None
        for document in (self.sales_order, self.quote):
            if document is not None and document.connectwise.opportunity_id is not None:
                return document.connectwise.opportunity_id
        return None

    @property
    def _opportunity_of_its_own(self) -> bool:
        shared = self.decided(Code.OPPORTUNITY_SHARED) == "separate"
        other = self.decided(Code.OPPORTUNITY_OF_OTHER_COMPANY) == "own_opportunity"
        return shared or other

    @property
    def opportunity_missing(self) -> str:
        """What is done for an order without an opportunity: as set, or as a person chose (D-13)."""
        chosen = self.decided(Code.OPPORTUNITY_MISSING)
        if chosen in ("create", "plain_sales_order"):
            return str(chosen)
        if self._opportunity_of_its_own and self.behaviour.opportunity_missing == "hold":
            return "create"
        return self.behaviour.opportunity_missing

    @property
    def person_converts(self) -> bool:
        """Whether a person makes the sales order (D-3), and nobody overruled it (B1.7)."""
        overruled = self.decided(Code.SO_MISSING) == "make_sales_order"
        return self.behaviour.sales_order_creation != "automatic" and not overruled

    @property
    def appended(self) -> bool:
        """Whether the order's lines go on another order's sales order (D-13)."""
        return self.decided(Code.OPPORTUNITY_SHARED) == "append"

    @property
    def suggests(self) -> bool:
        """Whether Commerce's purchase orders are suggestions: what is bought, and when goods came,
        is ConnectWise's alone (D2, D3)."""
        return "suggest_purchase" in self.steps

    @property
    def bought_by_commerce(self) -> bool:
        """Whether Commerce buys what ConnectWise invoices, so that goods are received in Commerce
        alone and no demand is open in ConnectWise (A6, A10)."""
        return STOP_DEMAND in self.steps

    @property
    def by_ticket(self) -> bool:
        """Whether the products stand on a ticket, which raises the demand and is invoiced (B2)."""
        return self.behaviour.invoice_from == "ticket"

    @property
    def by_commerce(self) -> bool:
        """Whether the sales invoice is Commerce's, so that ConnectWise gets no products (C2)."""
        return self.behaviour.invoice_from == "commerce"

    @property
    def parent_kind(self) -> str:
        """On which kind of record the products stand once they raise demand."""
        return "ticket" if self.by_ticket else "sales_order"

    @property
    def parent(self) -> int | None:
        """That record, None while it does not stand."""
        return self.ref(self.parent_kind)

    @property
    def parent_told(self) -> str:
        """It within a sentence."""
        return named("ticket" if self.by_ticket else "sales order", self.parent)

    @property
    def parent_named(self) -> str:
        """It as a sentence begins with it."""
        told = self.parent_told
        return f"{told[:1].upper()}{told[1:]}"

    @property
    def products_stand(self) -> bool:
        """Whether the products stand there, or a person left that out."""
        return self.finished("create_products" if self.by_ticket else "create_sales_order", ORDER)

    def ref(self, kind: str, key: str = "") -> int | None:
        """Id of a learned remote record, None while unknown."""
        found = self.refs.get((kind, key))
        return int(found.external_id) if found is not None else None

    def applied(self, step: str, subject: str) -> Mapping[str, Any] | None:
        """The want last applied by a step, None: never."""
        row = self.ledger.get((step, subject))
        return row.want if row is not None else None

    def finished(self, step: str, subject: str) -> bool:
        """Applied, or skipped by a person."""
        row = self.ledger.get((step, subject))
        return row is not None and (row.want is not None or row.state is State.SKIPPED)

    def decision(
        self, code: Code, subject: str = ORDER, want: Mapping[str, Any] | None = None
    ) -> Decision | None:
        """What a person decided about a code and a subject, None: nothing.

        With `want` only a decision about just this want counts: what was accepted once says
        nothing of a later change (D-11).
        """
        found = self.decisions.get((code, subject))
        if found is None or (want is not None and found.about != digest(want)):
            return None
        return found

    def decided(
        self, code: Code, subject: str = ORDER, want: Mapping[str, Any] | None = None
    ) -> str | None:
        """The choice of that decision, None: nothing was decided."""
        found = self.decision(code, subject, want)
        return found.choice if found is not None else None

    def decided_on(
        self, code: Code, purchase_order_id: int, about: Mapping[str, Any] | None = None
    ) -> str | None:
        """The newest choice about a code at any subject of a purchase order, None: none. With
        `about` only a choice about just this situation counts."""
        # Not only the newest of a subject: a receipt may have several lines to decide about.
        found = [
            one
            for one in self.every_decision
            if one.code is code and one.choice != LOOK_AGAIN.name
            if one.subject.split(":")[1:2] == [str(purchase_order_id)]
            if about is None or one.about == digest(about)
        ]
        return found[-1].choice if found else None

    def xref(self, key: str) -> str:
        """`integrationXRef` of a line: the natural key of our products (50 characters hold it)."""
        return f"dl:{self.row.connection}:{self.row.source_id}:{key}"

    def marker(self, what: str, key: str) -> str:
        """Text in notes by which a record of ours is recognised, compared in code."""
        return f"[demandlink {what} {self.row.connection}/{self.row.source_id}/{key}]"

    @cached_property
    def sold_lines(self) -> tuple[SalesOrderLine, ...]:
        """Lines that are sold once, in line order: no recurring ones (H5), none of quantity 0."""
        order = self.sales_order
        lines = order.lines if order is not None else ()
        sold = (line for line in lines if line.quantity and not (order and order.recurs(line)))
        return tuple(sorted(sold, key=lambda line: (line.line_number, line.id)))

    @property
    def sells_nothing(self) -> bool:
        """Whether nothing is left for a sales order: all lines recur (H5) or have quantity 0."""
        order = self.sales_order
        return order is not None and not self.sold_lines and not money.header_lines(order)

    def physical(self, line: SalesOrderLine) -> bool:
        """Whether goods have to come for the line: physical, or on a purchase order (D-15)."""
        assert self.sales_order is not None  # noqa: S101 - a line has its order
        return self.sales_order.product(line).physical or any(
            po_line.product_id == line.product_id
            for purchase_order in self.open_purchase_orders
            for po_line in purchase_order.lines
        )

    @property
    def open_purchase_orders(self) -> tuple[PurchaseOrder, ...]:
        """Purchase orders that count: no drafts (never mirrored), no cancelled ones. One that
        orders nothing, all its lines at 0 (H2), is among them and holds nothing up."""
        return tuple(po for po in self.purchase_orders if not po.draft and not po.cancelled)

    def purchase_order(self, purchase_order_id: int) -> PurchaseOrder | None:
        for purchase_order in self.purchase_orders:
            if purchase_order.id == purchase_order_id:
                return purchase_order
        return None

    def label(self, subject: str) -> str:
        """A subject as people name it: the order's or purchase order's number."""
        kind, _, rest = subject.partition(":")
        if kind in ("po", "receipt", "gap", "surplus", "bill"):
            po_id, _, receipt = rest.partition(":")
            purchase_order = self.purchase_order(int(po_id))
            number = purchase_order.order_number if purchase_order else po_id
            return f"{number}/{receipt}" if receipt else number
        return self.row.name


def build(snapshot: Snapshot, defaults: Mapping[str, Any], steps: Iterable[str] = ()) -> OrderView:
    """The view of a snapshot.

    `defaults` are the service's own settings by name, under what the database says; the
    behaviour settings pinned on the order rule over both. `steps` are the scenario's by name.
    """
    documents: dict[Kind, list[Any]] = {kind: [] for kind in Kind}
    for stored in snapshot.documents:
        documents[stored.kind].append(typed(stored))
    beside: dict[Kind, list[Any]] = {kind: [] for kind in Kind}
    for stored in snapshot.siblings:
        beside[stored.kind].append(typed(stored))
    settings = {**defaults, **snapshot.settings}
    pinned = {**settings, **snapshot.order.behaviour}
    fields = Behaviour.__dataclass_fields__
    behaviour = {name: pinned[name] for name in fields if name in pinned}
    if "rounding_limit" in behaviour:
        behaviour["rounding_limit"] = Decimal(str(behaviour["rounding_limit"]))
    return OrderView(
        row=snapshot.order,
        sales_order=next(iter(documents[Kind.SALES_ORDER]), None),
        quote=next(iter(documents[Kind.QUOTE]), None),
        purchase_orders=tuple(sorted(documents[Kind.PURCHASE_ORDER], key=lambda po: po.id)),
        receipts=tuple(
            sorted(documents[Kind.RECEIPT], key=lambda receipt: (receipt.received_date, receipt.id))
        ),
        ledger={(row.step, row.subject): row for row in snapshot.ledger},
        refs={(ref.kind, ref.key): ref for ref in snapshot.refs},
        facts={(fact.kind, fact.key): fact for fact in snapshot.facts},
        behaviour=Behaviour(**behaviour),
        live=Live(
            read_lag=timedelta(seconds=float(settings["read_lag"])),
            hold_deadline=timedelta(hours=float(settings["hold_deadline"])),
            quote_wait=timedelta(minutes=float(settings["quote_wait"])),
            receipt_gap=timedelta(minutes=float(settings["receipt_gap"])),
            poll=timedelta(seconds=float(settings["poll_seconds"])),
            tax_basis=str(settings["commerce_tax_basis"]),
            call_timeout=timedelta(seconds=float(settings["connectwise_timeout"])),
            papers_come=bool(settings.get("commerce_papers_come", True)),
            zone=settings.get("commerce_zone", UTC),
        ),
        names={name: str(value) for name, value in settings.items() if value is not None},
        mappings=snapshot.mappings,
        shared=snapshot.shared,
        now=snapshot.now,
        outcomes={
            (intent.step, intent.subject, intent.key): intent.outcome
            for intent in snapshot.intents
            if intent.outcome is not None
        },
        in_doubt=frozenset(
            (intent.step, intent.subject) for intent in snapshot.intents if intent.outcome is None
        ),
        doubts=frozenset(
            (intent.step, intent.subject, intent.key)
            for intent in snapshot.intents
            if intent.outcome is None
        ),
        decisions={
            (one.code, one.subject): one
            for one in sorted(snapshot.decisions, key=lambda d: d.at)
            if one.choice != LOOK_AGAIN.name  # says nothing for good; what was chosen before stays
        },
        unanswered=tuple(intent for intent in snapshot.intents if intent.outcome is None),
        every_decision=tuple(sorted(snapshot.decisions, key=lambda d: d.at)),
        others=snapshot.others,
        other_quotes=tuple(sorted(beside[Kind.QUOTE], key=lambda quote: quote.id)),
        sales_invoices=tuple(sorted(documents[Kind.SALES_INVOICE], key=lambda one: one.id)),
        placed=tuple(sorted(beside[Kind.SALES_ORDER], key=lambda order: order.id)),
        steps=frozenset(steps),
    )
