"""An order in an ideal world: every step works at once, and people act when they are told to.

Owns a pure stand-in for engine and ConnectWise, so that the decisions of the core can be driven
through whole stories without a network. Refuses what ConnectWise would: goods received before
they are linked, anything linked before the sales order stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import resources
from typing import Any

from app.domain import psa, standing
from app.domain.choices import names_of
from app.domain.codes import Code, State
from app.domain.decide import Plan, Verdict, decide, same
from app.domain.documents import Kind
from app.domain.errors import Hold
from app.domain.facts import KEPT_FACTS
from app.domain.gates import GATES
from app.domain.gates_of_invoice import order_not_invoiced, receipt_not_invoiced
from app.domain.invoices import accepted_unlinked, noted
from app.domain.json_values import digest
from app.domain.order import OrderView, build
from app.domain.records import (
    ORDER,
    Decision,
    Fact,
    LedgerRow,
    OrderRow,
    Ref,
    WriteSet,
)
from app.domain.scenario import Scenario, load
from app.domain.versions import Stored
from app.settings import Group, names_in
from app.steps import STEPS
from app.steps.revise import frozen_change
from app.sync.endings import note_verdicts, stopped
from tests.builders import (
    NOW,
    SETTINGS,
    Json,
    as_kept,
    came,
    merged,
    order_row,
    purchase_order,
    snapshot,
)

Key = tuple[str, str]


def scenario(name: str = "connectwise-procurement-opportunity") -> Scenario:
    """A shipped scenario file."""
    text = (resources.files("app.scenarios") / f"{name}.toml").read_text("utf-8")
    return load(text, STEPS.keys(), GATES.keys(), names_in(Group.BEHAVIOUR))


@dataclass
class World:
    """One order. `done` is what was made true, in its order; `settings` are settings by name."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    scenario: Scenario = field(default_factory=scenario)
    now: datetime = NOW
    row: OrderRow = field(default_factory=order_row)
    documents: dict[tuple[Kind, str], Stored] = field(default_factory=dict)
    ledger: dict[Key, LedgerRow] = field(default_factory=dict)
    refs: dict[Key, Ref] = field(default_factory=dict)
    facts: dict[Key, Fact] = field(default_factory=dict)
    done: list[tuple[str, str, Json]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    converted: bool = False  # a person made the sales order
    shipped: dict[str, int] = field(default_factory=dict)  # what a person shipped, by line
    on: dict[str, int] = field(default_factory=dict)  # invoices that persons made, by line

    # What happens ---------------------------------------------------------------------------

    def deliver(self, *events: Json) -> None:
        for event in events:
            before = self.documents
            self.documents = merged(event, before=before)
            if self.documents != before:
                self.row = replace(self.row, wake_seq=self.row.wake_seq + 1)
            if self.view().sales_order is not None:
                self.facts.setdefault(
                    ("sales_order_seen", ""), Fact("sales_order_seen", "", {}, self.now)
                )

    def decide(self, code: Code, choice: str, subject: str = ORDER) -> Plan:
        """A person chooses one of the ways out that the answer offers."""
        held = next(v for v in self.plan().verdicts if (v.code, v.subject) == (code, subject))
        assert choice in (held.choices or names_of(code)), f"{choice} is not offered"
        what = held.about if held.about is not None else held.want
        about = digest(what) if what is not None else ""
        self.decisions.append(
            Decision(held.step, subject, code, choice, "a reason", "tester", self.now, about)
        )
        self.row = replace(self.row, wake_seq=self.row.wake_seq + 1)
        self.now += timedelta(seconds=1)
        return self.settle()

    def call_back(self) -> Plan:
        """ConnectWise told of a change: what was read is old."""
        old = datetime(1970, 1, 1, tzinfo=UTC)
        self.facts = {
            key: fact if fact.kind in KEPT_FACTS else replace(fact, seen_at=old)
            for key, fact in self.facts.items()
        }
        self.row = replace(self.row, wake_seq=self.row.wake_seq + 1)
        return self.settle()

    def settle(self, rounds: int = 300) -> Plan:
        """Drive the order until it rests, as a worker does, and keep its reasons."""
        for _ in range(rounds):
            plan = self.plan()
            if plan.run is not None:
                self._do(plan.run)
            elif plan.looks:
                for look in plan.looks:
                    self._look(look)
            else:
                self._rest(plan)
                return plan
        raise AssertionError(f"never rests: {[key for *key, _ in self.done[-5:]]}")

    def wait(self, **duration: float) -> Plan:
        """Let time pass, waking the order whenever it is due, as the sweep does."""
        end = self.now + timedelta(**duration)
        plan = self.settle()
        while plan.due_at is not None and plan.due_at <= end:
            assert plan.due_at > self.now, "due in the past"
            self.now = plan.due_at
            plan = self.settle()
        self.now = end
        return self.settle()

    # What can be asked ----------------------------------------------------------------------

    def view(self) -> OrderView:
        given = snapshot(
            self.documents,
            now=self.now,
            row=self.row,
            ledger=self.ledger.values(),
            refs=self.refs.values(),
            facts=self.facts.values(),
            decisions=self.decisions,
        )
        settings = {**SETTINGS, **self.scenario.defaults, **self.settings}
        return build(given, settings, (use.name for use in self.scenario.steps))

    def plan(self) -> Plan:
        return decide(self.scenario, STEPS, self.view())

    def code(self, step: str, subject: str = ORDER) -> str | None:
        """The reason at which a step stands, None for none."""
        return next(v.code for v in self.plan().verdicts if (v.step, v.subject) == (step, subject))

    def wants(self) -> dict[Key, Any]:
        """What is true over there, by step and subject."""
        return {key: row.want for key, row in self.ledger.items() if row.want is not None}

    def steps_done(self) -> list[str]:
        return [step for step, _, _ in self.done]

    # How it works ---------------------------------------------------------------------------

    def _do(self, run: Verdict) -> None:
        assert run.want is not None
        row = self.ledger.get((run.step, run.subject)) or LedgerRow(
            run.step, run.subject, State.RUNNING
        )
        base = replace(row, attempts=row.attempts + 1, started_at=self.now)
        try:
            self._apply(run.step, run.subject, run.want)
        except Hold as hold:
            self.ledger[run.step, run.subject] = stopped(self.view(), base, hold, self.now)
            return
        want = as_kept(run.want)
        self.done.append((run.step, run.subject, want))
        self.ledger[run.step, run.subject] = replace(
            base,
            state=State.DONE,
            want=want,
            applied_at=self.now,
            code=None,
            sentence=None,
            since=self.now,
            retry_at=None,
            retry_wake=None,
        )
        again = STEPS[run.step].want(self.view(), run.subject)
        assert same(want, again), f"{run.step} wants another thing once it is done"

    def _apply(self, step: str, subject: str, want: Mapping[str, Any]) -> None:
        if want.get("cancelled") and step == "create_products":
            self._see("cancelled_products", {"cancelled": {"1": "SKU-301"}, "left": self.left()})
        elif step == "raise_ticket":
            self._learn("ticket", "", want["ticket"] or 600)
        elif step == "create_products":
            self._place(want)
        elif step == "create_sales_order":
            self._learn("sales_order", "", 70)
            self._look("invoicing")
        elif step == "sync_purchase_order":
            self._refuse_invoiced(subject)
            self._sync(subject, want)
        elif step == "receive_purchase_order":
            purchase_order = f"po:{want['purchase_order']}"
            linked = ("link_demand", purchase_order) in self.wants() or self.view().stock
            assert linked, "received before it was linked"
            if not want.get("closed"):
                self._refuse_invoiced(subject)
        elif step in ("ship_goods", "release_invoice"):
            assert self.view().parent is not None, f"{step} before the sales order stands"
            if want.get("released") is False:
                self._look("invoicing")
                if self.on.keys() - accepted_unlinked(self.view()):
                    raise Hold(Code.PO_AFTER_INVOICE, "invoiced already")

    def _place(self, want: Mapping[str, Any]) -> None:
        if "ticket" in want:
            assert want["ticket"] == self.view().ref("ticket"), "no ticket to put products on"
        else:
            self._learn("opportunity", "", want["opportunity"] or 500)
        for index, line in enumerate(want["lines"]):
            self._learn("product", str(line["key"]), 9000 + index)

    def _refuse_invoiced(self, subject: str) -> None:
        """As the steps do before each link and receipt (B1.12)."""
        self._look("invoicing")
        gate = order_not_invoiced if subject.startswith("po:") else receipt_not_invoiced
        if shut := gate(self.view(), subject, self.now):
            raise Hold(shut.code, shut.sentence)

    def left(self) -> dict[str, str]:
        """Products that cannot be taken back."""
        ordered = [key for kind, key in self.refs if kind == "purchase_order"]
        return {"SKU-301": "on a purchase order"} if ordered or self.on else {}

    def _sync(self, subject: str, want: Mapping[str, Any]) -> None:
        view = self.view()
        sold = view.products_stand or view.sells_nothing or view.stock
        assert sold, "ordered before it was sold"
        if want.get("cancelled") and "how" not in want:
            raise Hold(Code.PURCHASE_ORDER_CANCELLED, "cancelled in Commerce")
        before = view.applied("sync_purchase_order", subject)
        decided = want.get("by_hand") or "stands" in want
        if before is not None and subject.startswith("po:") and "shares" in want and not decided:
            if not want.get("cancelled") and (found := frozen_change(view, want, before)):
                raise Hold(Code.CHANGED_AFTER_FREEZE, found[0])
            self._link_no_more_than_is_sold(subject, want)
        self._learn("purchase_order", str(want["purchase_order"]), want["purchase_order"] - 8000)

    def _link_no_more_than_is_sold(self, subject: str, want: Mapping[str, Any]) -> None:
        """B1.9: what stands linked on all purchase orders is never above the line."""
        view = self.view()
        linked: dict[str, int] = {}
        shares = list(want["shares"])
        for po in view.purchase_orders:
            if f"po:{po.id}" != subject:
                shares += standing.standing_shares(view, po.id)
        for share in shares:
            if share["line"] is not None:
                linked[share["line"]] = linked.get(share["line"], 0) + int(share["quantity"])
        sold = {str(line.id): line.quantity for line in view.sold_lines}
        over = {key for key, quantity in linked.items() if quantity > sold.get(key, 0)}
        frozen = {s["line"] for po in view.purchase_orders for s in standing.came(view, po.id)}
        assert over <= frozen, "linked above the open demand"

    def _learn(self, kind: str, key: str, external_id: int) -> None:
        self.refs[kind, key] = Ref(kind, key, str(external_id))

    def _see(self, kind: str, body: Mapping[str, Any]) -> None:
        self.facts[kind, ""] = Fact(kind, "", body, self.now)

    def _look(self, look: str) -> None:
        products = [
            psa.Product(
                9000,
                5,
                "SKU",
                Decimal(line.quantity),
                Decimal(0),
                Decimal(0),
                self.view().xref(str(line.id)),
                invoice_id=self.on.get(str(line.id)),
            )
            for line in self.view().sold_lines
        ]
        bodies: dict[str, Json] = {
            "conversion": {"sales_orders": [70] if self.converted else []},
            "shipping": {"shipped": dict(self.shipped)},
            "invoicing": noted(self.view(), products, whole=True),
        }
        self._see(look, bodies[look])

    def _rest(self, plan: Plan) -> None:
        writes = WriteSet(self.row.id, "token")
        note_verdicts(self.view(), plan, writes)
        for row in writes.ledger:
            self.ledger[row.step, row.subject] = row
        answer = plan.answer
        self.row = replace(
            self.row,
            state=answer.state,
            code=answer.code,
            sentence=answer.sentence,
            since=answer.since,
            due_at=plan.due_at,
        )


# --- telling stories ------------------------------------------------------------------------------

DONE = (State.DONE, Code.RELEASED)
INVOICED = (State.DONE, Code.INVOICED)
WAITS = (State.WAITING, Code.GOODS_NOT_RECEIVED)


def world(*events: Json, **settings: Any) -> World:
    """An order of whom these events came in, under these settings."""
    made = World(settings)
    made.deliver(*events)
    return made


def stands(plan: Plan) -> tuple[State, Code | None]:
    return plan.answer.state, plan.answer.code


def whole(po: Json | None = None, **more: Any) -> Json:
    """Everything of a purchase order received at once."""
    po = po or purchase_order()
    quantities = {line["id"]: line["quantity"] for line in po["lines"] if line["quantity"]}
    return came(po, f"R-{po['id']}", quantities, **more)[1]
