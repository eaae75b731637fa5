"""An order played on in thought: what would be done, and what has to happen for it to go on.

Owns a pure stand-in for the world: every write works at once, and where asked for, every reason to
wait goes away the way it would. The decisions are those of `decide`, so a preview, "what would make
it invoiceable" and "what if" cannot disagree with the worker. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.domain import ledger_orders
from app.domain.codes import Code, State, Who
from app.domain.decide import Plan, StepRule, Verdict, decide
from app.domain.foretold import Foretelling, Remembered, nothing_told
from app.domain.gates import GATES
from app.domain.gates_of_invoice import not_ordered
from app.domain.json_values import canonical
from app.domain.openings import awaited, follows, of, opened
from app.domain.order import OrderView, build
from app.domain.reasons import CODES
from app.domain.records import Answer, Fact, LedgerRow, Ref, Snapshot
from app.domain.scenario import Scenario

MOST_ROUNDS = 600
# How much is thought at most to find a smaller set: rounds, each counted once for every line. An
# order of a few lines never comes near it; for hundreds a round takes a tenth of a second.
MOST_THOUGHT = 10_000
# The step behind which the goods may be invoiced, by whoever makes the invoice (G9).
INVOICING = ("release_invoice", "post_invoice")
_OPEN = (State.WAITING, State.HELD, State.PARKED)
_ENDED = (State.DONE, State.SKIPPED, State.NOT_NEEDED)

Key = tuple[str, str, Code | None]


@dataclass(frozen=True, slots=True)
class Move:
    """A step that would be done, with its remote writes and reads as sentences. `perhaps`: calls
    that depend on what is found there."""

    step: str
    subject: str
    writes: tuple[str, ...]
    reads: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """A thing that has to happen. `at`: when it is so by itself, if nobody does anything."""

    step: str
    subject: str
    code: Code
    sentence: str
    who: Who
    remedy: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """How it would go. `reached`: the goal stands at its end. `answer`: where the order rests."""

    moves: tuple[Move, ...]
    needs: tuple[Need, ...]
    answer: Answer
    reached: bool


@dataclass(frozen=True, slots=True)
class Premises:
    """What a course starts from. `settings`: as `order.build` takes them, the scenario's in it."""

    scenario: Scenario
    steps: Mapping[str, StepRule]
    settings: Mapping[str, Any]
    snapshot: Snapshot
    foretold: Foretelling = nothing_told


def afresh(snapshot: Snapshot, pin: tuple[str, int, Mapping[str, Any]]) -> Snapshot:
    """The order as if its documents came in just now, under this scenario and behaviour."""
    name, version, behaviour = pin
    row = replace(
        snapshot.order,
        scenario=name,
        scenario_version=version,
        behaviour=dict(behaviour),
        held_by=None,
    )
    seen = Fact("sales_order_seen", "", {}, snapshot.now)
    return replace(snapshot, order=row, ledger=(), intents=(), refs=(), facts=(seen,), decisions=())


def play(premises: Premises) -> Course:
    """What the service would do with what is known now, until the order rests."""
    return _Thought(premises, opens=False).run()


def towards_invoice(premises: Premises) -> Course:
    """The smallest set of things without which the order is not invoiceable: each was left out in
    turn, and the rest did not suffice. `reached` False: the course ends before, at the last need.
    Of an order with so many lines that this takes more than MOST_THOUGHT, it may hold more."""
    thought = _Thought(premises, opens=True)
    course, spent = thought.run(), thought.weight
    if not course.reached:
        return course
    left, tried, smallest = set[Key](), set[Key](), course
    # Without one thing another may come up for the same cause: that is tried as well.
    while spent <= MOST_THOUGHT:
        key = next((one for one in map(_key_of, course.needs) if one not in tried), None)
        if key is None:
            break
        tried.add(key)
        thought = _Thought(premises, opens=True, shut=left | {key})
        without, spent = thought.run(), spent + thought.weight
        if without.reached:
            left.add(key)
            course = without
            smallest = min(smallest, course, key=lambda one: len(one.needs))  # the first of them
    return smallest


def _key_of(need: Need) -> Key:
    return need.step, need.subject, need.code


class _Thought:
    """One course in the making."""

    def __init__(self, premises: Premises, *, opens: bool, shut: Collection[Key] = ()) -> None:
        self._steps = premises.steps
        self._scenario = premises.scenario
        self._settings = dict(premises.settings)
        self._foretold, self._remembered = premises.foretold, Remembered()
        self._snapshot = premises.snapshot
        self._opens = opens
        self._shut = shut
        self._ledger = {(row.step, row.subject): row for row in premises.snapshot.ledger}
        self._refs = {(ref.kind, ref.key): ref for ref in premises.snapshot.refs}
        self._facts = {(fact.kind, fact.key): fact for fact in premises.snapshot.facts}
        self._opened: dict[Key, int] = {}
        self._seen_to = set[tuple[str, str, Code | None, str | None]]()  # and said again: no help
        self._imagined: set[str] = set()  # purchase orders received in thought
        self._moves: list[Move] = []
        self._needs: list[Need] = []
        self._next_id = 0
        self.weight = 0  # how much was thought: see MOST_THOUGHT

    def run(self) -> Course:
        rounds = 0
        while True:
            rounds += 1
            view = self._view()
            plan = decide(self._scenario, self._steps, view)
            self.weight += max(len(view.sold_lines), 1)
            if rounds > MOST_ROUNDS:
                return self._course(plan, reached=False)
            if self._opens and self._reached(plan):
                return self._course(plan, reached=True)
            if plan.run is not None:
                self._do(view, plan.run)
            elif plan.looks:
                for look in plan.looks:
                    self._look(look)
            elif not self._opens or not self._open_next(view, plan):
                return self._course(plan, reached=self._reached(plan))

    def _given(self) -> Snapshot:
        return replace(
            self._snapshot,
            ledger=tuple(self._ledger.values()),
            refs=tuple(self._refs.values()),
            facts=tuple(self._facts.values()),
        )

    def _view(self) -> OrderView:
        return build(self._given(), self._settings, (use.name for use in self._scenario.steps))

    def _course(self, plan: Plan, *, reached: bool) -> Course:
        return Course(tuple(self._moves), tuple(self._needs), plan.answer, reached)

    def _reached(self, plan: Plan) -> bool:
        """Whether everything of the invoice stands; a step before it may be left for a person."""
        goal = [verdict for verdict in plan.verdicts if verdict.step in INVOICING]
        return bool(goal) and all(verdict.state in _ENDED for verdict in goal)

    # What the service does ------------------------------------------------------------------

    def _do(self, view: OrderView, run: Verdict) -> None:
        want = run.want or {}
        writes = tuple(self._steps[run.step].preview(view, want))
        told = self._foretold(run.step, view, want)
        reads = self._remembered.asked(told)
        self._moves.append(Move(run.step, view.label(run.subject), writes, reads, told.perhaps))
        for kind, key in _records(run.step, run.subject, want):
            self._next_id -= 1  # an id that no record has
            self._refs.setdefault((kind, key), Ref(kind, key, str(self._next_id)))
        row = self._ledger.get((run.step, run.subject)) or LedgerRow(
            run.step, run.subject, State.RUNNING
        )
        now, place = self._snapshot.now, (run.step, run.subject)
        open_ones = [i for i in self._snapshot.intents if i.outcome or (i.step, i.subject) != place]
        self._snapshot = replace(self._snapshot, intents=tuple(open_ones))  # no doubt is left
        self._ledger[place] = replace(
            row,
            state=State.DONE,
            want=canonical(want),
            want_version=getattr(self._steps[run.step], "version", 1),
            applied_at=now,
            attempts=row.attempts + 1,
            code=None,
            sentence=None,
            since=now,
            retry_at=None,
            retry_wake=None,
        )

    def _look(self, look: str) -> None:
        """What is read shows nothing new."""
        before = self._facts.get((look, ""))
        body = dict(before.body) if before is not None else {}
        self._facts[look, ""] = Fact(look, "", body, self._snapshot.now)

    # What others do -------------------------------------------------------------------------

    def _open_next(self, view: OrderView, plan: Plan) -> bool:
        """Let the first reason go away that may; False: there is none."""
        if view.row.held_by is not None:
            return self._let_go(plan.answer)
        every = [one for one in plan.verdicts if one.state in _OPEN and one.code is not None]
        causes = [one for one in every if not follows(one) and _place(view, one) not in self._shut]
        # A reason that only follows from another has to do where no other is known, and never
        # instead of one that is left out.
        rest = [one for one in every if one.code is not Code.EARLIER_STEP] if not self._shut else []
        verdict = next(iter(causes or rest), None)
        if verdict is None:
            return False
        key = _place(view, verdict)
        times = self._opened[key] = self._opened.get(key, 0) + 1
        if verdict.code is Code.RECEIPT_GAP and of(verdict.subject) in self._imagined:
            pass  # the papers come with the goods
        elif (need := _need(view, verdict)).sentence not in {one.sentence for one in self._needs}:
            self._needs.append(need)  # what is said in the same words elsewhere is the same thing
        if verdict.code is Code.SALES_ORDER_UNKNOWN:
            return False  # nobody knows what it will say
        self._open(view, verdict, again=times > 1)
        return times <= len(view.purchase_orders) + len(view.sold_lines) + 3

    def _let_go(self, answer: Answer) -> bool:
        self._snapshot = replace(self._snapshot, order=replace(self._snapshot.order, held_by=None))
        if self._reached(decide(self._scenario, self._steps, self._view())):
            return True  # it was held after its release: that keeps no invoice back
        code = Code.HELD_BY_PERSON
        remedy = CODES[code].remedy
        need = Need("", self._snapshot.order.name, code, answer.sentence, answer.who, remedy)
        self._needs.append(need)
        return True

    def _open(self, view: OrderView, verdict: Verdict, *, again: bool) -> None:
        if verdict.code is Code.GOODS_NOT_RECEIVED and (po := awaited(view, verdict.subject)):
            self._imagined.add(str(po.id))
        if verdict.code is Code.LINE_NOT_ORDERED:
            self._name_each(view, verdict)
        said = *_place(view, verdict), verdict.sentence
        after = opened(view, verdict, self._given()) if said not in self._seen_to else None
        self._seen_to.add(said)
        if after is not None:
            self._snapshot = after
            self._facts = {(fact.kind, fact.key): fact for fact in after.facts}
        elif verdict.who is Who.NOBODY and verdict.until is not None and not again:
            self._begin(verdict)
            self._pass_time(max(verdict.until, self._snapshot.now) + timedelta(seconds=1))
        else:
            self._step_aside(view, verdict, again=again)

    def _begin(self, verdict: Verdict) -> None:
        """A wait is counted from when it began, as the worker keeps it."""
        place = verdict.step, verdict.subject
        row = self._ledger.get(place) or LedgerRow(*place, State.WAITING)
        if row.code is not verdict.code and row.state is State.WAITING:
            self._ledger[place] = replace(row, code=verdict.code, since=verdict.since)

    def _pass_time(self, later: datetime) -> None:
        """What a person has to see to is tried again meanwhile, and stops again."""
        passed = later - self._snapshot.now
        self._snapshot = replace(self._snapshot, now=later)
        for place, row in self._ledger.items():
            if row.state in (State.HELD, State.PARKED) and row.retry_at is not None:
                self._ledger[place] = replace(row, retry_at=row.retry_at + passed)

    def _name_each(self, view: OrderView, verdict: Verdict) -> None:
        """The gate tells of the first line that is on no purchase order; each of the others is a
        need as well."""
        told = not_ordered(view)
        if verdict.sentence in told:
            more = [one for one in told if one != verdict.sentence]
            self._needs += [_need(view, replace(verdict, sentence=one)) for one in more]

    def _step_aside(self, view: OrderView, verdict: Verdict, *, again: bool) -> None:
        """An attempt that stopped works now; a gate that was shut lets through; else the step is
        left to a person."""
        place = verdict.step, verdict.subject
        row = self._ledger.get(place) or LedgerRow(*place, State.RUNNING)
        stopped = row.retry_at is not None or row.retry_wake is not None
        if (stopped or row.state is State.PARKED) and not again:
            self._ledger[place] = replace(
                row, state=State.RUNNING, code=None, retry_at=None, retry_wake=None
            )
        elif gate := self._gate(view, verdict):
            self._scenario = _without(self._scenario, verdict.step, gate)
        else:
            self._ledger[place] = replace(row, state=State.SKIPPED, sentence="Left to a person.")

    def _gate(self, view: OrderView, verdict: Verdict) -> str | None:
        """Which gate of the step says this reason; None: another part of it does."""
        use = next((one for one in self._scenario.steps if one.name == verdict.step), None)
        for name in use.gates if use is not None else ():
            shut = GATES[name](view, verdict.subject, verdict.since or view.now)
            if shut is not None and shut.code is verdict.code:
                return name
        return None


def _place(view: OrderView, verdict: Verdict) -> Key:
    return verdict.step, view.label(verdict.subject), verdict.code


def _need(view: OrderView, verdict: Verdict) -> Need:
    assert verdict.code is not None  # noqa: S101 - only verdicts with a reason come here
    # Asked again and again is not over then.
    asked_again = verdict.code is Code.SHARED_NOT_READY
    by_itself = verdict.who is Who.NOBODY and verdict.until is not None and not asked_again
    remedy = CODES[verdict.code].remedy
    if verdict.code is Code.LINE_NOT_ORDERED:
        remedy = f"{remedy} What is ordered for it has to be received as well."
    return Need(
        verdict.step,
        view.label(verdict.subject),
        verdict.code,
        verdict.sentence or CODES[verdict.code].meaning,
        verdict.who or CODES[verdict.code].who,
        remedy,
        verdict.until if by_itself else None,
    )


def _without(scenario: Scenario, step: str, gate: str) -> Scenario:
    uses = tuple(
        replace(use, gates=tuple(name for name in use.gates if name != gate))
        if use.name == step
        else use
        for use in scenario.steps
    )
    return replace(scenario, steps=uses)


def _records(step: str, subject: str, want: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The records that a step would have made, as references name them."""
    if step == "create_products":
        own = [("product", str(line["key"])) for line in want.get("lines", ())]
        return own if "ticket" in want else [("opportunity", ""), *own]
    if step == "sync_purchase_order":
        return [("purchase_order", str(want["purchase_order"]))]
    return {
        "raise_ticket": [("ticket", "")],
        "create_sales_order": [("sales_order", "")],
        ledger_orders.STEP: [(ledger_orders.REF, subject)],
        "post_bill": [("bill", subject)],
        "post_invoice": [("ledger_invoice", subject)],
    }.get(step, [])
